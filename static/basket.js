/**
 * The basket: what presses mean. It owns the one request under way and the hold's countdown; what
 * follows from answers is decided by `choice.js`, how it looks by `panel.js`, in which words it is
 * told by `sentences.js`.
 */
import { $, draw_panel, furnish, is_on, open_sheet, say, sheet_is_open, turn } from "./panel.js";
import { counted, date_words, duration_words, error_words, seat_names, time_left } from "./sentences.js";
import { Unanswered } from "./usher.js";

/** @typedef {import("./plan.js").Plan} Plan */
/** @typedef {import("./choice.js").Choice} Choice */
/** @typedef {import("./usher.js").UsherClient} UsherClient */
/** @typedef {import("./house.js").Show} Show */

/** When a gentle word is said that time runs out. */
const WARNING_MS = 60_000;
/** The countdown looks at the clock so often; its words change once a second. */
const TICK_MS = 250;

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
    furnish(this);
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
    $.summary.addEventListener("click", () => {
      open_sheet(!sheet_is_open());
      this.refresh();
    });
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
    if (starts_at <= Date.now()) say("This show has begun: its seats can no longer be held.");
    else if (on_sale_at && on_sale_at > Date.now())
      say(`Sales begin on ${date_words(on_sale_at)}. Until then you can look around.`);
  }

  /** The buyer tapped a seat. @param {number} seat */
  toggle(seat) {
    if (this.#asking) return;
    const state = this.client.mirror?.seats[seat] ?? 0;
    const outcome = this.choice.toggle(seat, state);
    if (outcome === "too_many")
      say(`You can have ${counted("seat", this.choice.seats_max)} at most. Take one away first.`, "refusal");
    else if (outcome === "not_available")
      say(`${seat_names(this.plan, [seat])} is taken. Choose one that is filled with colour.`, "refusal");
    else if (outcome !== "not_now") say("");
    this.refresh();
  }

  /** A standing area was tapped: places are asked for by number. @param {number} area */
  wish_for_area(area) {
    if (this.choice.phase !== "choosing") {
      say("Finish or release the seats you hold before choosing standing places.", "refusal");
      return;
    }
    $.place.value = `area:${area}`;
    $.category.value = "";
    open_sheet(true);
    this.refresh();
    $.quantity.focus();
    say(`${this.plan.layout.areas[area].name}: say how many places, then press “Hold the best seats”.`);
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
      say(error_words(error, this.plan), "refusal");
      // Nobody else can tell what a broken line did: the next `identify` does, see `identified`.
      if (!(error instanceof Unanswered))
        this.choice.lose(this.client.mirror?.seats ?? new Uint8Array(), null);
    } finally {
      this.#asking = null;
      this.refresh();
    }
  }

  async #hold_best() {
    if (this.choice.phase !== "choosing") return;
    const [kind, index] = $.place.value.split(":");
    await this.#ask(
      "hold_best",
      {
        quantity: Number($.quantity.value),
        together: $.together.checked,
        ...(kind ? { [`${kind}s`]: [Number(index)] } : {}),
        ...($.category.value === "" ? {} : { categories: [Number($.category.value)] }),
      },
      ({ hold }) => {
        this.#granted(hold);
        this.onbring?.(hold.seats);
      },
    );
  }

  /** Set by who draws: brings seats into sight. @type {((seats:number[]) => void) | undefined} */
  onbring;

  /** @param {import("./usher.js").Hold} hold */
  #granted(hold) {
    this.choice.held(hold);
    const left = hold.expires_at - this.client.clock.now();
    this.#warned = left <= WARNING_MS; // the word below is warning enough
    open_sheet(true);
    say(`${seat_names(this.plan, hold.seats)}: yours for the next ${duration_words(left)}.`);
  }

  #press_primary() {
    const { choice } = this;
    const { hold } = choice;
    if (choice.phase === "choosing" && choice.seats.size > 0) {
      void this.#ask("hold", { seats: choice.listed }, (result) => this.#granted(result.hold));
    } else if (choice.phase === "changing" && hold) {
      void this.#ask("change", { hold: hold.id, seats: choice.listed }, (result) => {
        choice.held(result.hold);
        say(`Changed. You now hold ${seat_names(this.plan, result.hold.seats)}.`);
      });
    } else if (choice.phase === "holding" && hold) {
      this.#buy(hold);
    } else if (choice.phase === "bought") {
      choice.order = null;
      say("");
      open_sheet(false);
      this.refresh();
    }
  }

  /** @param {import("./usher.js").Hold} hold */
  #buy(hold) {
    if (!$.pay.checkValidity()) {
      open_sheet(true); // a fault in a folded sheet could not be shown
      this.refresh();
      $.pay.reportValidity();
      return;
    }
    const customer = { name: $.name.value.trim(), email: $.email.value.trim() };
    void this.#ask(
      "buy",
      {
        hold: hold.id,
        payment: { method: "test", card: $.card.value },
        ...(customer.name || customer.email ? { customer } : {}),
      },
      ({ order }) => this.bought(order),
    );
  }

  #press_secondary() {
    const { choice } = this;
    if (choice.phase === "holding" && choice.hold) {
      const { id } = choice.hold;
      void this.#ask("release", { hold: id }, () => {
        choice.ended(id, false);
        open_sheet(false);
        say("Released. The seats are free for others again.");
      });
    } else {
      choice.reset();
      say("");
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
    say(
      `${names}: just taken by someone else. Choose ${lost.length === 1 ? "another seat" : "other seats"}.`,
      "refusal",
    );
    this.refresh();
  }

  /** The line opened, and the server said what is ours.
   *  @param {import("./usher.js").Identity} identity @param {boolean} first */
  identified({ holds, orders }, first) {
    const ours = orders.filter((order) => order.show === this.show.id);
    const outcome = this.choice.identified(holds, ours, first);
    if (outcome === "held" && this.choice.hold) this.#granted(this.choice.hold);
    else if (outcome === "bought" && this.choice.order) this.bought(this.choice.order);
    else if (outcome === "ended")
      say(
        "While you were away your time ran out. The seats are still marked: hold them again if they are free.",
        "refusal",
      );
    else {
      if ($.notice.dataset.kind === "refusal")
        say(this.choice.hold ? "You are connected again, and your seats are still yours." : "");
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
      say(
        "Your time ran out and the seats are free again. They are still marked: hold them again before someone else does.",
        "refusal",
      );
    } else if (method === "hold.released" && this.#asking !== "release" && choice.ended(params.hold, false)) {
      say("The seats were released.");
    } else if (method === "show.closed") {
      say("Sales for this show have ended.", "refusal");
    }
    this.refresh();
  }

  /** @param {import("./usher.js").Order} order */
  bought(order) {
    this.choice.bought(order);
    say("");
    open_sheet(true);
    this.refresh();
    $.done.focus();
  }

  /** Draws everything of the buyer's as it is now. */
  refresh() {
    draw_panel(this, this.#asking);
    this.#tick();
    this.onchange();
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
      if (!this.#asking) say("Less than a minute left. Pay now, or the seats go back on sale.");
    }
    if (left <= 0 && hold.state === "held" && !this.#asking) {
      turn($.primary, false);
      if (this.client.link.state === "live")
        say("Your time is up. The seats go back on sale in a moment.", "refusal");
    }
  }
}
