// What the waiting room says: the range of an estimate as people say it, and a voice that does not
// chatter.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Voice } from "../../../static/voice.js";
import * as words from "../../../static/waiting-words.js";

/** @typedef {import("../../../static/admission.js").Standing} Standing */

/** @type {[before:number, per_minute:number | undefined, said:string | null][]} */
const ESTIMATES = [
  [60, undefined, null],
  [60, 0, null],
  [60, NaN, null],
  [1, 10, "less than a minute"],
  [1, 2, "less than a minute"],
  [1, 1.1, "about a minute"],
  [0.6, 1, "less than a minute"],
  [1, 1, "about 1 to 2 minutes"],
  [60, 12, "about 4 to 8 minutes"],
  [120, 12, "about 7 to 15 minutes"],
  [300, 12, "about 20 to 40 minutes"],
  [600, 12, "about 35 minutes to 1.5 hours"],
  [1200, 12, "about 1 to 2.5 hours"],
  [6000, 12, "about 6 to 13 hours"],
  [100_000, 12, "more than 12 hours"],
];

for (const [before, per_minute, said] of ESTIMATES) {
  test(`${before} before, ${per_minute} a minute: ${said}`, () => {
    assert.equal(words.estimate_words(before, per_minute), said);
  });
}

test("an estimate is a range that holds the plain quotient, at every length", () => {
  for (let minutes = 2; minutes < 700; minutes += 1) {
    const said = words.estimate_words(minutes, 1) ?? "";
    assert.match(said, /^(about|up to) /, said);
    assert.doesNotMatch(said, /NaN|undefined|\b0 /, said);
    const [, least, first, most, unit] =
      /^about ([\d.]+) ?(minutes?|hours?)? ?to ([\d.]+) (minutes?|hours?)$/.exec(said) ?? [];
    const [as_least, as_most] = [first ?? unit, unit].map((name) => (name?.startsWith("hour") ? 60 : 1));
    assert.ok(
      Number(least) * as_least <= minutes && minutes <= Number(most) * as_most,
      `${minutes}: ${said}`,
    );
  }
});

test("a countdown is read as a clock, and as days where it is long", () => {
  assert.equal(words.countdown_words(65_000), "1:05");
  assert.equal(words.countdown_words(3_599_000), "59:59");
  assert.equal(words.countdown_words(3_600_000), "1:00:00");
  assert.equal(words.countdown_words(2 * 3_600_000 + 4 * 60_000 + 5_000), "2:04:05");
  assert.equal(words.countdown_words(76 * 3_600_000), "3 days and 4 hours");
  assert.equal(words.countdown_words(-5), "0:00");
});

const policy = { picking_max: 40, pass_ms: 600_000, doors_at: 100_000 };

test("every standing has words that say what to do", () => {
  /** @type {Standing[]} */
  const standings = [
    { state: "early", arrival: 12 },
    { state: "waiting", number: 5, serving: 2, before: 2 },
    { state: "waiting", number: 3, serving: 2, before: 0 },
    { state: "waiting", number: 3, serving: 3, before: 0, called: true },
    { state: "waiting", number: 3, serving: 9, before: 0, passed_over: true },
    { state: "admitted", number: 3, until: 600_000 },
    { state: "over" },
    { state: "left" },
    { state: "left", was: "early" },
  ];
  for (const standing of standings) {
    for (const [now, sold] of /** @type {[number, boolean][]} */ ([
      [0, false],
      [200_000, false],
      [0, true],
    ])) {
      const said = words.standing_words(standing, policy, now, sold);
      assert.ok(said.heading && said.title, JSON.stringify(standing));
      assert.doesNotMatch(Object.values(said).join(" "), /undefined|NaN|null/);
    }
    const steps = words.steps_words(standing.state, policy);
    assert.ok(steps.length >= 4 && steps.every((step) => /^[A-Z0-9].*\.$/.test(step)));
  }
});

test("before the doors nothing is said to go to the next: there is no line yet", () => {
  assert.match(words.leaving_words("waiting"), /next in line/);
  assert.match(words.leaving_words("early"), /part in the draw.*new/);
  const { heading, advice } = words.standing_words({ state: "left", was: "early" }, policy, 0);
  for (const said of [words.leaving_words("early"), heading + advice]) assert.doesNotMatch(said, /next|line/);
});

test("whoever has a turn sees it run down, in the title too", () => {
  const said = words.standing_words({ state: "admitted", until: 600_000 }, policy, 5_000);
  assert.deepEqual([said.figure, said.title], ["9:55", "Your turn, 9:55"]);
});

test("where all is sold nobody is told to go on waiting", () => {
  const said = words.standing_words({ state: "waiting", number: 50, before: 40 }, policy, 0, true);
  assert.deepEqual([said.heading, said.figure], ["All seats are sold", ""]);
  const admitted = words.standing_words({ state: "admitted", until: 600_000 }, policy, 0, true);
  assert.equal(admitted.heading, "It is your turn");
});

test("a lost line is told to whoever waits, and that it keeps their place", () => {
  /** @type {import("../../../static/usher.js").Link} */
  const lost = { state: "waiting", attempt: 9 };
  assert.equal(
    words.lost_words("waiting", lost, true),
    "Connection lost. You keep your place; trying again.",
  );
  assert.match(words.lost_words("early", lost, true), /your part in the draw/);
  assert.match(words.lost_words("waiting", { state: "refused", attempt: 1 }, true), /reload/);
  assert.equal(words.lost_words("waiting", { state: "waiting", attempt: 1 }, true), "");
  assert.notEqual(words.lost_words("waiting", { state: "waiting", attempt: 1 }, false), "");
  assert.equal(words.lost_words("admitted", lost, true), "");
  assert.equal(words.lost_words("left", { state: "closed", attempt: 0 }, true), "");
});

test("a browser that stores nothing is not said to keep a place", () => {
  assert.match(words.steps_words("waiting", policy)[0], /this browser keeps your place/);
  assert.doesNotMatch(words.steps_words("waiting", policy, false)[0], /come back/);
});

test("what became of a turn is said as it is", () => {
  const none = { bought: false, holding: false };
  assert.match(words.turn_over_words({ state: "left", was: "admitted" }, none), /let the next in/);
  assert.match(words.turn_over_words({ state: "left", was: "waiting" }, none), /left the line/);
  assert.match(words.turn_over_words({ state: "over", used: true }, none), /went to the next/);
  assert.match(words.turn_over_words({ state: "over" }, { ...none, bought: true }), /went to the next/);
  assert.doesNotMatch(words.turn_over_words({ state: "over" }, none), /hold/);
  assert.match(words.turn_over_words({ state: "over" }, { ...none, holding: true }), /stays held/);
});

test("without a known rate no time is named", () => {
  const said = words.standing_words({ state: "waiting", number: 50, before: 40 }, policy, 0);
  assert.match(said.how_long, /not known yet/);
  assert.doesNotMatch(said.how_long, /\d/);
});

/** @param {number} before @returns {Standing} */
const in_line = (before) => ({ state: "waiting", number: 1000, serving: 999 - before, before });

test("a line that moves every second is spoken once a minute", () => {
  const voice = new Voice();
  let spoken = 0;
  for (let second = 0; second <= 300; second += 1)
    if (voice.say(in_line(900 - second), second * 1000)) spoken += 1;
  assert.equal(spoken, 6);
});

test("near the front it is spoken at 100, 50, 20, 10, 5, 1 and when one is next", () => {
  const voice = new Voice();
  /** @type {string[]} */
  const spoken = [];
  // One leaves every six seconds, and at each minute's word nothing else is due.
  for (let before = 104; before >= 0; before -= 1) {
    const said = voice.say(in_line(before), (104 - before) * 500 * 12);
    if (said) spoken.push(said);
  }
  for (const milestone of ["100 people", "50 people", "20 people", "10 people", "5 people", "1 person"])
    assert.ok(
      spoken.some((said) => said.includes(` ${milestone} before you`)),
      milestone,
    );
  assert.equal(spoken.at(-1), "You are next.");
});

test("a line that rushes past several marks at once says one of them, and the next only after a pause", () => {
  const voice = new Voice();
  assert.match(voice.say(in_line(120), 0) ?? "", /120/);
  assert.equal(voice.say(in_line(60), 1_000), null);
  assert.equal(voice.say(in_line(15), 2_000), null);
  assert.match(voice.say(in_line(14), 6_000) ?? "", /14/);
  assert.equal(voice.say(in_line(14), 60_000 * 10), null, "what has not moved is not repeated");
});

test("what changes meaningfully is said at once", () => {
  const voice = new Voice();
  const until = 600_000;
  assert.match(voice.say({ state: "early", arrival: 12 }, 0) ?? "", /not open.*number 12/);
  assert.equal(voice.say({ state: "early", arrival: 12 }, 100_000), null);
  assert.equal(voice.say(in_line(999), 99_000), null, "the counter follows at once");
  assert.match(voice.say(in_line(40), 100_001) ?? "", /drawn number 1,000.*40 people/);
  assert.match(voice.say({ state: "admitted", number: 1000, until }, 100_002) ?? "", /your turn/);
  assert.match(voice.say({ state: "over", number: 1000 }, 100_003) ?? "", /ended/);
  assert.match(voice.say({ ...in_line(7), number: 2000 }, 100_004) ?? "", /^There are 7/);
  assert.match(voice.say({ ...in_line(9), number: 2100 }, 100_005) ?? "", /9/, "another number is news");
});
