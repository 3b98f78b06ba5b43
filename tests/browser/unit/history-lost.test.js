// When the log lost its end, and the show goes on in another epoch: what was ours is asked anew, and a
// draw may be made a second time.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Admission } from "../../../static/admission.js";
import { number_of } from "../../../static/draw.js";
import { UsherClient } from "../../../static/usher.js";
import { fake_world } from "../fake-world.js";

/** @typedef {import("../../../static/admission.js").Kept} Kept */

/** Everything settles that a promise had only to hand on. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

const drawn = { secret: "11".repeat(32), head: { epoch: "7", seq: 9, chain: "22".repeat(32) }, count: 300 };

function admission() {
  /** @type {Kept | null} */
  let kept = null;
  const store = { load: () => kept, save: (/** @type {Kept | null} */ other) => void (kept = other) };
  return { admission: new Admission(store), kept: () => kept };
}

test("a second draw gives another number; the same one told again changes nothing", () => {
  const { admission: line, kept } = admission();
  line.identified({ state: "early", ticket: "a12", arrival: 12 }, true);
  line.told("admission.drawn", drawn);
  line.told("admission.serving", { serving: 40 });
  const place = line.standing?.before;
  assert.equal(line.told("admission.drawn", drawn), false);
  assert.equal(line.standing?.before, place);
  const again = { ...drawn, head: { ...drawn.head, epoch: "8", chain: "44".repeat(32) } };
  const number = number_of(again, 12);
  assert.notEqual(number, number_of(drawn, 12));
  assert.equal(line.told("admission.drawn", again), true);
  assert.deepEqual([line.standing?.number, line.standing?.before], [number, Number(number) - 1]);
  assert.equal(kept()?.place, number);
});

test("what is said of the draw stays with the number that was drawn", () => {
  const { admission: line } = admission();
  line.identified({ state: "early", ticket: "a12", arrival: 12 }, true);
  line.told("admission.drawn", drawn);
  const number = line.standing?.number;
  line.identified({ state: "waiting", ticket: "t", number, serving: 3 }, false);
  assert.deepEqual(line.standing?.drawn, drawn);
  line.identified({ state: "waiting", ticket: "u", number: 700, serving: 3 }, true);
  assert.equal(line.standing?.drawn, undefined);
});

test("a draw changes nothing for who came after the doors", () => {
  const { admission: line } = admission();
  line.identified({ state: "waiting", ticket: "t", number: 400, serving: 12 }, true);
  assert.equal(line.told("admission.drawn", drawn), false);
  assert.equal(line.standing?.number, 400);
});

for (const identify of [true, false]) {
  const then = identify ? "what is ours is asked anew, in a moment" : "who only watches asks nothing";
  test(`in another epoch on a living socket ${then}`, async () => {
    const fake = fake_world();
    const base = "https://house.example/";
    const client = new UsherClient({ show: "hamlet", base, world: fake.world, identify });
    client.open();
    fake.socket.open();
    fake.socket.snapshot(3, 0, 0, 1, 2);
    if (identify) fake.socket.answer("identify", { session: "s1", holds: [], orders: [], now: 1_000_000 });
    await settle();
    const asked = () => fake.socket.sent.filter(({ method }) => method === "identify").length;
    const first = asked();
    fake.socket.snapshot(9, 0, 0, 1, 2);
    fake.pass(2_000);
    assert.equal(asked(), first, "in the same epoch nothing is asked");
    fake.socket.frame(1, 6, 0, 0, 0, 0, 0, 0, 0, 2, 4, 0);
    assert.deepEqual([client.mirror?.epoch, asked()], ["6", first], "not all at once");
    fake.pass(2_000);
    assert.equal(asked(), identify ? 2 : 0);
    fake.pass(2_000);
    assert.equal(asked(), identify ? 2 : 0, "and once");
  });
}
