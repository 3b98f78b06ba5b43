/**
 * The house: what the pages ask the server over HTTP, and what they keep in the browser. It owns
 * the paths and the names of what is stored.
 */

/** @typedef {{id:string, title:string, hall:string, hall_name?:string, starts_at:number, on_sale_at?:number|null,
 *   seats:number, available:number, currency:string,
 *   policy:{hold_ms:number, offer_ms:number, seats_max:number, admission?:AdmissionPolicy|null}}} Show */
/** The waiting room of a show that has one.
 *  @typedef {{picking_max:number, pass_ms:number, call_ms?:number, doors_at?:number, commitment?:string}}
 *   AdmissionPolicy */
/** What is published of a waiting room.
 *  @typedef {{serving:number, numbers:number, arrivals:number, picking_max:number, per_minute?:number,
 *   doors_at?:number, commitment?:string, drawn?:import("./published.js").Drawn, now:number}} RoomFacts */

/** The server said no, or nothing. `status` is 0 where it could not be reached. */
export class NotHad extends Error {
  name = "NotHad";
  /** @param {number} status @param {string} words */
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

/** @param {string} path @returns {Promise<any>} */
async function get(path) {
  let answer;
  try {
    answer = await fetch(path, { headers: { accept: "application/json" } });
  } catch {
    throw new NotHad(0, "The house cannot be reached. Check your connection, then reload the page.");
  }
  if (answer.status === 404) throw new NotHad(404, "There is no such show.");
  if (!answer.ok)
    throw new NotHad(answer.status, "The house does not answer properly. Reload the page in a moment.");
  return answer.json();
}

/** One page of shows. @param {string} [cursor] @returns {Promise<{shows:Show[], next?:string}>} */
export function get_shows(cursor) {
  return get(`/v1/shows?limit=24${cursor ? `&cursor=${encodeURIComponent(cursor)}` : ""}`);
}

/** @param {string} show @returns {Promise<Show>} */
export function get_show(show) {
  return get(`/v1/shows/${encodeURIComponent(show)}`);
}

/** @param {string} show @returns {Promise<import("./plan.js").Layout>} */
export function get_layout(show) {
  return get(`/v1/shows/${encodeURIComponent(show)}/layout`);
}

/** Null where the show has no waiting room. @param {string} show @returns {Promise<RoomFacts | null>} */
export async function get_room(show) {
  try {
    return await get(`/v1/shows/${encodeURIComponent(show)}/admission`);
  } catch (error) {
    if (error instanceof NotHad && error.status === 404) return null;
    throw error;
  }
}

/** The pages of a show. @param {string} show */
export function pages_of(show) {
  const query = `?show=${encodeURIComponent(show)}`;
  return {
    picker: `/show.html${query}`,
    waiting_room: `/waiting-room.html${query}`,
    draw: `/draw.html${query}`,
  };
}

/** Under which name the session's token is kept in the browser. */
export const SESSION_KEY = "usher.session";

/** Where all tabs keep the one session. A browser that keeps nothing (private, full) still works
 *  for as long as the page is open. @returns {import("./usher.js").SessionStore} */
export function browser_session() {
  return shelf(SESSION_KEY, true);
}

/** How long a tab waits for another that takes a number: a little longer than an answer may take. */
const TAKING_MS = 16_000;

/** Under which name a show's ticket is kept in the browser. @param {string} show */
export function ticket_key(show) {
  return `usher.ticket.${show}`;
}

/** Where all tabs keep the one ticket of a show's waiting room.
 *  @param {string} show @returns {import("./admission.js").TicketStore} */
export function browser_ticket(show) {
  const kept = shelf(ticket_key(show), false);
  return {
    load() {
      try {
        const read = JSON.parse(kept.load() ?? "null");
        return typeof read?.ticket === "string" ? read : null;
      } catch {
        return null;
      }
    },
    save: (ticket) => kept.save(ticket === null ? null : JSON.stringify(ticket)),
    async alone(run) {
      // Only where the page came over TLS, or from this machine; elsewhere tabs agree afterwards.
      if (!navigator.locks) return run();
      let ran = false;
      const once = async () => {
        ran = true;
        await run();
      };
      try {
        await navigator.locks.request(ticket_key(show), { signal: AbortSignal.timeout(TAKING_MS) }, once);
      } catch (error) {
        if (ran) throw error;
        await run(); // the other tab sleeps
      }
    },
  };
}

/** Whether this browser keeps anything beyond the page: one that is private, or full, may not. */
export function browser_keeps() {
  try {
    localStorage.setItem("usher.kept", "");
    localStorage.removeItem("usher.kept");
    return true;
  } catch {
    return false;
  }
}

/** A place in the browser for one text, shared by all tabs where the browser keeps things.
 *  @param {string} key @param {boolean} stubborn whether it is still had here when it is gone there */
function shelf(key, stubborn) {
  /** @type {string | null} */
  let in_memory = null;
  return {
    /** @returns {string | null} */
    load() {
      try {
        return localStorage.getItem(key) ?? in_memory;
      } catch {
        return in_memory;
      }
    },
    /** @param {string | null} text */
    save(text) {
      in_memory = text;
      try {
        if (text === null) localStorage.removeItem(key);
        else localStorage.setItem(key, text);
        if (!stubborn) in_memory = null;
      } catch {
        // kept in memory
      }
    },
  };
}
