// Reading seat frames and applying them: what the module promises to every client author.
import assert from "node:assert/strict";
import { test } from "node:test";
import { applyFrame, decodeFrame, decodeNotification, FrameError } from "../../../static/usher.js";

const EPOCH = [8, 7, 6, 5, 4, 3, 2, 0x81];
const EPOCH_WORDS = "9295995896645158664";

/** @param {...number} bytes */
const frame = (...bytes) => decodeFrame(Uint8Array.from(bytes));

/** @param {number} seq @param {number[]} seats */
const mirror = (seq, seats) => ({ epoch: "7", seq, seats: Uint8Array.from(seats) });

test("a snapshot gives epoch, seq and two bits a seat", () => {
  assert.equal(BigInt(EPOCH_WORDS), new DataView(Uint8Array.from(EPOCH).buffer).getBigUint64(0, true));
  assert.deepEqual(frame(0x01, ...EPOCH, 0xac, 0x02, 5, 0b11_10_01_00, 0b01), {
    kind: "snapshot",
    epoch: EPOCH_WORDS,
    seq: 300,
    n: 5,
    seats: Uint8Array.from([0, 1, 2, 3, 1]),
  });
});

test("a snapshot of no seats is a snapshot", () => {
  assert.deepEqual(frame(0x01, ...EPOCH, 0, 0), {
    kind: "snapshot",
    epoch: EPOCH_WORDS,
    seq: 0,
    n: 0,
    seats: new Uint8Array(),
  });
});

test("a snapshot is read from the middle of a larger buffer", () => {
  const bytes = Uint8Array.from([9, 9, 9, 0x01, ...EPOCH, 1, 1, 2, 9, 9]).subarray(3, 15);
  assert.equal(decodeFrame(bytes).kind, "snapshot");
});

test("a diff gives its runs", () => {
  assert.deepEqual(frame(0x02, 7, 2, 3, 0 * 4 + 1, 0, 199, 1), {
    kind: "diff",
    from: 7,
    to: 9,
    runs: [
      [3, 1, 1],
      [0, 50, 3],
    ],
  });
});

test("a number beyond 32 bits is read whole", () => {
  const diff = frame(0x02, 0x80, 0x80, 0x80, 0x80, 0x80, 0x01, 1);
  assert.deepEqual(diff, { kind: "diff", from: 2 ** 35, to: 2 ** 35 + 1, runs: [] });
});

for (const [what, bytes] of /** @type {[string, number[]][]} */ ([
  ["nothing", []],
  ["an unknown kind", [3, 1]],
  ["a snapshot without seats", [1, ...EPOCH, 1, 5]],
  ["a snapshot with a byte too many", [1, ...EPOCH, 1, 4, 0, 0]],
  ["a snapshot with unused bits set", [1, ...EPOCH, 1, 1, 0b100]],
  ["a snapshot cut in its epoch", [1, 1, 2]],
  ["a diff cut in a number", [2, 0x80]],
  ["a run without its state", [2, 1, 1, 5]],
  ["a number in a longer form than needed", [2, 0x81, 0x00, 1]],
  ["a number nobody can count to", [2, 255, 255, 255, 255, 255, 255, 255, 255, 127, 1]],
])) {
  test(`${what} is not a frame`, () => assert.throws(() => frame(...bytes), FrameError));
}

test("JSON frames say the same as binary ones", () => {
  const params = {
    epoch: EPOCH_WORDS,
    seq: 300,
    n: 5,
    seats: Buffer.from([0b11_10_01_00, 0b01]).toString("base64"),
  };
  assert.deepEqual(
    decodeNotification("snapshot", params),
    frame(0x01, ...EPOCH, 0xac, 0x02, 5, 0b11_10_01_00, 0b01),
  );
  assert.deepEqual(
    decodeNotification("diff", { from: 7, to: 9, runs: [[3, 1, 1]] }),
    frame(0x02, 7, 2, 3, 1),
  );
  assert.equal(decodeNotification("order", {}), null);
  assert.throws(() => decodeNotification("snapshot", { epoch: "1", seq: 1, n: 4, seats: "%" }), FrameError);
  assert.throws(() => decodeNotification("snapshot", { epoch: 1, seq: 1, n: 0, seats: "" }), FrameError);
});

test("a diff that fits sets states and moves seq", () => {
  const known = mirror(7, [0, 0, 0, 0, 0]);
  const { outcome, changed } = applyFrame(known, {
    kind: "diff",
    from: 7,
    to: 9,
    runs: [
      [1, 2, 1],
      [1, 1, 2],
    ],
  });
  assert.equal(outcome, "applied");
  assert.deepEqual(changed, [1, 2, 4]);
  assert.deepEqual(known, mirror(9, [0, 1, 1, 0, 2]));
});

test("a diff that begins before what is known does no harm", () => {
  const known = mirror(8, [0, 1, 0]);
  const { outcome, changed } = applyFrame(known, {
    kind: "diff",
    from: 6,
    to: 9,
    runs: [
      [1, 1, 1],
      [0, 1, 2],
    ],
  });
  assert.equal(outcome, "applied");
  assert.deepEqual(changed, [2], "seat 1 was so already");
  assert.deepEqual(known, mirror(9, [0, 1, 2]));
});

test("a diff that ends before what is known is ignored", () => {
  const known = mirror(9, [0, 1]);
  assert.equal(applyFrame(known, { kind: "diff", from: 5, to: 9, runs: [[0, 2, 3]] }).outcome, "known");
  assert.deepEqual(known, mirror(9, [0, 1]));
});

test("a diff that begins after what is known is a gap and changes nothing", () => {
  const known = mirror(4, [0, 1]);
  assert.equal(applyFrame(known, { kind: "diff", from: 5, to: 6, runs: [[0, 2, 3]] }).outcome, "gap");
  assert.deepEqual(known, mirror(4, [0, 1]));
  assert.equal(applyFrame(null, { kind: "diff", from: 0, to: 1, runs: [] }).outcome, "gap");
});

test("a diff that goes beyond the last seat is refused before anything is set", () => {
  const known = mirror(4, [0, 0]);
  assert.throws(
    () =>
      applyFrame(known, {
        kind: "diff",
        from: 4,
        to: 5,
        runs: [
          [0, 1, 1],
          [0, 2, 1],
        ],
      }),
    FrameError,
  );
  assert.deepEqual(known, mirror(4, [0, 0]));
});

test("a snapshot replaces everything and tells what is different", () => {
  const snapshot = {
    kind: /** @type {const} */ ("snapshot"),
    epoch: "8",
    seq: 1,
    n: 3,
    seats: Uint8Array.from([0, 2, 2]),
  };
  const { mirror: after, changed } = applyFrame(mirror(50, [0, 1, 2]), snapshot);
  assert.deepEqual(after, { epoch: "8", seq: 1, seats: snapshot.seats });
  assert.deepEqual(changed, [1]);
  assert.equal(applyFrame(null, snapshot).changed, null, "nothing was known: all is new");
  assert.equal(applyFrame(mirror(1, [0]), snapshot).changed, null, "another house: all is new");
});
