// The waiting room against the real program: one picks, the other waits, sees the line move, and is
// let in when the first leaves.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { in_list, live, notice, open_house, PATIENCE_MS } from "../house.js";

/** @type {import("../house.js").House} */
let house;
before(async () => void (house = await open_house()));
after(() => house?.close());

/** @typedef {import("playwright-core").Page} Page */

/** @param {Record<string, unknown>} [admission] */
function put_on(admission = {}) {
  return house.put_on({ admission: { picking_max: 1, pass_ms: 600_000, ...admission } });
}

/** @param {{id:string}} show */
const room_of = (show) => `${house.url}/waiting-room.html?show=${show.id}`;

/** Waits until somebody is on the plan with a pass. @param {Page} page */
async function picking(page) {
  await page.waitForURL(/show\.html/);
  await page.locator('#pass[data-state="admitted"]').waitFor();
}

/** Comes by the waiting room's link, and is led on to the seats at once. @param {{id:string}} show */
async function picker_of(show) {
  const page = await house.visitor();
  await page.goto(room_of(show));
  await picking(page);
  return page;
}

/** Comes by the show's link, and is sent to wait. @param {{id:string}} show */
async function waiter_for(show) {
  const page = await house.visitor();
  await page.goto(`${house.url}/show.html?show=${show.id}`);
  await page.waitForURL(/waiting-room\.html/);
  await live(page);
  return page;
}

/** The number on the page. @param {Page} page */
async function number_of(page) {
  await page.locator("#number-fact:not([hidden])").waitFor();
  return (await page.locator("#number").textContent()) ?? "";
}

/** Waits until so many are said to be before somebody. @param {Page} page @param {number} count */
async function before_them(page, count) {
  await page.waitForFunction(
    (wanted) => document.querySelector("#figure")?.textContent === wanted,
    `${count}`,
    {
      polling: 20,
      timeout: PATIENCE_MS,
    },
  );
}

test("one picks, two wait and see the line move, and each is let in when the one before leaves", async () => {
  const show = await put_on();
  const ada = await picker_of(show);
  const bob = await waiter_for(show);
  await bob.getByRole("heading", { name: "You are next" }).waitFor();
  const eve = await waiter_for(show);
  await before_them(eve, 1);
  assert.match(await eve.title(), /^1 before you · /);
  await eve.locator("#spoken", { hasText: "There is 1 person before you." }).waitFor();
  assert.match(await eve.locator("#how-long").innerText(), /not known yet/);
  assert.match(await eve.locator("#free").innerText(), /^\d+ of \d+$/);

  // Ada buys, and her place is Bob's: he is led to the seats by himself.
  await (await in_list(ada, "Stalls", "row A, seat 1")).click();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(ada, /yours for/);
  await ada.getByRole("button", { name: /^Pay/ }).click();
  await ada.getByRole("heading", { name: "Enjoy the show" }).waitFor();
  await ada.locator("#pass", { hasText: "went to the next in line" }).waitFor();
  await picking(bob);
  await eve.getByRole("heading", { name: "You are next" }).waitFor();
  await (await in_list(bob, "Stalls", "row A, seat 2")).click();
  await bob.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(bob, /yours for/);
  house.check();
});

test("a pass that ends by itself lets the next one in", async () => {
  const show = await put_on({ pass_ms: 5_000 });
  const ada = await picker_of(show);
  const bob = await house.visitor();
  await bob.goto(room_of(show));
  await ada.locator('#pass[data-state="over"]').waitFor();
  await ada.locator("#pass-words", { hasText: "Your time to choose has ended." }).waitFor();
  await bob.waitForURL(/show\.html/);
  house.check();
});

test("who gives the turn to the next sees them in, and may join the line again", async () => {
  const show = await put_on();
  const ada = await picker_of(show);
  const bob = await waiter_for(show);
  await bob.getByRole("heading", { name: "You are next" }).waitFor();
  await ada.getByRole("button", { name: "Let the next in" }).click();
  await ada.getByRole("button", { name: "Yes, let the next in" }).click();
  await ada.locator("#pass-words", { hasText: "You let the next in." }).waitFor();
  await picking(bob);
  await (await in_list(bob, "Stalls", "row A, seat 2")).click();
  await bob.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(bob, /yours for/);
  await live(ada);
  await ada.getByRole("link", { name: "Join the line again" }).click();
  assert.equal(await number_of(ada), "3");
  house.check();
});

test("ten tabs keep one number, and reloading keeps it, too", async () => {
  const show = await put_on();
  await picker_of(show);
  const first = await waiter_for(show);
  const number = await number_of(first);
  const tabs = await Promise.all(
    Array.from({ length: 9 }, async () => {
      const page = await first.context().newPage();
      house.watch(page);
      await page.goto(room_of(show));
      return page;
    }),
  );
  for (const page of tabs) assert.equal(await number_of(page), number);
  await first.reload();
  assert.equal(await number_of(first), number);
  house.check();
});

test("ten tabs that a new browser opens at once take one number between them", async () => {
  const show = await put_on();
  await picker_of(show);
  const context = await house.browser.newContext({ locale: "en-GB" });
  const tabs = await Promise.all(Array.from({ length: 10 }, () => context.newPage()));
  for (const page of tabs) house.watch(page);
  await Promise.all(tabs.map((page) => page.goto(room_of(show))));
  const numbers = await Promise.all(tabs.map(number_of));
  assert.deepEqual(new Set(numbers), new Set(["2"]));
  // The next to come has the next number: none was lost.
  assert.equal(await number_of(await waiter_for(show)), "3");
  house.check();
});

test("who leaves the line lets the next come nearer, in all tabs, and may join again at its end", async () => {
  const show = await put_on();
  await picker_of(show);
  const bob = await waiter_for(show);
  await bob.getByRole("heading", { name: "You are next" }).waitFor();
  const other = await bob.context().newPage();
  house.watch(other);
  await other.goto(room_of(show));
  assert.equal(await number_of(other), "2");
  await bob.getByRole("button", { name: "Leave the line" }).focus();
  await bob.keyboard.press("Enter");
  await bob.getByRole("button", { name: "Leave for good" }).focus();
  await bob.keyboard.press("Enter");
  await bob.getByRole("heading", { name: "You have left the line" }).waitFor();
  assert.equal(await bob.evaluate(() => document.activeElement?.id), "again");
  await other.getByRole("heading", { name: "You have left the line" }).waitFor();
  await bob.keyboard.press("Enter");
  assert.equal(await number_of(bob), "3");
  house.check();
});

/** Two who came before the doors of a show, however slow this machine is, and what they saw.
 *  @returns {Promise<[show:{id:string}, ada:Page, bob:Page, seen:string[]]>} */
async function two_before_the_doors() {
  for (const ms of [6_000, 15_000, 40_000]) {
    const show = await put_on({ doors_at: Date.now() + ms });
    const [ada, bob] = [await house.visitor(), await house.visitor()];
    /** @param {Page} page */
    const look = async (page) => {
      await page.goto(room_of(show));
      const standing = page.locator("#standing[data-state]");
      const gone = page.waitForURL(/show\.html/).then(() => "");
      return Promise.race([gone, standing.innerText().catch(() => gone)]);
    };
    const seen = [await look(ada), await look(bob)];
    if (seen.every((words) => words.includes("The doors are not open yet"))) return [show, ada, bob, seen];
    for (const page of [ada, bob]) await page.close();
  }
  return assert.fail("the doors always opened before two had come");
}

test("before the doors there is no number; they open, the draw shows, and it can be checked", async () => {
  const [show, ada, bob, seen] = await two_before_the_doors();
  for (const [i, words] of seen.entries()) {
    assert.match(words, /\b\d+:\d\d\s+until the doors open/);
    assert.match(words, new RegExp(`You came as number ${i + 1}\\. This is not your place`));
    assert.match(words, /the order is drawn among all who have come by then/);
    assert.doesNotMatch(words, /before you/);
  }
  // One is drawn first and led to the seats, the other is next.
  const [first, second] = await Promise.race([
    ada.waitForURL(/show\.html/, { timeout: 60_000 }).then(() => [ada, bob]),
    bob.waitForURL(/show\.html/, { timeout: 60_000 }).then(() => [bob, ada]),
  ]);
  await picking(first);
  await second.getByRole("heading", { name: "You are next" }).waitFor();
  assert.equal(await number_of(second), "2");
  assert.match(await second.locator("#advice").innerText(), /drawn number 2 of the 2 who had come/);
  await second.getByRole("link", { name: /How the order was drawn/ }).click();
  await second.getByText("The draw is true").waitFor();
  await second.getByText("was drawn number 2. That is the number you have.").waitFor();
  // The published log bears it out, and the ticket; one that was changed does not.
  const log = await house.published_log(show);
  /** @param {string} text */
  const choose = (text) =>
    second
      .getByLabel("The log's file")
      .setInputFiles({ name: "log.jsonl", mimeType: "application/json", buffer: Buffer.from(text) });
  await choose(log);
  await second.getByText("This log bears the draw out.").waitFor();
  await second.getByText("2 came before the doors opened").waitFor();
  await second.getByText(/^The head on your ticket/).waitFor();
  await second.getByText(/^In this log you came as number [12]\.$/).waitFor();
  await choose(log.replace(/("bytes":"01..)(.)/, (_, before, digit) => before + (digit === "0" ? "1" : "0")));
  await second.getByText(/This log cannot be true\. Line 2: /).waitFor();
  house.check();
});

test("a show without a waiting room has none to wait in", async () => {
  const show = await house.put_on();
  const ada = await house.visitor();
  await ada.goto(room_of(show));
  await ada.waitForURL(/show\.html/);
  await live(ada);
  assert.ok(await ada.locator("#pass").isHidden());
  house.check();
});
