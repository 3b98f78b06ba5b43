/**
 * The voice: what a screen reader says of a line that moves. A place that changes every second must
 * not be spoken every second: it is said when it matters, and else once a minute. Pure.
 */
import { people } from "./waiting-words.js";

/** @typedef {import("./admission.js").Standing} Standing */

/** A place that moved is spoken again after so long. */
const EVERY_MS = 60_000;
/** Not sooner than this after the last word, whatever it moved past. */
const PAUSE_MS = 5_000;
/** At the doors the counter follows the draw; what is said waits for it. */
const DRAW_MS = 1_000;
/** These are worth a word when they are passed: so many before one, or fewer. */
const MILESTONES = [100, 50, 20, 10, 5, 1];

export class Voice {
  #kind = "";
  #number = 0;
  #before = Infinity;
  #at = -Infinity;
  /** When the draw was first seen. @type {number | null} */
  #drawn_at = null;

  /** The sentence to be spoken now, or null. @param {Standing} standing @param {number} now any clock
   *  that runs evenly, in milliseconds */
  say(standing, now) {
    const { before = 0, number = 0 } = standing;
    const kind = kind_of(standing);
    if (this.#kind === "early" && (kind === "waiting" || kind === "next")) {
      this.#drawn_at ??= now;
      if (now - this.#drawn_at < DRAW_MS) return null;
    } else this.#drawn_at = null;
    if (kind !== this.#kind || number !== this.#number) return this.#said(kind, standing, now);
    if (kind !== "waiting" || before >= this.#before) return null;
    const passed = MILESTONES.some((milestone) => this.#before > milestone && before <= milestone);
    const due = now - this.#at >= (passed ? PAUSE_MS : EVERY_MS);
    return due ? this.#said(kind, standing, now) : null;
  }

  /** @param {string} kind @param {Standing} standing @param {number} now */
  #said(kind, standing, now) {
    const drawn = this.#kind === "early" && (kind === "waiting" || kind === "next" || kind === "called");
    const { before = 0, number = 0 } = standing;
    [this.#kind, this.#number, this.#before, this.#at] = [kind, number, before, now];
    const draw = drawn ? `The doors are open. You were drawn number ${number.toLocaleString("en")}. ` : "";
    return draw + (WORDS[kind]?.(standing) ?? "");
  }
}

/** @param {Standing} standing */
function kind_of({ state, before, called, passed_over }) {
  if (state !== "waiting") return state;
  if (called) return "called";
  if (passed_over) return "passed over";
  return before === 0 ? "next" : "waiting";
}

/** @type {Record<string, (standing:Standing) => string>} */
const WORDS = {
  early: ({ arrival }) =>
    `The doors are not open yet.${arrival === undefined ? "" : ` You came as number ${arrival.toLocaleString("en")}.`} The order will be drawn when they open.`,
  waiting: ({ before = 0 }) => `There ${before === 1 ? "is" : "are"} ${people(before)} before you.`,
  next: () => "You are next.",
  called: () => "It is your turn. One moment.",
  "passed over": () => "You were called while you were away. You are next.",
  admitted: () => "It is your turn: choose your seats now.",
  over: () => "Your time to choose has ended.",
  left: ({ was }) => (was === "early" ? "You have left, before the draw." : "You have left the line."),
};
