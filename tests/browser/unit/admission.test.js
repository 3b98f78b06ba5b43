// The waiting room as the client keeps it: one ticket for all tabs, a place that moves with the
// counter, the draw, the pass and its end.
import assert from "node:assert/strict";
import { test } from "node:test";
import { number_of } from "../../../static/draw.js";
import { Refusal, UsherClient } from "../../../static/usher.js";
import { fake_world } from "../fake-world.js";

/** @typedef {import("../../../static/admission.js").Kept} Kept */
/** @typedef {import("../../../static/admission.js").Standing} Standing */

/** Everything settles that a promise had only to hand on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

const NOW = 1_000_000;
const drawn = { secret: "11".repeat(32), head: { epoch: "7", seq: 9, chain: "22".repeat(32) }, count: 300 };

/** What one browser keeps for all its tabs. */
function browser() {
  /** @type {Kept | null} */
  let kept = null;
  /** @type {string | null} */
  let token = null;
  return {
    session: { load: () => token, save: (/** @type {string | null} */ other) => void (token = other) },
    ticket: { load: () => kept, save: (/** @type {Kept | null} */ other) => void (kept = other) },
    get kept() {
      return kept;
    },
  };
}

/** A tab whose line is open and asked who it is. @param {ReturnType<typeof browser>} [shelves] */
function tab(shelves = browser()) {
  const fake = fake_world();
  /** @type {Standing[]} */
  const told = [];
  const { session, ticket } = shelves;
  const client = new UsherClient({
    show: "hamlet",
    base: "https://house.example/",
    world: fake.world,
    session,
    ticket,
    onadmission: (standing) => void told.push(standing),
  });
  client.open();
  fake.socket.open();
  fake.socket.snapshot(3, 0, 0, 1, 2);
  /** @param {Record<string, unknown>} [admission] */
  const identify = async (admission) => {
    fake.socket.answer("identify", { session: "s1", holds: [], orders: [], now: NOW, admission });
    await settle();
  };
  /** @param {string} method @param {Record<string, unknown>} params */
  const hear = (method, params) => fake.socket.say({ method, params });
  return { fake, client, told, shelves, identify, hear };
}

test("without a waiting room nothing is told and nothing kept", async () => {
  const { told, client, shelves, identify } = tab();
  await identify();
  assert.deepEqual([told, client.admission, shelves.kept], [[], null, null]);
});

test("the ticket is kept and shown at the next opening, and by another tab", async () => {
  const { fake, shelves, identify } = tab();
  assert.deepEqual(fake.socket.sent[0].params, {});
  await identify({ state: "waiting", ticket: "t57", number: 57, serving: 12 });
  fake.socket.end(1001);
  fake.pass(1000);
  fake.socket.open();
  assert.deepEqual(fake.socket.sent[0].params, { session: "s1", ticket: "t57" });
  const other = tab(shelves);
  assert.deepEqual(other.fake.socket.sent[0].params, { session: "s1", ticket: "t57" });
});

test("a newer ticket that another tab was given is the one that is shown", async () => {
  const one = tab();
  await one.identify({ state: "waiting", ticket: "t57", number: 57, serving: 12 });
  const two = tab(one.shelves);
  await two.identify({ state: "admitted", ticket: "p57", number: 57, until: NOW + 60_000 });
  one.fake.socket.end(1006);
  one.fake.pass(1000);
  one.fake.socket.open();
  assert.equal(one.fake.socket.sent[0].params.ticket, "p57");
});

test("the place moves with the counter", async () => {
  const { told, client, identify, hear } = tab();
  await identify({ state: "waiting", ticket: "t", number: 57, serving: 12, per_minute: 4 });
  assert.deepEqual([told[0].before, told[0].per_minute], [44, 4]);
  hear("admission.serving", { serving: 50, per_minute: 6 });
  assert.deepEqual([client.admission?.before, client.admission?.per_minute], [6, 6]);
  hear("admission.serving", { serving: 56 });
  assert.deepEqual([client.admission?.before, client.admission?.called], [0, false]);
  assert.equal(client.admission?.per_minute, undefined, "a rate that is no longer told is no longer known");
});

test("when the turn comes the pass is kept, and ends by the server's clock", async () => {
  const { fake, told, shelves, identify, hear } = tab();
  await identify({ state: "waiting", ticket: "t", number: 57, serving: 56 });
  hear("admission.serving", { serving: 57 });
  assert.equal(told.at(-1)?.called, true);
  hear("admission.open", { ticket: "p", until: NOW + 500_000, now: NOW + 200_000 });
  assert.equal(told.at(-1)?.state, "admitted");
  assert.deepEqual([shelves.kept?.ticket, shelves.kept?.state], ["p", "admitted"]);
  const said = told.length;
  hear("admission.serving", { serving: 58 });
  assert.equal(told.length, said, "whoever has a pass needs no counter");
  fake.pass(299_000);
  assert.equal(told.at(-1)?.state, "admitted");
  fake.pass(1_000);
  assert.equal(told.at(-1)?.state, "over");
});

test("a call that nothing comes of is asked about, once, however often the counter moves", async () => {
  const { fake, identify, hear } = tab();
  await identify({ state: "waiting", ticket: "t", number: 57, serving: 56 });
  const asked = () => fake.socket.sent.filter(({ method }) => method === "identify").length;
  hear("admission.serving", { serving: 57 });
  for (let second = 1; second < 12; second += 1) {
    fake.pass(1_000);
    hear("admission.serving", { serving: 57 + second });
  }
  assert.equal(asked(), 1);
  fake.pass(1_000);
  assert.equal(asked(), 2);
  await identify({ state: "waiting", ticket: "t", number: 57, serving: 69 });
  fake.pass(20_000);
  assert.equal(asked(), 2);
});

test("who was called while away is next, and stays so", async () => {
  const { client, identify, hear } = tab();
  await identify({ state: "waiting", ticket: "t", number: 57, serving: 80 });
  assert.deepEqual([client.admission?.passed_over, client.admission?.called], [true, false]);
  hear("admission.serving", { serving: 81 });
  assert.deepEqual([client.admission?.passed_over, client.admission?.called], [true, false]);
});

test("the draw gives the arrival its number, at once and without asking", async () => {
  const { fake, client, shelves, identify, hear } = tab();
  await identify({ state: "early", ticket: "a12", arrival: 12 });
  assert.deepEqual([client.admission?.state, client.admission?.arrival], ["early", 12]);
  const asked = fake.socket.sent.length;
  hear("admission.drawn", drawn);
  const number = number_of(drawn, 12);
  assert.deepEqual([client.admission?.state, client.admission?.number], ["waiting", number]);
  assert.equal(client.admission?.before, Number(number) - 1);
  assert.deepEqual(client.admission?.drawn, drawn);
  assert.equal(fake.socket.sent.length, asked);
  assert.deepEqual(shelves.kept, { ticket: "a12", state: "waiting", place: number, arrival: 12 });
  hear("admission.serving", { serving: 40 });
  assert.equal(client.admission?.before, Number(number) - 41);
});

test("the arrival is known after the draw, through reloads, and not of a number taken afterwards", async () => {
  const one = tab();
  await one.identify({ state: "early", ticket: "a12", arrival: 12 });
  const two = tab(one.shelves); // the draw was made meanwhile
  await two.identify({ state: "waiting", ticket: "t95", number: 95, serving: 3 });
  const three = tab(one.shelves);
  await three.identify({ state: "waiting", ticket: "t95b", number: 95, serving: 9 });
  assert.equal(three.client.admission?.arrival, 12);
  const four = tab(one.shelves);
  await four.identify({ state: "waiting", ticket: "t400", number: 400, serving: 99 });
  assert.equal(four.client.admission?.arrival, undefined);
});

for (const method of ["buy", "waitlist.join"]) {
  test(`after ${method} the place to pick at is given up`, async () => {
    const { fake, client, told, identify } = tab();
    await identify({ state: "admitted", ticket: "p", number: 5, until: NOW + 600_000 });
    const asked = client.request(method);
    assert.equal(told.at(-1)?.state, "admitted");
    fake.socket.answer(method, { seq: 9 });
    await asked;
    assert.equal(told.at(-1)?.state, "over");
    fake.pass(600_000);
    assert.equal(told.length, 2, "and does not end again");
  });
}

test("a purchase in another tab gives it up here, too", async () => {
  const { told, identify, hear } = tab();
  await identify({ state: "admitted", ticket: "p", number: 5, until: NOW + 600_000 });
  hear("order", { order: { id: "o" } });
  assert.equal(told.at(-1)?.state, "over");
});

for (const [who, admission] of /** @type {[string, any][]} */ ([
  ["has a pass, as far as is known", { state: "admitted", ticket: "p", number: 5, until: NOW + 600_000 }],
  ["was told nothing, for they held seats", undefined],
])) {
  test(`whoever ${who}, and is refused for want of one, has none any more`, async () => {
    const { fake, client, told, identify } = tab();
    await identify(admission);
    const asked = client.request("hold", { seats: [1] });
    fake.socket.refuse("hold", { reason: "not_admitted" });
    await assert.rejects(asked, Refusal);
    assert.deepEqual([told.at(-1)?.state, client.admission?.state], ["over", "over"]);
  });
}

test("who is in line and is refused for want of a pass stays in line", async () => {
  const { fake, client, told, identify } = tab();
  await identify({ state: "waiting", ticket: "t", number: 57, serving: 12 });
  const asked = client.request("hold", { seats: [1] });
  fake.socket.refuse("hold", { reason: "not_admitted" });
  await assert.rejects(asked, Refusal);
  assert.deepEqual([told.length, client.admission?.before], [1, 44]);
});

test("leaving gives the number back for all tabs, and does not take another", async () => {
  const one = tab();
  await one.identify({ state: "waiting", ticket: "t57", number: 57, serving: 12 });
  const two = tab(one.shelves);
  await two.identify({ state: "waiting", ticket: "t57", number: 57, serving: 12 });
  const left = one.client.leaveAdmission();
  assert.deepEqual(one.fake.socket.sent.at(-1).params, { ticket: "t57" });
  one.fake.socket.answer("admission.leave", { seq: 9 });
  await left;
  two.client.ticketKept(); // as the browser tells it
  for (const { client, fake } of [one, two]) {
    assert.equal(client.admission?.state, "left");
    assert.equal(client.link.state, "closed");
    const sockets = fake.sockets.length;
    fake.pass(600_000);
    assert.equal(fake.sockets.length, sockets);
  }
  assert.equal(one.shelves.kept, null);
  one.client.open();
  one.fake.socket.open();
  assert.deepEqual(one.fake.socket.sent[0].params, { session: "s1" });
});

test("a pass is given back by one who goes on looking, and who is told nothing of the line after", async () => {
  const { fake, client, told, shelves, identify, hear } = tab();
  await identify({ state: "admitted", ticket: "p", number: 5, until: NOW + 600_000 });
  const left = client.leaveAdmission({ watch: true });
  fake.socket.answer("admission.leave", { seq: 9 });
  await left;
  assert.deepEqual([told.at(-1), client.link.state], [{ state: "left", was: "admitted" }, "live"]);
  assert.equal(shelves.kept, null);
  const said = told.length;
  hear("admission.serving", { serving: 6 });
  fake.pass(600_000);
  assert.equal(told.length, said);
});

test("a number that nobody wanted is given back, and the line goes on", async () => {
  const { fake, client, told, shelves } = tab();
  const admission = { state: "waiting", ticket: "t57", number: 57, serving: 12 };
  fake.socket.answer("identify", { session: "s1", holds: [], orders: [], seq: 9, now: NOW, admission });
  await settle();
  assert.equal(told[0].taken, true);
  client.declineNumber();
  assert.deepEqual(fake.socket.sent.at(-1).params, { ticket: "t57" });
  assert.deepEqual([told.at(-1)?.state, client.link.state], ["over", "live"]);
  assert.equal(shelves.kept?.state, "over");
});

test("a line that is lost while leaving leaves nothing", async () => {
  const { fake, client, shelves, identify } = tab();
  await identify({ state: "waiting", ticket: "t57", number: 57, serving: 12 });
  const left = client.leaveAdmission();
  fake.socket.end(1006);
  await assert.rejects(left);
  assert.deepEqual([client.admission?.state, shelves.kept?.ticket], ["waiting", "t57"]);
});

test("tabs that took a number each agree on the lower one, and rest", async () => {
  const shelves = browser();
  const [one, two] = [tab(shelves), tab(shelves)];
  await one.identify({ state: "waiting", ticket: "t5", number: 5, serving: 1 });
  await two.identify({ state: "waiting", ticket: "t6", number: 6, serving: 1 });
  one.client.ticketKept(); // a higher number is nothing to follow
  assert.equal(one.fake.sockets.length, 1);
  one.fake.socket.end(1001);
  one.fake.pass(1000);
  one.fake.socket.open();
  await one.identify({ state: "waiting", ticket: "t5", number: 5, serving: 1 });
  two.client.ticketKept();
  assert.equal(two.fake.sockets.length, 2);
  two.fake.socket.open();
  assert.equal(two.fake.socket.sent[0].params.ticket, "t5");
  await two.identify({ state: "waiting", ticket: "t5", number: 5, serving: 1 });
  one.client.ticketKept();
  two.client.ticketKept();
  assert.deepEqual([one.fake.sockets.length, two.fake.sockets.length], [2, 2]);
});

test("tabs with the same number do not open their lines anew when one of them is further on", async () => {
  const shelves = browser();
  const tabs = [tab(shelves), tab(shelves)];
  const [one, two] = tabs;
  for (const { identify } of tabs) await identify({ state: "early", ticket: "a12", arrival: 12 });
  one.hear("admission.drawn", drawn);
  two.client.ticketKept();
  two.hear("admission.drawn", drawn);
  one.hear("admission.open", { ticket: "p95", until: NOW + 600_000 });
  two.client.ticketKept();
  assert.deepEqual([two.fake.sockets.length, two.client.link.state], [1, "live"]);
});

test("a pass that ended while nobody listened is over, also where nothing more is said of it", async () => {
  const { fake, client, told, identify } = tab();
  await identify({ state: "admitted", ticket: "p", number: 5, until: NOW + 600_000 });
  fake.socket.end(1006);
  fake.pass(1000);
  fake.socket.open();
  await identify(); // they hold seats
  assert.equal(told.at(-1)?.state, "over");
  fake.socket.end(1006);
  fake.pass(1000);
  fake.socket.open();
  await identify();
  assert.equal(client.admission?.state, "over");
});

test("where tabs can wait for each other only one takes a number", async () => {
  const shelves = browser();
  let queue = Promise.resolve();
  const ticket = {
    ...shelves.ticket,
    alone: (/** @type {() => Promise<void>} */ run) => (queue = queue.then(run)),
  };
  const both = { ...shelves, ticket, kept: null };
  const [one, two] = [tab(both), tab(both)];
  await settle();
  assert.equal(two.fake.socket.sent.length, 0);
  await one.identify({ state: "waiting", ticket: "t5", number: 5, serving: 1 });
  assert.deepEqual(two.fake.socket.sent[0].params, { session: "s1", ticket: "t5" });
});

test("a refused identify is told, and asked again", async () => {
  const fake = fake_world();
  /** @type {string[]} */
  const reasons = [];
  const client = new UsherClient({
    show: "hamlet",
    base: "https://house.example/",
    world: fake.world,
    onunidentified: ({ reason }) => void reasons.push(reason),
  });
  client.open();
  fake.socket.open();
  fake.socket.snapshot(3, 0);
  fake.socket.refuse("identify", { reason: "unavailable" });
  await settle();
  assert.deepEqual(reasons, ["unavailable"]);
  fake.pass(30_000);
  assert.equal(fake.socket.sent.filter(({ method }) => method === "identify").length, 2);
});

test("silence is asked about without taking a number unheard", async () => {
  const { fake, identify } = tab();
  await identify({ state: "waiting", ticket: "t", number: 57, serving: 1 });
  fake.pass(41_000);
  assert.equal(fake.socket.sent.at(-1).method, "ping");
});
