/**
 * The rows: the same house as a list of sections, rows and seats, for keys and screen readers. Fed
 * by the same frames as the map. A section's seats are made when it is first opened, a few rows at a
 * time, so that 60,000 seats cost nothing until they are looked at.
 *
 * Tab moves between sections; inside one, arrows move between seats (left and right along the row,
 * up and down between rows), Home and End go to the row's ends, Enter and Space choose.
 */
import { make } from "./elements.js";
import { counted, MARK_WORDS, money_words, STATE_WORDS } from "./sentences.js";
import { AVAILABLE } from "./usher.js";

/** @typedef {import("./plan.js").Plan} Plan */
/** @typedef {import("./choice.js").Mark} Mark */

/** Seats made before the page may breathe. */
const SEATS_PER_TURN = 400;

export class Rows {
  /** @type {Map<number, HTMLButtonElement>} made so far */
  #buttons = new Map();
  /** @type {{section:number, count:HTMLElement, available:number, total:number}[]} */
  #sections = [];
  /** @type {HTMLElement[]} one line of words per area */
  #areas = [];
  /** @type {Map<number, Mark>} */
  #marks = new Map();

  /** @param {HTMLElement} root @param {Plan} plan @param {Uint8Array} states
   *  @param {{currency:string, onseat:(seat:number) => void, onarea:(area:number) => void}} told */
  constructor(root, plan, states, { currency, onseat, onarea }) {
    this.root = root;
    this.plan = plan;
    this.states = states;
    this.currency = currency;
    root.replaceChildren();
    plan.layout.sections.forEach((section, index) => root.append(this.#section(section.name, index)));
    plan.layout.areas.forEach((area, index) => root.append(this.#area(area, index, onarea)));
    root.addEventListener("click", (event) => {
      const seat = seat_of(event.target);
      if (seat >= 0) onseat(seat);
    });
    root.addEventListener("keydown", (event) => this.#key(event));
    this.update(states, null);
  }

  /** @param {string} name @param {number} section */
  #section(name, section) {
    const rows = this.plan.rows.filter((row) => row.section === section);
    const total = rows.reduce((sum, row) => sum + row.count, 0);
    const count = make("span", { class: "count" });
    const list = make("div", { class: "rows" });
    const details = make(
      "details",
      { class: "section" },
      make("summary", {}, make("span", { class: "name" }, name || "Seats"), count),
      list,
    );
    details.addEventListener("toggle", () => {
      if (details.open && !list.hasChildNodes()) this.#fill(list, rows, 0);
    });
    this.#sections.push({ section, count, available: 0, total });
    return details;
  }

  /** Makes rows until the turn is used up, then goes on in the next. @param {HTMLElement} list
   *  @param {import("./plan.js").Row[]} rows @param {number} from */
  #fill(list, rows, from) {
    let made = 0;
    let at = from;
    while (at < rows.length && made < SEATS_PER_TURN) {
      list.append(this.#row(rows[at], at === 0));
      made += rows[at].count;
      at += 1;
    }
    if (at < rows.length) requestAnimationFrame(() => this.#fill(list, rows, at));
  }

  /** @param {import("./plan.js").Row} row @param {boolean} first */
  #row({ label, first: start, count, gaps }, first) {
    const seats = make("span", { class: "seats" });
    for (let i = 0; i < count; i += 1) {
      const seat = start + i;
      const button = make(
        "button",
        {
          type: "button",
          class: gaps.includes(i) ? "seat after-aisle" : "seat",
          "data-seat": seat,
          tabindex: first && i === 0 ? 0 : -1,
        },
        this.plan.numbers[seat],
      );
      button.style.setProperty(
        "--category",
        this.plan.layout.categories[this.plan.category[seat]]?.color ?? "",
      );
      this.#buttons.set(seat, button);
      this.#show(seat);
      seats.append(button);
    }
    return make(
      "div",
      { class: "row", role: "group", "aria-label": `Row ${label}` },
      make("span", { class: "row-name", "aria-hidden": "true" }, label),
      seats,
    );
  }

  /** @param {import("./plan.js").Area} area @param {number} index @param {(area:number) => void} onarea */
  #area(area, index, onarea) {
    const count = make("span", { class: "count" });
    this.#areas.push(count);
    const button = make("button", { type: "button", class: "quiet" }, "Choose places");
    button.addEventListener("click", () => onarea(index));
    return make(
      "div",
      { class: "section standing", role: "group", "aria-label": `${area.name}, standing` },
      make("span", { class: "name" }, `${area.name} (standing)`),
      count,
      button,
    );
  }

  /** @param {Uint8Array} states @param {number[] | null} changed */
  update(states, changed) {
    this.states = states;
    if (changed === null) for (const seat of this.#buttons.keys()) this.#show(seat);
    else for (const seat of changed) this.#show(seat);
    this.#count();
  }

  /** @param {Map<number, Mark>} marks */
  mark(marks) {
    const before = this.#marks;
    this.#marks = marks;
    for (const seat of new Set([...before.keys(), ...marks.keys()])) this.#show(seat);
  }

  /** What a seat's button says. @param {number} seat */
  #show(seat) {
    const button = this.#buttons.get(seat);
    if (!button) return;
    const state = this.states[seat];
    const mark = this.#marks.get(seat);
    const { plan } = this;
    const price = money_words({ amount: plan.price(seat), currency: this.currency });
    const words = mark ? MARK_WORDS[mark] : STATE_WORDS[state];
    button.setAttribute("aria-label", `${plan.label(seat)}, ${price}, ${words}`);
    button.setAttribute("aria-pressed", String(mark === "chosen" || mark === "held"));
    // Not `disabled`: a seat that is gone can still be found and read.
    button.setAttribute("aria-disabled", String(state !== AVAILABLE && !mark));
    button.dataset.state = String(state);
    if (mark) button.dataset.mark = mark;
    else delete button.dataset.mark;
  }

  #count() {
    const { plan, states } = this;
    for (const part of this.#sections) part.available = 0;
    for (const { section, first, count } of plan.rows) {
      let free = 0;
      for (let i = first; i < first + count; i += 1) if (states[i] === AVAILABLE) free += 1;
      this.#sections[section].available += free;
    }
    for (const { count, available, total } of this.#sections) {
      const words =
        available === 0 ? "full" : `${available.toLocaleString()} of ${counted("seat", total)} available`;
      if (count.textContent !== words) count.textContent = words;
    }
    plan.layout.areas.forEach(({ first, count }, index) => {
      let free = 0;
      for (let i = first; i < first + count; i += 1) if (states[i] === AVAILABLE) free += 1;
      this.#areas[index].textContent = free === 0 ? "full" : `${free.toLocaleString()} places available`;
    });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const seat = seat_of(event.target);
    if (seat < 0) return;
    const index = this.plan.row[seat];
    const row = this.plan.rows[index];
    const place = seat - row.first;
    /** @param {number} to */
    const beside = (to) => {
      const other = this.plan.rows[to];
      if (!other || other.section !== row.section) return seat;
      return other.first + Math.min(place, other.count - 1);
    };
    /** @type {Record<string, number>} */
    const targets = {
      ArrowLeft: Math.max(seat - 1, row.first),
      ArrowRight: Math.min(seat + 1, row.first + row.count - 1),
      ArrowUp: beside(index - 1),
      ArrowDown: beside(index + 1),
      Home: row.first,
      End: row.first + row.count - 1,
    };
    const target = this.#buttons.get(targets[event.key] ?? -1);
    if (!target) return;
    event.preventDefault();
    // One stop for the tab key in each section: the seat last looked at.
    const section = target.closest("details");
    for (const stop of section?.querySelectorAll('.seat[tabindex="0"]') ?? [])
      stop.setAttribute("tabindex", "-1");
    target.tabIndex = 0;
    target.focus();
  }
}

/** @param {EventTarget | null} target */
function seat_of(target) {
  const button = target instanceof Element ? target.closest(".seat") : null;
  return button instanceof HTMLElement ? Number(button.dataset.seat) : -1;
}
