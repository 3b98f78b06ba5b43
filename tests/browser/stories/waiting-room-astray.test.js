// The waiting room when things go otherwise: the line is lost, all is sold, somebody leaves before the
// doors, a browser stores nothing, a link leads nowhere.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { open_fake_house, show_with_room } from "../fake-house.js";
import { live, notice } from "../house.js";

const show = show_with_room({ doors_at: Date.now() + 7_500_000, commitment: "22".repeat(32) });
const WAITING = { ticket: "t", state: "waiting", number: 57, serving: 12, per_minute: 5 };
const EARLY = { ticket: "a", state: "early", arrival: 12 };

/** @type {import("../fake-house.js").FakeHouse} */
let house;
before(async () => void (house = await open_fake_house({ show })));
after(() => house?.close());

/** @typedef {import("playwright-core").Page} Page */

/** Somebody who comes and is told this. @param {object} admission
 *  @param {{init?:() => void, seats?:number[]}} [settings] */
async function comes(admission, { init, seats } = {}) {
  const { page, line } = await house.guest();
  if (init) await page.addInitScript(init);
  if (seats) line.seats = seats;
  line.identity = { admission };
  await page.goto(`${house.url}/waiting-room.html?show=small`);
  await live(page);
  return { page, line };
}

/** @param {Page} page @param {string} selector @param {RegExp} words */
async function says(page, selector, words) {
  await page.locator(selector, { hasText: words }).waitFor();
}

/** Waits until no notice is there. @param {Page} page */
async function no_notice(page) {
  await page.locator("#notice:empty").waitFor({ state: "attached" });
}

test("a line that is lost is said to keep the place, until it is back", async () => {
  const { page, line } = await comes(WAITING);
  await says(page, "#figure", /^44$/);
  await page.context().setOffline(true);
  await line.goes();
  await notice(page, /^Connection lost\. You keep your place; trying again\.$/);
  // Leaving is not possible now; that is said as long as it is so.
  await page.getByRole("button", { name: "Leave the line" }).click();
  await page.getByRole("button", { name: "Leave for good" }).click();
  await notice(page, /still in line\. Try again once/);
  await page.getByRole("button", { name: "Stay in line" }).click();
  await notice(page, /^Connection lost/);
  await page.getByRole("button", { name: "Leave the line" }).click();
  await page.getByRole("button", { name: "Leave for good" }).click();
  await notice(page, /still in line\. Try again once/);
  line.away = false;
  await page.context().setOffline(false);
  await live(page);
  await no_notice(page);
  house.check();
});

test("the question whether to leave is closed by Escape", async () => {
  const { page, line } = await comes(WAITING);
  await page.getByRole("button", { name: "Leave the line" }).click();
  await page.keyboard.press("Escape");
  await page.locator("#leaving").waitFor({ state: "hidden" });
  assert.equal(await page.evaluate(() => document.activeElement?.id), "leave");
  assert.equal(line.count("admission.leave"), 0);
  house.check();
});

test("who leaves before the doors gives up a part in the draw, and comes again as somebody new", async () => {
  const { page, line } = await comes(EARLY);
  await page.getByRole("button", { name: "Leave", exact: true }).click();
  await says(page, "#leaving-words", /give up your part in the draw/);
  line.answers["admission.leave"] = () => ({ seq: 9 });
  await page.getByRole("button", { name: "Leave for good" }).click();
  await says(page, "#heading", /^You have left$/);
  assert.doesNotMatch(await page.locator("#standing").innerText(), /next/);
  line.identity = { admission: { ...EARLY, arrival: 13 } };
  await page.keyboard.press("Enter");
  await says(page, "#how-long", /You came as number 13/);
  assert.deepEqual(line.asked.at(-1)?.params, { session: "s" });
  house.check();
});

test("when the last seat is sold nobody is told to wait on", async () => {
  const { page, line } = await comes(WAITING, { seats: [2, 1, 2, 2] });
  await says(page, "#figure", /^44$/);
  line.seats = [2, 2, 2, 2];
  for (const socket of line.sockets) await socket.close({ code: 1001 });
  await says(page, "#heading", /^All seats are sold$/);
  await says(page, "#spoken", /need not wait/);
  for (const part of ["#figure-line", "#sound-label", "#way", "#steps-section"])
    assert.ok(await page.locator(part).isHidden(), part);
  assert.doesNotMatch(await page.locator("#how-long").innerText(), /minutes/);
  line.tell("admission.serving", { serving: 56 });
  await says(page, "#serving", /^56$/);
  await says(page, "#heading", /^All seats are sold$/);
  house.check();
});

test("a browser that stores nothing is told to keep the tab", async () => {
  const init = () => {
    for (const method of /** @type {const} */ (["getItem", "setItem", "removeItem"]))
      Storage.prototype[method] = () => {
        throw new Error("nothing is stored here");
      };
  };
  const { page } = await comes(WAITING, { init });
  await says(page, "#steps", /your place is lost with the page/);
  await says(page, "#figure", /^44$/);
  house.check();
});

test("where nothing is free the picker says to wait in line, and where all is sold, that it is", async () => {
  const { page, line } = await house.guest();
  line.identity = { admission: { state: "admitted", ticket: "p", number: 5, until: Date.now() + 600_000 } };
  line.seats = [1, 1, 2, 2];
  await page.goto(`${house.url}/show.html?show=small`);
  await says(page, "#summary", /Nothing free: wait in line/);
  const order = () => page.locator("#best button:not([hidden])").allInnerTexts();
  assert.deepEqual(await order(), ["Wait in line for these", "Hold the best seats"]);
  line.seats = [2, 2, 2, 2];
  await page.reload();
  await says(page, "#summary", /All seats are sold/);
  line.seats = [0, 2, 2, 2];
  await page.reload();
  await says(page, "#summary", /Tap the plan/);
  assert.deepEqual(await order(), ["Hold the best seats"]);
  house.check();
});

// These two are the last: of an answer with 404 the browser complains by itself.

test("where nothing is drawn the page of the draw does not explain one", async () => {
  const page = await house.visitor();
  await page.goto(`${house.url}/draw.html?show=small`);
  await says(page, "#lead", /nothing is drawn/);
  assert.ok(await page.locator("#why").isHidden());
});

test("a link to no show leads to what is on", async () => {
  const page = await house.visitor();
  await page.goto(`${house.url}/waiting-room.html?show=nothing`);
  await says(page, "#title", /There is no such show/);
  const link = page.getByRole("link", { name: "See what is on" });
  assert.equal(await link.getAttribute("href"), "/");
});
