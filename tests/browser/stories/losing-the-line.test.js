// The line breaks: the page says so, comes back to where it was, and repeats nothing by itself.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { cuttable } from "../cut.js";
import { in_list, live, notice, open_house, says } from "../house.js";

/** @type {import("../house.js").House} */
let house;
before(async () => void (house = await open_house()));
after(() => house?.close());

/** Notes a page's sockets: how each was opened, and the kinds of its binary frames.
 *  @param {import("playwright-core").Page} page */
function note_sockets(page) {
  /** @type {{since:string | null, frames:number[]}[]} */
  const sockets = [];
  page.on("websocket", (socket) => {
    const noted = {
      since: new URL(socket.url()).searchParams.get("since"),
      frames: /** @type {number[]} */ ([]),
    };
    sockets.push(noted);
    socket.on("framereceived", ({ payload }) => {
      if (typeof payload !== "string") noted.frames.push(payload[0]);
    });
  });
  return sockets;
}

const [SNAPSHOT, DIFF] = [1, 2];

test("after a break the page resumes from where it was, without a snapshot", async () => {
  const show = await house.put_on();
  const line = await cuttable(house.port);
  const [ada, bob] = [await house.visitor(), await house.visitor()];
  const sockets = note_sockets(ada);
  await house.enter(ada, show, line.url);
  await house.enter(bob, show);
  const seen = await in_list(ada, "Stalls", "row B, seat 6");
  await (await in_list(ada, "Stalls", "row A, seat 1")).click();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(ada, /row A, seat 1: yours/);

  line.cut();
  await ada.locator('#link:not([data-light="live"])').waitFor();
  await (await in_list(bob, "Stalls", "row B, seat 6")).click();
  await bob.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(bob, /yours for/);
  await says(seen, "available"); // what was last known is still shown
  line.mend();

  await live(ada);
  await says(seen, "held by someone");
  await says(await in_list(ada, "Stalls", "row A, seat 1"), "held for you");
  const [first, last] = [sockets[0], sockets.at(-1)];
  assert.equal(first.since, null);
  assert.equal(first.frames[0], SNAPSHOT);
  assert.match(last?.since ?? "", /^\d+\.\d+$/);
  assert.ok(
    last?.frames.length && last.frames.every((kind) => kind === DIFF),
    `frames after the break: ${last?.frames}`,
  );
  await line.close();
  house.check();
});

test("a press while the line is down is refused, and is not repeated when it is back", async () => {
  const show = await house.put_on();
  const line = await cuttable(house.port);
  const [ada, bob] = [await house.visitor(), await house.visitor()];
  await house.enter(ada, show, line.url);
  await house.enter(bob, show);
  await (await in_list(ada, "Stalls", "row C, seat 3")).click();
  line.cut();
  await ada.locator('#link:not([data-light="live"])').waitFor();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(ada, /nothing was sent/);
  line.mend();
  await live(ada);
  // Whatever Ada's page sent before is older than this, which Bob sees.
  await (await in_list(ada, "Stalls", "row C, seat 3")).click();
  await (await in_list(ada, "Stalls", "row C, seat 5")).click();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await says(await in_list(bob, "Stalls", "row C, seat 5"), "held by someone");
  await says(await in_list(bob, "Stalls", "row C, seat 3"), "available");
  await line.close();
  house.check();
});

test("a purchase whose answer was lost is found when the line is back", async () => {
  const show = await house.put_on();
  const ada = await house.visitor();
  // The purchase is let through, its answer is not: the line breaks instead, once.
  let broken = false;
  await ada.routeWebSocket(/\/live/, (socket) => {
    const server = socket.connectToServer();
    let buy = -1;
    socket.onMessage((message) => {
      const { id, method } = JSON.parse(String(message));
      if (method === "buy") buy = id;
      server.send(message);
    });
    server.onMessage((message) => {
      if (!broken && typeof message === "string" && JSON.parse(message).id === buy && buy >= 0) {
        broken = true;
        void socket.close({ code: 1001 });
      } else {
        socket.send(message);
      }
    });
  });
  await house.enter(ada, show);
  await (await in_list(ada, "Stalls", "row A, seat 4")).click();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await ada.getByRole("button", { name: /^Pay/ }).click();
  await ada.getByRole("heading", { name: "Enjoy the show" }).waitFor();
  assert.ok(broken);
  assert.match(await ada.locator("#done").innerText(), /row A, seat 4/);
  house.check();
});

test("a server that restarts is come back to, and what was held is still held", async () => {
  const show = await house.put_on();
  const ada = await house.visitor();
  const sockets = note_sockets(ada);
  await house.enter(ada, show);
  await (await in_list(ada, "Stalls", "row C, seat 1")).click();
  await ada.getByRole("button", { name: "Hold 1 seat" }).click();
  await notice(ada, /yours for/);
  await house.server.stop();
  await ada.locator('#link:not([data-light="live"])').waitFor();
  await house.server.start();
  await live(ada);
  assert.match(sockets.at(-1)?.since ?? "", /^\d+\.\d+$/);
  await says(await in_list(ada, "Stalls", "row C, seat 1"), "held for you");
  await ada.getByRole("button", { name: /^Pay/ }).click();
  await ada.getByRole("heading", { name: "Enjoy the show" }).waitFor();
  house.check();
});

test("a line that went silent is noticed and left", async () => {
  const show = await house.put_on();
  const line = await cuttable(house.port);
  const ada = await house.visitor();
  await house.enter(ada, show, line.url);
  line.hush();
  await ada.evaluate(() => void window.dispatchEvent(new Event("online"))); // a reason to look at once
  await ada.locator('#link:not([data-light="live"])').waitFor();
  line.mend();
  await live(ada);
  await line.close();
  house.check();
});
