// A published log, made here byte by byte from the written format, and what the draw page finds in it.
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { alias_of, claims_of, Doubt, findings_of } from "../../../static/published.js";

/** @param {...(Buffer | string)} parts */
const hash = (...parts) => parts.reduce((sum, part) => sum.update(part), createHash("sha256")).digest();
/** @param {bigint} epoch */
const little = (epoch) => {
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(epoch);
  return bytes;
};

const secret = "11".repeat(32);
const sessions = [1, 2, 3].map((byte) => new Uint8Array(16).fill(byte));
const aliases = sessions.map((session) => alias_of("hamlet", session));

/** A log in which three came, and then the doors opened, as lines. @param {{later?:bigint}} [lives] `later`: a
 *  life that began after the first entry */
function log({ later } = {}) {
  const genesis = JSON.stringify({ id: "hamlet", draw_secret: secret });
  let chain = hash("usher chain 1", little(5n), genesis);
  /** @type {any[]} */
  const lines = [
    {
      usher: "public log 1",
      show: { id: "hamlet" },
      lives: later === undefined ? "5" : `5 ${later}@1`,
      chain: chain.toString("hex"),
    },
  ];
  /** @param {string} bytes @param {object} said */
  const add = (bytes, said) => {
    if (later !== undefined && lines.length === 2) chain = hash("usher life 1", chain, little(later));
    chain = hash(chain, Buffer.from(bytes, "hex"));
    lines.push({ seq: lines.length, void: false, bytes, chain: chain.toString("hex"), ...said });
  };
  add(`011000${"02"}${aliases.slice(0, 2).join("")}`, {
    entry: "numbers_taken",
    aliases: aliases.slice(0, 2),
  });
  add(`011000${"01"}${aliases[2]}`, { entry: "numbers_taken", aliases: [aliases[2]] });
  add(`011100${secret}`, { entry: "doors_opened", secret, genesis });
  lines.push({ seq: 4, void: false, entry: "seats_held", chain: "77".repeat(32) });
  return lines;
}

/** @param {any[]} lines */
const text = (lines) => lines.map((line) => JSON.stringify(line)).join("\n") + "\n";
/** @param {any[]} lines */
const drawn_in = (lines) => ({ secret, head: { seq: 3, chain: lines[3].chain }, count: 3 });
/** What was compared. @param {import("../../../static/published.js").Finding[]} findings */
const outcomes = (findings) => findings.flatMap(({ holds }) => (holds === undefined ? [] : [holds]));

/** A ticket of the third to come. @param {any[]} lines */
function ticket(lines) {
  const numbers = Buffer.alloc(32);
  [3n, 9n, 5n, 2n].forEach((number, i) => numbers.writeBigUInt64BE(number, i * 8));
  const chain = Buffer.from(lines[2].chain, "hex");
  const parts = [Buffer.from([2, 0]), sessions[2], numbers, chain, Buffer.from("hamlet"), Buffer.alloc(32)];
  return Buffer.concat(parts).toString("base64url");
}

for (const later of [undefined, 6n]) {
  test(`a true log bears the draw out, in ${later ? "two lives" : "one life"}`, () => {
    const lines = log({ later });
    const findings = findings_of(text(lines), "hamlet", drawn_in(lines), claims_of(ticket(lines)));
    assert.deepEqual(outcomes(findings), [true, true, true, true, true]);
    assert.match(findings[0].words, /^4 entries; 3 links/);
    assert.match(findings.at(-1)?.words ?? "", /you came as number 3\./);
  });
}

test("another head, another secret, another count, another ticket are seen to be others", () => {
  const lines = log();
  const drawn = drawn_in(lines);
  /** @param {object} other */
  const found = (other) => outcomes(findings_of(text(lines), "hamlet", { ...drawn, ...other }, null));
  assert.deepEqual(found({ head: { seq: 3, chain: "00".repeat(32) } }), [false, true, true]);
  assert.deepEqual(found({ secret: "12".repeat(32) }), [false, true, true]);
  assert.deepEqual(found({ count: 4 }), [true, true, false]);
  const claims = claims_of(ticket(lines));
  assert.ok(claims);
  const forged = { ...claims, number: 1, head: { seq: 2, chain: "00".repeat(32) } };
  assert.deepEqual(outcomes(findings_of(text(lines), "hamlet", drawn, forged)).slice(3), [false, false]);
});

test("a log with something changed, missing, moved or left out is doubted, or not whole", () => {
  const lines = log();
  const drawn = drawn_in(lines);
  /** @param {(lines:any[]) => void} change */
  const found = (change) => {
    const changed = structuredClone(lines);
    change(changed);
    return findings_of(text(changed), "hamlet", drawn, null);
  };
  /** @type {((lines:any[]) => void)[]} */
  const forgeries = [
    (all) => (all[1].bytes = all[1].bytes.replace("0110", "0111")),
    (all) => all[1].aliases.reverse(),
    (all) => all.splice(2, 1),
    (all) => ([all[1], all[2]] = [all[2], all[1]]),
    (all) => (all[1].bytes = "zz"),
    (all) => (all[0].usher = "public log 9"),
    (all) => (all[2] = null),
    (all) => delete all[2].bytes,
    (all) => (all[3].genesis += " "),
  ];
  for (const forgery of forgeries) assert.throws(() => found(forgery), Doubt);
  assert.throws(() => findings_of("", "hamlet", drawn, null), Doubt);
  assert.throws(() => findings_of("not a log\n", "hamlet", drawn, null), Doubt);
  assert.deepEqual(outcomes(findings_of(text(lines), "macbeth", drawn, null)), [false]);
});

test("entries that are not everybody's, before the doors, are told of, and are nobody's fault", () => {
  const lines = log();
  const blocked = { seq: 3, void: false, entry: "seats_blocked", chain: "99".repeat(32) };
  const chain = hash(Buffer.from(blocked.chain, "hex"), Buffer.from(lines[3].bytes, "hex")).toString("hex");
  const doors = { ...lines[3], seq: 4, chain };
  const changed = [...lines.slice(0, 3), blocked, doors];
  const drawn = { secret, head: { seq: 4, chain }, count: 3 };
  const findings = findings_of(text(changed), "hamlet", drawn, null);
  assert.deepEqual(outcomes(findings), [true, true]);
  assert.match(findings[2].words, /only given/);
});

test("what is no ticket claims nothing", () => {
  const good = ticket(log());
  assert.equal(claims_of(good)?.show, "hamlet");
  for (const text of ["", "t", "not base64!", good.slice(0, 60), `B${good.slice(1)}`])
    assert.equal(claims_of(text), null);
});
