// The pages for everyone: by keys alone, on a small phone, with a screen reader, in both dresses.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { faults_axe_finds } from "../axe.js";
import { in_list, notice, open_house, says } from "../house.js";

/** @type {import("../house.js").House} */
let house;
before(async () => void (house = await open_house()));
after(() => house?.close());

/** Presses a key until something has the focus. @param {import("../house.js").Page} page
 *  @param {string} key @param {string} selector */
async function press_to(page, key, selector) {
  for (let i = 0; i < 80; i += 1) {
    if (await page.evaluate((wanted) => document.activeElement?.matches(wanted), selector)) return;
    await page.keyboard.press(key);
  }
  assert.fail(`${key} never led to ${selector}`);
}

test("seats are found, held and bought by keys alone", async () => {
  const show = await house.put_on();
  const [ada, bob] = [await house.visitor(), await house.visitor()];
  await house.enter(ada, show);
  await house.enter(bob, show);
  await ada.keyboard.press("Tab");
  assert.equal(await ada.evaluate(() => document.activeElement?.id), "skip");
  await ada.keyboard.press("Enter");
  assert.equal(await ada.evaluate(() => document.activeElement?.tagName), "SUMMARY");
  await ada.keyboard.press("Enter");
  await ada.locator(".seat").first().waitFor();
  await ada.keyboard.press("Tab");
  const focused = () => ada.evaluate(() => document.activeElement?.getAttribute("aria-label") ?? "");
  assert.match(await focused(), /^Stalls, row A, seat 1, €45.00, available/);
  for (const key of ["ArrowRight", "ArrowRight", "ArrowDown", "ArrowLeft"]) await ada.keyboard.press(key);
  assert.match(await focused(), /row B, seat 2/);
  await ada.keyboard.press("End");
  assert.match(await focused(), /row B, seat 8/);
  await ada.keyboard.press("Space");
  assert.match(await focused(), /chosen$/);
  await ada.keyboard.press("ArrowLeft");
  await ada.keyboard.press("Enter");
  await press_to(ada, "Tab", "#primary");
  assert.equal(await ada.locator("#primary").innerText(), "Hold 2 seats");
  await ada.keyboard.press("Enter");
  await notice(ada, /row B, seats 7 and 8: yours/);
  assert.equal(
    await ada.evaluate(() => document.activeElement?.id),
    "primary",
    "the focus stays on the button",
  );
  await ada.keyboard.press("Enter");
  await ada.getByRole("heading", { name: "Enjoy the show" }).waitFor();
  assert.equal(await ada.evaluate(() => document.activeElement?.id), "done");
  await says(await in_list(bob, "Stalls", "row B, seat 7"), "sold");
  house.check();
});

test("the plan is moved and zoomed by keys and wheel, and zero shows it whole", async () => {
  const show = await house.put_on();
  const ada = await house.visitor({ viewport: { width: 500, height: 900 } });
  await house.enter(ada, show);
  const view = () =>
    ada.evaluate(async () => ({
      ...(await (await import(/** @type {string} */ ("/picker.js"))).picker).map.view,
    }));
  const whole = await view();
  await ada.locator("#map").focus();
  for (let i = 0; i < 4; i += 1) await ada.keyboard.press("+");
  const larger = await view();
  assert.ok(larger.scale > whole.scale * 1.3);
  await ada.keyboard.press("ArrowLeft");
  assert.ok((await view()).x > larger.x);
  await ada.keyboard.press("0");
  assert.deepEqual(await view(), whole);
  await ada.locator("#map").hover();
  await ada.mouse.wheel(0, -300);
  await ada.waitForFunction(
    async (least) =>
      (await (await import(/** @type {string} */ ("/picker.js"))).picker).map.view.scale > least,
    whole.scale,
  );
  await ada.getByRole("button", { name: "Show the whole house" }).click();
  assert.deepEqual(await view(), whole);
  house.check();
});

test("on a phone of 360 pixels everything is within reach", async () => {
  const show = await house.put_on({}, "A Rather Long Title for Such a Small Screen");
  const ada = await house.visitor({
    viewport: { width: 360, height: 640 },
    hasTouch: true,
    isMobile: true,
    deviceScaleFactor: 2,
  });
  const fits = async () => {
    const { wide, high, screen_high } = await ada.evaluate(() => ({
      wide: document.documentElement.scrollWidth,
      high: document.documentElement.scrollHeight,
      screen_high: innerHeight,
    }));
    assert.ok(wide <= 360, `the page is ${wide} pixels wide`);
    return high <= screen_high;
  };
  await ada.goto(house.url);
  await ada.locator(".ticket").first().waitFor();
  await fits();
  await house.enter(ada, show);
  assert.ok(await fits());
  // A tap from afar brings the seats nearer; then one chooses.
  const tap = async () => {
    const place = await ada.evaluate(async () => {
      const { map } = await (await import(/** @type {string} */ ("/picker.js"))).picker;
      const { left, top } = map.canvas.getBoundingClientRect();
      const [x, y] = map.screen_of(3);
      return { x: x + left, y: y + top, px: map.seat_px() };
    });
    await ada.touchscreen.tap(place.x, place.y);
    return place.px;
  };
  while ((await tap()) < 12) assert.equal(await ada.locator("#primary").isVisible(), false);
  await ada.getByRole("button", { name: "Hold 1 seat" }).tap();
  await notice(ada, /row A, seat 4: yours/);
  assert.ok(await fits());
  const buttons = [ada.getByRole("button", { name: /^Pay/ }), ada.getByRole("button", { name: "Release" })];
  for (const button of buttons) {
    const box = await button.boundingBox();
    assert.ok(
      box && box.x >= 0 && box.x + box.width <= 360 && box.y + box.height <= 640 && box.height >= 44,
      JSON.stringify(box),
    );
  }
  await ada.locator("#summary").tap(); // folds the sheet, the plan is free again
  await ada.locator("#sheet").waitFor({ state: "hidden" });
  await buttons[0].tap();
  await ada.getByRole("heading", { name: "Enjoy the show" }).waitFor();
  assert.ok(await fits());
  await ada.getByRole("button", { name: "Done" }).tap();
  await ada.locator("#list-button").tap();
  await in_list(ada, "Stalls", "row A, seat 4");
  assert.ok(await fits());
  house.check();
});

for (const dress of /** @type {const} */ (["light", "dark"])) {
  test(`no page has a fault that axe can find, in ${dress} dress`, async () => {
    const show = await house.put_on();
    const ada = await house.visitor({ colorScheme: dress, bypassCSP: true, reducedMotion: "reduce" }); // axe is injected
    /** @param {string} where */
    const look = async (where) => assert.deepEqual(await faults_axe_finds(ada), [], where);
    await ada.goto(house.url);
    await ada.locator(".ticket").first().waitFor();
    await look("the list of shows");
    await house.enter(ada, show);
    await look("the plan");
    await (await in_list(ada, "Stalls", "row A, seat 1")).click();
    await look("the list of seats");
    await ada.getByRole("button", { name: "Hold 1 seat" }).click();
    await notice(ada, /yours for/);
    await look("seats held");
    await ada.getByRole("button", { name: /^Pay/ }).click();
    await ada.getByRole("heading", { name: "Enjoy the show" }).waitFor();
    await look("seats bought");
    await ada.getByRole("button", { name: "Done" }).click();
    const bob = await house.visitor();
    await house.enter(bob, show);
    await bob.getByLabel("How many").selectOption("8");
    await bob.getByLabel("Where").selectOption({ label: "Gallery" });
    await bob.getByRole("button", { name: "Hold the best seats" }).click();
    await notice(bob, /yours for/);
    await ada.getByLabel("How many").selectOption("5");
    await ada.getByLabel("Where").selectOption({ label: "Gallery" });
    await ada.getByRole("button", { name: "Hold the best seats" }).click();
    await ada.getByRole("button", { name: "Wait in line for these" }).click();
    await ada.getByRole("heading", { name: "You are in line" }).waitFor();
    await look("in line");
    await bob.getByRole("button", { name: "Release" }).click();
    await notice(ada, /It is your turn/);
    await look("seats offered");
    await ada.goto(`${house.url}/404.html`);
    await look("what is not here");
    house.check();
  });
}

test("a show that does not exist is said in words", async () => {
  const ada = await house.visitor();
  await ada.goto(`${house.url}/show.html?show=no-such-show`);
  await ada.getByRole("heading", { name: "There is no such show." }).waitFor();
  assert.equal(await ada.locator("#primary").isVisible(), false);
  // The browser itself complains of the show's and the layout's 404; nothing else does.
  assert.deepEqual(
    house.faults.splice(0).filter((fault) => !/status of 404/.test(fault)),
    [],
  );
});

test("the list of shows leads to the plan and tells how full each show is", async () => {
  const show = await house.put_on({ seats_max: 100 }, "Nearly Gone");
  const ada = await house.visitor();
  await house.enter(ada, show);
  await ada.getByLabel("How many").selectOption("52");
  await ada.getByRole("checkbox", { name: "Side by side" }).uncheck();
  await ada.getByRole("button", { name: "Hold the best seats" }).click();
  await notice(ada, /yours for/);
  await ada.goto(house.url);
  const ticket = ada.locator(".ticket", { hasText: "Nearly Gone" });
  await ticket.getByText("Almost full: 4 seats left").waitFor();
  await ticket.click();
  await ada.getByRole("heading", { name: "Nearly Gone" }).waitFor();
  await notice(ada, /yours for/); // the hold is found again
  house.check();
});

test("a long programme is listed page by page, and each show once", async () => {
  for (let i = 0; i < 26; i += 1) await house.put_on({}, `Evening ${i}`);
  const { shows } = await (await fetch(`${house.url}/v1/shows?limit=100`)).json();
  const ada = await house.visitor();
  await ada.goto(house.url);
  const more = ada.getByRole("button", { name: "More shows" });
  await more.click();
  await more.waitFor({ state: "hidden" });
  const listed = await ada
    .locator(".ticket")
    .evaluateAll((tickets) => tickets.map((ticket) => ticket.getAttribute("href")));
  assert.equal(listed.length, shows.length);
  assert.equal(new Set(listed).size, shows.length);
  house.check();
});
