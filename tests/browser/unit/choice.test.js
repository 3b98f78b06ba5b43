// What follows from taps, frames and answers.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Choice } from "../../../static/choice.js";

/** @param {number[]} seats @param {Partial<import("../../../static/usher.js").Hold>} [more]
 *  @returns {import("../../../static/usher.js").Hold} */
const hold = (seats, more) => ({
  id: "h1",
  seats,
  expires_at: 1000,
  total: { amount: 100, currency: "EUR" },
  state: "held",
  ...more,
});

/** @param {string} id @param {number[]} seats @returns {import("../../../static/usher.js").Order} */
const order = (id, seats) => ({
  id,
  show: "hamlet",
  seats,
  total: { amount: 100, currency: "EUR" },
  bought_at: 1,
  payment: { id: "p", state: "captured" },
  head: { epoch: "1", seq: 1, chain: "" },
});

test("a tap marks a seat and another takes the mark away", () => {
  const choice = new Choice(10);
  assert.equal(choice.toggle(5, 0), "added");
  assert.deepEqual(choice.listed, [5]);
  assert.equal(choice.toggle(5, 0), "removed");
  assert.deepEqual(choice.listed, []);
});

test("a seat that is not available cannot be marked, nor more than allowed", () => {
  const choice = new Choice(2);
  assert.equal(choice.toggle(1, 2), "not_available");
  choice.toggle(2, 0);
  choice.toggle(3, 0);
  assert.equal(choice.toggle(4, 0), "too_many");
});

test("other marks while holding are a change, and undoing them is none", () => {
  const choice = new Choice(10);
  choice.held(hold([1, 2]));
  assert.equal(choice.phase, "holding");
  assert.equal(choice.toggle(2, 1), "removed");
  assert.equal(choice.phase, "changing");
  assert.deepEqual(
    [...choice.marks()],
    [
      [1, "held"],
      [2, "leaving"],
    ],
  );
  assert.equal(choice.toggle(2, 1), "added", "an own seat may be taken back though it is held");
  assert.equal(choice.phase, "holding");
});

test("a marked seat that somebody else took loses its mark, an own one does not", () => {
  const choice = new Choice(10);
  choice.held(hold([0]));
  choice.toggle(1, 0);
  choice.toggle(2, 0);
  assert.deepEqual(choice.lose(Uint8Array.from([1, 1, 0]), [0, 1]), [1]);
  assert.deepEqual(choice.listed, [0, 2]);
});

test("after a lapse the seats stay marked, after a release they do not", () => {
  const choice = new Choice(10);
  choice.held(hold([4]));
  assert.equal(choice.ended("another", true), false);
  assert.equal(choice.ended("h1", true), true);
  assert.deepEqual(choice.listed, [4]);
  choice.held(hold([4]));
  choice.ended("h1", false);
  assert.deepEqual(choice.listed, []);
});

test("an order told twice is news once", () => {
  const choice = new Choice(10);
  choice.held(hold([4]));
  assert.equal(choice.bought(order("o1", [4])), true);
  assert.equal(choice.phase, "bought");
  assert.equal(choice.bought(order("o1", [4])), false);
  assert.equal(choice.orders.length, 1);
});

test("what was just bought is not listed as bought before, also once the line was lost and is open again", () => {
  const choice = new Choice(10);
  choice.identified([], [order("o0", [9])], true);
  choice.bought(order("o1", [1, 2]));
  assert.deepEqual(
    choice.bought_before.map(({ id }) => id),
    ["o0"],
  );
  assert.equal(choice.identified([], [order("o0", [9]), order("o1", [1, 2])], false), "same");
  assert.equal(choice.phase, "bought");
  assert.deepEqual(
    choice.bought_before.map(({ id }) => id),
    ["o0"],
  );
});

test("old orders are no news when the page opens, but new ones are after the line was lost", () => {
  const choice = new Choice(10);
  assert.equal(choice.identified([], [order("o1", [1])], true), "same");
  assert.equal(choice.phase, "choosing");
  choice.held(hold([4]));
  assert.equal(choice.identified([], [order("o1", [1]), order("o2", [4])], false), "bought");
  assert.equal(choice.order?.id, "o2");
});

test("a hold that went while the line was lost is told, one that stands is kept", () => {
  const choice = new Choice(10);
  assert.equal(choice.identified([hold([4])], [], true), "held");
  choice.toggle(5, 0);
  assert.equal(choice.identified([hold([4])], [], false), "same");
  assert.deepEqual(choice.listed, [4, 5], "what the buyer was changing is kept too");
  assert.equal(choice.identified([], [], false), "ended");
  assert.deepEqual(choice.listed, [4]);
});

/** @param {number} position @returns {import("../../../static/usher.js").Waiting} */
const waiting = (position) => ({
  ticket: "t1",
  quantity: 2,
  position,
  since: 1,
  until: 2,
  head: { epoch: "1", seq: 1, chain: "" },
});

test("who waits marks no seats, and what was marked is forgotten", () => {
  const choice = new Choice(10);
  choice.toggle(5, 0);
  choice.waits(waiting(3));
  assert.equal(choice.phase, "waiting");
  assert.deepEqual(choice.listed, []);
  assert.equal(choice.toggle(5, 0), "not_now");
  assert.equal(choice.waits_no_longer(), true);
  assert.equal(choice.waits_no_longer(), false, "it is news once");
  assert.equal(choice.phase, "choosing");
});

test("an offer may be swapped, and ends with the waiting unless it was accepted", () => {
  const choice = new Choice(10);
  choice.waits(waiting(1));
  choice.held(hold([1, 2], { state: "offered" }));
  assert.equal(choice.phase, "offered");
  choice.toggle(1, 1);
  choice.toggle(3, 0);
  assert.equal(choice.phase, "changing");
  choice.held(hold([2, 3], { state: "offered" }));
  assert.equal(choice.marks().get(3), "held");
  choice.waits_no_longer();
  assert.deepEqual([choice.phase, choice.listed], ["choosing", []]);
  choice.waits(waiting(1));
  choice.held(hold([1, 2], { state: "offered" }));
  choice.held(hold([1, 2]));
  choice.waits_no_longer();
  assert.equal(choice.phase, "holding");
});

test("a tab that did not join itself asks for the place, and is told once that the offer is gone", () => {
  const choice = new Choice(10);
  assert.equal(choice.moved(2), false, "another tab joined: this one knows no place to move");
  assert.equal(choice.phase, "choosing");
  choice.held(hold([1, 2], { state: "offered" }));
  assert.equal(choice.phase, "offered");
  assert.equal(choice.waits_no_longer(), true, "the offer was known, so its end is news");
  assert.deepEqual([choice.phase, choice.listed, choice.hold], ["choosing", [], null]);
  assert.equal(choice.waits_no_longer(), false);
  choice.waits(waiting(3));
  assert.equal(choice.moved(2), true);
  assert.equal(choice.waiting?.position, 2);
});

test("an offer that another tab accepted is a hold, in whichever order that is told", () => {
  for (const closed_first of [true, false]) {
    const choice = new Choice(10);
    choice.waits(waiting(1));
    choice.held(hold([1, 2], { state: "offered" }));
    if (closed_first) choice.waits_no_longer(true);
    choice.held(hold([1, 2], { expires_at: 9000 }));
    if (!closed_first) choice.waits_no_longer(true);
    assert.deepEqual([choice.phase, choice.listed, choice.waiting], ["holding", [1, 2], null]);
  }
});
