/**
 * The panel: the buyer's choice as it is drawn beside the plan, on a phone below it. It shows what
 * it is told, and keeps the elements; what a press means is `basket.js`'s affair.
 */
import { by_id, make } from "./elements.js";
import { ordinal } from "./line.js";
import { counted, date_words, duration_words, money_words, seat_names } from "./sentences.js";

/** @typedef {import("./plan.js").Plan} Plan */
/** @typedef {import("./choice.js").Choice} Choice */
/** @typedef {import("./house.js").Show} Show */
/** What is drawn. `over`: what became of the turn to choose, where there was one and it is over;
 *  `free`, `held`: how many seats are. @typedef {{plan:Plan, show:Show, choice:Choice,
 *   over():(string|null), free:number, held:number}} Parts */

/** The panel's elements. */
export const $ = {
  how: by_id("how", HTMLElement),
  best: by_id("best", HTMLFormElement),
  quantity: by_id("best-quantity", HTMLSelectElement),
  place: by_id("best-place", HTMLSelectElement),
  category: by_id("best-category", HTMLSelectElement),
  together: by_id("best-together", HTMLInputElement),
  submit: by_id("best-submit", HTMLButtonElement),
  wait: by_id("best-wait", HTMLButtonElement),
  chosen: by_id("chosen", HTMLElement),
  chosen_title: by_id("chosen-title", HTMLElement),
  chosen_list: by_id("chosen-list", HTMLUListElement),
  total: by_id("total", HTMLElement),
  pay: by_id("pay", HTMLFormElement),
  card: by_id("pay-card", HTMLSelectElement),
  name: by_id("pay-name", HTMLInputElement),
  email: by_id("pay-email", HTMLInputElement),
  done: by_id("done", HTMLElement),
  done_words: by_id("done-words", HTMLElement),
  done_list: by_id("done-list", HTMLUListElement),
  done_facts: by_id("done-facts", HTMLDListElement),
  orders: by_id("orders", HTMLElement),
  orders_list: by_id("orders-list", HTMLUListElement),
  panel: by_id("panel", HTMLElement),
  notice: by_id("notice", HTMLElement),
  summary: by_id("summary", HTMLButtonElement),
  summary_words: by_id("summary-words", HTMLElement),
  summary_more: by_id("summary-more", HTMLElement),
  summary_open: by_id("summary-open", HTMLElement),
  countdown: by_id("countdown", HTMLElement),
  primary: by_id("primary", HTMLButtonElement),
  secondary: by_id("secondary", HTMLButtonElement),
};

/** What the main button says while the server is asked. @type {Record<string, string>} */
const ASKING = {
  hold: "Asking…",
  hold_best: "Looking…",
  change: "Changing…",
  release: "Releasing…",
  buy: "Paying…",
  "waitlist.join": "Joining…",
  "waitlist.leave": "Leaving…",
  "waitlist.accept": "Taking…",
  "waitlist.decline": "Letting go…",
};

/** What the seats in the panel are, while they are not simply held.
 *  @type {Partial<Record<import("./choice.js").Phase, string>>} */
const TITLES = { choosing: "Your choice", changing: "Your new choice", offered: "Offered to you" };

/** What the other button says. @type {Partial<Record<import("./choice.js").Phase, string>>} */
const SECONDARY = { holding: "Release", offered: "Let go", changing: "Undo" };

/** Says a sentence, near the buttons and aloud. @param {string} words
 *  @param {"news" | "refusal"} [kind] @param {HTMLAnchorElement | null} [link] where to go on */
export function say(words, kind = "news", link = null) {
  const said = link ? `${words} ${link.textContent}` : words;
  if ($.notice.textContent !== said) {
    $.notice.textContent = words; // said once, not at every tick
    if (link) $.notice.append(" ", link);
  }
  $.notice.dataset.kind = kind;
}

/** On a phone the sheet lies over the plan, or is folded into the bar. @param {boolean} open */
export function open_sheet(open) {
  $.panel.dataset.open = String(open);
  $.summary.setAttribute("aria-expanded", String(open));
}

/** Whether the sheet is unfolded. */
export function sheet_is_open() {
  return $.panel.dataset.open === "true";
}

/** A button that is off for a moment keeps the focus: `disabled` would take it from who is using the
 *  keyboard. @param {HTMLButtonElement} button @param {boolean} on */
export function turn(button, on) {
  button.setAttribute("aria-disabled", String(!on));
}

/** @param {HTMLButtonElement} button */
export function is_on(button) {
  return button.getAttribute("aria-disabled") !== "true";
}

/** What does not change while the page is open: how it goes, and what may be wished for.
 *  @param {Pick<Parts, "plan" | "show" | "choice">} parts */
export function furnish({ plan, show, choice }) {
  by_id("how-many", HTMLElement).textContent =
    `Tap the seats you like on the plan, ${choice.seats_max} at most.`;
  by_id("how-long", HTMLElement).textContent =
    `Hold them: for ${duration_words(show.policy.hold_ms)} nobody else can take them.`;
  const { sections, areas, categories } = plan.layout;
  /** @param {HTMLSelectElement} select @param {[value:string, words:string][]} options */
  const fill = (select, options) =>
    select.replaceChildren(...options.map(([value, words]) => make("option", { value }, words)));
  fill(
    $.quantity,
    Array.from({ length: choice.seats_max }, (_, i) => [`${i + 1}`, `${i + 1}`]),
  );
  $.quantity.value = String(Math.min(2, choice.seats_max));
  fill($.place, [
    ["", "Anywhere"],
    ...sections.map(
      ({ name }, i) => /** @type {[string, string]} */ ([`section:${i}`, name || `Part ${i + 1}`]),
    ),
    ...areas.map(({ name }, i) => /** @type {[string, string]} */ ([`area:${i}`, `${name} (standing)`])),
  ]);
  fill($.category, [
    ["", "Any price"],
    ...categories.map(
      ({ name, price }, i) =>
        /** @type {[string, string]} */ ([
          `${i}`,
          `${name}, ${money_words({ amount: price, currency: show.currency })}`,
        ]),
    ),
  ]);
  // Beside a wide screen's plan the sheet is always open, and there is nothing to unfold.
  const wide = matchMedia("(min-width: 861px)");
  const fold = () => ($.summary.disabled = wide.matches);
  wide.addEventListener("change", fold);
  fold();
}

/** Draws the panel as things are. @param {Parts} parts
 *  @param {string | null} asking what the server is being asked */
export function draw_panel(parts, asking) {
  const focused = document.activeElement;
  const { plan, show, choice } = parts;
  const { phase } = choice;
  const seats = choice.listed;
  const held = ["holding", "offered", "paying"].includes(phase) ? choice.hold?.total.amount : undefined;
  const amount = held ?? seats.reduce((sum, seat) => sum + plan.price(seat), 0);
  const total = money_words({ amount, currency: show.currency });
  $.panel.dataset.phase = phase;
  $.how.hidden = phase !== "choosing" || seats.length > 0 || parts.over() !== null;
  $.best.hidden = phase !== "choosing";
  $.chosen.hidden = seats.length === 0;
  $.pay.hidden = phase !== "holding" && phase !== "paying";
  $.done.hidden = phase !== "bought";
  $.chosen_title.textContent = TITLES[phase] ?? "Held for you";
  $.total.textContent = total;
  list_seats(parts, $.chosen_list, seats, phase !== "paying");
  draw_orders(parts);
  put_waiting_first(parts.free === 0);
  draw_bar(parts, total, asking);
  // What had the focus may be gone; the notice says why, and is next to what can be done now.
  const gone = focused instanceof HTMLElement && $.panel.contains(focused) && focused.offsetParent === null;
  if (gone) $.notice.focus();
}

/** Where nothing is free, waiting comes before being given the best of it. @param {boolean} first */
function put_waiting_first(first) {
  const [one, other] = first ? [$.wait, $.submit] : [$.submit, $.wait];
  if (one.nextElementSibling === other) return;
  // What is moved would lose the focus.
  if (document.activeElement === other) other.before(one);
  else one.after(other);
}

/** What can be done while nothing is marked. @param {Parts} parts */
function advice_words(parts) {
  if (parts.over()) return "To choose again, join the line";
  if (parts.free > 0) return "Tap the plan, or let us choose";
  return parts.held > 0 ? "Nothing free: wait in line" : "All seats are sold";
}

/** @param {Parts} parts @param {string} total @param {string | null} asking */
function draw_bar(parts, total, asking) {
  const {
    phase,
    waiting,
    seats: { size: count },
  } = parts.choice;
  const labels = {
    choosing: `Hold ${counted("seat", count)}`,
    waiting: "",
    offered: count === 1 ? "Take this seat" : "Take these seats",
    holding: `Pay ${total}`,
    paying: "Paying…",
    changing: `Change to ${count === 1 ? "this seat" : `these ${count}`}`,
    bought: "Done",
  };
  const [bought, none] = [phase === "bought", count === 0];
  $.primary.textContent = asking ? ASKING[asking] : labels[phase];
  $.primary.hidden = none && !bought && phase !== "changing" && !asking;
  turn($.primary, !asking && phase !== "paying" && !(phase === "changing" && none));
  $.secondary.textContent = SECONDARY[phase] ?? "Clear";
  $.secondary.hidden = bought || phase === "paying" || phase === "waiting" || (phase === "choosing" && none);
  turn($.secondary, !asking);
  if (waiting && phase === "waiting") {
    $.summary_words.textContent = `${ordinal(waiting.position)} in line`;
    $.summary_more.textContent = `for ${counted("seat", waiting.quantity)}`;
    $.summary_open.textContent = sheet_is_open() ? " ▾" : " ▴";
    return;
  }
  $.summary_words.textContent = bought ? "Bought" : none ? "No seats chosen" : counted("seat", count);
  $.summary_more.textContent = bought ? "Your order" : none ? advice_words(parts) : total;
  $.summary_open.textContent = sheet_is_open() ? " ▾" : " ▴";
}

/** @param {Parts} parts */
function draw_orders(parts) {
  const {
    plan,
    show,
    choice: { order, bought_before: before },
  } = parts;
  $.orders.hidden = before.length === 0;
  $.orders_list.replaceChildren(
    ...before.map(({ id, seats, total }) =>
      make(
        "li",
        {},
        make("span", {}, seat_names(plan, seats)),
        make("b", {}, money_words(total)),
        make("small", { class: "code" }, id),
      ),
    ),
  );
  if (!order) return;
  $.done_words.textContent = `${show.title}, ${date_words(show.starts_at)}. ${money_words(order.total)} paid.`;
  list_seats(parts, $.done_list, order.seats, false);
  const facts = [
    ["Order", order.id],
    ["Place in the log", `${order.head.seq}, chain ${order.head.chain}`],
  ];
  $.done_facts.replaceChildren(
    ...facts.flatMap(([term, words]) => [make("dt", {}, term), make("dd", { class: "code" }, words)]),
  );
}

/** @param {Pick<Parts, "plan" | "show">} parts @param {HTMLUListElement} list @param {number[]} seats
 *  @param {boolean} removable */
function list_seats({ plan, show }, list, seats, removable) {
  const wanted = `${removable}:${seats.join()}`;
  if (list.dataset.seats === wanted) return; // keeps the focus where it is
  list.dataset.seats = wanted;
  list.replaceChildren(
    ...seats.map((seat) => {
      const swatch = make("i", { class: "swatch", "aria-hidden": "true" });
      swatch.style.setProperty("--category", plan.layout.categories[plan.category[seat]]?.color ?? "");
      const [label, price] = [
        plan.label(seat),
        money_words({ amount: plan.price(seat), currency: show.currency }),
      ];
      const item = make("li", {}, swatch, make("span", {}, label), make("b", {}, price));
      const remove = {
        type: "button",
        class: "remove",
        "data-seat": seat,
        "aria-label": `Take away ${label}`,
      };
      if (removable) item.append(make("button", remove, "×"));
      return item;
    }),
  );
}
