/**
 * The choice: what this buyer has marked, holds and has bought. Pure: it is told of taps, frames and
 * answers, and says what follows from them. It asks nobody and draws nothing.
 */
import { AVAILABLE } from "./usher.js";

/** @typedef {import("./usher.js").Hold} Hold */
/** @typedef {import("./usher.js").Order} Order */
/** @typedef {import("./usher.js").Waiting} Waiting */
/** What a seat is to this buyer: chosen but not asked for, held, held but to be given back, bought.
 *  @typedef {"chosen" | "held" | "leaving" | "bought"} Mark */
/** What the buyer is doing.
 *  @typedef {"choosing" | "waiting" | "offered" | "holding" | "changing" | "paying" | "bought"} Phase */

export class Choice {
  /** What is marked. While seats are held, what the buyer would have instead. @type {Set<number>} */
  seats = new Set();
  /** @type {Hold | null} */
  hold = null;
  /** The purchase just made, until it was looked at. @type {Order | null} */
  order = null;
  /** All purchases of this session for this show. @type {Order[]} */
  orders = [];

  /** The place in line, if there is one; an offer has one still. @type {Waiting | null} */
  waiting = null;

  /** @param {number} seats_max the most seats of one hold */
  constructor(seats_max) {
    this.seats_max = seats_max;
  }

  /** @returns {Phase} */
  get phase() {
    if (this.order) return "bought";
    if (!this.hold) return this.waiting ? "waiting" : "choosing";
    if (this.hold.state === "paying") return "paying";
    if (this.differs) return "changing";
    return this.hold.state === "offered" ? "offered" : "holding";
  }

  /** Whether what is marked is not what is held. */
  get differs() {
    const held = this.hold?.seats ?? [];
    return held.length !== this.seats.size || held.some((seat) => !this.seats.has(seat));
  }

  /** The purchases but the one just made. By their names, for the server says all of them anew at each
   *  opening of the line. */
  get bought_before() {
    return this.orders.filter(({ id }) => id !== this.order?.id);
  }

  /** The marked seats, in the house's order. */
  get listed() {
    return [...this.seats].sort((a, b) => a - b);
  }

  /** Marks a seat, or takes the mark away. @param {number} seat @param {number} state as it is now
   *  @returns {"added" | "removed" | "not_available" | "too_many" | "not_now"} */
  toggle(seat, state) {
    if (["paying", "bought", "waiting"].includes(this.phase)) return "not_now";
    if (this.seats.delete(seat)) return "removed";
    if (state !== AVAILABLE && !this.hold?.seats.includes(seat)) return "not_available";
    if (this.seats.size >= this.seats_max) return "too_many";
    this.seats.add(seat);
    return "added";
  }

  /** Forgets the marks: what is held is marked again. */
  reset() {
    this.seats = new Set(this.hold?.seats ?? []);
  }

  /** The marked seats somebody else was quicker to: they lose their mark. `changed`: as a frame
   *  says. @param {Uint8Array} states @param {number[] | null} changed @returns {number[]} */
  lose(states, changed) {
    const held = new Set(this.hold?.seats ?? []);
    const looked_at = changed ?? this.listed;
    const lost = looked_at.filter(
      (seat) => this.seats.has(seat) && states[seat] !== AVAILABLE && !held.has(seat),
    );
    for (const seat of lost) this.seats.delete(seat);
    return lost;
  }

  /** A place in line was taken, moved, or learned of. What was marked cannot be held beside it.
   *  @param {Waiting} waiting */
  waits(waiting) {
    this.waiting = waiting;
    if (!this.hold) this.seats.clear();
  }

  /** The place in line is another now. @param {number} position
   *  @returns {boolean} whether this page knows the place: another tab may have joined */
  moved(position) {
    if (this.waiting) this.waiting = { ...this.waiting, position };
    return this.waiting !== null;
  }

  /** The waiting is over: an offer that was not accepted ended with it, one that was is a hold, as is
   *  told on its own. Who joined in another tab may know of the offer alone.
   *  @param {boolean} accepted @returns {boolean} whether it is news */
  waits_no_longer(accepted = false) {
    const offered = this.hold?.state === "offered" ? this.hold : null;
    const was = this.waiting !== null || offered !== null;
    this.waiting = null;
    if (offered && !accepted) this.ended(offered.id, false);
    return was;
  }

  /** These seats are held now: granted, swapped, or learned of. @param {Hold} hold */
  held(hold) {
    this.hold = hold;
    this.order = null;
    this.reset();
  }

  /** The hold ended without a purchase. After a lapse its seats stay marked, to be asked for again.
   *  @param {string} hold its id @param {boolean} keep_marks @returns {boolean} whether it was ours */
  ended(hold, keep_marks) {
    if (this.hold?.id !== hold) return false;
    const { seats } = this.hold;
    this.hold = null;
    this.seats = new Set(keep_marks ? seats : []);
    return true;
  }

  /** @param {Order} order @returns {boolean} whether it is news */
  bought(order) {
    if (this.orders.some(({ id }) => id === order.id)) return false;
    this.orders = [...this.orders, order];
    this.order = order;
    this.hold = null;
    this.waiting = null;
    this.seats.clear();
    return true;
  }

  /**
   * What the server says the session has, at every opening of the line. Tells what became of a hold
   * while nobody listened.
   *
   * @param {Hold[]} holds @param {Order[]} orders @param {boolean} first at the page's opening, when
   *   old orders are no news
   * @returns {"same" | "held" | "bought" | "ended"}
   */
  identified(holds, orders, first) {
    const before = this.hold;
    const news = orders.filter(({ id }) => !this.orders.some((known) => known.id === id));
    this.orders = orders;
    const latest = news.at(-1);
    if (latest && !first) {
      this.orders = orders.filter((order) => order !== latest);
      this.bought(latest);
    }
    const [hold] = holds;
    if (hold) {
      const changed =
        hold.id !== before?.id || hold.seats.join() !== before.seats.join() || hold.state !== before.state;
      if (changed) this.held(hold);
      else this.hold = hold;
      return changed ? "held" : "same";
    }
    if (latest && !first) return "bought";
    if (before) this.ended(before.id, true);
    return before ? "ended" : "same";
  }

  /** @returns {Map<number, Mark>} */
  marks() {
    /** @type {Map<number, Mark>} */
    const marks = new Map();
    for (const { seats } of this.orders) for (const seat of seats) marks.set(seat, "bought");
    const held = new Set(this.hold?.seats ?? []);
    for (const seat of held) marks.set(seat, this.seats.has(seat) ? "held" : "leaving");
    for (const seat of this.seats) if (!held.has(seat)) marks.set(seat, "chosen");
    return marks;
  }
}
