/**
 * The pass: a strip above the plan that says how long this buyer may choose, where the show has a
 * waiting room. Who may not, and has nothing here, is sent there.
 */
import { by_id } from "./elements.js";
import { pages_of } from "./house.js";
import { duration_words, time_left } from "./sentences.js";
import { people } from "./waiting-words.js";

/** @typedef {import("./admission.js").Standing} Standing */

/** When it is said aloud that time runs out. */
const WARNING_MS = 60_000;
/** The countdown looks at the clock so often; its words change once a second. */
const TICK_MS = 250;

const $ = {
  strip: by_id("pass", HTMLElement),
  words: by_id("pass-words", HTMLElement),
  link: by_id("pass-link", HTMLAnchorElement),
  spoken: by_id("pass-spoken", HTMLElement),
};

export class Pass {
  /** @type {Standing | null} */
  #standing = null;
  #warned = false;

  /** @param {{show:import("./house.js").Show, choice:import("./choice.js").Choice,
   *   client:import("./usher.js").UsherClient}} parts */
  constructor({ show, choice, client }) {
    this.choice = choice;
    this.client = client;
    this.waiting_room = pages_of(show.id).waiting_room;
    $.link.href = this.waiting_room;
    setInterval(() => this.#draw(), TICK_MS);
  }

  /** Where the buyer stands in the waiting room now. @param {Standing} standing */
  stands(standing) {
    const before = this.#standing;
    this.#standing = standing;
    const { state, taken } = standing;
    // `identify` takes a number for whoever has none. One who has bought, or whose time is over, did
    // not ask for it, and would keep others from choosing.
    if (taken && (before || this.choice.orders.length > 0)) return this.client.declineNumber();
    if ((state === "early" || state === "waiting") && !before && !this.#has_something_here())
      return location.replace(this.waiting_room);
    if (state === "admitted" && before?.state !== "admitted") {
      const left = (standing.until ?? 0) - this.client.clock.now();
      this.#warned = left <= WARNING_MS;
      set($.spoken, `It is your turn: you have ${duration_words(left)} to choose your seats.`);
    } else if (state === "over" && before?.state === "admitted") {
      set($.spoken, standing.used ? USED : OVER);
    }
    this.#draw();
  }

  /** Seats held, a place in the waitlist, or orders to look at. */
  #has_something_here() {
    const { hold, waiting, orders } = this.choice;
    return hold !== null || waiting !== null || orders.length > 0;
  }

  #draw() {
    const standing = this.#standing;
    $.strip.hidden = standing === null;
    if (!standing) return;
    const { state, until = 0, before = 0 } = standing;
    const left = until - this.client.clock.now();
    const in_line = before === 0 ? "you are next" : `${people(before)} before you`;
    const words = {
      admitted: `Your turn: ${time_left(left)} left to choose`,
      waiting: `In line to choose again: ${in_line}.`,
      early: "The doors are not open yet.",
      over: standing.used || this.choice.orders.length > 0 ? USED : OVER,
      left: "You have left the line.",
    };
    $.strip.dataset.state = state === "admitted" ? "admitted" : "over";
    set($.words, words[state]);
    set($.link, state === "over" || state === "left" ? "Join the line again" : "To the waiting room");
    $.link.hidden = state === "admitted";
    if (state === "admitted" && left <= WARNING_MS && !this.#warned) {
      this.#warned = true;
      set($.spoken, "Less than a minute left to choose. What you hold by then stays held.");
    }
  }
}

const OVER = "Your time to choose has ended. What you hold stays held until its own time is up.";
const USED = "Others may choose now: your place went to the next in line.";

/** @param {HTMLElement} element @param {string} words */
function set(element, words) {
  if (element.textContent !== words) element.textContent = words;
}
