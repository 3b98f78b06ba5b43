// The life of a line: opening, resuming, silence, refusals, and what is never sent again.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Refusal, ServerClock, Unanswered, UsherClient } from "../../../static/usher.js";
import { fake_world } from "../fake-world.js";

/** @typedef {import("../../../static/usher.js").Options} Options */

/** Everything settles that a promise had only to hand on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

/** @param {Partial<Options> & {random?:number}} [options] */
function house({ random, ...options } = {}) {
  const fake = fake_world({ random });
  /** @type {string[]} */
  const links = [];
  const client = new UsherClient({
    show: "hamlet",
    base: "https://house.example/",
    world: fake.world,
    onlink: ({ state }) => links.push(state),
    ...options,
  });
  client.open();
  return { fake, client, links };
}

/** A line that is open, identified and live at seq 3. @param {Partial<Options> & {random?:number}} [options] */
async function live(options) {
  const parts = house(options);
  parts.fake.socket.open();
  parts.fake.socket.snapshot(3, 0, 0, 1, 2);
  parts.fake.socket.answer("identify", { session: "s1", holds: [], orders: [], now: 1_000_000 });
  await settle();
  return parts;
}

test("the line is opened to the show, with the binary subprotocol and nothing to resume from", () => {
  const { fake } = house();
  assert.equal(fake.socket.url.href, "wss://house.example/v1/shows/hamlet/live");
  assert.deepEqual(fake.socket.protocols, ["usher.v1"]);
});

test("frames may be asked for in JSON", () => {
  const { fake, client } = house({ format: "json", identify: false });
  assert.deepEqual(fake.socket.protocols, ["usher.v1.json"]);
  fake.socket.open();
  fake.socket.say({ method: "snapshot", params: { epoch: "9", seq: 2, n: 4, seats: "5A==" } });
  assert.deepEqual(client.mirror, { epoch: "9", seq: 2, seats: Uint8Array.from([0, 1, 2, 3]) });
  fake.socket.say({ method: "diff", params: { from: 2, to: 3, runs: [[0, 1, 2]] } });
  assert.equal(client.mirror?.seats[0], 2);
});

test("identify goes first, and the token it answers with is kept and shown again", async () => {
  /** @type {(string | null)[]} */
  const saved = [];
  const session = {
    load: () => saved.at(-1) ?? null,
    save: (/** @type {string | null} */ token) => void saved.push(token),
  };
  const { fake, links } = await live({ session });
  assert.deepEqual(saved, ["s1"]);
  assert.deepEqual(links, ["connecting", "live"]);
  fake.socket.end(1001);
  fake.pass(1000);
  fake.socket.open();
  assert.deepEqual(fake.socket.sent[0].params, { session: "s1" });
});

test("a token that is no good is forgotten and a new one asked for", async () => {
  /** @type {string | null} */
  let token = "old";
  const { fake } = house({ session: { load: () => token, save: (other) => void (token = other) } });
  fake.socket.open();
  fake.socket.refuse("identify", { reason: "bad_session" });
  await settle();
  assert.equal(token, null);
  assert.deepEqual(fake.socket.sent[1].params, {});
});

test("who only watches does not identify", () => {
  const { fake } = house({ identify: false });
  fake.socket.open();
  assert.deepEqual(fake.socket.sent, []);
});

test("a lost line is opened again from where it was", async () => {
  const { fake, client, links } = await live();
  fake.socket.frame(2, 3, 1, 0, 1); // seq 4: seat 0 is held
  fake.socket.end(1006);
  assert.equal(client.link.state, "waiting");
  fake.pass(500);
  assert.equal(fake.sockets.length, 2);
  assert.equal(fake.socket.url.search, "?since=5.4");
  fake.socket.open();
  fake.socket.frame(2, 4, 2, 1, 2); // seq 6: seat 1 is sold
  assert.deepEqual(client.mirror, { epoch: "5", seq: 6, seats: Uint8Array.from([1, 2, 1, 2]) });
  assert.deepEqual(links.slice(-3), ["waiting", "connecting", "live"]);
});

test("waits double up to their ceiling, and are chosen by chance below it", () => {
  const { fake, client } = house({ random: 1 });
  const waits = [];
  for (let i = 0; i < 8; i += 1) {
    const before = fake.world.now();
    fake.socket.end(1006);
    waits.push((client.link.retry_at ?? 0) - before);
    fake.pass(waits[i]);
  }
  assert.deepEqual(waits, [500, 1000, 2000, 4000, 8000, 16000, 20000, 20000]);
  const lucky = house({ random: 0.25 });
  lucky.fake.socket.end(1006);
  assert.equal((lucky.client.link.retry_at ?? 0) - lucky.fake.world.now(), 125);
});

test("a line that was live again begins with short waits", async () => {
  const { fake, client } = await live();
  for (let i = 0; i < 5; i += 1) {
    fake.socket.end(1006);
    fake.pass(60_000);
  }
  fake.socket.open();
  fake.socket.frame(2, 3, 0);
  fake.socket.end(1006);
  assert.equal((client.link.retry_at ?? 0) - fake.world.now(), 500);
});

test("a gap closes the line and opens it afresh, and shows what was known until then", async () => {
  const { fake, client } = await live();
  const first = fake.socket;
  first.frame(2, 9, 1, 0, 1);
  assert.ok(first.closed);
  assert.equal(client.mirror?.seq, 3);
  fake.pass(500);
  assert.equal(fake.socket.url.search, "");
  fake.socket.open();
  fake.socket.snapshot(9, 1, 1, 1, 1);
  assert.equal(client.mirror?.seq, 9);
  fake.socket.end(1006);
  fake.pass(500);
  assert.equal(fake.socket.url.search, "?since=5.9", "after a snapshot there is something to resume from");
});

test("a frame that cannot be read, and text that is not JSON-RPC, start afresh", async () => {
  for (const bad of [
    Uint8Array.of(7).buffer,
    "{",
    '{"method":"diff"}',
    '{"jsonrpc":"2.0","method":"diff"}',
  ]) {
    const { fake } = await live();
    fake.socket.onmessage?.({ data: bad });
    fake.pass(500);
    assert.equal(fake.sockets.length, 2);
    assert.equal(fake.socket.url.search, "");
  }
});

test("a snapshot that goes back is refused on a living line and taken on a new one", async () => {
  const { fake, client } = await live();
  fake.socket.snapshot(2, 0, 0, 0, 0);
  assert.equal(client.mirror?.seq, 3);
  fake.pass(500);
  fake.socket.open();
  fake.socket.snapshot(2, 0, 0, 0, 0);
  assert.equal(client.mirror?.seq, 2);
});

test("late words of a dead socket are not heard", async () => {
  const { fake, client } = await live();
  const dead = fake.socket;
  dead.end(1006);
  fake.pass(500);
  dead.snapshot(90, 3, 3, 3, 3);
  dead.end(1008);
  dead.onopen?.();
  assert.equal(client.mirror?.seq, 3);
  assert.equal(client.link.state, "connecting");
  assert.equal(fake.sockets.length, 2);
});

for (const [code, state, wait] of /** @type {[number, string, number][]} */ ([
  [1001, "waiting", 500],
  [4008, "waiting", 500],
  [1011, "waiting", 500],
  [4009, "waiting", 60_000],
  [1008, "refused", 0],
  [1003, "refused", 0],
  [1009, "refused", 0],
])) {
  test(`close code ${code} means: ${state}${wait ? `, at most ${wait} ms` : ""}`, async () => {
    const { fake, client } = await live();
    fake.socket.end(code);
    assert.equal(client.link.state, state);
    assert.equal(client.link.code, code);
    fake.pass(wait || 600_000);
    assert.equal(fake.sockets.length, wait ? 2 : 1);
  });
}

test("a draining server is left when it closes, and asked again after its own time, spread out", async () => {
  const { fake, client } = await live({ random: 0.5 });
  fake.socket.say({ method: "server.draining", params: { reconnect_after_ms: 2000 } });
  assert.equal(client.link.state, "live", "what is under way is finished first");
  fake.socket.end(1001);
  assert.equal((client.link.retry_at ?? 0) - fake.world.now(), 3000);
});

test("an answer resolves its own request, whatever the order", async () => {
  const { fake, client } = await live();
  const first = client.request("hold", { seats: [0] });
  const second = client.request("release", { hold: "h" });
  fake.socket.answer("release", { seq: 5 });
  fake.socket.answer("hold", { hold: { id: "h" }, seq: 4 });
  assert.deepEqual(await first, { hold: { id: "h" }, seq: 4 });
  assert.deepEqual(await second, { seq: 5 });
  assert.equal(fake.waiting, 1, "only the watch over silence is left");
});

test("a refusal is typed", async () => {
  const { fake, client } = await live();
  const asked = client.request("hold", { seats: [2] });
  fake.socket.refuse("hold", { reason: "seats_taken", seats: [2] });
  await assert.rejects(
    asked,
    (error) => error instanceof Refusal && error.reason === "seats_taken" && error.data.seats[0] === 2,
  );
});

test("what is asked without a line is refused at once and never sent later", async () => {
  const { fake, client } = await live();
  fake.socket.end(1006);
  await assert.rejects(
    client.request("hold", { seats: [0] }),
    (error) => error instanceof Unanswered && !error.sent,
  );
  fake.pass(500);
  await assert.rejects(
    client.request("hold", { seats: [0] }),
    (error) => error instanceof Unanswered && !error.sent,
  );
  fake.socket.open();
  assert.deepEqual(
    fake.socket.sent.map(({ method }) => method),
    ["identify"],
  );
});

test("what was asked and not answered is told to be unknown, and not asked again", async () => {
  const { fake, client } = await live();
  const asked = client.request("buy", { hold: "h" });
  fake.socket.end(1006);
  await assert.rejects(asked, (error) => error instanceof Unanswered && error.sent);
  fake.pass(500);
  fake.socket.open();
  assert.deepEqual(
    fake.socket.sent.map(({ method }) => method),
    ["identify"],
  );
});

test("an answer that does not come within its time means that the line is dead", async () => {
  const { fake, client } = await live();
  const asked = client.request("hold", { seats: [0] });
  fake.pass(15_000);
  await assert.rejects(asked, Unanswered);
  assert.equal(client.link.state, "waiting");
});

test("a silent line is asked whether it lives, and left when it does not answer", async () => {
  const { fake, client } = await live();
  const quiet = fake.socket;
  fake.pass(39_999);
  assert.equal(quiet.sent.length, 1);
  fake.pass(1);
  assert.deepEqual(
    quiet.sent.map(({ method }) => method),
    ["identify", "identify"],
  );
  fake.pass(5_000);
  assert.ok(quiet.closed);
  assert.equal(client.link.state, "waiting");
});

test("a silent line that answers is kept, and asked again after the next silence", async () => {
  const { fake, client } = await live();
  fake.pass(40_000);
  fake.socket.answer("identify", { session: "s1", holds: [], orders: [], now: 5 });
  fake.pass(5_000);
  assert.equal(client.link.state, "live");
  fake.pass(35_000);
  assert.equal(fake.socket.sent.length, 3);
  assert.equal(fake.sockets.length, 1);
});

test("frames are signs of life", async () => {
  const { fake } = await live();
  fake.pass(30_000);
  fake.socket.frame(2, 3, 1);
  fake.pass(30_000);
  assert.equal(fake.socket.sent.length, 1, "only 30 s have been quiet");
  fake.pass(10_000);
  assert.equal(fake.socket.sent.length, 2);
});

test("a watcher's sign of life is any answer at all", async () => {
  const { fake, client } = house({ identify: false });
  fake.socket.open();
  fake.socket.snapshot(3, 0, 0, 0, 0);
  fake.pass(40_000);
  assert.equal(fake.socket.sent[0].method, "ping");
  fake.socket.say({ id: fake.socket.sent[0].id, error: { code: -32601, message: "no such method" } });
  fake.pass(5_000);
  await settle();
  assert.equal(client.link.state, "live");
});

test("a socket that never opens, or opens and says nothing, is given up", () => {
  const { fake, client } = house();
  fake.pass(15_000);
  assert.equal(client.link.state, "waiting");
  fake.pass(500);
  fake.socket.open();
  fake.pass(15_000);
  assert.equal(client.link.state, "waiting");
});

test("a network that comes back ends the waiting, and one that changes is put to the test", async () => {
  const { fake, client } = await live();
  fake.world.network.dispatchEvent(new Event("offline"));
  assert.equal(fake.socket.sent.length, 2, "asked whether the line still lives");
  fake.pass(5_000);
  assert.equal(client.link.state, "waiting");
  fake.world.network.dispatchEvent(new Event("online"));
  assert.equal(client.link.state, "connecting");
  assert.equal(fake.sockets.length, 2);
});

test("a closed client is quiet for good", async () => {
  const { fake, client, links } = await live();
  const asked = client.request("hold", { seats: [0] });
  client.close();
  await assert.rejects(asked, Unanswered);
  fake.world.network.dispatchEvent(new Event("online"));
  fake.pass(600_000);
  assert.equal(fake.sockets.length, 1);
  assert.equal(fake.waiting, 0);
  assert.equal(links.at(-1), "closed");
});

test("notifications are handed on, seat frames are not", async () => {
  /** @type {string[]} */
  const told = [];
  const { fake } = await live({ onnotification: (method) => void told.push(method) });
  fake.socket.say({ method: "hold.expired", params: { hold: "h" } });
  fake.socket.say({ method: "something.new" });
  assert.deepEqual(told, ["hold.expired", "something.new"]);
});

test("what changed is told seat by seat, and all of it at first", async () => {
  /** @type {(number[] | null)[]} */
  const told = [];
  const { fake } = await live({ onseats: ({ changed }) => void told.push(changed) });
  fake.socket.frame(2, 3, 1, 1, 1 + 4); // seats 1 and 2 are held; seat 2 was
  assert.deepEqual(told, [null, [1]]);
});

test("the server's clock is believed within what each answer allows", () => {
  let local = 1000;
  const clock = new ServerClock(() => local);
  local = 1100; // asked at 1000, answered at 1100, the server said 5050
  clock.hear(5050, 1000);
  assert.equal(clock.offset, 4000);
  local = 1300; // asked at 1200: anything from 3950 to 4050 would do
  clock.hear(5250, 1200);
  assert.equal(clock.offset, 4000, "no reason to twitch");
  local = 1400; // asked at 1390: at least 3900, at most 3910
  clock.hear(5300, 1390);
  assert.equal(clock.offset, 3910);
  local = 9000; // the local clock jumped
  clock.hear(5400);
  assert.ok(clock.now() >= 5400);
});
