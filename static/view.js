/**
 * The view: which part of the plan is on the screen, and how large. Pure arithmetic: a view comes
 * in, another goes out. Screen coordinates are CSS pixels of the canvas.
 */

/** A point of the plan (px, py) is at (px * scale + x, py * scale + y) on the screen.
 *  @typedef {{scale:number, x:number, y:number}} View */
/** @typedef {{x:number, y:number, width:number, height:number}} Box */
/** @typedef {{width:number, height:number}} Size */

/** The view that shows the whole box in the middle. @param {Box} box @param {Size} screen
 *  @returns {View} */
export function fit(box, screen) {
  const scale = Math.min(screen.width / box.width, screen.height / box.height);
  return {
    scale,
    x: (screen.width - box.width * scale) / 2 - box.x * scale,
    y: (screen.height - box.height * scale) / 2 - box.y * scale,
  };
}

/** @param {View} view @param {number} x @param {number} y @returns {[x:number, y:number]} */
export function to_screen(view, x, y) {
  return [x * view.scale + view.x, y * view.scale + view.y];
}

/** @param {View} view @param {number} x @param {number} y @returns {[x:number, y:number]} */
export function to_plan(view, x, y) {
  return [(x - view.x) / view.scale, (y - view.y) / view.scale];
}

/** @param {View} view @param {number} dx @param {number} dy @returns {View} */
export function pan(view, dx, dy) {
  return { scale: view.scale, x: view.x + dx, y: view.y + dy };
}

/** Larger or smaller by `factor`; what is under (x, y) stays there. @param {View} view
 *  @param {number} factor @param {number} x @param {number} y @returns {View} */
export function zoom(view, factor, x, y) {
  return { scale: view.scale * factor, x: x - (x - view.x) * factor, y: y - (y - view.y) * factor };
}

/** The view of two fingers that moved: what was between them is between them again. A finger is
 *  [x, y]. @param {View} view @param {[number, number][]} before @param {[number, number][]} after */
export function pinch(view, before, after) {
  /** @param {[number, number][]} fingers */
  const middle = ([a, b]) => [(a[0] + b[0]) / 2, (a[1] + b[1]) / 2];
  /** @param {[number, number][]} fingers */
  const spread = ([a, b]) => Math.max(Math.hypot(a[0] - b[0], a[1] - b[1]), 1);
  const [from, to] = [middle(before), middle(after)];
  return zoom(pan(view, to[0] - from[0], to[1] - from[1]), spread(after) / spread(before), to[0], to[1]);
}

/**
 * Keeps a view sensible: not smaller than the whole plan, not so large that a seat fills the
 * screen, and the plan never pushed out of sight. A scale that is out of bounds is brought back
 * about the screen's middle.
 *
 * @param {View} view @param {Box} box @param {Size} screen
 * @param {number} scale_most
 * @returns {View}
 */
export function clamp(view, box, screen, scale_most) {
  const whole = fit(box, screen);
  const most = Math.max(scale_most, whole.scale);
  const scale = Math.min(Math.max(view.scale, whole.scale), most);
  const kept =
    scale === view.scale ? view : zoom(view, scale / view.scale, screen.width / 2, screen.height / 2);
  return {
    scale,
    x: clamp_side(kept.x, box.x * scale, box.width * scale, screen.width),
    y: clamp_side(kept.y, box.y * scale, box.height * scale, screen.height),
  };
}

/** Along one side: what fits is put in the middle; what does not, may be pushed until its edge is a
 *  quarter of the screen away from the screen's, less while it hardly overflows: so nothing jumps
 *  when it begins to fit. @param {number} offset @param {number} start
 *  @param {number} length @param {number} screen */
function clamp_side(offset, start, length, screen) {
  if (length <= screen) return (screen - length) / 2 - start;
  const air = Math.min(screen / 4, length - screen);
  return Math.min(Math.max(offset, screen - air - start - length), air - start);
}

/** The part of the plan on the screen. @param {View} view @param {Size} screen @returns {Box} */
export function visible(view, screen) {
  const [x, y] = to_plan(view, 0, 0);
  return { x, y, width: screen.width / view.scale, height: screen.height / view.scale };
}
