/**
 * The map: the plan on a canvas. It owns the canvas, the view and the frames; it draws tiles (see
 * `tiles.js`) and, on top of them, the few things that change by the moment: the buyer's own seats,
 * the seat under the pointer, how many places an area has left. It asks nobody for anything: states
 * and marks are handed in, taps are handed out.
 *
 * Two levels of tiles are kept: the whole plan small, so that something is always there, and the
 * plan at the present scale, painted piece by piece within each frame's time. Moving is copying.
 */
import { inside } from "./plan.js";
import { seat_shape, SEAT_SHARE, tick } from "./paint.js";
import { Tiles } from "./tiles.js";
import { AVAILABLE } from "./usher.js";
import * as views from "./view.js";

/** @typedef {import("./plan.js").Plan} Plan */
/** @typedef {import("./paint.js").Palette} Palette */
/** @typedef {import("./paint.js").Scene} Scene */
/** @typedef {import("./choice.js").Mark} Mark */

/** How much of a frame may go into painting tiles: what is left of 8 ms after the copying. */
const PAINT_MS = 4;
/** A new scale is painted sharply once it has stood for so long: fingers are rarely still sooner. */
const SETTLE_MS = 90;
/** The largest a seat is drawn, in CSS pixels. */
const SEAT_PX_MOST = 44;
/** How long a change by somebody else glows. */
const GLOW_MS = 900;
/** Changes glowing at once; in a rush the map itself is movement enough. */
const GLOWS_MAX = 120;

export class SeatMap {
  /** @type {views.View} */
  view = { scale: 1, x: 0, y: 0 };
  /** @type {views.Size} */
  screen = { width: 0, height: 0 };
  /** @type {Map<number, Mark>} */
  marks = new Map();
  /** @type {number} the seat under the pointer or the keys; -1 for none */
  hover = -1;
  /** Painting time of recent frames, in milliseconds: for whoever measures. @type {number[]} */
  frame_ms = [];

  /** @type {Tiles | null} the whole plan */ #base = null;
  /** @type {Tiles | null} the present scale */ #sharp = null;
  #dpr = 1;
  #frame = 0;
  #moved_at = 0;
  #fitted = true;
  /** @type {Map<number, number>} seat → when it changed */ #glows = new Map();
  #calm = matchMedia("(prefers-reduced-motion: reduce)");

  /** @param {HTMLCanvasElement} canvas @param {Plan} plan @param {Uint8Array} states */
  constructor(canvas, plan, states) {
    this.canvas = canvas;
    this.ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    /** @type {Scene} */
    this.scene = { plan, states, palette: read_palette(canvas), floor: new Set(plan.floors[0] ?? []) };
    /** @type {number[]} places left in each area */
    this.left = plan.layout.areas.map((area) => area.count);
    new ResizeObserver(() => this.#resize()).observe(canvas);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.repaint());
    this.#resize();
  }

  /** The states changed: all (null) or these. `glow`: somebody did it, not a fresh start.
   *  @param {Uint8Array} states @param {number[] | null} changed @param {boolean} glow */
  update(states, changed, glow) {
    this.scene.states = states;
    this.#base?.touch(changed);
    if (this.#sharp !== this.#base) this.#sharp?.touch(changed);
    if (glow && changed && changed.length < GLOWS_MAX && !this.#calm.matches) {
      for (const seat of changed) if (!this.marks.has(seat)) this.#glows.set(seat, performance.now());
    }
    this.left = this.scene.plan.layout.areas.map(({ first, count }) => {
      let free = 0;
      for (let i = first; i < first + count; i += 1) free += states[i] === AVAILABLE ? 1 : 0;
      return free;
    });
    this.draw();
  }

  /** @param {Map<number, Mark>} marks */
  mark(marks) {
    this.marks = marks;
    this.draw();
  }

  /** Shows one floor of a stacked house. @param {number} floor */
  show_floor(floor) {
    this.scene.floor = new Set(this.scene.plan.floors[floor]);
    this.hover = -1;
    this.repaint();
  }

  /** Colours or floors changed: everything is painted again. */
  repaint() {
    this.scene.palette = read_palette(this.canvas);
    this.#base?.touch(null);
    if (this.#sharp !== this.#base) this.#sharp?.touch(null);
    this.draw();
  }

  /** A seat's width on the screen, in CSS pixels. */
  seat_px() {
    return this.scene.plan.pitch * SEAT_SHARE * this.view.scale;
  }

  #scale_most() {
    return SEAT_PX_MOST / (this.scene.plan.pitch * SEAT_SHARE);
  }

  /** @param {views.View} view */
  look(view) {
    const { box } = this.scene.plan;
    const before = this.view;
    this.view = views.clamp(view, box, this.screen, this.#scale_most());
    this.#fitted = this.view.scale <= views.fit(box, this.screen).scale * 1.001;
    if (this.view.scale !== before.scale) this.#moved_at = performance.now();
    this.draw();
  }

  /** @param {number} dx @param {number} dy CSS pixels */
  pan(dx, dy) {
    this.look(views.pan(this.view, dx, dy));
  }

  /** About a point of the screen; its middle unless said. @param {number} factor @param {number} [x]
   *  @param {number} [y] */
  zoom(factor, x = this.screen.width / 2, y = this.screen.height / 2) {
    const least = views.fit(this.scene.plan.box, this.screen).scale;
    const scale = Math.min(Math.max(this.view.scale * factor, least), Math.max(this.#scale_most(), least));
    this.look(views.zoom(this.view, scale / this.view.scale, x, y));
  }

  /** The whole plan. */
  whole() {
    this.look(views.fit(this.scene.plan.box, this.screen));
  }

  /** Brings seats into the middle, large enough to be told apart. @param {number[]} seats */
  bring(seats) {
    const { plan } = this.scene;
    const drawn = seats.filter((seat) => seat < plan.in_rows);
    if (drawn.length === 0) return;
    const scale = Math.max(this.view.scale, Math.min(this.#scale_most(), 20 / (plan.pitch * SEAT_SHARE)));
    const x = drawn.reduce((sum, seat) => sum + plan.x[seat], 0) / drawn.length;
    const y = drawn.reduce((sum, seat) => sum + plan.y[seat], 0) / drawn.length;
    this.look({ scale, x: this.screen.width / 2 - x * scale, y: this.screen.height / 2 - y * scale });
  }

  /** Where a seat is on the canvas. @param {number} seat */
  screen_of(seat) {
    return views.to_screen(this.view, this.scene.plan.x[seat], this.scene.plan.y[seat]);
  }

  /** The seat of the shown floor at a point of the canvas, or -1. @param {number} x
   *  @param {number} y @param {number} reach_px how far beside it still counts */
  seat_at(x, y, reach_px) {
    const [px, py] = views.to_plan(this.view, x, y);
    const { plan, floor } = this.scene;
    const reach = Math.max(plan.pitch * 0.5, reach_px / this.view.scale);
    return plan.grid.near(px, py, reach, [...floor]);
  }

  /** The standing area at a point of the canvas, or -1. @param {number} x @param {number} y */
  area_at(x, y) {
    const [px, py] = views.to_plan(this.view, x, y);
    return this.scene.plan.layout.areas.findIndex((area) => inside(area.shape, px, py));
  }

  #resize() {
    const { width, height } = this.canvas.getBoundingClientRect();
    if (width === 0 || height === 0) return;
    const dpr = Math.min(globalThis.devicePixelRatio || 1, 3);
    const same_scale = dpr === this.#dpr;
    this.#dpr = dpr;
    this.screen = { width, height };
    this.canvas.width = Math.round(width * dpr);
    this.canvas.height = Math.round(height * dpr);
    const whole = views.fit(this.scene.plan.box, this.screen);
    if (!this.#base || !same_scale || Math.abs(this.#base.scale - whole.scale) > whole.scale * 0.01) {
      this.#base = new Tiles(this.scene, whole.scale, dpr);
      this.#sharp = null;
    }
    this.look(this.#fitted ? whole : this.view);
    this.#paint(performance.now()); // at once: a resized canvas is blank
  }

  /** Asks for a frame. */
  draw() {
    if (this.#frame === 0)
      this.#frame = requestAnimationFrame((now) => {
        this.#frame = 0;
        this.#paint(now);
      });
  }

  /** @param {number} now */
  #paint(now) {
    const base = this.#base;
    if (!base) return;
    const begun = performance.now();
    const sharp = this.#choose_sharp(base, begun);
    // While the scale moves nothing new is painted but what is missing: it would be thrown away.
    const settled = sharp.scale === this.view.scale;
    let done = true;
    if (settled) done = sharp.work(this.view, this.screen, begun + PAINT_MS);
    if (done && base !== sharp) done = base.work(this.view, this.screen, begun + PAINT_MS);
    this.ctx.setTransform(1, 0, 0, 1, 0, 0);
    this.ctx.fillStyle = this.scene.palette.ground;
    this.ctx.fillRect(0, 0, this.canvas.width, this.canvas.height);
    if (base !== sharp && !(settled && sharp.covers(this.view, this.screen))) {
      this.ctx.imageSmoothingEnabled = true;
      base.draw(this.ctx, this.view, this.screen);
    }
    this.ctx.imageSmoothingEnabled = !settled;
    sharp.draw(this.ctx, this.view, this.screen);
    this.#paint_marks(now);
    this.#paint_areas();
    this.frame_ms.push(performance.now() - begun);
    if (this.frame_ms.length > 600) this.frame_ms.shift();
    if (!done || !settled || this.#glows.size > 0) this.draw();
  }

  /** @param {Tiles} base @param {number} now */
  #choose_sharp(base, now) {
    if (base.scale === this.view.scale) this.#sharp = base;
    else if (this.#sharp?.scale !== this.view.scale && now - this.#moved_at >= SETTLE_MS) {
      this.#sharp = new Tiles(this.scene, this.view.scale, this.#dpr);
    }
    return this.#sharp ?? base;
  }

  /** @param {number} now */
  #paint_marks(now) {
    const { ctx } = this;
    const { palette, plan, floor } = this.scene;
    ctx.setTransform(this.#dpr, 0, 0, this.#dpr, 0, 0);
    const size = this.seat_px();
    for (const [seat, at] of this.#glows) {
      const age = (now - at) / GLOW_MS;
      if (age >= 1) this.#glows.delete(seat);
      if (age >= 1 || seat >= plan.in_rows || !floor.has(plan.section(seat))) continue;
      const [x, y] = this.screen_of(seat);
      ctx.globalAlpha = Math.min(1 - age, 1);
      ctx.strokeStyle = palette.ink;
      ctx.lineWidth = 1.5;
      ctx.beginPath();
      ctx.arc(x, y, Math.max(size, 5) * (0.6 + Math.max(age, 0) * 0.7), 0, Math.PI * 2);
      ctx.stroke();
      ctx.globalAlpha = 1;
    }
    for (const [seat, mark] of this.marks) {
      if (seat < plan.in_rows && floor.has(plan.section(seat))) this.#paint_mark(seat, mark, size);
    }
    if (this.hover >= 0 && this.hover < plan.in_rows) {
      const [x, y] = this.screen_of(this.hover);
      const half = Math.max(size, 8) / 2 + 3;
      ctx.strokeStyle = palette.ink;
      ctx.lineWidth = 2;
      ctx.beginPath();
      ctx.roundRect(x - half, y - half, half * 2, half * 2, half * 0.6);
      ctx.stroke();
    }
  }

  /** Own seats: a ring of ground and a full shape with a tick; one that is given back is hollow,
   *  with a stroke through it. @param {number} seat @param {Mark} mark @param {number} size */
  #paint_mark(seat, mark, size) {
    const { ctx } = this;
    const { palette } = this.scene;
    const [x, y] = this.screen_of(seat);
    const wide = Math.max(size * 1.08, 9);
    ctx.fillStyle = palette.ground;
    seat_shape(ctx, AVAILABLE, x, y, wide + 4);
    ctx.fillStyle = mark === "leaving" ? palette.ground : mark === "bought" ? palette.ink : palette.own;
    seat_shape(ctx, AVAILABLE, x, y, wide);
    ctx.strokeStyle = mark === "leaving" ? palette.own : mark === "bought" ? palette.ground : palette.own_ink;
    ctx.lineWidth = Math.max(wide * 0.12, 1.5);
    ctx.lineCap = "round";
    ctx.lineJoin = "round";
    if (mark === "held" || mark === "bought") return tick(ctx, x, y, wide);
    ctx.beginPath();
    if (mark === "chosen") ctx.arc(x, y, wide * 0.14, 0, Math.PI * 2);
    else if (mark === "leaving") {
      ctx.moveTo(x - wide * 0.22, y);
      ctx.lineTo(x + wide * 0.22, y);
    }
    ctx.stroke();
  }

  #paint_areas() {
    const { ctx } = this;
    const { palette, plan } = this.scene;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    plan.layout.areas.forEach((area, index) => {
      const box = plan.area_boxes[index];
      const [x, y] = views.to_screen(this.view, box.x + box.width / 2, box.y + box.height / 2);
      // Words run along the longer side.
      const upright = box.height > box.width * 1.4;
      const [width, height] = upright ? [box.height, box.width] : [box.width, box.height];
      const room = width * this.view.scale - 6;
      const px = Math.min(room / 8, 20, height * this.view.scale * 0.36);
      if (px < 7) return;
      ctx.save();
      ctx.translate(x, y);
      if (upright) ctx.rotate(-Math.PI / 2);
      ctx.fillStyle = palette.ink;
      ctx.font = `650 ${px}px ${palette.font}`;
      ctx.fillText(area.name, 0, -px * 0.62, room);
      ctx.font = `450 ${px * 0.82}px ${palette.font}`;
      const left = this.left[index];
      ctx.fillText(left > 0 ? `${left.toLocaleString()} places left` : "full", 0, px * 0.62, room);
      ctx.restore();
    });
  }
}

/** The page's colours, as its style sheet has them now. @param {Element} element
 *  @returns {Palette} */
function read_palette(element) {
  const style = getComputedStyle(element);
  /** @param {string} name */
  const colour = (name) => style.getPropertyValue(`--${name}`).trim();
  return {
    ground: colour("ground"),
    lift: Number(colour("lift")) || 0,
    ink: colour("ink"),
    faint: colour("faint"),
    held: colour("seat-held"),
    sold: colour("seat-sold"),
    blocked: colour("seat-blocked"),
    own: colour("own"),
    own_ink: colour("own-ink"),
    stage: colour("line"),
    font: style.fontFamily,
  };
}
