/**
 * The basket: the panel with the buyer's choice, the hold's countdown, and the buttons that ask the
 * server. It owns the panel and the one request under way; what follows from answers is decided by
 * `choice.js`, in which words they are told by `sentences.js`.
 */
import { by_id, make } from "./elements.js";
import { counted, date_words, duration_words, error_words, money_words, seat_names, time_left } from "./sentences.js";
import { Unanswered } from "./usher.js";

/** @typedef {import("./plan.js").Plan} Plan */
/** @typedef {import("./choice.js").Choice} Choice */
/** @typedef {import("./usher.js").UsherClient} UsherClient */
/** @typedef {import("./house.js").Show} Show */

/** When a gentle word is said that time runs out. */
const WARNING_MS = 60_000;
/** The countdown looks at the clock so often; its words change once a second. */
const TICK_MS = 250;

const $ = {
  how: by_id("how", HTMLElement),
  best: by_id("best", HTMLFormElement), quantity: by_id("best-quantity", HTMLSelectElement),
  place: by_id("best-place", HTMLSelectElement), category: by_id("best-category", HTMLSelectElement),
  together: by_id("best-together", HTMLInputElement),
  chosen: by_id("chosen", HTMLElement), chosen_title: by_id("chosen-title", HTMLElement),
  chosen_list: by_id("chosen-list", HTMLUListElement), total: by_id("total", HTMLElement),
  pay: by_id("pay", HTMLFormElement), card: by_id("pay-card", HTMLSelectElement),
  name: by_id("pay-name", HTMLInputElement), email: by_id("pay-email", HTMLInputElement),
  done: by_id("done", HTMLElement), done_words: by_id("done-words", HTMLElement),
  done_list: by_id("done-list", HTMLUListElement), done_facts: by_id("done-facts", HTMLDListElement),
  orders: by_id("orders", HTMLElement), orders_list: by_id("orders-list", HTMLUListElement),
  panel: by_id("panel", HTMLElement), notice: by_id("notice", HTMLElement),
  summary: by_id("summary", HTMLButtonElement), summary_words: by_id("summary-words", HTMLElement),
  summary_more: by_id("summary-more", HTMLElement), summary_open: by_id("summary-open", HTMLElement), countdown: by_id("countdown", HTMLElement),
  primary: by_id("primary", HTMLButtonElement), secondary: by_id("secondary", HTMLButtonElement),
};

export class Basket {
  /** What is being asked; nothing else is asked until it is answered. @type {string | null} */
  #asking = null;
  #warned = false;

  /** @param {{plan:Plan, show:Show, choice:Choice, client:UsherClient, onchange:() => void}} parts
   *  `onchange`: marks are to be drawn anew */
  constructor({ plan, show, choice, client, onchange }) {
    this.plan = plan;
    this.show = show;
    this.choice = choice;
    this.client = client;
    this.onchange = onchange;
    this.#offer_wishes();
    by_id("how-many", HTMLElement).textContent = `Tap the seats you like on the plan, ${choice.seats_max} at most.`;
    by_id("how-long", HTMLElement).textContent = `Hold them: for ${duration_words(show.policy.hold_ms)} nobody else can take them.`;
    $.best.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#hold_best();
    });
    $.pay.addEventListener("submit", (event) => {
      event.preventDefault();
      if (is_on($.primary)) this.#press_primary();
    });
    $.primary.addEventListener("click", () => is_on($.primary) && this.#press_primary());
    $.secondary.addEventListener("click", () => is_on($.secondary) && this.#press_secondary());
    // Beside a wide screen's plan the sheet is always open, and there is nothing to unfold.
    const wide = matchMedia("(min-width: 861px)");
    const fold = () => ($.summary.disabled = wide.matches);
    wide.addEventListener("change", fold);
    fold();
    $.summary.addEventListener("click", () => this.open_sheet($.panel.dataset.open !== "true"));
    $.chosen_list.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("button") : null;
      if (button) this.toggle(Number(button.dataset.seat));
    });
    setInterval(() => this.#tick(), TICK_MS);
    this.refresh();
    this.#say_when_closed();
  }

  /** Before sales begin and after the show has, the server refuses; better to know at once. */
  #say_when_closed() {
    const { on_sale_at, starts_at } = this.show;
    if (starts_at <= Date.now()) this.say("This show has begun: its seats can no longer be held.");
    else if (on_sale_at && on_sale_at > Date.now()) this.say(`Sales begin on ${date_words(on_sale_at)}. Until then you can look around.`);
  }

  /** On a phone the sheet lies over the plan, or is folded into the bar. @param {boolean} open */
  open_sheet(open) {
    $.panel.dataset.open = String(open);
    $.summary.setAttribute("aria-expanded", String(open));
    this.refresh();
  }

  /** Says a sentence, near the buttons and aloud. @param {string} words
   *  @param {"news" | "refusal"} [kind] */
  say(words, kind = "news") {
    if ($.notice.textContent !== words) $.notice.textContent = words; // said once, not at every tick
    $.notice.dataset.kind = kind;
  }

  /** The buyer tapped a seat. @param {number} seat */
  toggle(seat) {
    if (this.#asking) return;
    const state = this.client.mirror?.seats[seat] ?? 0;
    const outcome = this.choice.toggle(seat, state);
    if (outcome === "too_many") this.say(`You can have ${counted("seat", this.choice.seats_max)} at most. Take one away first.`, "refusal");
    else if (outcome === "not_available") this.say(`${seat_names(this.plan, [seat])} is taken. Choose one that is filled with colour.`, "refusal");
    else if (outcome !== "not_now") this.say("");
    this.refresh();
  }

  /** A standing area was tapped: places are asked for by number. @param {number} area */
  wish_for_area(area) {
    if (this.choice.phase !== "choosing") {
      this.say("Finish or release the seats you hold before choosing standing places.", "refusal");
      return;
    }
    $.place.value = `area:${area}`;
    $.category.value = "";
    this.open_sheet(true);
    $.quantity.focus();
    this.say(`${this.plan.layout.areas[area].name}: say how many places, then press “Hold the best seats”.`);
  }

  #offer_wishes() {
    const { sections, areas, categories } = this.plan.layout;
    /** @param {HTMLSelectElement} select @param {[string, string][]} options */
    const fill = (select, options) => {
      const kept = select.value;
      select.replaceChildren(...options.map(([value, words]) => make("option", { value }, words)));
      if (options.some(([value]) => value === kept)) select.value = kept;
    };
    fill($.quantity, Array.from({ length: this.choice.seats_max }, (_, i) => [`${i + 1}`, `${i + 1}`]));
    if (!$.quantity.dataset.set) $.quantity.value = String(Math.min(2, this.choice.seats_max));
    $.quantity.dataset.set = "true";
    fill($.place, [["", "Anywhere"],
      ...sections.map((section, i) => /** @type {[string, string]} */ ([`section:${i}`, section.name || `Part ${i + 1}`])),
      ...areas.map((area, i) => /** @type {[string, string]} */ ([`area:${i}`, `${area.name} (standing)`]))]);
    fill($.category, [["", "Any price"], ...categories.map((category, i) =>
      /** @type {[string, string]} */ ([`${i}`, `${category.name}, ${this.#money(category.price)}`]))]);
  }

  /** @param {number} amount */
  #money(amount) {
    return money_words({ amount, currency: this.show.currency });
  }

  /** Asks the server one thing, and says what it answered. While it is asked, nothing else is.
   *  @param {string} method @param {Record<string, unknown>} params
   *  @param {(result:any) => void} then */
  async #ask(method, params, then) {
    if (this.#asking) return;
    this.#asking = method;
    this.refresh();
    try {
      then(await this.client.request(method, params));
    } catch (error) {
      this.say(error_words(error, this.plan), "refusal");
      // Nobody else can tell what a broken line did: the next `identify` does, see `identified`.
      if (!(error instanceof Unanswered)) this.choice.lose(this.client.mirror?.seats ?? new Uint8Array(), null);
    } finally {
      this.#asking = null;
      this.refresh();
    }
  }

  async #hold_best() {
    if (this.choice.phase !== "choosing") return;
    const [kind, index] = $.place.value.split(":");
    await this.#ask("hold_best", {
      quantity: Number($.quantity.value),
      together: $.together.checked,
      ...(kind ? { [`${kind}s`]: [Number(index)] } : {}),
      ...($.category.value === "" ? {} : { categories: [Number($.category.value)] }),
    }, ({ hold }) => {
      this.#granted(hold);
      this.onbring?.(hold.seats);
    });
  }

  /** Set by who draws: brings seats into sight. @type {((seats:number[]) => void) | undefined} */
  onbring;

  /** @param {import("./usher.js").Hold} hold */
  #granted(hold) {
    this.choice.held(hold);
    const left = hold.expires_at - this.client.clock.now();
    this.#warned = left <= WARNING_MS; // the word below is warning enough
    this.open_sheet(true);
    this.say(`${seat_names(this.plan, hold.seats)}: yours for the next ${duration_words(left)}.`);
  }

  #press_primary() {
    const { choice } = this;
    const { hold } = choice;
    if (choice.phase === "choosing" && choice.seats.size > 0) {
      void this.#ask("hold", { seats: choice.listed }, (result) => this.#granted(result.hold));
    } else if (choice.phase === "changing" && hold) {
      void this.#ask("change", { hold: hold.id, seats: choice.listed }, (result) => {
        choice.held(result.hold);
        this.say(`Changed. You now hold ${seat_names(this.plan, result.hold.seats)}.`);
      });
    } else if (choice.phase === "holding" && hold) {
      if (!$.pay.reportValidity()) return;
      const customer = { name: $.name.value.trim(), email: $.email.value.trim() };
      void this.#ask("buy", {
        hold: hold.id,
        payment: { method: "test", card: $.card.value },
        ...(customer.name || customer.email ? { customer } : {}),
      }, ({ order }) => this.bought(order));
    } else if (choice.phase === "bought") {
      choice.order = null;
      this.say("");
      this.open_sheet(false);
      this.refresh();
    }
  }

  #press_secondary() {
    const { choice } = this;
    if (choice.phase === "holding" && choice.hold) {
      const { id } = choice.hold;
      void this.#ask("release", { hold: id }, () => {
        choice.ended(id, false);
        this.open_sheet(false);
        this.say("Released. The seats are free for others again.");
      });
    } else {
      choice.reset();
      this.say("");
      this.refresh();
    }
  }

  /** A frame came. @param {Uint8Array} states @param {number[] | null} changed */
  frame(states, changed) {
    // While we ask, our own hold may be what took them.
    if (this.#asking) return;
    const lost = this.choice.lose(states, changed);
    if (lost.length === 0) return;
    const names = seat_names(this.plan, lost);
    this.say(`${names}: just taken by someone else. Choose ${lost.length === 1 ? "another seat" : "other seats"}.`, "refusal");
    this.refresh();
  }

  /** The line opened, and the server said what is ours.
   *  @param {import("./usher.js").Identity} identity @param {boolean} first */
  identified({ holds, orders }, first) {
    const ours = orders.filter((order) => order.show === this.show.id);
    const outcome = this.choice.identified(holds, ours, first);
    if (outcome === "held" && this.choice.hold) this.#granted(this.choice.hold);
    else if (outcome === "bought" && this.choice.order) this.bought(this.choice.order);
    else if (outcome === "ended") this.say("While you were away your time ran out. The seats are still marked: hold them again if they are free.", "refusal");
    else {
      if ($.notice.dataset.kind === "refusal") this.say(this.choice.hold ? "You are connected again, and your seats are still yours." : "");
      // What was taken while a question of ours had no answer was not looked at then.
      if (!this.choice.hold && this.client.mirror) this.frame(this.client.mirror.seats, null);
    }
    this.refresh();
  }

  /** Something was told unasked: by the server's own clock, or by another tab of this buyer.
   *  @param {string} method @param {any} params */
  told(method, params) {
    const { choice } = this;
    if (method === "hold.changed") this.#granted(params.hold);
    else if (method === "order") this.bought(params.order);
    else if (method === "hold.expired" && choice.ended(params.hold, true)) {
      this.say("Your time ran out and the seats are free again. They are still marked: hold them again before someone else does.", "refusal");
    } else if (method === "hold.released" && this.#asking !== "release" && choice.ended(params.hold, false)) {
      this.say("The seats were released.");
    } else if (method === "show.closed") {
      this.say("Sales for this show have ended.", "refusal");
    }
    this.refresh();
  }

  /** @param {import("./usher.js").Order} order */
  bought(order) {
    this.choice.bought(order);
    this.say("");
    this.refresh();
    this.open_sheet(true);
    $.done.focus();
  }

  /** Draws the panel as things are. */
  refresh() {
    const focused = document.activeElement;
    this.#refresh();
    // What had the focus may be gone; the notice says why, and is next to what can be done now.
    if (focused instanceof HTMLElement && $.panel.contains(focused) && focused.offsetParent === null) $.notice.focus();
  }

  #refresh() {
    const { choice } = this;
    const { phase } = choice;
    const seats = choice.listed;
    const amount = phase === "holding" || phase === "paying" ? choice.hold?.total.amount : undefined;
    const total = this.#money(amount ?? seats.reduce((sum, seat) => sum + this.plan.price(seat), 0));
    $.panel.dataset.phase = phase;
    $.how.hidden = phase !== "choosing" || seats.length > 0;
    $.best.hidden = phase !== "choosing";
    $.chosen.hidden = seats.length === 0;
    $.pay.hidden = phase !== "holding" && phase !== "paying";
    $.done.hidden = phase !== "bought";
    $.chosen_title.textContent = phase === "choosing" ? "Your choice" : phase === "changing" ? "Your new choice" : "Held for you";
    $.total.textContent = total;
    list_seats(this, $.chosen_list, seats, phase !== "paying");
    this.#show_order();
    this.#show_bar(total);
    this.#tick();
    this.onchange();
  }

  /** @param {string} total */
  #show_bar(total) {
    const { choice } = this;
    const { phase } = choice;
    const count = choice.seats.size;
    const labels = {
      choosing: `Hold ${counted("seat", count)}`, holding: `Pay ${total}`, paying: "Paying…",
      changing: `Change to ${count === 1 ? "this seat" : `these ${count}`}`, bought: "Done",
    };
    const asking = { hold: "Asking…", hold_best: "Looking…", change: "Changing…", release: "Releasing…", buy: "Paying…" };
    $.primary.textContent = this.#asking ? asking[/** @type {keyof asking} */ (this.#asking)] : labels[phase];
    $.primary.hidden = count === 0 && phase !== "bought" && phase !== "changing" && !this.#asking;
    turn($.primary, this.#asking === null && phase !== "paying" && !(phase === "changing" && count === 0));
    $.secondary.textContent = phase === "holding" ? "Release" : phase === "changing" ? "Undo" : "Clear";
    $.secondary.hidden = phase === "bought" || phase === "paying" || (phase === "choosing" && count === 0);
    turn($.secondary, this.#asking === null);
    $.summary_words.textContent = phase === "bought" ? "Bought" : count === 0 ? "No seats chosen" : counted("seat", count);
    $.summary_more.textContent = phase === "bought" ? "Your order" : count === 0 ? "Tap the plan, or let us choose" : total;
    $.summary_open.textContent = phase === "choosing" && count === 0 ? "" : $.panel.dataset.open === "true" ? " ▾" : " ▴";
  }

  #show_order() {
    const { order, orders } = this.choice;
    const before = orders.filter((other) => other !== order);
    $.orders.hidden = before.length === 0;
    $.orders_list.replaceChildren(...before.map((old) => make("li", {},
      make("span", {}, seat_names(this.plan, old.seats)), make("b", {}, money_words(old.total)), make("small", { class: "code" }, old.id))));
    if (!order) return;
    $.done_words.textContent = `${this.show.title}, ${date_words(this.show.starts_at)}. ${money_words(order.total)} paid.`;
    list_seats(this, $.done_list, order.seats, false);
    const facts = [["Order", order.id], ["Place in the log", `${order.head.seq}, chain ${order.head.chain}`]];
    $.done_facts.replaceChildren(...facts.flatMap(([term, words]) => [make("dt", {}, term), make("dd", { class: "code" }, words)]));
  }

  #tick() {
    const { hold } = this.choice;
    $.countdown.hidden = !hold;
    if (!hold) return;
    const left = hold.expires_at - this.client.clock.now();
    const words = time_left(left);
    if ($.countdown.textContent !== words) $.countdown.textContent = words;
    $.countdown.classList.toggle("soon", left <= WARNING_MS);
    if (left > 0 && left <= WARNING_MS && !this.#warned && hold.state === "held") {
      this.#warned = true;
      if (!this.#asking) this.say("Less than a minute left. Pay now, or the seats go back on sale.");
    }
    if (left <= 0 && hold.state === "held" && !this.#asking) {
      turn($.primary, false);
      if (this.client.link.state === "live") this.say("Your time is up. The seats go back on sale in a moment.", "refusal");
    }
  }
}

/** A button that is off for a moment keeps the focus: `disabled` would take it from who is using the
 *  keyboard. @param {HTMLButtonElement} button @param {boolean} on */
function turn(button, on) {
  button.setAttribute("aria-disabled", String(!on));
}

/** @param {HTMLButtonElement} button */
function is_on(button) {
  return button.getAttribute("aria-disabled") !== "true";
}

/** @param {Basket} basket @param {HTMLUListElement} list @param {number[]} seats
 *  @param {boolean} removable */
function list_seats({ plan, show }, list, seats, removable) {
  const wanted = `${removable}:${seats.join()}`;
  if (list.dataset.seats === wanted) return; // keeps the focus where it is
  list.dataset.seats = wanted;
  list.replaceChildren(...seats.map((seat) => {
    const swatch = make("i", { class: "swatch", "aria-hidden": "true" });
    swatch.style.setProperty("--category", plan.layout.categories[plan.category[seat]]?.color ?? "");
    const price = money_words({ amount: plan.price(seat), currency: show.currency });
    const item = make("li", {}, swatch, make("span", {}, plan.label(seat)), make("b", {}, price));
    if (removable) item.append(make("button", { type: "button", class: "remove", "data-seat": seat, "aria-label": `Take away ${plan.label(seat)}` }, "×"));
    return item;
  }));
}
