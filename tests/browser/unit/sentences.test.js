// The page's words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Plan } from "../../../static/plan.js";
import * as words from "../../../static/sentences.js";
import { Refusal, Unanswered } from "../../../static/usher.js";
import { small_hall } from "../small-hall.js";

const plan = new Plan(small_hall());

/** Every reason of the protocol, with its data. @type {[string, Record<string, unknown>][]} */
const REASONS = [
  ["too_fast", { retry_after_ms: 1500 }],
  ["not_identified", {}],
  ["bad_session", {}],
  ["unavailable", {}],
  ["show_over", {}],
  ["not_on_sale", { on_sale_at: 1_800_000_000_000 }],
  ["not_admitted", {}],
  ["no_such_hold", {}],
  ["hold_expired", {}],
  ["payment_in_progress", {}],
  ["already_holding", { hold: "h" }],
  ["no_seats_named", {}],
  ["seat_named_twice", { seats: [1] }],
  ["too_many_seats", { max: 10 }],
  ["unknown_seat", { seats: [99] }],
  ["seat_blocked", { seats: [0] }],
  ["seats_taken", { seats: [0, 1] }],
  ["waitlist_first", { seats: [] }],
  ["already_waiting", {}],
  ["no_offer", {}],
  ["seats_available", {}],
  ["others_are_holding", { seats: [] }],
  ["sold_out", { seats: [] }],
  ["not_together", { seats: [] }],
  ["orphan_seat", { seats: [3] }],
  ["payment_declined", { code: "declined" }],
  ["payment_unavailable", {}],
];

for (const [reason, data] of REASONS) {
  test(`${reason} is told as a sentence of the page's own`, () => {
    const refusal = new Refusal({ code: -32000, message: "server words", data: { reason, ...data } });
    const said = words.error_words(refusal, plan);
    assert.match(said, /^[A-Z].*\.$/s);
    assert.doesNotMatch(said, /undefined|NaN|server words|_/);
  });
}

test("a reason this page does not know says the server's sentence", () => {
  const refusal = new Refusal({
    code: -32000,
    message: "The house is closed today.",
    data: { reason: "constructor" },
  });
  assert.equal(words.error_words(refusal, plan), "The house is closed today.");
  assert.equal(words.error_words(new Refusal({ code: -32602, message: "Wrong." }), plan), "Wrong.");
});

test("a refusal without the data it should have is still told", () => {
  const refusal = new Refusal({ code: -32000, message: "Taken.", data: { reason: "seats_taken" } });
  assert.equal(words.error_words(refusal, plan), "Taken.");
});

test("the seats in question are named, those of a row together", () => {
  assert.equal(words.seat_names(plan, [0, 1, 2]), "Stalls, row A, seats 1, 2 and 3");
  assert.equal(words.seat_names(plan, [0, 4]), "Stalls, row A, seat 1 and Stalls, row B, seat 1");
  assert.equal(words.seat_names(plan, [0, 1, 2, 3, 4, 5]), "Stalls, row A, seats 1, 2, 3 and 4 and 2 others");
  assert.equal(words.seat_names(plan, [16]), "Floor, standing");
});

test("a lost line says whether anything was sent", () => {
  assert.match(words.error_words(new Unanswered("hold", false), plan), /nothing was sent/);
  assert.match(words.error_words(new Unanswered("buy", true), plan), /what happened/);
});

test("money is divided by its own currency's unit", () => {
  assert.equal(words.money_words({ amount: 4500, currency: "EUR" }, "en-GB"), "€45.00");
  assert.equal(words.money_words({ amount: 4500, currency: "JPY" }, "en-US"), "¥4,500");
  assert.equal(words.money_words({ amount: 4500, currency: "KWD" }, "en-US").replace(/\s/, " "), "KWD 4.500");
});

test("a countdown never shows less than nothing, nor 0:60", () => {
  assert.equal(words.time_left(300_000), "5:00");
  assert.equal(words.time_left(59_001), "1:00");
  assert.equal(words.time_left(1), "0:01");
  assert.equal(words.time_left(-5), "0:00");
});

test("durations are told as people tell them", () => {
  assert.equal(words.duration_words(300_000), "5 minutes");
  assert.equal(words.duration_words(298_700), "5 minutes", "the answer was a little late");
  assert.equal(words.duration_words(60_000), "1 minute");
  assert.equal(words.duration_words(227_000), "3 minutes and 47 seconds");
  assert.equal(words.duration_words(20_400), "20 seconds");
  assert.equal(words.duration_words(0), "1 second");
});

test("what follows “the next” is told as people tell it", () => {
  assert.equal(words.next_words(60_000), "minute");
  assert.equal(words.next_words(300_000), "5 minutes");
  assert.equal(words.next_words(90_000), "1 minute and 30 seconds");
});

test("how full a show is, in words", () => {
  const show = { seats: 100, available: 50, starts_at: 1000 };
  assert.equal(words.availability(show, 0).state, "free");
  assert.equal(words.availability({ ...show, available: 10 }, 0).state, "few");
  assert.equal(words.availability({ ...show, available: 0 }, 0).state, "none");
  assert.equal(words.availability({ ...show, on_sale_at: 500 }, 0).state, "later");
  assert.equal(words.availability({ ...show, on_sale_at: null }, 0).state, "free");
  assert.equal(words.availability(show, 1000).state, "over");
  assert.equal(words.availability({ ...show, available: 0 }, 0).words, "Full: wait in line");
  assert.equal(words.availability({ ...show, available: 0, on_sale_at: 500 }, 0).words, "Full");
  const behind_doors = { ...show, policy: { admission: { doors_at: 500 } } };
  assert.match(words.availability(behind_doors, 0).words, /^Doors open on /);
  assert.equal(words.availability(behind_doors, 500).words, "Seats available");
  assert.equal(words.availability({ ...show, policy: { admission: {} } }, 0).words, "Seats available");
});

test("the connection light has words", () => {
  assert.equal(words.link_words({ state: "connecting", attempt: 0 }, true).words, "Connecting…");
  assert.equal(words.link_words({ state: "live", attempt: 0 }, true).words, "Live");
  assert.equal(words.link_words({ state: "waiting", attempt: 1 }, true).words, "Reconnecting…");
  assert.equal(words.link_words({ state: "waiting", attempt: 9 }, true).light, "off");
  assert.equal(words.link_words({ state: "waiting", attempt: 1 }, false).light, "off");
  assert.equal(words.link_words({ state: "refused", attempt: 1 }, true).light, "off");
});
