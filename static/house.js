/**
 * The house: what the pages ask the server over HTTP, and what they keep in the browser. It owns
 * the paths and the names of what is stored.
 */

/** @typedef {{id:string, title:string, hall:string, hall_name?:string, starts_at:number, on_sale_at?:number|null,
 *   seats:number, available:number, currency:string,
 *   policy:{hold_ms:number, offer_ms:number, seats_max:number}}} Show */

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

/** Under which name the session's token is kept in the browser. */
export const SESSION_KEY = "usher.session";

/** Where all tabs keep the one session. A browser that keeps nothing (private, full) still works
 *  for as long as the page is open. @returns {import("./usher.js").SessionStore} */
export function browser_session() {
  /** @type {string | null} */
  let in_memory = null;
  return {
    load() {
      try {
        return localStorage.getItem(SESSION_KEY) ?? in_memory;
      } catch {
        return in_memory;
      }
    },
    save(token) {
      in_memory = token;
      try {
        if (token === null) localStorage.removeItem(SESSION_KEY);
        else localStorage.setItem(SESSION_KEY, token);
      } catch {
        // kept in memory
      }
    },
  };
}
