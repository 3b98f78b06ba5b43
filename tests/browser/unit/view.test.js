// The view's arithmetic: what is under a finger stays under it.
import assert from "node:assert/strict";
import { test } from "node:test";
import * as views from "../../../static/view.js";

const box = { x: 100, y: 50, width: 1000, height: 500 };
const screen = { width: 500, height: 500 };
const whole = views.fit(box, screen);

/** @param {number} actual @param {number} expected */
const near = (actual, expected) =>
  assert.ok(Math.abs(actual - expected) < 1e-6, `${actual} is not ${expected}`);

test("the whole plan is shown in the middle", () => {
  near(whole.scale, 0.5);
  assert.deepEqual(views.to_screen(whole, 600, 300), [250, 250]);
});

test("a place goes to the screen and back", () => {
  const view = views.zoom(whole, 3.7, 123, 321);
  const [x, y] = views.to_plan(view, ...views.to_screen(view, 777, 88));
  near(x, 777);
  near(y, 88);
});

test("zooming leaves what is under the pointer where it is", () => {
  const before = views.to_plan(whole, 140, 410);
  const after = views.to_plan(views.zoom(whole, 2.5, 140, 410), 140, 410);
  near(after[0], before[0]);
  near(after[1], before[1]);
});

test("two fingers keep what they are on", () => {
  /** @type {[number, number][]} */
  const before = [
    [100, 100],
    [200, 100],
  ];
  /** @type {[number, number][]} */
  const after = [
    [150, 240],
    [350, 240],
  ];
  const view = views.pinch(whole, before, after);
  near(view.scale, whole.scale * 2);
  before.forEach((finger, i) => {
    const [x, y] = views.to_screen(view, ...views.to_plan(whole, ...finger));
    near(x, after[i][0]);
    near(y, after[i][1]);
  });
});

test("fingers in one spot do not make the plan endless", () => {
  const view = views.pinch(
    whole,
    [
      [9, 9],
      [9, 9],
    ],
    [
      [9, 9],
      [19, 9],
    ],
  );
  assert.ok(Number.isFinite(view.scale) && view.scale > 0);
});

test("the plan is never smaller than whole, nor larger than allowed", () => {
  near(views.clamp(views.zoom(whole, 0.1, 0, 0), box, screen, 5).scale, whole.scale);
  near(views.clamp(views.zoom(whole, 1000, 0, 0), box, screen, 5).scale, 5);
});

test("the plan cannot be pushed out of sight", () => {
  for (const [dx, dy] of [
    [1e6, 0],
    [-1e6, 0],
    [0, 1e6],
    [0, -1e6],
  ]) {
    const view = views.clamp(views.pan(views.zoom(whole, 4, 250, 250), dx, dy), box, screen, 5);
    const seen = views.visible(view, screen);
    assert.ok(seen.x < box.x + box.width && seen.x + seen.width > box.x);
    assert.ok(seen.y < box.y + box.height && seen.y + seen.height > box.y);
  }
});

test("a plan that just begins to overflow does not jump", () => {
  const before = views.clamp(whole, box, screen, 5);
  const after = views.clamp(views.zoom(whole, 1.0001, 0, 0), box, screen, 5);
  assert.ok(Math.abs(after.x - before.x) < 1 && Math.abs(after.y - before.y) < 1);
});
