// Two people, one house: what one does the other sees; what cannot be is said in sentences.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { in_list, notice, open_house, says } from "../house.js";

/** @type {import("../house.js").House} */
let house;
before(async () => void (house = await open_house()));
after(() => house?.close());

test("one buys and the other sees every step, live", async () => {
  const show = await house.put_on();
  const [ada, bob] = [await house.visitor(), await house.visitor()];
  await house.enter(ada, show);
  await house.enter(bob, show);
  const seen = await in_list(bob, "Stalls", "row B, seat 4");
  await says(seen, "available");

  await (await in_list(ada, "Stalls", "row B, seat 4")).click();
  await (await in_list(ada, "Stalls", "row B, seat 5")).click();
  assert.match(await ada.locator("#summary").innerText(), /2 seats/);
  await ada.getByRole("button", { name: "Hold 2 seats" }).click();
  await notice(ada, /row B, seats 4 and 5: yours for the next 5 minutes/);
  await says(seen, "held by someone");
  assert.match(await ada.locator("#countdown").innerText(), /^(5:00|4:5\d)$/);

  await ada.getByLabel("Name").fill("Ada");
  await ada.getByRole("button", { name: /^Pay €90.00/ }).click();
  await ada.getByRole("heading", { name: "Enjoy the show" }).waitFor();
  await says(seen, "sold");
  assert.match(
    await ada.locator("#done").innerText(),
    /row B, seat 4[\s\S]*row B, seat 5[\s\S]*Order[\s\S]*chain [0-9a-f]{64}/,
  );

  await ada.getByRole("button", { name: "Done" }).click();
  await says(await in_list(ada, "Stalls", "row B, seat 4"), "yours");
  house.check();
});

test("the map says the same as the list", async () => {
  const show = await house.put_on();
  const [ada, bob] = [await house.visitor(), await house.visitor()];
  await house.enter(ada, show);
  await house.enter(bob, show);
  const place = await ada.evaluate(async () => {
    const { map } = await (await import(/** @type {string} */ ("/picker.js"))).picker;
    const { left, top } = map.canvas.getBoundingClientRect();
    const [x, y] = map.screen_of(2);
    return { x: x + left, y: y + top };
  });
  await ada.mouse.move(place.x, place.y);
  assert.match(await ada.locator("#hint").innerText(), /Stalls, row A, seat 3\s+€45.00/);
  await ada.mouse.click(place.x, place.y);
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(ada, /row A, seat 3: yours/);
  await bob.mouse.move(place.x, place.y);
  await bob.locator("#hint", { hasText: "held by someone" }).waitFor();
  await bob.mouse.click(place.x, place.y);
  await notice(bob, /row A, seat 3 is taken/);
  house.check();
});

test("the house chooses: side by side, apart, and standing", async () => {
  const show = await house.put_on();
  const ada = await house.visitor();
  await house.enter(ada, show);
  await ada.getByLabel("How many").selectOption("4");
  await ada.getByLabel("Where").selectOption({ label: "Gallery" });
  await ada.getByRole("button", { name: "Hold the best seats" }).click();
  await notice(ada, /Gallery, row A, seats \d+, \d+, \d+ and \d+: yours/);
  await ada.getByRole("button", { name: "Release" }).click();
  await notice(ada, /Released/);

  await ada.locator("#list-button").click();
  await ada.getByRole("button", { name: "Choose places" }).click();
  await ada.getByLabel("How many").selectOption("3");
  await ada.getByRole("button", { name: "Hold the best seats" }).click();
  await ada.getByRole("button", { name: /^Pay €45.00/ }).click();
  await ada.getByRole("heading", { name: "Enjoy the show" }).waitFor();
  assert.match(await ada.locator("#list-view").innerText(), /17 places available/);
  house.check();
});

test("seats can be swapped while they are held, and the deadline does not move", async () => {
  const show = await house.put_on();
  const [ada, bob] = [await house.visitor(), await house.visitor()];
  await house.enter(ada, show);
  await house.enter(bob, show);
  const [first, second] = [
    await in_list(ada, "Stalls", "row C, seat 1"),
    await in_list(ada, "Stalls", "row C, seat 2"),
  ];
  await first.click();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(ada, /yours for/);
  const deadline = () =>
    ada.evaluate(
      async () => (await (await import(/** @type {string} */ ("/picker.js"))).picker).choice.hold.expires_at,
    );
  const before_change = await deadline();
  await first.click();
  await second.click();
  await says(first, "to be given back");
  await ada.getByRole("button", { name: "Change to this seat" }).click();
  await notice(ada, /Changed. You now hold Stalls, row C, seat 2/);
  assert.equal(await deadline(), before_change);
  await says(await in_list(bob, "Stalls", "row C, seat 1"), "available");
  await says(await in_list(bob, "Stalls", "row C, seat 2"), "held by someone");
  house.check();
});

test("a card that is declined leaves the seats held, and another buys them", async () => {
  const show = await house.put_on();
  const ada = await house.visitor();
  await house.enter(ada, show);
  await (await in_list(ada, "Stalls", "row A, seat 1")).click();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await ada.getByLabel("Test card").selectOption("declined");
  await ada.getByRole("button", { name: /^Pay/ }).click();
  await notice(ada, /declined and nothing was charged/);
  await ada.getByLabel("Test card").selectOption("approved");
  await ada.getByRole("button", { name: /^Pay/ }).click();
  await ada.getByRole("heading", { name: "Enjoy the show" }).waitFor();
  house.check();
});

test("a seat that somebody was quicker to is refused in a sentence that names it", async () => {
  const show = await house.put_on();
  const [ada, bob] = [await house.visitor(), await house.visitor()];
  // Bob's picture stands still: the server's frames after the first are kept from him.
  await bob.routeWebSocket(/\/live/, (socket) => {
    const server = socket.connectToServer();
    let frames = 0;
    server.onMessage((message) => {
      if (typeof message === "string" || (frames += 1) === 1) socket.send(message);
    });
  });
  await house.enter(ada, show);
  await house.enter(bob, show);
  await (await in_list(ada, "Stalls", "row A, seat 7")).click();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(ada, /yours for/);
  await (await in_list(bob, "Stalls", "row A, seat 7")).click();
  await (await in_list(bob, "Stalls", "row A, seat 6")).click();
  await bob.getByRole("button", { name: "Hold 2 seats" }).click();
  await notice(bob, /Stalls, row A, seat 7: just taken by someone else/);
  assert.equal(await bob.locator("#notice").getAttribute("data-kind"), "refusal");
  house.check();
});

test("a marked seat that goes while its buyer hesitates loses its mark, with a word", async () => {
  const show = await house.put_on();
  const [ada, bob] = [await house.visitor(), await house.visitor()];
  await house.enter(ada, show);
  await house.enter(bob, show);
  for (const visitor of [ada, bob]) await (await in_list(visitor, "Stalls", "row B, seat 2")).click();
  await (await in_list(bob, "Stalls", "row B, seat 3")).click();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(bob, /row B, seat 2: just taken by someone else/);
  await bob.getByRole("button", { name: "Hold 1 seat" }).waitFor();
  house.check();
});

test("a single seat left over is refused where the show forbids it", async () => {
  const show = await house.put_on({ orphans: "forbid" });
  const ada = await house.visitor();
  await house.enter(ada, show);
  await (await in_list(ada, "Stalls", "row A, seat 2")).click();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(ada, /would leave a single seat alone: Stalls, row A, seat 1/);
  house.check();
});

test("no more seats than the show allows", async () => {
  const show = await house.put_on({ seats_max: 2 });
  const ada = await house.visitor();
  await house.enter(ada, show);
  for (const seat of [1, 2, 3]) await (await in_list(ada, "Stalls", `row A, seat ${seat}`)).click();
  await notice(ada, /2 seats at most/);
  house.check();
});

test("two tabs of one buyer tell the same", async () => {
  const show = await house.put_on();
  const ada = await house.visitor();
  await house.enter(ada, show);
  const other = await ada.context().newPage();
  house.watch(other);
  await house.enter(other, show);
  await ada.bringToFront();
  await (await in_list(ada, "Stalls", "row A, seat 5")).click();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(other, /row A, seat 5: yours for/);
  await other.bringToFront();
  await other.getByRole("button", { name: "Release" }).click();
  await notice(ada, /The seats were released/);
  house.check();
});

test("two tabs opened at once by a new buyer become one buyer", async () => {
  const show = await house.put_on();
  const ada = await house.visitor();
  const other = await ada.context().newPage();
  house.watch(other);
  await Promise.all([house.enter(ada, show), house.enter(other, show)]);
  const kept = () => ada.evaluate(() => localStorage.getItem("usher.session"));
  assert.ok(await kept());
  await ada.bringToFront();
  await (await in_list(ada, "Stalls", "row C, seat 8")).click();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(ada, /yours for/);
  await notice(other, /row C, seat 8: yours for/);
  house.check();
});

test("before sales begin the page says when they do", async () => {
  const show = await house.put_on({}, "Not Yet", { on_sale_at: Date.now() + 3_600_000 });
  const ada = await house.visitor();
  await house.enter(ada, show);
  await notice(ada, /Sales begin on/);
  await (await in_list(ada, "Stalls", "row C, seat 8")).click();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(ada, /Sales begin on .* Come back then/);
  house.check();
});

test("when a minute is left a word is said", async () => {
  const show = await house.put_on({ hold_ms: 61_500 });
  const ada = await house.visitor();
  await house.enter(ada, show);
  await (await in_list(ada, "Stalls", "row A, seat 8")).click();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(ada, /yours for the next minute/);
  await notice(ada, /Less than a minute left/);
  assert.match((await ada.locator("#countdown").getAttribute("class")) ?? "", /soon/);
  house.check();
});

test("a hold that runs out is told, and the seats are everybody's again", async () => {
  const show = await house.put_on({ hold_ms: 2_000, grace_ms: 500 });
  const [ada, bob] = [await house.visitor(), await house.visitor()];
  await house.enter(ada, show);
  await house.enter(bob, show);
  const seen = await in_list(bob, "Stalls", "row A, seat 8");
  await (await in_list(ada, "Stalls", "row A, seat 8")).click();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await ada.locator("#countdown", { hasText: /^0:0[12]$/ }).waitFor();
  await says(seen, "held by someone");
  await notice(ada, /Your time ran out and the seats are free again/);
  await says(seen, "available");
  // The choice is still marked: one press holds it again.
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(ada, /row A, seat 8: yours/);
  house.check();
});
