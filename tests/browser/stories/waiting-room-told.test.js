// The waiting room as it is told: a test speaks for the server, so that what is rare, or takes long,
// happens at once.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { commitment_of, number_of } from "../../../static/draw.js";
import { open_fake_house, show_with_room } from "../fake-house.js";
import { in_list, live, notice, PATIENCE_MS, until } from "../house.js";

/** @typedef {import("playwright-core").Page} Page */

const secret = "11".repeat(32);
const drawn = { secret, head: { epoch: "7", seq: 301, chain: "22".repeat(32) }, count: 300 };
const show = show_with_room({ doors_at: Date.now() + 7_500_000, commitment: commitment_of(secret) });
/** What is published of the room; a test may change it. @type {Record<string, unknown>} */
const facts = { serving: 0, numbers: 0, arrivals: 300, picking_max: 40, commitment: commitment_of(secret) };

/** @type {import("../fake-house.js").FakeHouse} */
let house;
before(async () => void (house = await open_fake_house({ show, room: facts })));
after(() => house?.close());

/** Somebody who comes and is told this. @param {Record<string, unknown>} admission
 *  @param {{init?:() => void} & import("playwright-core").BrowserContextOptions} [settings] */
async function comes({ ...admission }, { init, ...settings } = {}) {
  const { page, line } = await house.guest(settings);
  if (init) await page.addInitScript(init);
  line.identity = { admission: { ticket: "t", ...admission } };
  await page.goto(`${house.url}/waiting-room.html?show=small`);
  await live(page);
  return { page, line };
}

/** Waits until an element says this. @param {Page} page @param {string} selector @param {RegExp} words */
async function says(page, selector, words) {
  await page.locator(selector, { hasText: words }).waitFor();
}

/** Waits until the page's title is like this. @param {Page} page @param {string} begin */
async function titled(page, begin) {
  await page.waitForFunction((words) => document.title.startsWith(words), begin, {
    polling: 20,
    timeout: PATIENCE_MS,
  });
}

test("the place, the range of time and the seats move as they are told", async () => {
  const { page, line } = await comes({ state: "waiting", number: 57, serving: 12 });
  await says(page, "#figure", /^44$/);
  await says(page, "#how-long", /not known yet/);
  await says(page, "#free", /^11 of 21$/);
  await titled(page, "44 before you · ");
  line.tell("admission.serving", { serving: 36, per_minute: 5 });
  await says(page, "#figure", /^20$/);
  await says(page, "#how-long", /in about 3 to 6 minutes\./);
  line.tell("admission.serving", { serving: 56, per_minute: 5 });
  await says(page, "#heading", /You are next/);
  await page.locator("#figure").waitFor({ state: "hidden" });
  house.check();
});

test("a rush is shown as it comes, and spoken only after a pause, or when one is next", async () => {
  const { page, line } = await comes({ state: "waiting", number: 999, serving: 100 });
  await says(page, "#spoken", /898 people/);
  await page.evaluate(() => {
    const element = /** @type {HTMLElement} */ (document.querySelector("#spoken"));
    const spoken = [[performance.now(), element.textContent]];
    Object.assign(window, { spoken });
    new MutationObserver(() => spoken.push([performance.now(), element.textContent])).observe(element, {
      childList: true,
    });
  });
  for (let serving = 101; serving <= 950; serving += 1) line.tell("admission.serving", { serving });
  await says(page, "#figure", /^48$/);
  line.tell("admission.serving", { serving: 998 });
  await says(page, "#spoken", /You are next/);
  /** @type {[at:number, words:string][]} */
  const spoken = await page.evaluate(() => /** @type {any} */ (window).spoken);
  assert.equal(spoken.pop()?.[1], "You are next.");
  const pauses = spoken.slice(1).map(([at], i) => at - spoken[i][0]);
  assert.ok(
    pauses.every((ms) => ms > 4_000), // the first was said a little before the watch began
    JSON.stringify(spoken),
  );
  house.check();
});

test("when the turn comes the page sounds, if it was asked to, and leads on to the seats", async () => {
  const { page, line } = await comes(
    { state: "waiting", number: 13, serving: 12 },
    {
      init: () => {
        // Counts the notes instead of playing them.
        let notes = Number(sessionStorage.getItem("notes"));
        const start = AudioScheduledSourceNode.prototype.start;
        /** @param {number} [when] */
        AudioScheduledSourceNode.prototype.start = function (when) {
          notes += 1;
          sessionStorage.setItem("notes", String(notes));
          return start.call(this, when);
        };
      },
    },
  );
  const notes = () => page.evaluate(() => Number(sessionStorage.getItem("notes")));
  await page.getByLabel("Sound when it is my turn").check();
  assert.equal(await notes(), 2, "one hears what to listen for");
  const pass = { state: "admitted", ticket: "p", number: 13, until: Date.now() + 600_000 };
  line.identity = { admission: pass };
  line.tell("admission.serving", { serving: 13 });
  await says(page, "#heading", /It is your turn/);
  line.tell("admission.open", { ticket: "p", until: pass.until });
  await page.waitForURL(/show\.html/);
  assert.equal(await notes(), 4);
  await says(page, "#pass", /Your turn: (10:00|9:\d\d) left to choose/);
  await says(page, "#pass-spoken", /you have 10 minutes|you have 9 minutes/);
  assert.deepEqual(line.asked.at(-1)?.params, { session: "s", ticket: "p" });
  house.check();
});

test("a tab behind others says so in its title, stays, and goes on when it is looked at", async () => {
  const { page, line } = await comes(
    { state: "waiting", number: 13, serving: 12 },
    {
      init: () => {
        const hidden = () => (sessionStorage.getItem("seen") ? "visible" : "hidden");
        Object.defineProperty(document, "visibilityState", { get: hidden });
      },
    },
  );
  const until_when = Date.now() + 600_000;
  line.identity = { admission: { state: "admitted", ticket: "p", number: 13, until: until_when } };
  line.tell("admission.open", { ticket: "p", until: until_when });
  await titled(page, "Your turn, ");
  const first = await page.title();
  await until("its title runs", async () => (await page.title()) !== first);
  await page.getByRole("link", { name: "Choose your seats" }).waitFor();
  assert.match(page.url(), /waiting-room/);
  await page.evaluate(() => {
    sessionStorage.setItem("seen", "yes");
    document.dispatchEvent(new Event("visibilitychange"));
  });
  await page.waitForURL(/show\.html/);
  house.check();
});

test("before the doors the clock runs down; the draw gives a number, and can be checked", async () => {
  const { page, line } = await comes({ state: "early", arrival: 12 });
  await says(page, "#figure", /^2:0\d:\d\d$/);
  await says(page, "#how-long", /You came as number 12\. This is not your place in line\./);
  await titled(page, "Before the doors · ");
  const first = await page.locator("#figure").textContent();
  await until("it runs", async () => (await page.locator("#figure").textContent()) !== first);
  line.tell("admission.drawn", drawn);
  line.tell("admission.serving", { serving: 10 });
  assert.equal(await page.locator("#notice").textContent(), "");
  const number = number_of(drawn, 12);
  await says(page, "#number", new RegExp(`^${number}$`));
  await says(page, "#figure", new RegExp(`^${Number(number) - 11}$`));
  await says(page, "#advice", new RegExp(`drawn number ${number} of the 300`));
  await says(page, "#spoken", new RegExp(`The doors are open\\. You were drawn number ${number}\\.`));
  facts.drawn = drawn;
  await page.getByRole("link", { name: /How the order was drawn/ }).click();
  await says(page, "#lead", /The draw is true/);
  await says(
    page,
    "#result",
    new RegExp(`number 12 was drawn number ${number}\\. That is the number you have`),
  );
  await page.getByLabel("Came as number").fill("256");
  await page.keyboard.press("Enter");
  await says(page, "#result", /number 256 was drawn number 134\.$/);
  await page.getByText("All 90 rounds").click();
  assert.equal(await page.locator("#way li").count(), 91);
  await page.getByLabel("Came as number").fill("301");
  await page.keyboard.press("Enter");
  await says(page, "#result", /Nobody came as number 301/);
  for (const nonsense of ["0", "-3", "1.5", ""]) {
    await page.getByLabel("Came as number").fill(nonsense);
    await page.keyboard.press("Enter");
    await says(page, "#result", /^A whole number from 1 to 300\.$/);
    await page.getByLabel("Came as number").fill("301");
    await page.keyboard.press("Enter");
    await says(page, "#result", /Nobody came/);
  }
  // Another secret than the one that was promised is seen to be one.
  facts.drawn = { ...drawn, secret: "33".repeat(32) };
  await page.reload();
  await says(page, "#lead", /does not hold/);
  await says(page, "#proofs", /They are not the same/);
  delete facts.drawn;
  await page.reload();
  await says(page, "#lead", /not been made yet.*300 people came/);
  house.check();
});

test("a draw with another secret than was promised is called out", async () => {
  const { page, line } = await comes({ state: "early", arrival: 12 });
  line.tell("admission.drawn", { ...drawn, secret: "33".repeat(32) });
  await notice(page, /not made with the secret that was promised/);
  house.check();
});

test("who was called while away is told so, and is next", async () => {
  const { page } = await comes({ state: "waiting", number: 13, serving: 40 });
  await says(page, "#heading", /You are next/);
  await says(page, "#advice", /called while this page was away/);
  house.check();
});

test("while nothing can be written down the line stands still, and that is said", async () => {
  const { page, line } = await comes({ state: "waiting", number: 57, serving: 12 });
  line.tell("server.status", { storage: "away" });
  await notice(page, /You keep your place/);
  line.tell("server.status", { storage: "ok" });
  await page.locator("#notice:empty").waitFor({ state: "attached" });
  house.check();
});

test("a house that cannot say where one stands is asked again, and says why", async () => {
  const { page, line } = await house.guest();
  /** @type {Record<string, unknown> | null} */
  let because = { reason: "unavailable", retry_after_ms: 50 };
  line.refuse = () => because;
  line.identity = { admission: { state: "waiting", ticket: "t", number: 57, serving: 12 } };
  await page.goto(`${house.url}/waiting-room.html?show=small`);
  await notice(page, /box office does not answer/);
  because = { reason: "too_fast", retry_after_ms: 50 };
  await notice(page, /given a number in turn/);
  because = null;
  await says(page, "#figure", /^44$/);
  await page.locator("#notice:empty").waitFor({ state: "attached" });
  house.check();
});

test("leaving is asked twice, and a line that is down is said to keep the place", async () => {
  const { page, line } = await comes({ state: "waiting", number: 57, serving: 12 });
  await page.getByRole("button", { name: "Leave the line" }).click();
  assert.equal(await page.evaluate(() => document.activeElement?.id), "stay");
  await page.getByRole("button", { name: "Stay in line" }).click();
  assert.equal(await page.evaluate(() => document.activeElement?.id), "leave");
  assert.equal(line.count("admission.leave"), 0);
  await page.getByRole("button", { name: "Leave the line" }).click();
  await page.getByRole("button", { name: "Leave for good" }).click(); // which the server answers with a fault
  await notice(page, /still in line/);
  line.answers["admission.leave"] = () => ({ seq: 9 });
  await page.getByRole("button", { name: "Leave for good" }).click();
  await says(page, "#heading", /You have left the line/);
  await page.locator('#link[data-light="off"]').waitFor();
  await says(page, "#link-words", /^Not in line$/);
  assert.equal(await page.locator("#notice").textContent(), "");
  assert.deepEqual(line.asked.at(-1), { method: "admission.leave", params: { ticket: "t" } });
  line.identity = { admission: { ticket: "u", state: "waiting", number: 58, serving: 57 } };
  await page.getByRole("button", { name: "Join the line again" }).click();
  await says(page, "#heading", /You are next/);
  await says(page, "#link-words", /^Live$/);
  house.check();
});

/** Somebody on the plan with a pass for so long. @param {number} ms */
async function picks(ms) {
  const guest = await house.guest();
  const { page, line } = guest;
  line.identity = { admission: { state: "admitted", ticket: "p", number: 5, until: Date.now() + ms } };
  await page.goto(`${house.url}/show.html?show=small`);
  await page.locator('#pass[data-state="admitted"]').waitFor();
  return guest;
}

test("a pass that ends says what becomes of what is held, and how to go on", async () => {
  const { page, line } = await picks(600_000);
  const hold = (/** @type {number[]} */ seats) => ({
    id: "h",
    seats,
    expires_at: Date.now() + 300_000,
    total: { amount: 4500, currency: "EUR" },
    state: "held",
  });
  line.answers.hold = ({ seats }) => ({ hold: hold(seats), seq: 9 });
  await (await in_list(page, "Stalls", "row A, seat 1")).click();
  await page.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(page, /yours for/);
  // The same pass, told anew, ends sooner.
  line.tell("admission.open", { ticket: "p", until: Date.now() + 300 });
  await page.locator('#pass[data-state="over"]').waitFor();
  await says(page, "#pass", /What you hold stays held until its own time is up/);
  await says(page, "#pass-spoken", /Your time to choose has ended/);
  assert.ok(await page.getByRole("button", { name: /^Pay/ }).isVisible());
  // Who holds seats is given no number: the way back is shown once they hold none.
  const back = page.getByRole("link", { name: "Join the line again" });
  assert.ok(await back.isHidden());
  line.answers.release = () => ({ seq: 10 });
  await page.getByRole("button", { name: "Release" }).click();
  await back.waitFor();
  assert.match((await back.getAttribute("href")) ?? "", /waiting-room\.html\?show=small/);
  assert.doesNotMatch(await page.locator("#pass-words").innerText(), /What you hold/);
  house.check();
});

test("a turn is given to the next on asking twice, and what became of it is said", async () => {
  const { page, line } = await picks(600_000);
  await page.getByRole("button", { name: "Let the next in" }).click();
  await says(page, "#pass-words", /you cannot have it back/);
  assert.equal(await page.evaluate(() => document.activeElement?.id), "pass-stay");
  await page.keyboard.press("Escape");
  await says(page, "#pass-words", /left to choose/);
  assert.equal(await page.evaluate(() => document.activeElement?.id), "pass-leave");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "Yes, let the next in" }).click(); // answered with a fault
  await notice(page, /No|no such/i);
  line.answers["admission.leave"] = () => ({ seq: 9 });
  await page.getByRole("button", { name: "Yes, let the next in" }).click();
  await says(page, "#pass-words", /You let the next in\./);
  await says(page, "#pass-spoken", /You let the next in\./);
  await says(page, "#summary", /To choose again, join the line/);
  assert.deepEqual(line.asked.at(-1), { method: "admission.leave", params: { ticket: "p" } });
  // The plan is still live, and the way back leads to the line.
  await live(page);
  line.identity = { admission: { state: "waiting", ticket: "t", number: 57, serving: 12 } };
  await page.getByRole("link", { name: "Join the line again" }).click();
  await says(page, "#figure", /^44$/);
  assert.deepEqual(line.asked.at(-1)?.params, { session: "s" });
  house.check();
});

test("whoever came with seats held is told of the line once they hold none; in the waitlist of no turn", async () => {
  const { page, line } = await house.guest();
  const total = { amount: 4500, currency: "EUR" };
  const hold = { id: "h", seats: [0], expires_at: Date.now() + 300_000, total, state: "held" };
  line.identity = { holds: [hold] };
  await page.goto(`${house.url}/show.html?show=small`);
  await page.getByRole("button", { name: /^Pay/ }).waitFor();
  assert.ok(await page.locator("#pass").isHidden());
  line.tell("hold.expired", { hold: "h" });
  await says(page, "#pass", /Your time to choose has ended\. Join the line again/);
  const head = { epoch: "7", seq: 3, chain: "22".repeat(32) };
  const waiting = { ticket: "w", quantity: 2, position: 3, since: 0, until: Date.now() + 600_000, head };
  line.identity = { waiting };
  await page.reload();
  await page.getByRole("heading", { name: "You are in line" }).waitFor();
  assert.ok(await page.locator("#pass").isHidden());
  await says(page, "#line-spoken", /3rd/);
  line.tell("waitlist.closed", { reason: "timeout" });
  await page.getByRole("link", { name: "Join the line again" }).waitFor();
  await page.locator("#line-spoken:empty").waitFor({ state: "attached" });
  house.check();
});

test("whoever picks without a turn is told where to go", async () => {
  const { page, line } = await picks(600_000);
  line.refuse = (method) => (method === "hold" ? { reason: "not_admitted" } : null);
  line.identity = { admission: { state: "waiting", ticket: "t", number: 57, serving: 12 } };
  await (await in_list(page, "Stalls", "row A, seat 1")).click();
  await page.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(page, /^Your time to choose has ended\. Join the line again$/);
  await page.locator('#pass[data-state="over"]').waitFor();
  await page.locator("#notice").getByRole("link", { name: "Join the line again" }).click();
  await page.waitForURL(/waiting-room\.html/);
  await says(page, "#figure", /^44$/);
  house.check();
});

test("whoever comes back to look at what they bought gives back the number they were given", async () => {
  const { page, line } = await house.guest();
  const head = { epoch: "7", seq: 3, chain: "22".repeat(32) };
  const total = { amount: 4500, currency: "EUR" };
  const payment = { id: "pay", state: "captured" };
  const order = { id: "o", show: "small", seats: [3], total, bought_at: Date.now(), payment, head };
  const admission = { state: "waiting", ticket: "t", number: 57, serving: 12 };
  line.identity = { orders: [order], admission, seq: 9 };
  line.answers["admission.leave"] = () => ({ seq: 10 });
  await page.goto(`${house.url}/show.html?show=small`);
  await says(page, "#pass", /Others may choose now.*Join the line again/);
  await until("it was given back", async () => line.count("admission.leave") === 1);
  assert.match(page.url(), /show\.html/);
  await page.getByRole("heading", { name: "Bought before" }).waitFor();
  house.check();
});

test("the list of shows leads to the waiting room where there is one", async () => {
  const { page, line } = await house.guest();
  line.identity = { admission: { state: "waiting", ticket: "t", number: 57, serving: 12 } };
  await page.goto(house.url);
  await says(page, ".ticket .left", /^Doors open on .* · Waiting room$/);
  await page.locator(".ticket").click();
  await says(page, "#figure", /^44$/);
  house.check();
});
