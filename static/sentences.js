/**
 * Sentences: everything the page says in words. What happened, and what to do about it. Pure: facts
 * come in, words go out.
 */
import { Refusal, Unanswered } from "./usher.js";

/** @typedef {import("./plan.js").Plan} Plan */
/** @typedef {import("./usher.js").Money} Money */
/** @typedef {import("./usher.js").Link} Link */

/** Seats named one by one before the rest are only counted. */
const NAMED_MOST = 4;

/** @param {string} name @param {number} count */
export function counted(name, count) {
  return `${count.toLocaleString()} ${name}${count === 1 ? "" : "s"}`;
}

/** "a, b and c" @param {string[]} parts */
function listed(parts) {
  if (parts.length < 2) return parts.join("");
  return `${parts.slice(0, -1).join(", ")} and ${parts.at(-1)}`;
}

/** @param {Money} money @param {string} [locale] */
export function money_words({ amount, currency }, locale) {
  const format = new Intl.NumberFormat(locale, { style: "currency", currency });
  const digits = format.resolvedOptions().maximumFractionDigits ?? 2;
  return format.format(amount / 10 ** digits);
}

/** "4:05" @param {number} ms */
export function time_left(ms) {
  const seconds = Math.max(Math.ceil(ms / 1000), 0);
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
}

/** Near a full minute nobody counts the seconds, in milliseconds. */
const NEAR_MS = 3_000;

/** "5 minutes", "1 minute and 30 seconds", "20 seconds" @param {number} ms */
export function duration_words(ms) {
  const minutes = Math.round(ms / 60_000);
  if (minutes > 0 && Math.abs(ms - minutes * 60_000) < NEAR_MS) return counted("minute", minutes);
  const seconds = Math.max(Math.round(ms / 1000), 1);
  const [whole, rest] = [Math.floor(seconds / 60), counted("second", seconds % 60)];
  return whole === 0 ? rest : `${counted("minute", whole)} and ${rest}`;
}

/** "minute", "5 minutes": what follows "the next". @param {number} ms */
export function next_words(ms) {
  return duration_words(ms).replace(/^1 (minute|second)$/, "$1");
}

/** "Monday 23 November 2026 at 19:30" @param {number} time @param {string} [locale] */
export function date_words(time, locale) {
  return new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "short" }).format(time);
}

/** "Mon, 23 Nov, 19:30" @param {number} time @param {string} [locale] */
export function short_date_words(time, locale) {
  return new Intl.DateTimeFormat(locale, {
    weekday: "short",
    day: "numeric",
    month: "short",
    hour: "numeric",
    minute: "2-digit",
  }).format(time);
}

/** Seats by their names, those of one row together: "Stalls, row C, seats 12 and 13".
 *  @param {Plan} plan @param {number[]} seats */
export function seat_names(plan, seats) {
  /** @type {Map<string, string[]>} */
  const rows = new Map();
  for (const seat of seats.slice(0, NAMED_MOST)) {
    const [, where, number] = /^(.*), seat (.*)$/.exec(plan.label(seat)) ?? ["", plan.label(seat), ""];
    rows.set(where, [...(rows.get(where) ?? []), number]);
  }
  const parts = [...rows].map(([where, numbers]) => {
    if (numbers[0] === "") return where;
    return `${where}, seat${numbers.length === 1 ? "" : "s"} ${listed(numbers)}`;
  });
  const more = seats.length - NAMED_MOST;
  return more > 0 ? `${parts.join("; ")} and ${counted("other", more)}` : listed(parts);
}

/** What each refusal means to a buyer, by its reason. What is not listed says the server's own
 *  sentence. @type {Record<string, (data:any, plan:Plan) => string>} */
const REFUSALS = {
  too_fast: ({ retry_after_ms }) =>
    `That was a little fast. Wait ${duration_words(Math.max(retry_after_ms ?? 1000, 1000))} and try again.`,
  not_identified: () => "We are still finding your place in line. Try again in a moment.",
  bad_session: () => "Your visit has ended. Reload the page to begin a new one.",
  unavailable: () =>
    "The box office does not answer at the moment. Try again shortly: nothing is ever sold to you twice.",
  show_over: () =>
    "This show has begun, so nothing more can be held. What you already hold can still be bought.",
  not_on_sale: ({ on_sale_at }) =>
    `Sales begin on ${date_words(on_sale_at)}. Come back then: this page will be ready.`,
  not_admitted: () =>
    "It is not your turn to choose seats. Go to the waiting room: your place in line is kept there, and it tells you when to come.",
  no_such_hold: () => "These seats are no longer held for you. Choose your seats again.",
  hold_expired: () =>
    "Your time ran out and the seats went back on sale. Hold them again if they are still free.",
  payment_in_progress: () => "Your payment is under way. Wait for its answer before you change anything.",
  already_holding: () =>
    "You hold seats for this show already, perhaps in another tab. Buy or release those first.",
  no_seats_named: () => "Choose at least one seat first.",
  seat_named_twice: ({ seats }, plan) => `${seat_names(plan, seats)} was asked for twice. Choose again.`,
  too_many_seats: ({ max }) => `You can have ${counted("seat", max)} at most. Take some away and try again.`,
  unknown_seat: () => "The plan has changed. Reload the page and choose again.",
  seat_blocked: ({ seats }, plan) => `${seat_names(plan, seats)}: not for sale. Choose another seat.`,
  seats_taken: ({ seats }, plan) =>
    `${seat_names(plan, seats)}: just taken by someone else. Choose another seat; the rest of your choice is still marked.`,
  waitlist_first: () =>
    "These seats are kept for people who were waiting before. Choose others, or wait in line as well.",
  already_waiting: () =>
    "You are in line for this show already, perhaps in another tab. Leave the line before you choose seats yourself.",
  no_offer: () => "The offer is over. Choose seats yourself, or wait in line again.",
  seats_available: () => "There are seats for this wish, so there is no need to wait: hold them now.",
  others_are_holding: () =>
    "Too few seats are free right now, but others are only holding theirs. Wait in line: what comes back is offered in the order of waiting.",
  sold_out: () =>
    "There are not enough seats left for this wish. Try fewer seats, another price or another part of the house.",
  not_together: () =>
    "There are enough seats, but not side by side. Ask for fewer, or untick “Side by side”.",
  orphan_seat: ({ seats }, plan) =>
    `This would leave a single seat alone: ${seat_names(plan, seats)}. Take it too, or move your choice along by one.`,
  payment_declined: () =>
    "The card was declined and nothing was charged. Your seats stay yours until the time is up: try another card.",
  payment_unavailable: () =>
    "The bank does not answer. You have not been charged. Your seats stay yours until the time is up: try again.",
};

/** @param {unknown} error @param {Plan} plan */
export function error_words(error, plan) {
  if (error instanceof Refusal) {
    try {
      const words = Object.hasOwn(REFUSALS, error.reason)
        ? REFUSALS[error.reason](error.data, plan)
        : error.message;
      return words.charAt(0).toUpperCase() + words.slice(1);
    } catch {
      return error.message; // a refusal without the data it is said to have
    }
  }
  if (error instanceof Unanswered) {
    return error.sent
      ? "The line broke before the answer came. As soon as it is back, you will see here what happened."
      : "You are not connected, so nothing was sent. Try again once the light says “Live”.";
  }
  return "Something went wrong on this page. Reload it and try again.";
}

/** @param {Link} link @param {boolean} online what the browser believes
 *  @returns {{light:"live"|"waiting"|"off", words:string}} */
export function link_words(link, online) {
  if (link.state === "live") return { light: "live", words: "Live" };
  if (link.state === "refused") return { light: "off", words: "Offline: reload to try again" };
  if (link.state === "closed" || !online || link.attempt > 3) return { light: "off", words: "Offline" };
  return { light: "waiting", words: link.attempt === 0 ? "Connecting…" : "Reconnecting…" };
}

/** Before sales begin and after the show has, the server refuses; better to know at once.
 *  @param {{on_sale_at?:number|null, starts_at:number}} show @param {number} now */
export function closed_words({ on_sale_at, starts_at }, now) {
  if (starts_at <= now) return "This show has begun: its seats can no longer be held.";
  if (!on_sale_at || on_sale_at <= now) return null;
  return `Sales begin on ${date_words(on_sale_at)}. Until then you can look around.`;
}

/** A show is almost full when no more than this share is left. */
const ALMOST_FULL = 0.1;

/** @param {{seats:number, available:number, starts_at:number, on_sale_at?:number|null,
 *   policy?:{admission?:{doors_at?:number}|null}}} show
 *  @param {number} now @returns {{state:"free"|"few"|"none"|"later"|"over", words:string}} */
export function availability(show, now) {
  const { starts_at, on_sale_at, available, policy } = show;
  const doors_at = policy?.admission?.doors_at ?? now;
  if (starts_at <= now) return { state: "over", words: "Has begun" };
  if (on_sale_at && on_sale_at > now) {
    const words = available === 0 ? "Full" : `On sale from ${date_words(on_sale_at)}`;
    return { state: available === 0 ? "none" : "later", words };
  }
  if (available === 0) return { state: "none", words: "Full: wait in line" };
  if (doors_at > now) return { state: "later", words: `Doors open on ${date_words(doors_at)}` };
  if (show.available <= show.seats * ALMOST_FULL)
    return { state: "few", words: `Almost full: ${counted("seat", show.available)} left` };
  return { state: "free", words: "Seats available" };
}

/** What a state is called. @type {readonly string[]} */
export const STATE_WORDS = ["available", "held by someone", "sold", "not for sale"];

/** What a seat is called that is something to this buyer.
 *  @type {Readonly<Record<import("./choice.js").Mark, string>>} */
export const MARK_WORDS = {
  chosen: "chosen",
  held: "held for you",
  leaving: "held for you, to be given back",
  bought: "yours",
};
