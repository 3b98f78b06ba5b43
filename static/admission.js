/**
 * Admission: where this buyer stands in a show's waiting room, as far as it is known here. Pure: it
 * is told of answers and notifications, and keeps the one ticket that all tabs show; asking is
 * `usher.js`'s affair.
 *
 * The server broadcasts one counter and remembers nobody: everyone subtracts it from their own
 * number, and who came before the doors works their number out from the draw.
 */
import { number_of } from "./draw.js";

/** What `identify` says. @typedef {{state:"early"|"waiting"|"admitted", ticket:string, arrival?:number,
 *   number?:number, serving?:number, per_minute?:number, until?:number}} Told */
/** A ticket as it is kept, with what it is good for: tickets themselves are nobody's to read.
 *  `place` is the number, or the arrival while there is none; `arrival` is kept to check the draw with.
 *  @typedef {{ticket:string, state:State, place:number, arrival?:number}} Kept */
/** Where all tabs keep the one ticket of a show. `alone`: runs something while no other tab does, so
 *  that two that open at once do not take a number each.
 *  @typedef {{load():(Kept|null), save(kept:Kept|null):void, alone?(run:() => Promise<void>):Promise<void>}} TicketStore */
/** `early`: before the doors. `over`: the pass ended, or was used. `left`: given back.
 *  @typedef {"early"|"waiting"|"admitted"|"over"|"left"} State */

/**
 * Where one stands.
 * @typedef {object} Standing
 * @property {State} state
 * @property {number} [arrival] before the doors: as how many-eth one came
 * @property {number} [number]
 * @property {number} [serving] up to which number has been called
 * @property {number} [before] how many are to be called before this one
 * @property {boolean} [called] it has been called, and the pass is on its way
 * @property {boolean} [passed_over] it was called while nobody came, and comes next
 * @property {number} [per_minute] how many were called a minute lately, where that is known
 * @property {number} [until] when the pass ends, by the server's clock
 * @property {boolean} [taken] the number, or the arrival, was taken by this very `identify`
 * @property {boolean} [used] it is over because they bought, or wait for seats
 * @property {State} [was] what was given back, where it was
 * @property {import("./draw.js").Drawn} [drawn] the draw, where this page saw it made
 */

/** How good each state is to have, the best first. @type {State[]} */
const BEST_FIRST = ["admitted", "waiting", "early", "over", "left"];

export class Admission {
  /** Null where the show has no waiting room, or it is not known yet. @type {Standing | null} */
  standing = null;
  #store;

  /** @param {TicketStore} store */
  constructor(store) {
    this.#store = store;
  }

  /** What to show at `identify`. */
  get ticket() {
    return this.#store.load()?.ticket ?? null;
  }

  /** Whether there is one that is good for anything; else a new number will be taken. */
  get has_ticket() {
    const kept = this.#store.load();
    return kept !== null && kept.state !== "over";
  }

  /** What the server says at `identify`. @param {Told | undefined} told @param {boolean} taken whether
   *  it took a number */
  identified(told, taken) {
    if (!told) return this.#unsaid();
    const { ticket, state, number, serving, per_minute, until } = told;
    const drawn = number === this.standing?.number ? this.standing?.drawn : undefined;
    const arrival = told.arrival ?? this.#arrival_of(number);
    const standing = { state, arrival, number, serving, per_minute, until, drawn, taken };
    this.standing = state === "waiting" ? in_line(standing, true) : standing;
    this.#keep(ticket);
  }

  /** Nothing is said of it to whoever holds seats or waits for some without a number, nor once the
   *  show has begun. */
  #unsaid() {
    if (this.standing?.state !== "over" && !this.ended()) this.standing = null;
  }

  /** Something was told unasked. Gives whether it concerns where one stands.
   *  @param {string} method @param {any} params @returns {boolean} */
  told(method, params) {
    const { standing } = this;
    // A number that was left may be called all the same.
    if (!standing || standing.state === "left") return false;
    const { state } = standing;
    if (method === "admission.open") {
      const { number, arrival } = standing;
      this.standing = { state: "admitted", number, arrival, until: params.until };
      this.#keep(params.ticket);
    } else if (method === "admission.serving" && (state === "waiting" || state === "early")) {
      const { serving, per_minute } = params;
      const known = { ...standing, serving, per_minute };
      this.standing = state === "waiting" ? in_line(known, known.passed_over ?? false) : known;
    } else if (method === "admission.drawn" && (state === "early" || state === "waiting")) {
      // Where history was lost the doors may open, and draw, a second time.
      const number = number_of(params, standing.arrival ?? 0);
      if (number === null || number === standing.number) return false; // the next `identify` knows
      const { secret, head, count } = params;
      const drawn = { secret, head, count };
      this.standing = in_line({ ...standing, state: "waiting", number, serving: 0, drawn }, false);
      this.#keep(this.ticket);
    } else return false;
    return true;
  }

  /** The pass ended, or (`used`) what it was for is done. Gives whether it is news. */
  ended(used = false) {
    if (this.standing?.state !== "admitted") return false;
    const { number, arrival } = this.standing;
    this.standing = { state: "over", number, arrival, used };
    this.#keep(this.ticket);
    return true;
  }

  /** A request was refused for want of a pass, whatever was believed here. Gives whether it is news. */
  refused() {
    this.standing ??= { state: "admitted" }; // who has seats at the opening is not told where they stand
    return this.ended();
  }

  /** A number was taken that nobody wanted. */
  declined() {
    this.standing = { state: "over" };
    this.#keep(this.ticket);
  }

  /** The number or the pass was given back. */
  left() {
    this.standing = { state: "left", was: this.standing?.state };
    this.#store.save(null);
  }

  /** Another tab kept something else. `better`: its ticket is to be shown; `gone`: it left the line
   *  for all of them. @returns {"better" | "gone" | "same"} */
  kept_elsewhere() {
    if (!this.standing) return "same"; // not asked yet: it will be shown then
    const { state } = this.standing;
    const kept = this.#store.load();
    if (!kept) return state === "left" || state === "over" ? "same" : "gone";
    // The same number, further on: whoever has it is told so on every line.
    const place = place_of(this.standing);
    if (kept.place === place || (kept.arrival && kept.arrival === this.standing.arrival)) return "same";
    const [theirs, ours] = [BEST_FIRST.indexOf(kept.state), BEST_FIRST.indexOf(state)];
    const lower = kept.place < place && kept.state !== "admitted";
    return theirs < ours || (theirs === ours && lower) ? "better" : "same";
  }

  /** As how many-eth the owner of a number came, as far as this browser knows.
   *  @param {number | undefined} number */
  #arrival_of(number) {
    const kept = this.#store.load();
    return kept?.state === "early" || kept?.place === number ? kept?.arrival : undefined;
  }

  /** @param {string | null} ticket */
  #keep(ticket) {
    const { standing } = this;
    if (ticket === null || !standing) return;
    const { state, arrival } = standing;
    this.#store.save({ ticket, state, place: place_of(standing), arrival });
  }
}

/** @param {Standing} standing */
function place_of({ number, arrival }) {
  return number ?? arrival ?? 0;
}

/** How a number stands to the counter. @param {Standing} standing @param {boolean} passed_over whether
 *  one that is behind the counter was passed over; else it was called just now @returns {Standing} */
function in_line(standing, passed_over) {
  const { number = 0, serving = 0 } = standing;
  const behind = number <= serving;
  const before = Math.max(number - serving - 1, 0);
  return { ...standing, before, called: behind && !passed_over, passed_over: behind && passed_over };
}
