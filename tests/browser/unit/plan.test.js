// The layout made flat.
import assert from "node:assert/strict";
import { test } from "node:test";
import { bounds, inside, Plan } from "../../../static/plan.js";
import { small_hall } from "../small-hall.js";

const plan = new Plan(small_hall());

test("every seat has its place, name and price", () => {
  assert.equal(plan.in_rows, 16);
  assert.equal(plan.label(6), "Stalls, row B, seat 3");
  assert.deepEqual([plan.x[6], plan.y[6], plan.price(6)], [40, 20, 4500]);
  assert.equal(plan.label(9), "Gallery, row A, seat 2");
});

test("places of an area have a name and a price but no place on the plan", () => {
  assert.equal(plan.label(20), "Floor, standing");
  assert.equal(plan.area(20), 0);
  assert.equal(plan.area(3), -1);
  assert.equal(plan.price(16), 2000);
  assert.ok(Number.isNaN(plan.x[16]));
});

test("sections that stand on one another are floors", () => {
  assert.deepEqual(plan.floors, [[0], [1]]);
});

test("sections side by side are one floor", () => {
  const hall = small_hall();
  for (const row of hall.sections[1].rows) for (const seat of row.seats) seat[2] += 100;
  assert.deepEqual(new Plan(hall).floors, [[0, 1]]);
});

test("the nearest seat is found, of the floor that is shown", () => {
  assert.equal(plan.grid.near(41, 1, 10, [0]), 2);
  assert.equal(plan.grid.near(41, 1, 10, [1]), 10);
  assert.equal(plan.grid.near(30, 0, 5, [0]), -1, "halfway is too far");
  assert.equal(plan.grid.near(-500, -500, 5), -1);
});

test("the grid finds what a look at every seat finds", () => {
  const hall = small_hall();
  let random = 7;
  const next = () => (random = (random * 16807) % 2147483647) / 2147483647;
  for (const { rows } of hall.sections)
    for (const row of rows) for (const seat of row.seats) [seat[1], seat[2]] = [next() * 300, next() * 300];
  const scattered = new Plan(hall);
  for (let i = 0; i < 200; i += 1) {
    const [x, y] = [next() * 300, next() * 300];
    const all = Array.from({ length: 16 }, (_, seat) =>
      Math.hypot(scattered.x[seat] - x, scattered.y[seat] - y),
    );
    const least = Math.min(...all);
    const found = scattered.grid.near(x, y, 60);
    assert.equal(found, least <= 60 ? all.indexOf(least) : -1);
  }
});

test("a hall with only a standing area can be drawn", () => {
  const hall = { ...small_hall(), sections: [], seats: 5 };
  hall.areas = [{ ...hall.areas[0], first: 0 }];
  const standing = new Plan(hall);
  assert.ok(standing.box.width > 0 && standing.box.height > 0 && standing.pitch > 0);
});

test("a point is inside a shape, also a turned one", () => {
  const square = { shape: "rectangle", x: 0, y: 0, width: 10, height: 10 };
  assert.ok(inside(square, 5, 5) && !inside(square, 11, 5));
  assert.ok(inside({ ...square, rotation: 90 }, -5, 5) && !inside({ ...square, rotation: 90 }, 5, 5));
  assert.ok(
    inside({ shape: "circle", x: 0, y: 0, radius: 5 }, 3, 3) &&
      !inside({ shape: "circle", x: 0, y: 0, radius: 5 }, 4, 4),
  );
  const triangle = {
    shape: "polygon",
    x: 0,
    y: 0,
    points: /** @type {[number, number][]} */ ([
      [0, 0],
      [10, 0],
      [0, 10],
    ]),
  };
  assert.ok(inside(triangle, 2, 2) && !inside(triangle, 8, 8));
  assert.deepEqual(bounds(triangle), { x: 0, y: 0, width: 10, height: 10 });
});
