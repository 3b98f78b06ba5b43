/**
 * Signs: the legend above the plan, and the small label beside the pointer.
 */
import { lifted } from "./colours.js";
import { by_id, make } from "./elements.js";
import { seat_shape, tick } from "./paint.js";
import { MARK_WORDS, money_words, STATE_WORDS } from "./sentences.js";
import { AVAILABLE, BLOCKED, HELD, SOLD } from "./usher.js";

/** @typedef {import("./plan.js").Plan} Plan */

/** A sign's side in CSS pixels. */
const SIGN_PX = 16;

/** Prices by category, then the signs of what cannot be had. @param {Plan} plan
 *  @param {string} currency */
export function draw_legend(plan, currency) {
  const legend = by_id("legend", HTMLElement);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const draw = () => {
    const style = getComputedStyle(legend);
    /** @param {string} name */
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    const lift = Number(colour("lift")) || 0;
    legend.replaceChildren(
      ...plan.layout.categories.map(({ name, color, price }) =>
        make(
          "li",
          {},
          sign(AVAILABLE, lifted(color, lift)),
          `${name} `,
          make("b", {}, money_words({ amount: price, currency })),
        ),
      ),
      make("li", {}, sign(HELD, colour("seat-held")), "Held"),
      make("li", {}, sign(SOLD, colour("seat-sold")), "Sold"),
      make("li", {}, sign(BLOCKED, colour("seat-blocked")), "Not for sale"),
      make("li", {}, sign(AVAILABLE, colour("own"), colour("own-ink")), "Yours"),
    );
  };
  dark.addEventListener("change", draw);
  draw();
}

/** @param {number} state @param {string} colour @param {string} [ticked] the tick's colour */
function sign(state, colour, ticked) {
  const dpr = Math.min(globalThis.devicePixelRatio || 1, 3);
  const canvas = make("canvas", {
    class: "sign",
    width: SIGN_PX * dpr,
    height: SIGN_PX * dpr,
    "aria-hidden": "true",
  });
  const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  ctx.fillStyle = colour;
  ctx.strokeStyle = colour;
  seat_shape(ctx, state, (SIGN_PX * dpr) / 2, (SIGN_PX * dpr) / 2, SIGN_PX * dpr * 0.86);
  if (ticked) {
    ctx.strokeStyle = ticked;
    tick(ctx, (SIGN_PX * dpr) / 2, (SIGN_PX * dpr) / 2, SIGN_PX * dpr * 0.86);
  }
  return canvas;
}

/**
 * The label beside the pointer: which seat, how much, and whether it can be had.
 *
 * @param {Plan} plan @param {string} currency @param {import("./map.js").SeatMap} map
 * @param {import("./usher.js").UsherClient} client
 * @param {{seat:number, area:number, x:number, y:number}} at
 */
export function show_hint(plan, currency, map, client, { seat, area, x, y }) {
  const hint = by_id("hint", HTMLElement);
  hint.hidden = seat < 0 && area < 0;
  if (hint.hidden) return;
  if (seat >= 0) {
    const price = money_words({ amount: plan.price(seat), currency });
    const state = client.mirror?.seats[seat] ?? BLOCKED;
    const mark = map.marks.get(seat);
    const words = mark ? MARK_WORDS[mark] : state === AVAILABLE ? price : STATE_WORDS[state];
    hint.replaceChildren(make("b", {}, plan.label(seat)), ` ${words}${mark ? `, ${price}` : ""}`);
  } else {
    const { name, category } = plan.layout.areas[area];
    const price = money_words({ amount: plan.layout.categories[category]?.price ?? 0, currency });
    hint.replaceChildren(
      make("b", {}, `${name}, standing`),
      ` ${price}, ${map.left[area].toLocaleString()} places left`,
    );
  }
  const { width, height } = hint.getBoundingClientRect();
  const left = Math.min(Math.max(x - width / 2, 6), Math.max(map.screen.width - width - 6, 6));
  const above = y - height - 18;
  hint.style.transform = `translate(${left}px, ${above < 6 ? y + 22 : above}px)`;
}
