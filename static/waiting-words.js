/**
 * The waiting room's words: where somebody stands, how long it may take, and when that is worth
 * saying aloud. Pure: facts come in, words go out.
 */
import { counted, duration_words, link_words, time_left } from "./sentences.js";

/** @typedef {import("./admission.js").Standing} Standing */
/** @typedef {import("./house.js").AdmissionPolicy} AdmissionPolicy */

/** How far off an estimate may well be: people leave the line, and some choose longer than others. */
const QUICKER = 0.7;
const SLOWER = 1.5;
/** Beyond this many minutes nobody can say anything useful. */
const MINUTES_MOST = 12 * 60;

/** How long it may take until one's turn, as a range; null where it is not known.
 *  @param {number} before how many come first @param {number | undefined} per_minute */
export function estimate_words(before, per_minute) {
  if (!per_minute || !(per_minute > 0)) return null;
  const minutes = before / per_minute;
  if (minutes * QUICKER > MINUTES_MOST) return "more than 12 hours";
  const [least, most] = [rounded(minutes * QUICKER), rounded(minutes * SLOWER)];
  if (most <= 1) return most === 0 || minutes * SLOWER < 1 ? "less than a minute" : "about a minute";
  if (least === 0) return `up to ${span(most)}`;
  if (least === most) return `about ${span(most)}`;
  if (least >= 60) return `about ${hours(least)} to ${span(most)}`;
  return most >= 60 ? `about ${span(least)} to ${span(most)}` : `about ${least} to ${span(most)}`;
}

/** As people say it: whole minutes, then fives, then half hours. @param {number} minutes */
function rounded(minutes) {
  const step = minutes < 10 ? 1 : minutes < 55 ? 5 : minutes < 300 ? 30 : 60;
  return Math.round(minutes / step) * step;
}

/** @param {number} minutes */
function hours(minutes) {
  return (minutes / 60).toLocaleString("en", { maximumFractionDigits: 1 });
}

/** @param {number} minutes as `rounded` leaves them */
function span(minutes) {
  if (minutes < 60) return counted("minute", minutes);
  return minutes === 60 ? "1 hour" : `${hours(minutes)} hours`;
}

/** "4:05", "2:04:05", "3 days and 4 hours" @param {number} ms */
export function countdown_words(ms) {
  const minutes = Math.floor(Math.max(ms, 0) / 60_000);
  if (minutes < 60) return time_left(ms);
  if (minutes < 48 * 60) {
    const [hour, rest] = [Math.floor(minutes / 60), time_left(ms - Math.floor(minutes / 60) * 3_600_000)];
    return `${hour}:${rest.padStart(5, "0")}`;
  }
  const days = counted("day", Math.floor(minutes / 1440));
  const hour = Math.floor((minutes % 1440) / 60);
  return hour === 0 ? days : `${days} and ${counted("hour", hour)}`;
}

/** "nobody", "1 person", "57 people" @param {number} count */
export function people(count) {
  if (count === 0) return "nobody";
  return count === 1 ? "1 person" : `${count.toLocaleString("en")} people`;
}

/** What the page says of a standing: a heading, a large figure with what it counts, a line on how
 *  long, and what to do. @typedef {{heading:string, figure:string, counts:string, how_long:string,
 *   advice:string, title:string}} Words */

/** @param {Standing} standing @param {AdmissionPolicy} policy @param {number} now the server's clock
 *  @param {boolean} [sold] whether no seat is left, nor can come back @returns {Words} */
export function standing_words(standing, policy, now, sold = false) {
  if (sold && is_in_line(standing.state)) return SOLD;
  switch (standing.state) {
    case "early":
      return early_words(standing, policy, now);
    case "waiting":
      return in_line_words(standing);
    case "admitted":
      return admitted_words(time_left((standing.until ?? now) - now));
    case "over":
      return {
        ...NONE,
        heading: "Your time to choose has ended",
        advice:
          "Your place went to the next in line. What you hold stays held until its own time is up. To choose again, join the line again.",
        title: "Time is up",
      };
    case "left":
      return standing.was === "early" ? LEFT_EARLY : LEFT;
  }
}

/** Whether one waits: for the doors, or for one's turn. @param {Standing["state"] | undefined} state */
export function is_in_line(state) {
  return state === "early" || state === "waiting";
}

/** What leaving costs. @param {Standing["state"]} state */
export function leaving_words(state) {
  return state === "early"
    ? "You give up your part in the draw. You cannot have this arrival back: if you join again, you come as a new one."
    : "Your place goes to the next in line, and you cannot have it back.";
}

/** What a lost line means to whoever waits; nothing while it is not lost, or they do not.
 *  @param {Standing["state"] | undefined} state @param {import("./usher.js").Link} link
 *  @param {boolean} online what the browser believes */
export function lost_words(state, link, online) {
  const lost = link.state !== "closed" && link_words(link, online).light === "off";
  if (!lost || !is_in_line(state)) return "";
  const kept = state === "early" ? "your part in the draw" : "your place";
  return `Connection lost. You keep ${kept}; ${link.state === "refused" ? "reload the page to go on" : "trying again"}.`;
}

/** What became of somebody's turn to choose, once it is over. @param {Standing} standing
 *  @param {{bought:boolean, holding:boolean}} has what they have of the show */
export function turn_over_words({ state, was, used }, { bought, holding }) {
  if (state === "left") return was === "admitted" ? "You let the next in." : "You have left the line.";
  if (used || bought) return "Others may choose now: your place went to the next in line.";
  const then = holding ? " What you hold stays held until its own time is up." : "";
  return `Your time to choose has ended.${then}`;
}

const NONE = { figure: "", counts: "", how_long: "" };

const LEFT = {
  ...NONE,
  heading: "You have left the line",
  advice: "Your place went to the next. If you change your mind, join again at the end of the line.",
  title: "Left the line",
};

const LEFT_EARLY = {
  ...NONE,
  heading: "You have left",
  advice:
    "You gave up your part in the draw. If you change your mind, join again: you come as a new arrival, and are drawn with the others if the doors have not opened by then.",
  title: "Left",
};

const SOLD = {
  ...NONE,
  heading: "All seats are sold",
  how_long: "You need not wait any longer.",
  advice: "",
  title: "Sold out",
};

/** @param {string} left @returns {Words} */
function admitted_words(left) {
  return {
    heading: "It is your turn",
    figure: left,
    counts: "left to choose your seats",
    how_long: "",
    advice: "You are taken to the seats in a moment.",
    title: `Your turn, ${left}`,
  };
}

/** @param {Standing} standing @param {AdmissionPolicy} policy @param {number} now @returns {Words} */
function early_words({ arrival }, policy, now) {
  const doors_at = policy.doors_at ?? now;
  if (doors_at <= now)
    return {
      ...NONE,
      heading: "The doors are opening",
      how_long: "The order is being drawn. Your number will be here in a moment.",
      advice: "",
      title: "Doors opening",
    };
  const came = arrival === undefined ? "" : `You came as number ${arrival.toLocaleString("en")}. `;
  return {
    heading: "The doors are not open yet",
    figure: countdown_words(doors_at - now),
    counts: "until the doors open",
    how_long: `${came}This is not your place in line.`,
    advice:
      "When the doors open, the order is drawn among all who have come by then. Nobody can know it before, and coming earlier makes no difference.",
    title: "Before the doors",
  };
}

/** @param {Standing} standing @returns {Words} */
function in_line_words({ before = 0, per_minute, called, passed_over, drawn, number = 0 }) {
  if (called)
    return {
      ...NONE,
      heading: "It is your turn",
      how_long: "One moment: your pass is on its way.",
      advice: "",
      title: "Your turn",
    };
  if (passed_over)
    return {
      ...NONE,
      heading: "You are next",
      how_long: "As soon as somebody leaves, it is your turn.",
      advice: "You were called while this page was away. You come before all others: stay here now.",
      title: "You are next",
    };
  const estimate = estimate_words(before + 1, per_minute);
  return {
    heading: before === 0 ? "You are next" : "You are in line",
    figure: before === 0 ? "" : before.toLocaleString("en"),
    counts: before === 0 ? "" : before === 1 ? "person before you" : "people before you",
    how_long: estimate
      ? `Your turn comes in ${estimate}.`
      : "How long it will take is not known yet: too few have left so far to tell.",
    advice: drawn
      ? `The doors are open. You were drawn number ${number.toLocaleString("en")} of the ${drawn.count.toLocaleString("en")} who had come.`
      : "",
    title: before === 0 ? "You are next" : `${before.toLocaleString("en")} before you`,
  };
}

/** What will happen, step by step. @param {Standing["state"] | null} state
 *  @param {AdmissionPolicy} policy @param {boolean} [keeps] whether this browser keeps anything beyond
 *  the page @returns {string[]} */
export function steps_words(state, { picking_max, pass_ms, call_ms = 60_000 }, keeps = true) {
  const choose =
    picking_max === 1 ? "One person chooses" : `${picking_max.toLocaleString("en")} people choose`;
  return [
    keeps
      ? "Keep this tab open, or come back later with the same link: this browser keeps your place."
      : "Keep this tab open: this browser stores nothing, so your place is lost with the page.",
    ...(state === "early"
      ? ["When the doors open, everyone who has come is drawn a number, and the line begins."]
      : []),
    `${choose} at a time. When one leaves, the next in line comes in.`,
    `When it is your turn, this page takes you to the seats. If you are away, you have ${duration_words(call_ms)} to come back; after that others go first, and for ten minutes you are next as soon as you return.`,
    `You then have ${duration_words(pass_ms)} to choose. What you hold by then stays held, and you can pay for it.`,
  ];
}
