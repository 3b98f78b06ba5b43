/**
 * Gestures: what fingers, a mouse and keys mean on the map. It owns the pointers that are down; it
 * moves the map's view, and tells of taps and of what is pointed at.
 */
import { pinch } from "./view.js";

/** @typedef {import("./map.js").SeatMap} SeatMap */
/** @typedef {object} Told
 *  @property {(seat:number) => void} onseat a seat was chosen
 *  @property {(area:number) => void} onarea
 *  @property {(seat:number, area:number, x:number, y:number) => void} onpoint what is under the
 *    pointer or the keys now (-1: nothing), and where on the canvas
 */

/** A finger that moved less is a tap. */
const TAP_PX = 8;
/** How far beside a seat still counts. */
const REACH_PX = { mouse: 2, touch: 14 };
/** Where seats are smaller on the screen, a tap brings them nearer instead of choosing one by luck. */
const CHOOSE_FROM_PX = { mouse: 5, touch: 12 };
/** Steps of the keys. */
const KEY_PAN_PX = 80;
const KEY_ZOOM = 1.4;

/** @param {SeatMap} map @param {Told} told */
export function listen(map, { onseat, onarea, onpoint }) {
  const { canvas } = map;
  /** @type {Map<number, [number, number]>} */
  const fingers = new Map();
  let tapping = false;
  /** @type {[number, number]} */
  let started = [0, 0];

  /** @param {MouseEvent} event @returns {[number, number]} */
  const place = (event) => {
    const { left, top } = canvas.getBoundingClientRect();
    return [event.clientX - left, event.clientY - top];
  };

  /** @param {number} x @param {number} y @param {"mouse" | "touch"} kind */
  const point = (x, y, kind) => {
    const seat = map.seat_px() >= CHOOSE_FROM_PX[kind] ? map.seat_at(x, y, REACH_PX[kind]) : -1;
    const area = seat < 0 ? map.area_at(x, y) : -1;
    if (seat !== map.hover) {
      map.hover = seat;
      map.draw();
    }
    canvas.classList.toggle("pointing", seat >= 0 || area >= 0);
    onpoint(seat, area, x, y);
    return { seat, area };
  };

  /** @param {number} x @param {number} y @param {"mouse" | "touch"} kind */
  const tap = (x, y, kind) => {
    const { seat, area } = point(x, y, kind);
    if (seat >= 0) {
      onseat(seat);
      onpoint(seat, -1, x, y); // what it is to the buyer is different now
    } else if (area >= 0) onarea(area);
    else if (map.seat_px() < CHOOSE_FROM_PX[kind])
      map.zoom(Math.max(2.2, (CHOOSE_FROM_PX[kind] + 6) / map.seat_px()), x, y);
  };

  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    if (event.isPrimary) fingers.clear(); // one whose end was never told would make every tap a pinch
    fingers.set(event.pointerId, place(event));
    canvas.setPointerCapture(event.pointerId);
    tapping = fingers.size === 1;
    started = place(event);
  });

  canvas.addEventListener("pointermove", (event) => {
    const at = place(event);
    const before = fingers.get(event.pointerId);
    if (!before) {
      if (event.pointerType === "mouse") point(...at, "mouse");
      return;
    }
    if (tapping && Math.hypot(at[0] - started[0], at[1] - started[1]) < TAP_PX) return;
    tapping = false;
    const was = [...fingers.values()];
    fingers.set(event.pointerId, at);
    if (fingers.size === 1) map.pan(at[0] - before[0], at[1] - before[1]);
    else if (fingers.size === 2) map.look(pinch(map.view, was, [...fingers.values()]));
    onpoint(-1, -1, ...at);
  });

  /** @param {PointerEvent} event */
  const up = (event) => {
    if (!fingers.delete(event.pointerId)) return;
    if (tapping && event.type === "pointerup")
      tap(...place(event), event.pointerType === "mouse" ? "mouse" : "touch");
    tapping = false;
  };
  canvas.addEventListener("pointerup", up);
  canvas.addEventListener("pointercancel", up);
  canvas.addEventListener("pointerleave", (event) => {
    if (event.pointerType !== "mouse") return;
    map.hover = -1;
    map.draw();
    onpoint(-1, -1, 0, 0);
  });

  canvas.addEventListener(
    "wheel",
    (event) => {
      event.preventDefault();
      const lines = event.deltaMode === 1 ? 16 : 1;
      // A trackpad's pinch arrives as a wheel with the control key, in much smaller steps.
      const speed = event.ctrlKey ? 0.01 : 0.0016;
      map.zoom(Math.exp(-Math.max(Math.min(event.deltaY * lines, 300), -300) * speed), ...place(event));
      point(...place(event), "mouse");
    },
    { passive: false },
  );

  canvas.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const step = KEYS.get(event.key);
    if (!step) return;
    event.preventDefault();
    step(map);
  });
}

/** @type {Map<string, (map:SeatMap) => void>} */
const KEYS = new Map([
  ["+", (map) => map.zoom(KEY_ZOOM)],
  ["=", (map) => map.zoom(KEY_ZOOM)],
  ["-", (map) => map.zoom(1 / KEY_ZOOM)],
  ["0", (map) => map.whole()],
  ["ArrowLeft", (map) => map.pan(KEY_PAN_PX, 0)],
  ["ArrowRight", (map) => map.pan(-KEY_PAN_PX, 0)],
  ["ArrowUp", (map) => map.pan(0, KEY_PAN_PX)],
  ["ArrowDown", (map) => map.pan(0, -KEY_PAN_PX)],
]);
