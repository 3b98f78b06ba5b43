// One waits, another lets go: the first in line is offered the seats, on their own plan, and buys.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { in_list, live, notice, open_house, says, PATIENCE_MS } from "../house.js";

/** @type {import("../house.js").House} */
let house;
before(async () => void (house = await open_house()));
after(() => house?.close());

/** @typedef {import("playwright-core").Page} Page */

/** Somebody who holds all of the gallery, seats apart: no row is as long.
 *  @param {import("../house.js").Show} show @param {number} seats */
async function holder_of_all(show, seats) {
  const page = await house.visitor();
  await house.enter(page, show);
  await page.getByLabel("Side by side").uncheck();
  await page.getByLabel("How many").selectOption(String(seats));
  await page.getByLabel("Where").selectOption({ label: "Gallery" });
  await page.getByRole("button", { name: "Hold the best seats" }).click();
  await notice(page, /yours for the next/);
  return page;
}

/** Somebody who waits for two in the gallery. @param {import("../house.js").Show} show
 *  @param {import("playwright-core").BrowserContextOptions} [settings] */
async function waiter(show, settings) {
  const page = await house.visitor(settings);
  await house.enter(page, show);
  await wait_for_two(page);
  return page;
}

/** @param {Page} page */
async function wait_for_two(page) {
  if (await page.getByLabel("How many").isHidden()) await page.locator("#summary").click();
  await page.getByLabel("How many").selectOption("2");
  await page.getByLabel("Where").selectOption({ label: "Gallery" });
  await page.getByRole("button", { name: "Hold the best seats" }).click();
  await notice(page, /others are only holding theirs|kept for people/);
  await page.getByRole("button", { name: "Wait in line for these" }).click();
  await page.getByRole("heading", { name: "You are in line" }).waitFor();
}

/** Waits until the page's title begins so. @param {Page} page @param {string} words */
async function titled(page, words) {
  await page.waitForFunction((begin) => document.title.startsWith(begin), words, {
    polling: 20,
    timeout: PATIENCE_MS,
  });
}

/** How many seats the gallery has. @param {Page} page @returns {Promise<number>} */
function gallery(page) {
  return page.evaluate(async () => {
    const { plan } = await (await import(/** @type {string} */ ("/picker.js"))).picker;
    const at = plan.layout.sections.findIndex((/** @type {any} */ section) => section.name === "Gallery");
    return plan.layout.sections[at].rows.reduce(
      (/** @type {number} */ sum, /** @type {any} */ row) => sum + row.seats.length,
      0,
    );
  });
}

test("one waits, another lets go, and the first in line is offered the seats and buys", async () => {
  const show = await house.put_on({ seats_max: 60 });
  const looker = await house.visitor();
  await house.enter(looker, show);
  const all = await gallery(looker);
  const ada = await holder_of_all(show, all);
  const bob = await waiter(show);
  await titled(bob, "1st in line");
  const eve = await waiter(show, { viewport: { width: 390, height: 780 }, hasTouch: true });
  assert.match(await eve.locator("#line").innerText(), /2nd\s+1 before you/);
  assert.equal(await eve.locator("#line-spoken").textContent(), "You are 2nd in line.");
  assert.match(await eve.locator("#line-words").innerText(), /come back later with the same link/);
  assert.ok(await eve.getByLabel("Sound when it is my turn").isVisible());

  await ada.getByRole("button", { name: "Release" }).click();
  await notice(bob, /It is your turn: Gallery/);
  await titled(bob, "Your turn, ");
  await bob.getByRole("heading", { name: "It is your turn" }).waitFor();
  assert.match(await bob.locator("#countdown").innerText(), /^(2:00|1:5\d)$/);
  const marked = await bob.evaluate(async () => {
    const { choice, map } = await (await import(/** @type {string} */ ("/picker.js"))).picker;
    return (
      choice.hold.seats.every((/** @type {number} */ seat) => choice.marks().get(seat) === "held") &&
      map !== null
    );
  });
  assert.ok(marked, "the offered seats are marked on the plan");

  // One of them swaps a seat for one that is free, and it stays an offer.
  await (await in_list(bob, "Gallery", "row A, seat 1")).click();
  await (await in_list(bob, "Gallery", "row A, seat 9")).click();
  await bob.getByRole("button", { name: "Change to these 2" }).click();
  await notice(bob, /You are now offered Gallery, row A, seats 2 and 9/);

  // The second is offered two others at once; with the keyboard she lets them go.
  await notice(eve, /It is your turn/);
  await eve.getByRole("button", { name: "Let go" }).focus();
  await eve.keyboard.press("Enter");
  await notice(eve, /You let the seats go/);
  await titled(eve, show.title);

  await bob.getByRole("button", { name: "Take these seats" }).click();
  await notice(bob, /yours for the next 5 minutes/);
  await bob.getByRole("button", { name: /^Pay / }).click();
  await bob.getByRole("heading", { name: "Enjoy the show" }).waitFor();
  await titled(bob, show.title);
  house.check();
});

test("who could sit, but not side by side, may wait for that", async () => {
  const show = await house.put_on({ seats_max: 60 });
  const ada = await house.visitor();
  await house.enter(ada, show);
  // Every other seat of the gallery: enough are left, but no two of them are neighbours.
  await ada.evaluate(async () => {
    const { client, plan } = await (await import(/** @type {string} */ ("/picker.js"))).picker;
    const gallery = plan.layout.sections.find((/** @type {any} */ section) => section.name === "Gallery");
    const seats = gallery.rows.flatMap((/** @type {any} */ row) =>
      row.seats
        .map((/** @type {any} */ _, /** @type {number} */ at) => row.first + at)
        .filter((/** @type {number} */ _, /** @type {number} */ at) => at % 2 === 1),
    );
    await client.request("hold", { seats });
  });
  const bob = await house.visitor();
  await house.enter(bob, show);
  await bob.getByLabel("How many").selectOption("2");
  await bob.getByLabel("Where").selectOption({ label: "Gallery" });
  await bob.getByRole("button", { name: "Hold the best seats" }).click();
  await notice(bob, /not side by side/);
  await bob.getByRole("button", { name: "Wait in line for these" }).click();
  await bob.getByRole("heading", { name: "You are in line" }).waitFor();
  house.check();
});

test("a second tab follows the line that the first one stands in", async () => {
  const show = await house.put_on({ seats_max: 60 });
  const first = await house.visitor();
  await house.enter(first, show);
  const ada = await holder_of_all(show, await gallery(first));
  const second = await first.context().newPage();
  await house.enter(second, show);
  await wait_for_two(first);
  await ada.getByRole("button", { name: "Release" }).click();
  await notice(second, /It is your turn: Gallery/);
  await second.getByRole("heading", { name: "It is your turn" }).waitFor();
  await first.getByRole("button", { name: "Let go" }).click();
  await notice(second, /You let the seats go/);
  await second.getByRole("heading", { name: "It is your turn" }).waitFor({ state: "hidden" });
  house.check();
});

test("a place in line is there again after a reload, and can be left", async () => {
  const show = await house.put_on({ seats_max: 60 });
  const looker = await house.visitor();
  await house.enter(looker, show);
  await holder_of_all(show, await gallery(looker));
  const bob = await waiter(show);
  await bob.reload();
  await live(bob);
  await bob.getByRole("heading", { name: "You are in line" }).waitFor();
  await (await in_list(bob, "Stalls", "row A, seat 1")).click();
  await notice(bob, /leave the line first/);
  await bob.getByRole("button", { name: "Leave the line" }).click();
  await notice(bob, /You have left the line/);
  const seat = await in_list(bob, "Stalls", "row A, seat 1");
  await seat.click();
  await bob.getByRole("button", { name: "Hold 1 seat" }).click();
  await says(seat, "held for you");
  house.check();
});
