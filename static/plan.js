/**
 * The plan: a show's layout made flat, so that seat i is an index everywhere. It owns places,
 * names, prices and who is near a point; it knows nothing of states, screens or sockets.
 */

/** @typedef {[number:string, x:number, y:number, category:number]} LayoutSeat */
/** @typedef {{label:string, first:number, gaps?:number[], seats:LayoutSeat[]}} LayoutRow */
/** @typedef {{name:string, rows:LayoutRow[]}} LayoutSection */
/** @typedef {{name:string, color:string, price:number}} Category */
/** @typedef {{text:string, x:number, y:number, color?:string, size:number}} Words */
/** @typedef {{shape:string, x:number, y:number, width?:number, height?:number, radius?:number,
 *   radius_x?:number, radius_y?:number, points?:[number, number][], rotation?:number,
 *   color?:string, border_color?:string, text?:Words}} Decoration */
/** @typedef {{name:string, category:number, first:number, count:number, shape:Decoration}} Area */
/** @typedef {{show:string, epoch:string, seats:number, categories:Category[],
 *   sections:LayoutSection[], areas:Area[], decorations:Decoration[],
 *   size:{width:number, height:number}}} Layout */
/** @typedef {{label:string, section:number, first:number, count:number, gaps:number[]}} Row */
/** @typedef {{x:number, y:number, width:number, height:number}} Box */

/** Where a seat stands that is not drawn: a place of a standing area. */
const NOWHERE = NaN;
/** The seat is in no row. */
const NO_ROW = 0xffffffff;
/** Two sections are floors, one above the other, where this share of the smaller's seats stands on
 *  seats of the other. */
const STACKED_SHARE = 0.2;

export class Plan {
  /** @param {Layout} layout */
  constructor(layout) {
    this.layout = layout;
    this.epoch = layout.epoch;
    this.count = layout.seats;
    this.x = new Float32Array(this.count).fill(NOWHERE);
    this.y = new Float32Array(this.count).fill(NOWHERE);
    this.category = new Uint16Array(this.count);
    /** Index into `rows`, or NO_ROW. */
    this.row = new Uint32Array(this.count).fill(NO_ROW);
    /** @type {string[]} what is written on the seat */
    this.numbers = new Array(this.count).fill("");
    /** @type {Row[]} all rows of all sections, in the numbering's order */
    this.rows = [];
    layout.sections.forEach((section, index) => this.#read_section(section, index));
    for (const { first, count, category } of layout.areas) this.category.fill(category, first, first + count);
    /** How many seats stand in rows; areas come after them. */
    this.in_rows = this.rows.reduce((sum, row) => sum + row.count, 0);
    /** How far apart neighbours sit, in the plan's units: the measure of a seat's size. */
    this.pitch = this.#pitch();
    /** @type {Box[]} */
    this.area_boxes = layout.areas.map((area) => bounds({ ...area.shape, text: undefined }));
    /** @type {Box[]} */
    this.decoration_boxes = layout.decorations.map(bounds);
    /** @type {Box[]} */
    this.section_boxes = layout.sections.map((_, section) => this.#section_box(section));
    this.box = this.#box();
    this.grid = new Grid(this);
    /** @type {number[][]} sections that can be drawn together; more than one: the house is stacked */
    this.floors = this.#floors();
  }

  /** @param {LayoutSection} section @param {number} index */
  #read_section(section, index) {
    for (const { label, first, gaps = [], seats } of section.rows) {
      this.row.fill(this.rows.length, first, first + seats.length);
      this.rows.push({ label, section: index, first, count: seats.length, gaps });
      seats.forEach(([number, x, y, category], k) => {
        this.numbers[first + k] = number;
        this.x[first + k] = x;
        this.y[first + k] = y;
        this.category[first + k] = category;
      });
    }
  }

  /** The lower quartile of distances between neighbours, so that aisles do not count. */
  #pitch() {
    const distances = [];
    for (const { first, count } of this.rows) {
      for (let i = first + 1; i < first + count && distances.length < 5000; i += 1) {
        distances.push(Math.hypot(this.x[i] - this.x[i - 1], this.y[i] - this.y[i - 1]));
      }
    }
    distances.sort((a, b) => a - b);
    return distances[Math.floor(distances.length / 4)] || Math.max(this.layout.size.width, 1) / 40;
  }

  /** Around the middles of a section's seats. @param {number} section @returns {Box} */
  #section_box(section) {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    for (const row of this.rows) {
      if (row.section !== section) continue;
      for (let i = row.first; i < row.first + row.count; i += 1) {
        [left, right] = [Math.min(left, this.x[i]), Math.max(right, this.x[i])];
        [top, bottom] = [Math.min(top, this.y[i]), Math.max(bottom, this.y[i])];
      }
    }
    return left > right
      ? { x: 0, y: 0, width: 0, height: 0 }
      : { x: left, y: top, width: right - left, height: bottom - top };
  }

  /** Everything there is to see, with a seat's width of air; not the drawing's own size, which may
   *  be mostly empty. @returns {Box} */
  #box() {
    let [left, top, right, bottom] = [Infinity, Infinity, -Infinity, -Infinity];
    /** @param {Box} box */
    const include = ({ x, y, width, height }) => {
      [left, top] = [Math.min(left, x), Math.min(top, y)];
      [right, bottom] = [Math.max(right, x + width), Math.max(bottom, y + height)];
    };
    this.section_boxes.filter((box) => box.width + box.height > 0).forEach(include);
    this.area_boxes.forEach(include);
    this.decoration_boxes.forEach(include);
    if (left > right) return { x: 0, y: 0, ...this.layout.size };
    const air = this.pitch * 1.5;
    return { x: left - air, y: top - air, width: right - left + 2 * air, height: bottom - top + 2 * air };
  }

  /** Puts each section on the lowest floor where it stands on nobody's seats. */
  #floors() {
    /** @type {number[][]} */
    const floors = [];
    const rows_of = this.layout.sections.map((_, s) => this.rows.filter((row) => row.section === s));
    rows_of.forEach((rows, section) => {
      const total = rows.reduce((sum, row) => sum + row.count, 0);
      const floor = floors.find((others) => {
        let stacked = 0;
        for (const { first, count } of rows) {
          for (let i = first; i < first + count; i += 1) {
            const under = this.grid.near(this.x[i], this.y[i], this.pitch * 0.4, others);
            if (under >= 0) stacked += 1;
          }
        }
        return stacked <= total * STACKED_SHARE;
      });
      if (floor) floor.push(section);
      else floors.push([section]);
    });
    return floors;
  }

  /** The section of a seat in a row. @param {number} seat */
  section(seat) {
    const row = this.row[seat];
    return row === NO_ROW ? -1 : this.rows[row].section;
  }

  /** The area of a place, or none. @param {number} seat */
  area(seat) {
    return this.layout.areas.findIndex(({ first, count }) => seat >= first && seat < first + count);
  }

  /** "Stalls, row C, seat 12"; "Floor, standing". @param {number} seat */
  label(seat) {
    if (this.row[seat] === NO_ROW) {
      const area = this.layout.areas[this.area(seat)];
      return area ? `${area.name}, standing` : `seat ${seat}`;
    }
    const { label, section } = this.rows[this.row[seat]];
    const { sections } = this.layout;
    const where = sections.length > 1 || sections[section].name ? `${sections[section].name}, ` : "";
    return `${where}row ${label}, seat ${this.numbers[seat]}`;
  }

  /** In the currency's minor unit. @param {number} seat */
  price(seat) {
    return this.layout.categories[this.category[seat]]?.price ?? 0;
  }
}

/** Which seats are near a point: the plan in square cells, each a run of one list. */
export class Grid {
  /** @param {Plan} plan */
  constructor(plan) {
    this.plan = plan;
    this.cell = plan.pitch * 6;
    const { box } = plan;
    this.columns = Math.max(1, Math.ceil(box.width / this.cell));
    this.lines = Math.max(1, Math.ceil(box.height / this.cell));
    const cells = this.columns * this.lines;
    // Counting sort: how many in each cell, where each cell starts, then the seats in place.
    this.starts = new Uint32Array(cells + 1);
    for (let i = 0; i < plan.in_rows; i += 1) this.starts[this.#cell_of(plan.x[i], plan.y[i]) + 1] += 1;
    for (let c = 0; c < cells; c += 1) this.starts[c + 1] += this.starts[c];
    this.seats = new Uint32Array(plan.in_rows);
    const next = this.starts.slice();
    for (let i = 0; i < plan.in_rows; i += 1) this.seats[next[this.#cell_of(plan.x[i], plan.y[i])]++] = i;
  }

  /** @param {number} x */
  #column(x) {
    return Math.min(Math.max(Math.floor((x - this.plan.box.x) / this.cell), 0), this.columns - 1);
  }
  /** @param {number} y */
  #line(y) {
    return Math.min(Math.max(Math.floor((y - this.plan.box.y) / this.cell), 0), this.lines - 1);
  }
  /** @param {number} x @param {number} y */
  #cell_of(x, y) {
    return this.#line(y) * this.columns + this.#column(x);
  }

  /** Calls for every seat in the box, and some just outside of it.
   *  @param {Box} box @param {(seat:number) => void} visit */
  each({ x, y, width, height }, visit) {
    const [left, right] = [this.#column(x), this.#column(x + width)];
    const bottom = this.#line(y + height);
    for (let line = this.#line(y); line <= bottom; line += 1) {
      const end = this.starts[line * this.columns + right + 1];
      for (let k = this.starts[line * this.columns + left]; k < end; k += 1) visit(this.seats[k]);
    }
  }

  /** The seat nearest to a point, within `reach`, in one of `sections` where they are named; -1
   *  where there is none. @param {number} x @param {number} y @param {number} reach
   *  @param {number[]} [sections] */
  near(x, y, reach, sections) {
    let [best, best_distance] = [-1, reach];
    this.each({ x: x - reach, y: y - reach, width: 2 * reach, height: 2 * reach }, (seat) => {
      const distance = Math.hypot(this.plan.x[seat] - x, this.plan.y[seat] - y);
      if (distance > best_distance || (sections && !sections.includes(this.plan.section(seat)))) return;
      [best, best_distance] = [seat, distance];
    });
    return best;
  }
}

/** The box around a shape before it is turned. @param {Decoration} shape @returns {Box | null} */
function straight_box({
  shape,
  x,
  y,
  width = 0,
  height = 0,
  points,
  radius = 0,
  radius_x = radius,
  radius_y = radius,
}) {
  if (shape === "text") return null; // its place is where it turns, not where it is
  if (shape === "rectangle") return { x, y, width, height };
  if (!points) return { x: x - radius_x, y: y - radius_y, width: 2 * radius_x, height: 2 * radius_y };
  const [xs, ys] = [points.map((point) => point[0]), points.map((point) => point[1])];
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { x: left, y: top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/** Letters are about this share of their height wide; measuring them would need a canvas. */
const LETTER_SHARE = 0.7;

/** The box around a shape and its words, as they stand after turning.
 *  @param {Decoration} shape @returns {Box} */
export function bounds(shape) {
  const { x, y, rotation = 0, text } = shape;
  const boxes = [straight_box(shape)].filter((box) => box !== null);
  if (text?.text) {
    const [width, height] = [text.text.length * LETTER_SHARE * text.size, text.size * 1.2];
    boxes.push({ x: text.x - width / 2, y: text.y - height / 2, width, height });
  }
  const turn = (rotation * Math.PI) / 180;
  const [cos, sin] = [Math.cos(turn), Math.sin(turn)];
  const corners = boxes.flatMap((box) => [
    [box.x, box.y],
    [box.x + box.width, box.y],
    [box.x, box.y + box.height],
    [box.x + box.width, box.y + box.height],
  ]);
  if (corners.length === 0) return { x, y, width: 0, height: 0 };
  const xs = corners.map(([cx, cy]) => x + (cx - x) * cos - (cy - y) * sin);
  const ys = corners.map(([cx, cy]) => y + (cx - x) * sin + (cy - y) * cos);
  const [left, top] = [Math.min(...xs), Math.min(...ys)];
  return { x: left, y: top, width: Math.max(...xs) - left, height: Math.max(...ys) - top };
}

/** Whether a point is inside a shape (turned back first). @param {Decoration} shape
 *  @param {number} x @param {number} y */
export function inside(shape, x, y) {
  const turn = (-(shape.rotation ?? 0) * Math.PI) / 180;
  const [dx, dy] = [x - shape.x, y - shape.y];
  const [px, py] = [dx * Math.cos(turn) - dy * Math.sin(turn), dx * Math.sin(turn) + dy * Math.cos(turn)];
  if (shape.shape === "rectangle")
    return px >= 0 && py >= 0 && px <= (shape.width ?? 0) && py <= (shape.height ?? 0);
  if (shape.points) {
    let within = false;
    const corners = shape.points;
    for (let i = 0, j = corners.length - 1; i < corners.length; j = i, i += 1) {
      const [ax, ay, bx, by] = [...corners[i], ...corners[j]];
      const [cx, cy] = [px + shape.x, py + shape.y];
      if (ay > cy !== by > cy && cx < ((bx - ax) * (cy - ay)) / (by - ay) + ax) within = !within;
    }
    return within;
  }
  const [rx, ry] = [shape.radius_x ?? shape.radius ?? 0, shape.radius_y ?? shape.radius ?? 0];
  return rx > 0 && ry > 0 && (px / rx) ** 2 + (py / ry) ** 2 <= 1;
}
