/**
 * The waiting room: the entry of waiting-room.html. It wires the line to what is shown of it, and
 * leads on to the picker when it is this buyer's turn. What is said is in `waiting-words.js`, when it
 * is said aloud in `voice.js`.
 */
import { Bell } from "./bell.js";
import { commitment_of } from "./draw.js";
import { by_id, make } from "./elements.js";
import {
  browser_keeps,
  browser_session,
  browser_ticket,
  get_show,
  NotHad,
  pages_of,
  ticket_key,
} from "./house.js";
import { link_words, short_date_words } from "./sentences.js";
import { AVAILABLE, HELD, Unanswered, UsherClient } from "./usher.js";
import { Voice } from "./voice.js";
import { is_in_line, leaving_words, lost_words, standing_words, steps_words } from "./waiting-words.js";

/** @typedef {import("./house.js").Show} Show */
/** @typedef {import("./house.js").AdmissionPolicy} AdmissionPolicy */
/** @typedef {import("./admission.js").Standing} Standing */
/** What may be wrong. @typedef {"closed"|"house"|"line"|"leaving"|"draw"} Trouble */

/** Whose turn it is reads that first, and is then led on. */
const LEAD_ON_MS = 2_500;
/** The countdown looks at the clock so often; its words change once a second. */
const TICK_MS = 250;

/** Why it is not known yet where one stands. */
const CROWDED =
  "Very many people come from where you are at the moment. You are given a number in turn: keep this tab open.";
const NO_ANSWER =
  "The box office does not answer at the moment, so your place cannot be looked up. It is asked again by itself: keep this tab open.";

const FOUL =
  "The draw was not made with the secret that was promised. Keep what you see here, and ask the house about it.";

const $ = {
  title: by_id("title", HTMLElement),
  when: by_id("when", HTMLElement),
  link: by_id("link", HTMLElement),
  link_words: by_id("link-words", HTMLElement),
  spoken: by_id("spoken", HTMLElement),
  notice: by_id("notice", HTMLElement),
  standing: by_id("standing", HTMLElement),
  heading: by_id("heading", HTMLElement),
  figure_line: by_id("figure-line", HTMLElement),
  figure: by_id("figure", HTMLElement),
  counts: by_id("counts", HTMLElement),
  way: by_id("way", HTMLElement),
  way_done: by_id("way-done", HTMLElement),
  how_long: by_id("how-long", HTMLElement),
  advice: by_id("advice", HTMLElement),
  go: by_id("go", HTMLAnchorElement),
  again: by_id("again", HTMLButtonElement),
  sound: by_id("sound", HTMLInputElement),
  sound_label: by_id("sound-label", HTMLElement),
  leave: by_id("leave", HTMLButtonElement),
  leaving: by_id("leaving", HTMLElement),
  leaving_words: by_id("leaving-words", HTMLElement),
  leave_surely: by_id("leave-surely", HTMLButtonElement),
  stay: by_id("stay", HTMLButtonElement),
  number_fact: by_id("number-fact", HTMLElement),
  number: by_id("number", HTMLElement),
  serving_fact: by_id("serving-fact", HTMLElement),
  serving: by_id("serving", HTMLElement),
  free: by_id("free", HTMLElement),
  held: by_id("held", HTMLElement),
  proof: by_id("proof", HTMLElement),
  proof_link: by_id("proof-link", HTMLAnchorElement),
  steps: by_id("steps", HTMLOListElement),
};

/** @param {HTMLElement} element @param {string} words */
function set(element, words) {
  if (element.textContent !== words) element.textContent = words;
}

class WaitingRoom {
  #voice = new Voice();
  #bell = new Bell($.sound, $.sound_label);
  /** What was said last, to draw a change only once. @type {Standing | null} */
  #standing = null;
  /** How the line is. @type {import("./usher.js").Link} */
  #link = { state: "connecting", attempt: 0 };
  /** Whether no seat is left, nor held by anyone who might give it back. */
  #sold = false;
  /** How many were before this number when it was first seen here: the way it has come since. */
  #first_before = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #leading_on;
  /** What is wrong, by what it is about. @type {Map<Trouble, string>} */
  #troubles = new Map();

  /** @param {Show} show @param {AdmissionPolicy} policy */
  constructor(show, policy) {
    this.show = show;
    this.policy = policy;
    this.pages = pages_of(show.id);
    this.client = new UsherClient({
      show: show.id,
      session: browser_session(),
      ticket: browser_ticket(show.id),
      onlink: (link) => {
        this.#link = link;
        if (link.state === "live") this.#trouble("leaving", "");
        this.#draw_light();
      },
      onseats: () => this.#draw_seats(),
      onidentity: ({ admission }) => {
        this.#trouble("house", "");
        // It has none any more, or the show has begun: the picker knows what to say.
        if (!admission) location.replace(this.pages.picker);
      },
      onunidentified: ({ reason }) => this.#trouble("house", reason === "too_fast" ? CROWDED : NO_ANSWER),
      onadmission: (standing) => this.#stands(standing),
      onnotification: (method, params) => this.#told(method, params),
    });
    $.title.textContent = show.title;
    $.when.textContent = [short_date_words(show.starts_at), show.hall_name].filter(Boolean).join(" · ");
    $.go.href = this.pages.picker;
    $.proof.hidden = !policy.doors_at;
    this.#listen();
    setInterval(() => this.#tick(), TICK_MS);
  }

  #listen() {
    const { client } = this;
    /** @param {boolean} asked */
    const ask_to_leave = (asked) => {
      [$.leaving.hidden, $.leave.hidden] = [!asked, asked];
      (asked ? $.stay : $.leave).focus();
      if (!asked) this.#trouble("leaving", "");
    };
    addEventListener("keydown", ({ key }) => key === "Escape" && !$.leaving.hidden && ask_to_leave(false));
    $.leave.addEventListener("click", () => ask_to_leave(true));
    $.stay.addEventListener("click", () => ask_to_leave(false));
    $.leave_surely.addEventListener("click", () => void this.#leave());
    $.again.addEventListener("click", () => {
      client.close();
      client.open();
      $.heading.focus();
    });
    addEventListener("storage", ({ key }) => key === ticket_key(this.show.id) && client.ticketKept());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      client.probe();
      this.#lead_on(0);
    });
    // Come back to by the back button, the page would show what was true when it was left.
    addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
  }

  async #leave() {
    try {
      await this.client.leaveAdmission();
    } catch (error) {
      const words =
        error instanceof Unanswered
          ? "You are not connected, so you are still in line. Try again once the light says “Live”."
          : "That did not work, and you are still in line. Try again in a moment.";
      this.#trouble("leaving", words);
    }
  }

  /** @param {Trouble} about @param {string} words none: it is over */
  #trouble(about, words) {
    if (words) this.#troubles.set(about, words);
    else this.#troubles.delete(about);
    set($.notice, [...this.#troubles.values()].at(-1) ?? "");
  }

  /** @param {string} method @param {any} params */
  #told(method, params) {
    if (method === "server.status") {
      const away =
        "The box office cannot write anything down at the moment, so the line stands still. You keep your place.";
      this.#trouble("house", params.storage === "away" ? away : "");
    } else if (method === "admission.drawn" && commitment_of(params.secret) !== this.policy.commitment) {
      this.#trouble("draw", FOUL);
    } else if (method === "show.closed") {
      this.#trouble("closed", "Sales for this show have ended.");
    }
  }

  /** @param {Standing} standing */
  #stands(standing) {
    const before = this.#standing;
    const { state, number } = standing;
    if (number !== before?.number || state !== before?.state) this.#first_before = standing.before ?? 0;
    this.#standing = standing;
    this.#draw();
    this.#draw_light();
    this.#speak();
    if (state !== before?.state) this.#changed(state, before);
  }

  #speak() {
    if (this.#sold && is_in_line(this.#standing?.state))
      return set($.spoken, "All seats are sold. You need not wait any longer.");
    const words = this.#standing && this.#voice.say(this.#standing, performance.now());
    if (words) set($.spoken, words);
  }

  /** @param {Standing["state"]} state @param {Standing | null} before */
  #changed(state, before) {
    clearTimeout(this.#leading_on);
    this.#trouble("leaving", "");
    const steps = steps_words(state, this.policy, browser_keeps());
    $.steps.replaceChildren(...steps.map((words) => make("li", {}, words)));
    if (state === "admitted") {
      this.#bell.ring();
      // Who comes with a pass has nothing to read here.
      this.#lead_on(before ? LEAD_ON_MS : 0);
    }
    if (state === "left") $.again.focus();
  }

  /** On to the seats, once somebody looks. @param {number} after_ms */
  #lead_on(after_ms) {
    if (this.#standing?.state !== "admitted" || document.visibilityState !== "visible") return;
    clearTimeout(this.#leading_on);
    this.#leading_on = setTimeout(() => location.replace(this.pages.picker), after_ms);
  }

  #tick() {
    const counts_down = this.#standing?.state === "early" || this.#standing?.state === "admitted";
    if (counts_down) this.#draw();
    this.#speak(); // what was kept back for a while
  }

  #draw_light() {
    const state = this.#standing?.state;
    const out = state === "left" && this.#link.state === "closed";
    const { light, words } = link_words(this.#link, navigator.onLine);
    $.link.dataset.light = light;
    set($.link_words, out ? "Not in line" : words);
    this.#trouble("line", lost_words(state, this.#link, navigator.onLine));
  }

  #draw() {
    const standing = this.#standing;
    if (!standing) return;
    const { state, number, serving, arrival, before = 0, called } = standing;
    const said = standing_words(standing, this.policy, this.client.clock.now(), this.#sold);
    const in_line = is_in_line(state);
    const waits = in_line && !this.#sold;
    $.standing.dataset.state = in_line && !waits ? "over" : called ? "admitted" : state;
    set($.heading, said.heading);
    $.figure_line.hidden = said.figure === "";
    set($.figure, said.figure);
    set($.counts, said.counts);
    set($.how_long, said.how_long);
    set($.advice, said.advice);
    $.way.hidden = state !== "waiting" || !waits || this.#first_before === 0;
    $.way_done.style.width = `${100 - (100 * before) / Math.max(this.#first_before, 1)}%`;
    $.go.hidden = state !== "admitted";
    $.again.hidden = state !== "over" && state !== "left";
    by_id("steps-section", HTMLElement).hidden = !waits;
    $.sound_label.hidden = !waits || !Bell.can_ring();
    $.leave.hidden = !in_line || !$.leaving.hidden;
    $.leaving.hidden ||= !in_line;
    set($.leaving_words, leaving_words(state));
    set($.leave, state === "early" ? "Leave" : "Leave the line");
    set($.stay, state === "early" ? "Stay" : "Stay in line");
    $.number_fact.hidden = number === undefined;
    set($.number, number?.toLocaleString("en") ?? "");
    $.serving_fact.hidden = state !== "waiting" || serving === undefined;
    set($.serving, serving?.toLocaleString("en") ?? "");
    const with_arrival = arrival === undefined ? "" : `&arrival=${arrival}`;
    $.proof_link.href = this.pages.draw + with_arrival;
    set(
      $.proof_link,
      state === "early" ? "How the order will be drawn" : "How the order was drawn: check it",
    );
    const title = `${said.title} · ${this.show.title}`;
    if (document.title !== title) document.title = title;
  }

  #draw_seats() {
    const seats = this.client.mirror?.seats ?? new Uint8Array();
    let [free, held] = [0, 0];
    for (const state of seats) {
      if (state === AVAILABLE) free += 1;
      else if (state === HELD) held += 1;
    }
    set($.free, `${free.toLocaleString("en")} of ${seats.length.toLocaleString("en")}`);
    set($.held, held.toLocaleString("en"));
    const sold = free + held === 0;
    if (sold === this.#sold) return;
    this.#sold = sold;
    this.#draw();
    this.#speak();
  }
}

/** The room, once it is open; null where there is none. A test may import this module to look at it. */
export const room = start();

async function start() {
  const id = new URL(location.href).searchParams.get("show") ?? "";
  try {
    const show = await get_show(id);
    const { admission } = show.policy;
    if (!admission) return void location.replace(pages_of(id).picker);
    const waiting_room = new WaitingRoom(show, admission);
    waiting_room.client.open();
    return waiting_room;
  } catch (error) {
    if (!(error instanceof NotHad)) throw error;
    $.title.textContent = error.message;
    [$.link.hidden, by_id("room", HTMLElement).hidden] = [true, true];
    by_id("lost", HTMLElement).hidden = false;
    return null;
  }
}
