/**
 * Colours: a plan's own, which may be written in any way CSS allows, made fit for this page.
 */

/** A canvas reads every CSS colour and gives it back as "#rrggbb" (or "rgba(…)", if it is not full).
 *  @type {CanvasRenderingContext2D | null | undefined} */
let reader;

/** @param {string} color @returns {[red:number, green:number, blue:number] | null} */
function parts(color) {
  let hex = color;
  if (!/^#[0-9a-f]{6}$/i.test(hex) && globalThis.document) {
    reader ??= document.createElement("canvas").getContext("2d");
    if (reader) reader.fillStyle = color;
    hex = String(reader?.fillStyle);
  }
  if (!/^#[0-9a-f]{6}$/i.test(hex)) return null;
  const value = Number.parseInt(hex.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}

/** A colour with white mixed in; one that is not full is left as it is. @param {string} color
 *  @param {number} lift from 0 to 1 */
export function lifted(color, lift) {
  const read = lift === 0 ? null : parts(color);
  if (!read) return color;
  const mixed = read.map((part) => Math.round(part + (255 - part) * lift));
  return `#${mixed.map((part) => part.toString(16).padStart(2, "0")).join("")}`;
}

/** Black or white, whichever is read more easily on a colour (WCAG's relative luminance; both have
 *  the same contrast at 0.179). @param {string} color */
export function ink_on(color) {
  const [red, green, blue] = (parts(color) ?? [0, 0, 0])
    .map((part) => part / 255)
    .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? "#000000" : "#ffffff";
}
