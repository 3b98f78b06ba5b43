/**
 * The line: this buyer's place in the waitlist, how it is drawn and in which words it is told. Asking
 * is `basket.js`'s affair. The place moves live for the eye; it is spoken when it matters, and
 * otherwise no more than now and then.
 */
import { Bell } from "./bell.js";
import { by_id } from "./elements.js";
import { browser_keeps } from "./house.js";
import { counted, duration_words, time_left } from "./sentences.js";

/** @typedef {import("./usher.js").Waiting} Waiting */
/** @typedef {import("./choice.js").Choice} Choice */

/** A place that moved is spoken again after so long. */
const SPOKEN_EVERY_MS = 60_000;

const $ = {
  card: by_id("line", HTMLElement),
  title: by_id("line-title", HTMLElement),
  place: by_id("line-place", HTMLElement),
  before: by_id("line-before", HTMLElement),
  words: by_id("line-words", HTMLElement),
  leave: by_id("line-leave", HTMLButtonElement),
  spoken: by_id("line-spoken", HTMLElement),
  sound: by_id("line-sound", HTMLInputElement),
  sound_label: by_id("line-sound-label", HTMLElement),
};

/** "1st", "2nd", "113th" @param {number} place */
export function ordinal(place) {
  const rule = new Intl.PluralRules("en", { type: "ordinal" }).select(place);
  const ending = { zero: "th", one: "st", two: "nd", few: "rd", many: "th", other: "th" }[rule];
  return `${place.toLocaleString("en")}${ending}`;
}

/** Why a place in line ended, in words. @type {Record<string, string>} */
const ENDED = {
  sold_out: "There are no longer enough seats left for your party, so your place in line has ended.",
  timeout:
    "Nothing came free for as long as anyone waits, so your place in line has ended. You may join again.",
  show_over: "The show begins, and your place in line has ended.",
  lapsed: "Your time to take the offered seats ran out. The next in line has them now.",
  declined: "You let the seats go. The next in line is offered them.",
  left: "You have left the line.",
};

/** @param {string} reason */
export function ended_words(reason) {
  return ENDED[reason] ?? "Your place in line has ended.";
}

export class Line {
  /** The place spoken last, and when. @type {number | null} */
  #spoken = null;
  #spoken_at = 0;
  #title = document.title;
  /** Rung once for each offer. */
  #bell = new Bell($.sound, $.sound_label);
  #was_offered = false;
  #keeps = browser_keeps();

  /** @param {{choice:Choice, offer_ms:number, onleave:() => void}} parts */
  constructor({ choice, offer_ms, onleave }) {
    this.choice = choice;
    this.offer_ms = offer_ms;
    $.leave.addEventListener("click", onleave);
  }

  /** Draws the place in line as it is. `left_ms`: what is left of an offer. @param {number} left_ms */
  draw(left_ms) {
    const { waiting, phase, hold } = this.choice;
    const offered = hold?.state === "offered";
    $.card.hidden = !waiting || (phase !== "waiting" && !offered);
    this.#draw_title(waiting, offered, left_ms);
    if (offered && !this.#was_offered) this.#bell.ring();
    this.#was_offered = offered;
    if (!waiting) {
      this.#spoken = null;
      return set($.spoken, "");
    }
    const { position, quantity } = waiting;
    $.title.textContent = offered ? "It is your turn" : "You are in line";
    $.place.parentElement?.toggleAttribute("hidden", offered);
    $.sound_label.toggleAttribute("hidden", offered || !Bell.can_ring());
    $.leave.hidden = offered; // letting the seats go is the same
    set($.place, ordinal(position));
    set($.before, position === 1 ? "nobody is before you" : `${(position - 1).toLocaleString()} before you`);
    const soon = `${counted("seat", quantity)} for you, you have ${duration_words(this.offer_ms)}`;
    set(
      $.words,
      offered
        ? "These seats are offered to you, and marked on the plan. Take them, choose other free ones instead, or let the next in line have them."
        : `As soon as there are ${soon} to take them. Keep this tab open${this.#keeps ? ", or come back later with the same link: your place is kept" : ""}.`,
    );
    if (!offered) this.#speak(position);
  }

  /** Says the place aloud: at first, when it is the first, and else not often.
   *  @param {number} position */
  #speak(position) {
    const now = performance.now();
    const due = this.#spoken === null || position === 1 || now - this.#spoken_at >= SPOKEN_EVERY_MS;
    if (position === this.#spoken || !due) return;
    [this.#spoken, this.#spoken_at] = [position, now];
    set($.spoken, `You are ${ordinal(position)} in line.`);
  }

  /** A tab behind others is told by its title. @param {Waiting | null} waiting
   *  @param {boolean} offered @param {number} left_ms */
  #draw_title(waiting, offered, left_ms) {
    const before = offered
      ? `Your turn, ${time_left(left_ms)} · `
      : waiting
        ? `${ordinal(waiting.position)} in line · `
        : "";
    const title = before + this.#title;
    if (document.title !== title) document.title = title;
  }
}

/** @param {HTMLElement} element @param {string} words */
function set(element, words) {
  if (element.textContent !== words) element.textContent = words;
}
