/**
 * The pass: a strip above the plan that says how long this buyer may choose, where the show has a
 * waiting room, and lets them give their turn to the next. Who may not, and has nothing here, is sent
 * there.
 */
import { by_id } from "./elements.js";
import { pages_of } from "./house.js";
import { say } from "./panel.js";
import { duration_words, error_words, time_left } from "./sentences.js";
import { people, turn_over_words } from "./waiting-words.js";

/** @typedef {import("./admission.js").Standing} Standing */

/** When it is said aloud that time runs out. */
const WARNING_MS = 60_000;
/** The countdown looks at the clock so often; its words change once a second. */
const TICK_MS = 250;

const $ = {
  strip: by_id("pass", HTMLElement),
  words: by_id("pass-words", HTMLElement),
  link: by_id("pass-link", HTMLAnchorElement),
  leave: by_id("pass-leave", HTMLButtonElement),
  surely: by_id("pass-surely", HTMLButtonElement),
  stay: by_id("pass-stay", HTMLButtonElement),
  spoken: by_id("pass-spoken", HTMLElement),
};

export class Pass {
  /** @type {Standing | null} */
  #standing = null;
  #warned = false;
  /** Whether this page knew of seats held, or of a place in the waitlist. */
  #had_something = false;
  /** It is asked whether the turn is really to be given up; and that it is, is being told. */
  #asked = false;
  #leaving = false;

  /** @param {{show:import("./house.js").Show, plan:import("./plan.js").Plan,
   *   choice:import("./choice.js").Choice, client:import("./usher.js").UsherClient}} parts */
  constructor({ show, plan, choice, client }) {
    this.show = show;
    this.plan = plan;
    this.choice = choice;
    this.client = client;
    this.waiting_room = pages_of(show.id).waiting_room;
    $.link.href = this.waiting_room;
    $.leave.addEventListener("click", () => this.#ask(true));
    $.stay.addEventListener("click", () => this.#ask(false));
    $.surely.addEventListener("click", () => void this.#leave());
    $.strip.addEventListener("keydown", ({ key }) => key === "Escape" && this.#asked && this.#ask(false));
    setInterval(() => this.draw(), TICK_MS);
  }

  /** @param {boolean} asked */
  #ask(asked) {
    this.#asked = asked;
    this.draw();
    (asked ? $.stay : $.leave).focus();
  }

  /** Lets the next in, and goes on looking. */
  async #leave() {
    if (this.#leaving) return;
    this.#leaving = true;
    try {
      await this.client.leaveAdmission({ watch: true });
      set($.spoken, "You let the next in. To choose again, join the line again.");
      $.link.focus();
    } catch (error) {
      say(error_words(error, this.plan), "refusal");
    } finally {
      this.#leaving = false;
    }
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
      set($.spoken, this.over_words() ?? "");
    }
    this.draw();
  }

  /** What became of the turn to choose, where it is over; else null. */
  over_words() {
    const standing = this.#standing ?? this.#untold();
    if (standing?.state !== "over" && standing?.state !== "left") return null;
    const { hold, orders } = this.choice;
    return turn_over_words(standing, { bought: orders.length > 0, holding: hold !== null });
  }

  /** Who holds seats or waits for some when they come has no turn and is told nothing. Once that is over
   *  they need one. @returns {Standing | null} */
  #untold() {
    const has = this.#has_seats();
    this.#had_something ||= has;
    const needed = this.show.policy.admission && this.show.starts_at > this.client.clock.now();
    return needed && this.#had_something && !has ? { state: "over" } : null;
  }

  /** Seats held, or a place in the waitlist: then nobody is given a number. */
  #has_seats() {
    return this.choice.hold !== null || this.choice.waiting !== null;
  }

  /** Those, or orders to look at. */
  #has_something_here() {
    return this.#has_seats() || this.choice.orders.length > 0;
  }

  /** Draws the strip as things are: at every tick, and when what the buyer has is another. */
  draw() {
    const standing = this.#standing ?? this.#untold();
    $.strip.hidden = standing === null || this.choice.waiting !== null;
    if (!standing) return;
    const { state, until = 0, before = 0 } = standing;
    const may_leave = state === "admitted" && !this.#has_seats();
    this.#asked &&= may_leave;
    const left = until - this.client.clock.now();
    const in_line = before === 0 ? "you are next" : `${people(before)} before you`;
    const words = {
      admitted: this.#asked ? SURELY : `Your turn: ${time_left(left)} left to choose`,
      waiting: `In line to choose again: ${in_line}.`,
      early: "The doors are not open yet.",
      over: this.over_words() ?? "",
      left: this.over_words() ?? "",
    };
    $.strip.dataset.state = state === "admitted" ? "admitted" : "over";
    set($.words, words[state]);
    set($.link, state === "over" || state === "left" ? "Join the line again" : "To the waiting room");
    $.link.hidden = state === "admitted" || this.#has_seats();
    $.leave.hidden = !may_leave || this.#asked;
    $.surely.hidden = $.stay.hidden = !this.#asked;
    if (state === "admitted" && left <= WARNING_MS && !this.#warned) {
      this.#warned = true;
      set($.spoken, "Less than a minute left to choose. What you hold by then stays held.");
    }
  }
}

const SURELY = "Your turn goes to the next in line, and you cannot have it back.";

/** @param {HTMLElement} element @param {string} words */
function set(element, words) {
  if (element.textContent !== words) element.textContent = words;
}
