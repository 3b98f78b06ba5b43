/**
 * The basket: what presses mean. It owns the one request under way and the hold's countdown; what
 * follows from answers is decided by `choice.js`, how it looks by `panel.js`, in which words it is
 * told by `sentences.js`.
 */
import { make } from "./elements.js";
import { pages_of } from "./house.js";
import { ended_words, Line } from "./line.js";
import { $, draw_panel, furnish, is_on, open_sheet, say, sheet_is_open, turn } from "./panel.js";
import * as words from "./sentences.js";
import { AVAILABLE, HELD, Refusal, Unanswered } from "./usher.js";

const { counted, duration_words, error_words, seat_names, time_left } = words;

/** @typedef {import("./plan.js").Plan} Plan */
/** @typedef {import("./choice.js").Choice} Choice */
/** @typedef {import("./usher.js").UsherClient} UsherClient */
/** @typedef {import("./house.js").Show} Show */

/** When a gentle word is said that time runs out. */
const WARNING_MS = 60_000;
/** How often it is asked what became of a payment whose answer is not owed to this page. */
const PAYING_MS = 3_000;
/** The countdown looks at the clock so often; its words change once a second. */
const TICK_MS = 250;
const TOO_FEW = ["waitlist_first", "others_are_holding", "not_together"];

export class Basket {
  /** What is being asked; nothing else is asked until it is answered. @type {string | null} */
  #asking = null;
  /** How many seats are free, and held by anyone. */
  free = Infinity;
  held = 0;
  /** Whether a wish was refused for want of free ones. */
  #too_few = false;
  #warned = false;
  #ask_again_at = 0; // when a payment's fate is, by `performance.now()`

  /** @param {{plan:Plan, show:Show, choice:Choice, client:UsherClient, over:() => (string|null),
   *   onchange:() => void}} parts `over`: what became of a turn that is over; `onchange`: draw the marks */
  constructor({ plan, show, choice, client, over, onchange }) {
    this.plan = plan;
    this.show = show;
    this.choice = choice;
    this.client = client;
    this.over = over;
    this.onchange = onchange;
    furnish(this);
    this.line = new Line({ choice, offer_ms: show.policy.offer_ms, onleave: () => this.#leave() });
    $.wait.addEventListener("click", () => is_on($.wait) && void this.#join());
    for (const select of [$.quantity, $.place, $.category])
      select.addEventListener("change", () => this.#offer_to_wait());
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
    say(words.closed_words(show, Date.now()) ?? "");
  }

  /** The buyer tapped a seat. @param {number} seat */
  toggle(seat) {
    if (this.#asking) return;
    const state = this.client.mirror?.seats[seat] ?? 0;
    if (this.choice.phase === "waiting")
      return say("You are in line. To choose seats yourself, leave the line first.", "refusal");
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
      const reason = error instanceof Refusal ? error.reason : "";
      const over = reason === "not_admitted" ? this.over() : null;
      const again = { href: pages_of(this.show.id).waiting_room };
      if (over) say(over, "refusal", make("a", again, "Join the line again"));
      else say(error_words(error, this.plan), "refusal");
      // In line it was refused for good: to wait for the same would be refused again.
      this.#too_few = method !== "waitlist.join" && TOO_FEW.includes(reason);
      if (this.#too_few && method === "hold") $.quantity.value = String(this.choice.seats.size);
      // Nobody else can tell what a broken line did: the next `identify` does, see `identified`.
      if (!(error instanceof Unanswered))
        this.choice.lose(this.client.mirror?.seats ?? new Uint8Array(), null);
    } finally {
      this.#asking = null;
      this.refresh();
    }
  }

  /** What the form wishes for. */
  #wish() {
    const [kind, index] = $.place.value.split(":");
    return {
      quantity: Number($.quantity.value),
      together: $.together.checked,
      ...(kind ? { [`${kind}s`]: [Number(index)] } : {}),
      ...($.category.value === "" ? {} : { categories: [Number($.category.value)] }),
    };
  }

  async #hold_best() {
    if (this.choice.phase !== "choosing") return;
    await this.#ask("hold_best", this.#wish(), ({ hold }) => {
      this.#granted(hold);
      this.onbring?.(hold.seats);
    });
  }

  /** Waiting is offered where it was refused for want of seats, or there plainly are too few. */
  #offer_to_wait() {
    $.wait.hidden = !this.#too_few && this.free >= Number($.quantity.value);
  }

  async #join() {
    if (this.choice.phase !== "choosing") return;
    await this.#ask("waitlist.join", this.#wish(), ({ waiting }) => {
      this.choice.waits(waiting);
      this.#too_few = false;
      open_sheet(true);
      say(`You are in line for ${counted("seat", waiting.quantity)}.`);
    });
  }

  /** Another tab of this buyer joined: what is told of the line is of a place that this one has not
   *  heard of. */
  #ask_what_is_ours() {
    if (!this.#asking && this.client.link.state === "live") void this.client.identify();
  }

  #leave() {
    if (!this.choice.waiting) return;
    void this.#ask("waitlist.leave", {}, () => this.#waits_no_longer("left"));
  }

  /** The waiting is over. @param {string} reason */
  #waits_no_longer(reason) {
    const ended = ended_words(reason);
    // Told to this page twice: by the answer, and as to every tab.
    const asked_for = reason === "left" || reason === "declined";
    if (this.choice.waits_no_longer()) say(ended, asked_for ? "news" : "refusal");
  }

  /** It is this buyer's turn. @param {import("./usher.js").Hold} hold */
  #offered(hold) {
    this.choice.held(hold);
    const left = hold.expires_at - this.client.clock.now();
    this.#warned = left <= WARNING_MS;
    open_sheet(false); // on a phone it would hide the seats that are offered
    this.onbring?.(hold.seats);
    say(`It is your turn: ${seat_names(this.plan, hold.seats)}. Take them within ${duration_words(left)}.`);
  }

  /** Set by who draws: brings seats into sight. @type {((seats:number[]) => void) | undefined} */
  onbring;

  /** @param {import("./usher.js").Hold} hold */
  #granted(hold) {
    if (hold.state === "offered") return this.#offered(hold);
    this.choice.held(hold);
    this.#too_few = false;
    this.#ask_again_at = performance.now() + PAYING_MS;
    const left = hold.expires_at - this.client.clock.now();
    this.#warned = left <= WARNING_MS; // the word below is warning enough
    open_sheet(true);
    if (hold.state === "paying")
      return say("Your payment is under way. What became of it will be told here.");
    say(`${seat_names(this.plan, hold.seats)}: yours for the next ${words.next_words(left)}.`);
  }

  #press_primary() {
    const { choice } = this;
    const { hold } = choice;
    if (choice.phase === "choosing" && choice.seats.size > 0) {
      void this.#ask("hold", { seats: choice.listed }, (result) => this.#granted(result.hold));
    } else if (choice.phase === "changing" && hold) {
      void this.#ask("change", { hold: hold.id, seats: choice.listed }, (result) => {
        choice.held(result.hold);
        const [now, seats] = [result.hold.state, seat_names(this.plan, result.hold.seats)];
        say(now === "offered" ? `Changed. You are now offered ${seats}.` : `Changed. You now hold ${seats}.`);
      });
    } else if (choice.phase === "offered" && hold) {
      void this.#ask("waitlist.accept", {}, (result) => {
        choice.waiting = null;
        this.#granted(result.hold);
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
    if (choice.phase === "offered") {
      void this.#ask("waitlist.decline", {}, () => this.#waits_no_longer("declined"));
    } else if (choice.phase === "holding" && choice.hold) {
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
    const was_full = this.free === 0;
    [this.free, this.held] = [0, 0];
    for (const state of states) {
      if (state === AVAILABLE) this.free += 1;
      else if (state === HELD) this.held += 1;
    }
    if (was_full || this.free === 0) this.refresh();
    else this.#offer_to_wait();
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
  identified({ holds, orders, waiting }, first) {
    const waited = this.choice.waiting !== null;
    if (waiting) this.choice.waits(waiting);
    else this.choice.waiting = null;
    const ours = orders.filter((order) => order.show === this.show.id);
    const outcome = this.choice.identified(holds, ours, first);
    if (outcome === "held" && this.choice.hold) this.#granted(this.choice.hold);
    else if (outcome === "bought" && this.choice.order) this.bought(this.choice.order);
    else if (waited && !waiting && !this.choice.hold && outcome !== "bought") {
      this.choice.reset();
      say("While you were away your place in line ended. You may join again.", "refusal");
    } else if (outcome === "ended")
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
    } else if (method === "waitlist.position") {
      if (!choice.moved(params.position)) this.#ask_what_is_ours();
    } else if (method === "waitlist.offer") {
      this.#offered(params.hold);
      if (!choice.waiting) this.#ask_what_is_ours();
    } else if (method === "waitlist.apart") {
      say("Your party can no longer sit side by side. You keep your place and will be offered seats apart.");
    } else if (method === "waitlist.closed") {
      if (params.reason === "accepted") choice.waits_no_longer(true);
      else this.#waits_no_longer(params.reason);
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
    turn($.wait, !this.#asking);
    this.#offer_to_wait();
    this.#tick();
    this.onchange();
  }

  #tick() {
    const { hold } = this.choice;
    $.countdown.hidden = !hold;
    const left = hold ? hold.expires_at - this.client.clock.now() : 0;
    this.line.draw(left);
    if (!hold) return;
    if (hold.state === "paying" && !this.#asking && performance.now() >= this.#ask_again_at) {
      this.#ask_again_at = performance.now() + PAYING_MS;
      if (this.client.link.state === "live") void this.client.identify();
    }
    const shown = time_left(left);
    if ($.countdown.textContent !== shown) $.countdown.textContent = shown;
    $.countdown.classList.toggle("soon", left <= WARNING_MS);
    if (left > 0 && left <= WARNING_MS && !this.#warned && hold.state !== "paying") {
      this.#warned = true;
      const then = "Less than a minute left.";
      if (this.#asking) return;
      if (hold.state === "offered") say(`${then} Take the seats, or the next in line is offered them.`);
      else say(`${then} Pay now, or the seats go back on sale.`);
    }
    if (left <= 0 && hold.state !== "paying" && !this.#asking) {
      turn($.primary, false);
      const next = hold.state === "offered" ? "are offered to the next in line" : "go back on sale";
      if (this.client.link.state === "live")
        say(`Your time is up. The seats ${next} in a moment.`, "refusal");
    }
  }
}
