// The draw at the doors, against the project's vectors and the rule's own promises.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { commitment_of, hex_of, number_of, seed_of, way_of } from "../../../static/draw.js";
import { sha256 } from "../../../static/sha256.js";

/** @param {string} byte of the secret @param {string} other of the chain @param {number} count */
const draw = (byte, other, count) => ({
  secret: byte.repeat(32),
  head: { chain: other.repeat(32) },
  count,
});

test("the hash is SHA-256 at every length around its blocks' ends, in parts or in one", () => {
  for (let length = 0; length <= 200; length += 1) {
    const bytes = Uint8Array.from({ length }, (_, i) => (i * 7 + length) & 255);
    const true_hash = createHash("sha256").update(bytes).digest("hex");
    assert.equal(hex_of(sha256(bytes)), true_hash);
    assert.equal(hex_of(sha256(bytes.subarray(0, length >> 1), bytes.subarray(length >> 1))), true_hash);
  }
});

/** @type {{vectors:{name:string, secret:string, commitment:string, chain:string, count:number, seed:string,
 *   numbers?:number[], some?:[arrival:number, number:number][]}[]}} */
const { vectors } = JSON.parse(readFileSync(new URL("../../vectors/draw.json", import.meta.url), "utf8"));
assert.ok(vectors.length > 0);

for (const { name, secret, commitment, chain, count, seed, numbers, some } of vectors) {
  test(`the draw of the project's vectors: ${name}`, () => {
    const drawn = { secret, head: { chain }, count };
    assert.equal(commitment_of(secret), commitment);
    assert.equal(hex_of(seed_of(drawn) ?? new Uint8Array()), seed);
    const pairs = some ?? (numbers ?? []).map((number, i) => [i + 1, number]);
    assert.ok(pairs.length > 0);
    for (const [arrival, number] of pairs)
      assert.equal(number_of(drawn, arrival), number, `arrival ${arrival}`);
  });
}

test("numbers as large as a page can count are exact", () => {
  const drawn = draw("11", "22", Number.MAX_SAFE_INTEGER);
  assert.equal(number_of(drawn, 1), 5610916863849046); // worked out by another program
  assert.equal(number_of(drawn, Number.MAX_SAFE_INTEGER), 6280434089054924);
});

test("everyone is drawn a number, and nobody the same", () => {
  const drawn = draw("42", "17", 513);
  const numbers = Array.from({ length: 513 }, (_, i) => number_of(drawn, i + 1) ?? 0);
  assert.deepEqual(
    [...numbers].sort((a, b) => a - b),
    Array.from({ length: 513 }, (_, i) => i + 1),
  );
});

test("the way ends at the number, after ninety rounds", () => {
  const way = way_of(draw("11", "22", 300), 12);
  assert.deepEqual([way?.length, way?.[0], way?.at(-1)], [91, 11, 94]);
});

test("nobody came before the first or after the last, and a draw that is none gives nobody a number", () => {
  for (const arrival of [0, -1, 11, 1.5, NaN]) assert.equal(number_of(draw("11", "22", 10), arrival), null);
  assert.equal(number_of({ ...draw("11", "22", 10), secret: "11" }, 1), null);
  assert.equal(number_of({ ...draw("11", "22", 10), head: { chain: "xy".repeat(32) } }, 1), null);
  assert.equal(number_of(draw("11", "22", 2 ** 60), 1), null);
});

test("the fingerprint and the seed are plain SHA-256", () => {
  const { secret, head } = draw("11", "22", 10);
  const hash = (/** @type {string} */ hex) =>
    createHash("sha256").update(Buffer.from(hex, "hex")).digest("hex");
  assert.equal(commitment_of(secret), hash(secret));
  assert.equal(hex_of(seed_of(draw("11", "22", 10)) ?? new Uint8Array()), hash(secret + head.chain));
  assert.equal(commitment_of("short"), null);
});
