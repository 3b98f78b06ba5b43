// The project's test vectors, against the page's own client.
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import {
  applyFrame,
  decodeFrame,
  decodeNotification,
  decodeText,
  FrameError,
  Refusal,
} from "../../../static/usher.js";

/** @param {string} name @returns {any[]} */
function vectors(name) {
  const read = JSON.parse(readFileSync(new URL(`../../vectors/${name}.json`, import.meta.url), "utf8"));
  assert.ok(read.vectors.length > 0);
  return read.vectors;
}

/** @param {string} hex */
const bytes = (hex) => Uint8Array.from(Buffer.from(hex, "hex"));

/** As the vectors write it. @param {import("../../../static/usher.js").Frame | null} frame */
function meaning(frame) {
  if (frame?.kind !== "snapshot") return frame;
  const { kind, epoch, seq, n, seats } = frame;
  return { kind, epoch, seq, n, states: [...seats].join("") };
}

for (const { name, hex, means, invalid } of vectors("seat-frames")) {
  test(`binary frame: ${name}`, () => {
    if (!invalid) return assert.deepEqual(meaning(decodeFrame(bytes(hex))), means);
    // What only the show's size can tell is refused when it is applied.
    assert.throws(
      () => applyFrame({ epoch: "1", seq: 0, seats: new Uint8Array(8) }, decodeFrame(bytes(hex))),
      FrameError,
    );
  });
}

for (const { name, text, means, invalid } of vectors("json-frames")) {
  test(`JSON frame: ${name}`, () => {
    const read = () => {
      const { method, params } = decodeText(text);
      return meaning(decodeNotification(method ?? "", params));
    };
    if (invalid) assert.throws(read, FrameError);
    else assert.deepEqual(read(), means);
  });
}

for (const { name, steps } of vectors("sequences")) {
  test(`frames in order: ${name}`, () => {
    /** @type {import("../../../static/usher.js").Mirror | null} */
    let mirror = null;
    for (const { hex, then, epoch, seq, states } of steps) {
      let outcome;
      try {
        const applied = applyFrame(mirror, decodeFrame(bytes(hex)));
        mirror = applied.mirror;
        outcome = { applied: "applied", known: "ignored", gap: "reopen" }[applied.outcome];
      } catch (fault) {
        assert.ok(fault instanceof FrameError);
        outcome = "reopen";
      }
      assert.equal(outcome, then);
      if (then === "reopen") break;
      assert.ok(mirror);
      assert.deepEqual(
        { epoch, seq, states },
        { epoch: mirror.epoch, seq: mirror.seq, states: [...mirror.seats].join("") },
      );
    }
  });
}

for (const { name, of, text } of vectors("answers")) {
  if (of !== "refusal") continue;
  test(`refusal: ${name}`, () => {
    const { error } = decodeText(text);
    const refusal = new Refusal(error);
    assert.equal(refusal.reason, error.data.reason);
    assert.equal(refusal.message, error.message);
  });
}
