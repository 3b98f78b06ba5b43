// The waiting room's pages for everyone: by keys alone, on a small phone, with a screen reader, in
// both dresses.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { faults_axe_finds } from "../axe.js";
import { commitment_of } from "../../../static/draw.js";
import { open_fake_house, show_with_room } from "../fake-house.js";
import { live } from "../house.js";

const secret = "11".repeat(32);
const drawn = { secret, head: { epoch: "7", seq: 301, chain: "22".repeat(32) }, count: 300 };
const show = show_with_room({ doors_at: Date.now() + 7_500_000, commitment: commitment_of(secret) });
const facts = { serving: 0, arrivals: 300, picking_max: 40, commitment: commitment_of(secret), drawn };

/** @type {import("../fake-house.js").FakeHouse} */
let house;
before(async () => void (house = await open_fake_house({ show, room: facts })));
after(() => house?.close());

/** Every state in which the waiting room is looked at for a while. @type {Record<string, object>} */
const STATES = {
  early: { state: "early", arrival: 12 },
  waiting: { state: "waiting", number: 12_345, serving: 12, per_minute: 25 },
  next: { state: "waiting", number: 13, serving: 12 },
  "passed over": { state: "waiting", number: 13, serving: 40 },
};

for (const dress of /** @type {const} */ (["light", "dark"])) {
  test(`neither the waiting room nor the draw has a fault that axe can find, in ${dress} dress`, async () => {
    const { page, line } = await house.guest({
      colorScheme: dress,
      bypassCSP: true,
      reducedMotion: "reduce",
    });
    for (const [name, admission] of Object.entries(STATES)) {
      line.identity = { admission: { ticket: "t", ...admission } };
      await page.goto(`${house.url}/waiting-room.html?show=small`);
      await live(page);
      assert.deepEqual(await faults_axe_finds(page), [], name);
    }
    await page.getByRole("button", { name: "Leave the line" }).click();
    line.tell("server.status", { storage: "away" });
    await page.locator("#notice:not(:empty)").waitFor();
    assert.deepEqual(await faults_axe_finds(page), [], "leaving");
    line.answers["admission.leave"] = () => ({ seq: 9 });
    await page.getByRole("button", { name: "Leave for good" }).click();
    await page.getByRole("heading", { name: "You have left the line" }).waitFor();
    assert.deepEqual(await faults_axe_finds(page), [], "left");
    await page.goto(`${house.url}/draw.html?show=small&arrival=12`);
    await page.getByText("The draw is true").waitFor();
    await page.getByText("All 90 rounds").click();
    assert.deepEqual(await faults_axe_finds(page), [], "the draw");
    line.identity = {
      admission: { state: "admitted", ticket: "p", number: 5, until: Date.now() + 600_000 },
    };
    await page.goto(`${house.url}/show.html?show=small`);
    await page.locator("#pass").waitFor();
    assert.deepEqual(await faults_axe_finds(page), [], "picking");
    line.tell("admission.open", { ticket: "p", until: Date.now() });
    await page.locator('#pass[data-state="over"]').waitFor();
    assert.deepEqual(await faults_axe_finds(page), [], "picking no more");
    house.check();
  });
}

test("on a phone of 360 pixels nothing is cut off, and everything is large enough to touch", async () => {
  const { page, line } = await house.guest({
    viewport: { width: 360, height: 640 },
    hasTouch: true,
    isMobile: true,
    deviceScaleFactor: 2,
  });
  /** @param {string} where */
  const fits = async (where) => {
    const wide = await page.evaluate(() => document.documentElement.scrollWidth);
    assert.ok(wide <= 360, `${where} is ${wide} pixels wide`);
  };
  for (const [name, admission] of Object.entries(STATES)) {
    line.identity = { admission: { ticket: "t", ...admission } };
    await page.goto(`${house.url}/waiting-room.html?show=small`);
    await live(page);
    await fits(name);
  }
  // What matters is on the first screen.
  const box = await page.getByRole("button", { name: "Leave the line" }).boundingBox();
  assert.ok(box && box.y + box.height <= 640 && box.height >= 44, JSON.stringify(box));
  await page.getByRole("button", { name: "Leave the line" }).tap();
  for (const name of ["Leave for good", "Stay in line"]) {
    const box = await page.getByRole("button", { name }).boundingBox();
    assert.ok(box && box.height >= 44 && box.x >= 0 && box.x + box.width <= 360, JSON.stringify(box));
  }
  await page.goto(`${house.url}/draw.html?show=small&arrival=12`);
  await page.getByText("The draw is true").waitFor();
  await page.getByText("All 90 rounds").tap();
  await fits("the draw");
  house.check();
});

test("by keys one comes from the sound to leaving, and to the proof of the draw", async () => {
  const { page, line } = await house.guest();
  line.identity = { admission: { ticket: "t", ...STATES.waiting } };
  await page.goto(`${house.url}/waiting-room.html?show=small`);
  await live(page);
  await page.locator("#leave:not([hidden])").waitFor();
  /** @type {(string | undefined)[]} */
  const order = [];
  for (let i = 0; i < 4; i += 1) {
    await page.keyboard.press("Tab");
    order.push(await page.evaluate(() => document.activeElement?.id || document.activeElement?.className));
  }
  assert.deepEqual(order, ["brand", "sound", "leave", "proof-link"]);
  house.check();
});
