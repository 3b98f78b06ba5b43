/**
 * Tiles: the plan at one scale, kept as small canvases that are painted once and moved often. It
 * owns which tiles are painted, which are out of date, and what may be forgotten. What is on them
 * is `paint.js`'s affair; where they go on the screen is told to it.
 */
import { SEAT_SHARE, paint_piece, sections_to_name } from "./paint.js";

/** @typedef {import("./paint.js").Scene} Scene */
/** @typedef {import("./view.js").View} View */
/** @typedef {import("./view.js").Size} Size */
/** `dirty`: the seats on it that look different now; null: all of it is to be painted.
 *  @typedef {{canvas:HTMLCanvasElement, ctx:CanvasRenderingContext2D, dirty:(Set<number>|null),
 *   used:number}} Tile */

/** A tile's side in device pixels: small enough to be painted within a frame, large enough that a
 *  screen is a dozen of them. */
const TILE_PX = 256;
/** Tiles kept of one level: 0.25 MB each, so at most 48 MB, about three large screens. */
const TILES_MAX = 192;
/** Up to so many dirty seats are painted one by one, each with its surroundings; of more, the whole
 *  tile is cheaper. */
const ONE_BY_ONE_MAX = 24;

export class Tiles {
  /** @type {Map<string, Tile>} by "column,line" */
  #tiles = new Map();
  #frame = 0;
  /** @type {number[]} sections whose names are written */
  #named;

  /** @param {Scene} scene @param {number} scale CSS pixels per plan unit @param {number} dpr */
  constructor(scene, scale, dpr) {
    this.scene = scene;
    this.scale = scale;
    this.dpr = dpr;
    /** Device pixels per plan unit. */
    this.k = scale * dpr;
    /** The plan's corner, in device pixels of this scale: tiles are counted from there. */
    this.left = Math.floor(scene.plan.box.x * this.k);
    this.top = Math.floor(scene.plan.box.y * this.k);
    this.columns = Math.ceil((scene.plan.box.width * this.k) / TILE_PX);
    this.lines = Math.ceil((scene.plan.box.height * this.k) / TILE_PX);
    this.#named = sections_to_name(scene, this.k, dpr);
  }

  /** These seats look different now (null: all do). @param {number[] | null} seats */
  touch(seats) {
    if (seats === null) {
      this.#named = sections_to_name(this.scene, this.k, this.dpr);
      for (const tile of this.#tiles.values()) tile.dirty = null;
      return;
    }
    const { plan } = this.scene;
    const half = (plan.pitch * SEAT_SHARE * this.k) / 2 + 1;
    for (const seat of seats) {
      const [x, y] = [plan.x[seat] * this.k - this.left, plan.y[seat] * this.k - this.top];
      if (Number.isNaN(x)) continue;
      for (const line of new Set([Math.floor((y - half) / TILE_PX), Math.floor((y + half) / TILE_PX)])) {
        for (const column of new Set([Math.floor((x - half) / TILE_PX), Math.floor((x + half) / TILE_PX)])) {
          this.#tiles.get(`${column},${line}`)?.dirty?.add(seat);
        }
      }
    }
  }

  /** The tiles a view shows. @param {View} view @param {Size} screen
   *  @returns {{first:[number, number], last:[number, number]}} */
  #shown(view, screen) {
    const ratio = view.scale / this.scale;
    /** @param {number} at @param {number} most */
    const bound = (at, most) => Math.min(Math.max(Math.floor(at / TILE_PX), 0), most - 1);
    const x = (-view.x * this.dpr) / ratio - this.left;
    const y = (-view.y * this.dpr) / ratio - this.top;
    const [width, height] = [(screen.width * this.dpr) / ratio, (screen.height * this.dpr) / ratio];
    return {
      first: [bound(x, this.columns), bound(y, this.lines)],
      last: [bound(x + width, this.columns), bound(y + height, this.lines)],
    };
  }

  /** Whether every tile of the view is there, fresh or not. @param {View} view @param {Size} screen */
  covers(view, screen) {
    const { first, last } = this.#shown(view, screen);
    for (let line = first[1]; line <= last[1]; line += 1) {
      for (let column = first[0]; column <= last[0]; column += 1) {
        if (!this.#tiles.has(`${column},${line}`)) return false;
      }
    }
    return true;
  }

  /** Puts what is painted onto the screen, fresh or not. @param {CanvasRenderingContext2D} ctx in
   *  device pixels @param {View} view @param {Size} screen */
  draw(ctx, view, screen) {
    this.#frame += 1;
    const ratio = view.scale / this.scale;
    const [ox, oy] = [
      Math.round(view.x * this.dpr + this.left * ratio),
      Math.round(view.y * this.dpr + this.top * ratio),
    ];
    const { first, last } = this.#shown(view, screen);
    for (let line = first[1]; line <= last[1]; line += 1) {
      for (let column = first[0]; column <= last[0]; column += 1) {
        const tile = this.#tiles.get(`${column},${line}`);
        if (!tile) continue;
        tile.used = this.#frame;
        // Edges are rounded, not widths: neighbours meet without a seam at any scale.
        const [x0, y0] = [ox + Math.round(column * TILE_PX * ratio), oy + Math.round(line * TILE_PX * ratio)];
        const [x1, y1] = [
          ox + Math.round((column + 1) * TILE_PX * ratio),
          oy + Math.round((line + 1) * TILE_PX * ratio),
        ];
        ctx.drawImage(tile.canvas, x0, y0, x1 - x0, y1 - y0);
      }
    }
  }

  /** Paints missing tiles of the view, then those out of date, until `until`, but at least one.
   *  @param {View} view @param {Size} screen @param {number} until by `performance.now()`
   *  @returns {boolean} whether nothing is left to do */
  work(view, screen, until) {
    for (const missing of [true, false]) {
      const { first, last } = this.#shown(view, screen);
      for (let line = first[1]; line <= last[1]; line += 1) {
        for (let column = first[0]; column <= last[0]; column += 1) {
          const tile = this.#tiles.get(`${column},${line}`);
          if (missing ? tile : tile?.dirty?.size === 0) continue;
          this.#paint(column, line, tile);
          if (performance.now() >= until) return false;
        }
      }
    }
    return true;
  }

  /** @param {number} column @param {number} line @param {Tile} [tile] */
  #paint(column, line, tile = this.#new_tile(column, line)) {
    const side = TILE_PX / this.k;
    const box = {
      x: (this.left + column * TILE_PX) / this.k,
      y: (this.top + line * TILE_PX) / this.k,
      width: side,
      height: side,
    };
    const { dirty } = tile;
    tile.dirty = new Set();
    if (dirty === null || dirty.size > ONE_BY_ONE_MAX)
      return paint_piece(tile.ctx, this.scene, box, this.k, this.dpr, this.#named);
    const { plan } = this.scene;
    const reach = (plan.pitch * SEAT_SHARE) / 2 + 1.5 / this.k;
    for (const seat of dirty) {
      const part = { x: plan.x[seat] - reach, y: plan.y[seat] - reach, width: 2 * reach, height: 2 * reach };
      paint_piece(tile.ctx, this.scene, box, this.k, this.dpr, this.#named, part);
    }
  }

  /** @param {number} column @param {number} line @returns {Tile} */
  #new_tile(column, line) {
    /** @type {HTMLCanvasElement} */
    let canvas;
    if (this.#tiles.size >= TILES_MAX) {
      const [[key, oldest]] = [...this.#tiles].sort(([, a], [, b]) => a.used - b.used);
      this.#tiles.delete(key);
      canvas = oldest.canvas;
    } else {
      canvas = document.createElement("canvas");
      canvas.width = TILE_PX;
      canvas.height = TILE_PX;
    }
    const ctx = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d", { alpha: false }));
    /** @type {Tile} */
    const tile = { canvas, ctx, dirty: null, used: this.#frame };
    this.#tiles.set(`${column},${line}`, tile);
    return tile;
  }
}
