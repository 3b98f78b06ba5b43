// A plan's colours on this page.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ink_on, lifted } from "../../../static/colours.js";

test("a colour is lifted towards white by its share", () => {
  assert.equal(lifted("#000000", 0.5), "#808080");
  assert.equal(lifted("#9C27B0", 0), "#9C27B0");
  assert.equal(lifted("#ffffff", 0.3), "#ffffff");
});

test("the ink on a colour is the one that is read more easily", () => {
  assert.equal(ink_on("#ffeb3b"), "#000000");
  assert.equal(ink_on("#9c27b0"), "#ffffff");
});
