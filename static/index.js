/**
 * The list of shows: the entry of index.html. It reads pages of shows and draws each as a ticket.
 */
import { by_id, make } from "./elements.js";
import { get_shows, NotHad, pages_of } from "./house.js";
import { availability, counted } from "./sentences.js";

/** @typedef {import("./house.js").Show} Show */

const [list, more, lost] = [
  by_id("shows", HTMLUListElement),
  by_id("more", HTMLButtonElement),
  by_id("lost", HTMLElement),
];
/** Where the next page begins. @type {string | undefined} */
let next;

/** @param {Show} show */
function ticket(show) {
  const date = new Date(show.starts_at);
  /** @param {Intl.DateTimeFormatOptions} options */
  const part = (options) => new Intl.DateTimeFormat(undefined, options).format(date);
  const pages = pages_of(show.id);
  const { state, words } = availability(show, Date.now());
  const room = show.policy.admission && state !== "over";
  return make(
    "li",
    {},
    make(
      "a",
      { class: "ticket", href: show.policy.admission ? pages.waiting_room : pages.picker },
      make(
        "span",
        { class: "day" },
        make("span", {}, part({ weekday: "short" })),
        make("b", {}, part({ day: "numeric" })),
        make("span", {}, part({ month: "short" })),
      ),
      make(
        "span",
        { class: "about" },
        make("h2", {}, show.title),
        make("p", {}, `${show.hall_name ?? show.hall} · ${part({ hour: "numeric", minute: "2-digit" })}`),
        make("p", {}, counted("seat", show.seats)),
        make("p", { class: "left", "data-state": state }, room ? `${words} · Waiting room` : words),
      ),
    ),
  );
}

async function read_on() {
  more.disabled = true;
  try {
    const page = await get_shows(next);
    next = page.next;
    list.append(...page.shows.map(ticket));
    more.hidden = next === undefined;
    lost.hidden = list.childElementCount > 0;
    lost.textContent = "Nothing is on at the moment. Come back soon.";
    by_id("news", HTMLElement).textContent = `${counted("show", list.childElementCount)} listed.`;
  } catch (error) {
    lost.hidden = false;
    lost.textContent =
      error instanceof NotHad ? error.message : "Something went wrong on this page. Reload it and try again.";
  } finally {
    more.disabled = false;
  }
}

// Come back to by the back button, the list would be as old as it was left.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());
more.addEventListener("click", () => void read_on());
await read_on();
