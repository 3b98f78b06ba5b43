/**
 * Painting: one square piece of the plan onto one small canvas, at one scale. It decides what a
 * seat of each state looks like at each size; it keeps nothing, and does not know what is on the
 * screen. A state is told by shape and size as much as by colour: available seats are full, held
 * ones hollow, sold ones small dots, blocked ones crosses.
 */
import { ink_on, lifted } from "./colours.js";
import { AVAILABLE, BLOCKED, HELD, SOLD } from "./usher.js";

/** @typedef {import("./plan.js").Plan} Plan */
/** @typedef {import("./plan.js").Decoration} Decoration */
/** @typedef {import("./plan.js").Box} Box */
/** Colours that follow the page's light or dark dress, and the page's fonts. `lift`: how much white
 *  is mixed into the plan's own colours, which are chosen for white paper.
 *  @typedef {{ground:string, lift:number, ink:string, faint:string, held:string, sold:string, blocked:string,
 *   own:string, own_ink:string, stage:string, font:string}} Palette */
/** What is painted from. `floor`: the sections that are shown.
 *  @typedef {{plan:Plan, states:Uint8Array, palette:Palette, floor:Set<number>}} Scene */

/** A seat's width as a share of the distance between neighbours. */
export const SEAT_SHARE = 0.74;
/** Seats smaller than this many device pixels are plain rectangles: nobody sees more, and a
 *  rectangle is the cheapest thing there is to draw. */
const PLAIN_BELOW_PX = 5.5;
/** Seats larger than this many device pixels (at one pixel a dot) bear their number. */
const NUMBERED_FROM_PX = 17;
/** Rows are named where their seats are at least this large. */
const ROWS_NAMED_FROM_PX = 10;
/** The height of a section's name in CSS pixels. */
const SECTION_NAME_PX = 10.5;
/** The share of a seat's width that each state fills when drawn plain. */
const PLAIN_SHARE = [1, 0.62, 0.46, 0.3];

/**
 * @param {CanvasRenderingContext2D} ctx of a canvas whose origin is the piece's corner
 * @param {Scene} scene
 * @param {Box} box the piece, in plan units
 * @param {number} k device pixels per plan unit
 * @param {number} dpr device pixels per CSS pixel
 * @param {number[]} named sections whose names are written, see {@link sections_to_name}
 * @param {Box} [part] paint only this part of the piece, and leave the rest as it is
 */
export function paint_piece(ctx, scene, box, k, dpr, named, part = box) {
  const { palette, plan } = scene;
  ctx.save();
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  if (part !== box) clip_to(ctx, box, part, k);
  ctx.fillStyle = palette.ground;
  ctx.fillRect(0, 0, ctx.canvas.width, ctx.canvas.height);
  ctx.setTransform(k, 0, 0, k, -box.x * k, -box.y * k);
  const line = (1.2 * dpr) / k;
  plan.layout.decorations.forEach((decoration, i) => {
    if (touch(plan.decoration_boxes[i], part)) paint_shape(ctx, decoration, palette, 0.28, line);
  });
  plan.layout.areas.forEach((area, i) => {
    // Its own words are left out: its name and what is left are written over it, live.
    const color = plan.layout.categories[area.category]?.color ?? palette.faint;
    if (touch(plan.area_boxes[i], part))
      paint_shape(ctx, { ...area.shape, color, text: undefined }, palette, 0.45, line);
  });
  ctx.setTransform(1, 0, 0, 1, 0, 0);
  const seats = sort_by_look(scene, wider(part, plan.pitch));
  const size = plan.pitch * SEAT_SHARE * k;
  if (size < PLAIN_BELOW_PX) paint_plain(ctx, scene, seats, box, k, size);
  else paint_shaped(ctx, scene, seats, box, k, size);
  if (size >= NUMBERED_FROM_PX * dpr) paint_numbers(ctx, scene, seats, box, k, size);
  if (size >= ROWS_NAMED_FROM_PX * dpr) paint_row_names(ctx, scene, box, part, k, size, dpr);
  for (const section of named) paint_section_name(ctx, scene, section, box, part, k, dpr);
  ctx.restore();
}

/** Whole device pixels, so that no edge shines through. @param {CanvasRenderingContext2D} ctx
 *  @param {Box} box @param {Box} part @param {number} k */
function clip_to(ctx, box, part, k) {
  const [left, top] = [Math.floor((part.x - box.x) * k), Math.floor((part.y - box.y) * k)];
  const [right, bottom] = [
    Math.ceil((part.x + part.width - box.x) * k),
    Math.ceil((part.y + part.height - box.y) * k),
  ];
  ctx.beginPath();
  ctx.rect(left, top, right - left, bottom - top);
  ctx.clip();
}

/** @param {Box} a @param {Box} b */
function touch(a, b) {
  return a.x <= b.x + b.width && b.x <= a.x + a.width && a.y <= b.y + b.height && b.y <= a.y + a.height;
}

/** @param {Box} box @param {number} by @returns {Box} */
function wider({ x, y, width, height }, by) {
  return { x: x - by, y: y - by, width: width + 2 * by, height: height + 2 * by };
}

/** The seats of a box, put together by state and category, so that colours change seldom: key is
 *  category * 4 + state. @param {Scene} scene @param {Box} box */
function sort_by_look({ plan, states, floor }, box) {
  /** @type {number[][]} */
  const looks = [];
  const whole_house = floor.size === plan.layout.sections.length;
  plan.grid.each(box, (seat) => {
    if (!whole_house && !floor.has(plan.section(seat))) return;
    const key = plan.category[seat] * 4 + states[seat];
    (looks[key] ??= []).push(seat);
  });
  return looks;
}

/** @param {Scene} scene @param {number} look */
function colour({ plan, palette }, look) {
  const state = look & 3;
  if (state === AVAILABLE)
    return lifted(plan.layout.categories[look >> 2]?.color ?? palette.ink, palette.lift);
  return state === HELD ? palette.held : state === SOLD ? palette.sold : palette.blocked;
}

/** @param {CanvasRenderingContext2D} ctx @param {Scene} scene @param {number[][]} looks
 *  @param {Box} box @param {number} k @param {number} size */
function paint_plain(ctx, scene, looks, box, k, size) {
  const { x, y } = scene.plan;
  looks.forEach((seats, look) => {
    ctx.fillStyle = colour(scene, look);
    const side = Math.max(size * PLAIN_SHARE[look & 3], 0.8);
    const half = side / 2;
    for (const seat of seats)
      ctx.fillRect((x[seat] - box.x) * k - half, (y[seat] - box.y) * k - half, side, side);
  });
}

/** @param {CanvasRenderingContext2D} ctx @param {Scene} scene @param {number[][]} looks
 *  @param {Box} box @param {number} k @param {number} size */
function paint_shaped(ctx, scene, looks, box, k, size) {
  const { x, y } = scene.plan;
  looks.forEach((seats, look) => {
    ctx.fillStyle = colour(scene, look);
    ctx.strokeStyle = ctx.fillStyle;
    for (const seat of seats) seat_shape(ctx, look & 3, (x[seat] - box.x) * k, (y[seat] - box.y) * k, size);
  });
}

/** One seat of a state, in the context's colours. Also used for the legend.
 *  @param {CanvasRenderingContext2D} ctx @param {number} state @param {number} x @param {number} y
 *  the middle @param {number} size */
export function seat_shape(ctx, state, x, y, size) {
  const half = size / 2;
  ctx.beginPath();
  if (state === AVAILABLE) {
    ctx.roundRect(x - half, y - half, size, size, [size * 0.4, size * 0.4, size * 0.2, size * 0.2]);
    ctx.fill();
  } else if (state === HELD) {
    ctx.lineWidth = Math.max(size * 0.13, 1);
    const inset = half - ctx.lineWidth / 2;
    ctx.roundRect(x - inset, y - inset, inset * 2, inset * 2, [
      size * 0.34,
      size * 0.34,
      size * 0.15,
      size * 0.15,
    ]);
    ctx.stroke();
  } else if (state === SOLD) {
    ctx.arc(x, y, size * 0.24, 0, Math.PI * 2);
    ctx.fill();
  } else if (state === BLOCKED) {
    ctx.lineWidth = Math.max(size * 0.1, 0.75);
    const arm = size * 0.2;
    ctx.moveTo(x - arm, y - arm);
    ctx.lineTo(x + arm, y + arm);
    ctx.moveTo(x + arm, y - arm);
    ctx.lineTo(x - arm, y + arm);
    ctx.stroke();
  }
}

/** The tick on a seat of one's own, in the context's stroke. @param {CanvasRenderingContext2D} ctx
 *  @param {number} x @param {number} y the middle @param {number} size the seat's */
export function tick(ctx, x, y, size) {
  ctx.lineWidth = Math.max(size * 0.12, 1.5);
  ctx.beginPath();
  ctx.moveTo(x - size * 0.24, y + size * 0.02);
  ctx.lineTo(x - size * 0.06, y + size * 0.2);
  ctx.lineTo(x + size * 0.26, y - size * 0.18);
  ctx.stroke();
}

/** @param {CanvasRenderingContext2D} ctx @param {Scene} scene @param {number[][]} looks
 *  @param {Box} box @param {number} k @param {number} size */
function paint_numbers(ctx, scene, looks, box, k, size) {
  const { x, y, numbers } = scene.plan;
  ctx.font = `600 ${Math.round(size * 0.42)}px ${scene.palette.font}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  looks.forEach((seats, look) => {
    if ((look & 3) !== AVAILABLE) return;
    ctx.fillStyle = ink_on(colour(scene, look));
    for (const seat of seats) {
      ctx.fillText(numbers[seat], (x[seat] - box.x) * k, (y[seat] - box.y) * k + size * 0.03, size);
    }
  });
}

/** Names stand beside the first and the last seat of a row, in the row's direction.
 *  @param {CanvasRenderingContext2D} ctx @param {Scene} scene @param {Box} box @param {Box} part
 *  @param {number} k @param {number} size @param {number} dpr */
function paint_row_names(ctx, { plan, palette, floor }, box, part, k, size, dpr) {
  const reach = wider(part, plan.pitch * 2);
  ctx.font = `600 ${Math.round(Math.min(size * 0.55, 14 * dpr))}px ${palette.font}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillStyle = palette.faint;
  for (const { label, section, first, count } of plan.rows) {
    if (!label || !floor.has(section)) continue;
    const last = first + count - 1;
    for (const [end, beside] of [
      [first, Math.min(first + 1, last)],
      [last, Math.max(last - 1, first)],
    ]) {
      const [ex, ey] = [plan.x[end], plan.y[end]];
      if (ex < reach.x || ex > reach.x + reach.width || ey < reach.y || ey > reach.y + reach.height) continue;
      const length = Math.hypot(ex - plan.x[beside], ey - plan.y[beside]) || 1;
      const [dx, dy] =
        beside === end ? [-1, 0] : [(ex - plan.x[beside]) / length, (ey - plan.y[beside]) / length];
      const away = plan.pitch * 0.95;
      ctx.fillText(label, (ex + dx * away - box.x) * k, (ey + dy * away - box.y) * k);
    }
  }
}

/** From afar "North Stand 104" is "104": its stand is seen. @param {string} name */
function short_name(name) {
  return /\S*\d\S*$/.exec(name)?.[0] ?? name;
}

/** Where a section's name is written, in plan units: in its middle. @param {Scene} scene
 *  @param {number} section @param {number} k @param {number} dpr @returns {Box} */
function name_box({ plan }, section, k, dpr) {
  const { x, y, width, height } = plan.section_boxes[section];
  const px = (SECTION_NAME_PX * dpr) / k;
  // Letters are about 0.62 of their height wide; measuring would need a canvas.
  const wide = (short_name(plan.layout.sections[section].name).length * 0.62 + 0.9) * px;
  return { x: x + width / 2 - wide / 2, y: y + height / 2 - px * 0.8, width: wide, height: px * 1.6 };
}

/**
 * From afar sections are named instead of rows: those whose name is not wider than they are, and
 * stands on no other's.
 *
 * @param {Scene} scene @param {number} k @param {number} dpr
 * @returns {number[]}
 */
export function sections_to_name(scene, k, dpr) {
  const { plan, floor } = scene;
  if (floor.size < 2 || plan.pitch * SEAT_SHARE * k >= ROWS_NAMED_FROM_PX * dpr) return [];
  /** @type {Box[]} */
  const taken = [];
  // Where the plan has the name in its own hand, it is not written twice.
  const written = new Set(plan.layout.decorations.map(({ text }) => text?.text.trim().toLowerCase()));
  return [...floor].filter((section) => {
    if (written.has(plan.layout.sections[section].name.trim().toLowerCase())) return false;
    const box = name_box(scene, section, k, dpr);
    if (box.width > plan.section_boxes[section].width || taken.some((other) => touch(other, box)))
      return false;
    taken.push(box);
    return true;
  });
}

/** @param {CanvasRenderingContext2D} ctx @param {Scene} scene @param {number} section
 *  @param {Box} box @param {Box} part @param {number} k @param {number} dpr */
function paint_section_name(ctx, scene, section, box, part, k, dpr) {
  const { palette, plan } = scene;
  const plate = name_box(scene, section, k, dpr);
  if (!touch(plate, part)) return;
  const [x, y] = [(plate.x - box.x) * k, (plate.y - box.y) * k];
  ctx.fillStyle = palette.ground;
  ctx.globalAlpha = 0.86;
  ctx.beginPath();
  ctx.roundRect(x, y, plate.width * k, plate.height * k, (plate.height * k) / 3);
  ctx.fill();
  ctx.globalAlpha = 1;
  ctx.fillStyle = palette.ink;
  ctx.font = `650 ${SECTION_NAME_PX * dpr}px ${palette.font}`;
  ctx.textAlign = "center";
  ctx.textBaseline = "middle";
  ctx.fillText(
    short_name(plan.layout.sections[section].name),
    x + (plate.width * k) / 2,
    y + (plate.height * k) / 2,
    plate.width * k,
  );
}

/** A shape of the plan. Fills are thinned, for plans are drawn for white paper, and the seats come
 *  first. @param {CanvasRenderingContext2D} ctx @param {Decoration} shape
 *  @param {Palette} palette @param {number} strength of the fill, 0 to 1
 *  @param {number} line the border's width, in plan units */
function paint_shape(ctx, shape, palette, strength, line) {
  ctx.save();
  ctx.translate(shape.x, shape.y);
  ctx.rotate(((shape.rotation ?? 0) * Math.PI) / 180);
  ctx.translate(-shape.x, -shape.y);
  ctx.beginPath();
  if (shape.shape === "rectangle") ctx.roundRect(shape.x, shape.y, shape.width ?? 0, shape.height ?? 0, 3);
  else if (shape.points?.length) {
    shape.points.forEach(([x, y], i) => (i === 0 ? ctx.moveTo(x, y) : ctx.lineTo(x, y)));
    ctx.closePath();
  } else if (shape.shape !== "text") {
    const [rx, ry] = [shape.radius_x ?? shape.radius ?? 0, shape.radius_y ?? shape.radius ?? 0];
    ctx.ellipse(shape.x, shape.y, rx, ry, 0, 0, Math.PI * 2);
  }
  if (shape.color) {
    ctx.globalAlpha = strength;
    ctx.fillStyle = shape.color;
    ctx.fill();
    ctx.globalAlpha = 1;
  }
  ctx.lineWidth = line;
  ctx.globalAlpha = 0.6;
  ctx.strokeStyle = shape.border_color ?? palette.stage;
  ctx.stroke();
  ctx.globalAlpha = 1;
  const { text } = shape;
  if (text?.text) {
    ctx.font = `600 ${text.size}px ${palette.font}`;
    ctx.textAlign = "center";
    ctx.textBaseline = "middle";
    ctx.fillStyle = palette.ink;
    ctx.fillText(text.text, text.x, text.y);
  }
  ctx.restore();
}
