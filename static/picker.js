/**
 * The seat picker: the entry of show.html. It only wires: the line to the mirror, the mirror to the
 * map, the rows and the basket, and what is tapped back to the line.
 */
import { Basket } from "./basket.js";
import { Choice } from "./choice.js";
import { by_id, make } from "./elements.js";
import { listen } from "./gestures.js";
import {
  browser_session,
  browser_ticket,
  get_layout,
  get_show,
  NotHad,
  SESSION_KEY,
  ticket_key,
} from "./house.js";
import { SeatMap } from "./map.js";
import { Pass } from "./pass.js";
import { Plan } from "./plan.js";
import { Rows } from "./rows.js";
import { draw_legend, show_hint } from "./signs.js";
import { link_words, short_date_words } from "./sentences.js";
import { UsherClient } from "./usher.js";

/** @typedef {import("./usher.js").Link} Link */

/** Gives the parts of the running page, once the first frame was drawn; null where there is no
 *  show. A test may import this module to look at them. */
export const picker = start();

async function start() {
  const id = new URL(location.href).searchParams.get("show") ?? "";
  try {
    const [show, layout] = await Promise.all([get_show(id), get_layout(id)]);
    return await open(show, layout);
  } catch (error) {
    if (!(error instanceof NotHad)) throw error;
    by_id("title", HTMLElement).textContent = error.message;
    document.body.classList.add("closed");
    by_id("link", HTMLElement).hidden = true;
    return null;
  }
}

/** @param {import("./house.js").Show} show @param {import("./plan.js").Layout} layout */
async function open(show, layout) {
  by_id("title", HTMLElement).textContent = show.title;
  by_id("when", HTMLElement).textContent = [short_date_words(show.starts_at), show.hall_name]
    .filter(Boolean)
    .join(" · ");
  document.title = `${show.title} · choose your seats · Usher`;

  const plan = new Plan(layout);
  const blank = new Uint8Array(plan.count).fill(3); // until the first frame nothing is for sale
  const choice = new Choice(show.policy.seats_max);
  const map = new SeatMap(by_id("map", HTMLCanvasElement), plan, blank);
  let first_frame = true;
  let first_identity = true;

  const session = browser_session();
  const client = new UsherClient({
    show: show.id,
    session,
    ...(show.policy.admission ? { ticket: browser_ticket(show.id) } : {}),
    onlink: show_link,
    onseats: ({ changed }) => {
      const { mirror } = client;
      if (!mirror) return;
      if (mirror.epoch !== plan.epoch) void renew(plan, mirror);
      if (mirror.seats.length !== plan.count) return;
      map.update(mirror.seats, changed, !first_frame);
      rows.update(mirror.seats, changed);
      basket.frame(mirror.seats, changed);
      if (first_frame) seen();
      first_frame = false;
    },
    onidentity: (identity) => {
      basket.identified(identity, first_identity);
      first_identity = false;
    },
    onadmission: (standing) => {
      pass.stands(standing);
      basket.refresh();
    },
    onnotification: (method, params) => basket.told(method, params),
  });
  const pass = new Pass({ show, plan, choice, client });

  const rows = new Rows(by_id("list-view", HTMLElement), plan, blank, {
    currency: show.currency,
    onseat: (seat) => basket.toggle(seat),
    onarea: (area) => basket.wish_for_area(area),
  });
  const basket = new Basket({
    plan,
    show,
    choice,
    client,
    over: () => pass.over_words(),
    onchange: () => {
      const marks = choice.marks();
      map.mark(marks);
      rows.mark(marks);
      pass.draw();
    },
  });
  basket.onbring = (seats) => {
    const floor = plan.floors.findIndex((sections) => sections.includes(plan.section(seats[0])));
    if (floor >= 0) show_floor(map, floor);
    map.bring(seats);
  };

  listen(map, {
    onseat: (seat) => basket.toggle(seat),
    onarea: (area) => basket.wish_for_area(area),
    onpoint: (seat, area, x, y) => show_hint(plan, show.currency, map, client, { seat, area, x, y }),
  });
  draw_legend(plan, show.currency);
  offer_floors(map);
  offer_views(map);
  share_first_session(session, client, choice);
  document.addEventListener(
    "visibilitychange",
    () => document.visibilityState === "visible" && client.probe(),
  );

  addEventListener("storage", ({ key }) => key === ticket_key(show.id) && client.ticketKept());

  /** @type {() => void} */
  let seen = () => {};
  const first_seen = new Promise((resolve) => (seen = () => resolve(null)));
  client.open();
  await first_seen;
  return { plan, choice, client, map, rows, basket };
}

/** Two tabs opened at once in a new browser are given a session each; the one kept last becomes
 *  both's. Only once and only at first: a token is renewed at every opening, and tabs that followed
 *  each other's renewals would never rest.
 *  @param {import("./usher.js").SessionStore} session @param {UsherClient} client @param {Choice} choice */
function share_first_session(session, client, choice) {
  if (session.load() !== null) return;
  /** @param {StorageEvent} event */
  const follow = ({ key, newValue }) => {
    if (key !== SESSION_KEY || newValue === null) return;
    removeEventListener("storage", follow);
    if (choice.hold) return;
    client.close();
    client.open();
  };
  addEventListener("storage", follow);
}

/** The show began another life: where its layout is another too, the page begins anew.
 *  @param {Plan} plan @param {import("./usher.js").Mirror} mirror */
async function renew(plan, mirror) {
  const before = plan.layout;
  plan.epoch = mirror.epoch; // asked once for each epoch, whatever the answer
  const layout = await get_layout(before.show);
  if (JSON.stringify({ ...layout, epoch: "" }) !== JSON.stringify({ ...before, epoch: "" }))
    location.reload();
}

/** @param {Link} link */
function show_link(link) {
  const { light, words } = link_words(link, navigator.onLine);
  by_id("link", HTMLElement).dataset.light = light;
  const place = by_id("link-words", HTMLElement);
  if (place.textContent !== words) place.textContent = words;
}

/** @param {SeatMap} map */
function offer_floors(map) {
  const { plan } = map.scene;
  const root = by_id("floors", HTMLElement);
  root.hidden = plan.floors.length < 2;
  root.replaceChildren(
    ...plan.floors.map((sections, floor) => {
      const name =
        sections.length > 2
          ? `Level ${floor + 1}`
          : sections.map((s) => plan.layout.sections[s].name).join(", ");
      const button = make("button", { type: "button", "aria-pressed": String(floor === 0) }, name);
      button.addEventListener("click", () => show_floor(map, floor));
      return button;
    }),
  );
}

/** @param {SeatMap} map @param {number} floor */
function show_floor(map, floor) {
  map.show_floor(floor);
  [...by_id("floors", HTMLElement).children].forEach((button, i) =>
    button.setAttribute("aria-pressed", String(i === floor)),
  );
}

/** @param {SeatMap} map */
function offer_views(map) {
  const [map_button, list_button] = [
    by_id("map-button", HTMLButtonElement),
    by_id("list-button", HTMLButtonElement),
  ];
  /** @param {boolean} list */
  const choose = (list) => {
    map_button.setAttribute("aria-pressed", String(!list));
    list_button.setAttribute("aria-pressed", String(list));
    by_id("map-view", HTMLElement).hidden = list;
    by_id("list-view", HTMLElement).hidden = !list;
  };
  map_button.addEventListener("click", () => choose(false));
  list_button.addEventListener("click", () => choose(true));
  by_id("skip", HTMLAnchorElement).addEventListener("click", (event) => {
    event.preventDefault();
    choose(true);
    by_id("list-view", HTMLElement).querySelector("summary")?.focus();
  });
  by_id("zoom-in", HTMLButtonElement).addEventListener("click", () => map.zoom(1.6));
  by_id("zoom-out", HTMLButtonElement).addEventListener("click", () => map.zoom(1 / 1.6));
  by_id("zoom-whole", HTMLButtonElement).addEventListener("click", () => map.whole());
}
