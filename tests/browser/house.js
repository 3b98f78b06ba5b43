// A house for stories: the real server on a port of its own, with a data folder of its own, and a
// real browser in front of it. What is started here is stopped here.
import assert from "node:assert/strict";
import { execFile, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { chromium } from "playwright-core";
import { hall_plan } from "./hall-plan.js";

const KEY = "the-box-office-key-of-the-stories";
const ROOT = fileURLToPath(new URL("../../", import.meta.url));

/** How long a fact may take to become true before a story fails. */
export const PATIENCE_MS = 20_000;

/** A page behind another has no animation frames to look at its facts in. */
const BEHIND_TOO = { polling: 20 };

/** @typedef {{id:string, title:string, seats:number, policy:{hold_ms:number}}} Show */
/** @typedef {import("playwright-core").Page} Page */

/** The server to put to the test: USHER_BIN, or what cargo built last. */
function binary() {
  const built = ["release", "debug"].map((profile) => join(ROOT, "target", profile, "usher"));
  const found = process.env.USHER_BIN ?? built.find(existsSync);
  assert.ok(found, "there is no server to test: run `cargo build` or set USHER_BIN");
  return found;
}

/** A port nobody listens on. @returns {Promise<number>} */
function free_port() {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = address && typeof address === "object" ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}

/** Asks until it is so. For what cannot tell by itself. @template T
 *  @param {string} what @param {() => Promise<T | null | undefined | false>} ask @returns {Promise<T>} */
export async function until(what, ask) {
  const end = Date.now() + PATIENCE_MS;
  for (;;) {
    const answer = await ask().catch(() => null);
    if (answer) return answer;
    assert.ok(Date.now() < end, `it never came true: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** Starts a browser. */
export function launch() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: [
      "--headless",
      "--no-sandbox",
      "--disable-gpu",
      "--disable-quic",
      "--no-first-run",
      "--disable-background-networking",
      "--disable-component-update",
      "--disable-sync",
    ],
  });
}

/** Starts a server and a browser. @param {{demo?:boolean}} [settings] */
export async function open_house({ demo = false } = {}) {
  const port = await free_port();
  const url = `http://127.0.0.1:${port}`;
  const folder = mkdtempSync(join(tmpdir(), "usher-story-"));
  const server = new Server(url, [
    "serve",
    "--listen",
    `127.0.0.1:${port}`,
    "--data",
    join(folder, "data"),
    "--key",
    KEY,
    "--demo",
    demo ? "house" : "none",
  ]);
  /** @type {import("playwright-core").Browser | null} */
  let browser = null;
  const close = async () => {
    await browser?.close();
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  try {
    await server.start();
    browser = await launch();
    return new House(url, port, browser, server, close);
  } catch (error) {
    await close();
    throw error;
  }
}

/** The program, started and stopped as one who runs it would. */
export class Server {
  /** @type {import("node:child_process").ChildProcess | null} */
  #process = null;

  /** @param {string} url @param {string[]} words of its command line */
  constructor(url, words) {
    this.url = url;
    this.words = words;
  }

  async start() {
    const program = spawn(binary(), this.words, { stdio: ["ignore", "pipe", "pipe"] });
    this.#process = program;
    let said = "";
    for (const stream of [program.stdout, program.stderr]) stream.on("data", (data) => (said += data));
    const ended = new Promise((_, reject) =>
      program.once("exit", () => reject(new Error(`the server ended: ${said}`))),
    );
    ended.catch(() => {}); // only of interest while it starts
    const ready = until("the server serves", async () => (await fetch(`${this.url}/readyz`)).ok);
    await Promise.race([ready, ended]);
  }

  /** Asks it to stop, and waits until it has. */
  async stop() {
    const program = this.#process;
    if (!program || program.exitCode !== null || program.signalCode !== null) return;
    const ended = new Promise((resolve) => program.once("exit", resolve));
    program.kill("SIGTERM");
    const forced = setTimeout(() => program.kill("SIGKILL"), PATIENCE_MS);
    await ended;
    clearTimeout(forced);
  }
}

export class House {
  /** Faults that pages reported: anything here fails the story that calls {@link check}.
   *  @type {string[]} */
  faults = [];

  /** @param {string} url @param {number} port @param {import("playwright-core").Browser} browser
   *  @param {Server} server @param {() => Promise<void>} close */
  constructor(url, port, browser, server, close) {
    this.url = url;
    this.port = port;
    this.browser = browser;
    this.server = server;
    this.close = close;
  }

  /** @param {string} path @param {unknown} body @returns {Promise<any>} */
  async #post(path, body) {
    const answer = await fetch(this.url + path, {
      method: "POST",
      body: JSON.stringify(body),
      headers: { authorization: `Bearer ${KEY}`, "content-type": "application/json" },
    });
    const text = await answer.text();
    assert.ok(answer.ok, `${path}: ${answer.status} ${text}`);
    return JSON.parse(text);
  }

  /** Puts a show on in the small hall of the stories. @param {Record<string, unknown>} [policy]
   *  @param {string} [title] @param {Record<string, unknown>} [more] @returns {Promise<Show>} */
  async put_on(policy = {}, title = "A Story", more = {}) {
    const { hall } = await this.#post("/v1/halls?name=Storyhouse", hall_plan());
    return this.#post("/v1/shows", {
      hall,
      title,
      starts_at: Date.now() + 86_400_000,
      currency: "EUR",
      prices: { Stalls: 4500, Gallery: 2000, Standing: 1500 },
      policy,
      ...more,
    });
  }

  /** The log of a show, as it is published. @param {{id:string}} show @returns {Promise<string>} */
  async published_log(show) {
    const data = this.server.words[this.server.words.indexOf("--data") + 1];
    const words = ["log", "export", show.id, "--public", "--data", data];
    return (await promisify(execFile)(binary(), words)).stdout;
  }

  /** A visitor of their own, with an empty browser profile. Every complaint of their pages is a
   *  fault. @param {import("playwright-core").BrowserContextOptions} [settings] @returns {Promise<Page>} */
  async visitor(settings = {}) {
    const context = await this.browser.newContext({
      locale: "en-GB",
      timezoneId: "Europe/London",
      ...settings,
    });
    context.setDefaultTimeout(PATIENCE_MS);
    const page = await context.newPage();
    this.watch(page);
    return page;
  }

  /** @param {Page} page */
  watch(page) {
    page.on("pageerror", (error) => this.faults.push(String(error.stack)));
    page.on("console", (message) => {
      // A lost line is told by the browser itself; the stories that cut it do so on purpose.
      if (/WebSocket connection to .* failed|ERR_CONNECTION/.test(message.text())) return;
      if (message.type() === "error" || message.type() === "warning") this.faults.push(message.text());
    });
  }

  /** No page complained of anything: no error, no breach of the content security policy. */
  check() {
    assert.deepEqual(this.faults, []);
  }

  /** Opens a show's page and waits until it is live. @param {Page} page @param {Show} show
   *  @param {string} [url] the house's address, unless somebody stands between */
  async enter(page, show, url = this.url) {
    await page.goto(`${url}/show.html?show=${show.id}`);
    await page.waitForFunction(
      async () => {
        const { picker } = await import(/** @type {string} */ ("/picker.js"));
        return (await picker) !== null;
      },
      null,
      BEHIND_TOO,
    );
    await live(page);
  }
}

/** Waits until the light says so. @param {Page} page */
export async function live(page) {
  await page.locator('#link[data-light="live"]').waitFor();
}

/** A seat's button in the list, which is opened for it. @param {Page} page @param {string} section
 *  @param {string} label "row A, seat 3" */
export async function in_list(page, section, label) {
  if (await page.locator("#list-view").isHidden()) await page.locator("#list-button").click();
  const part = page.locator("details.section", {
    has: page.locator(".name", { hasText: new RegExp(`^${section}$`) }),
  });
  if ((await part.getAttribute("open")) === null) await part.locator("summary").click();
  return part.getByRole("button", { name: new RegExp(`${label},`) });
}

/** Waits until a seat's button says a word. @param {import("playwright-core").Locator} seat
 *  @param {string} word */
export async function says(seat, word) {
  const page = seat.page();
  const handle = await seat.elementHandle();
  assert.ok(handle);
  await page.waitForFunction(
    ([button, words]) =>
      /** @type {Element} */ (button).getAttribute("aria-label")?.endsWith(/** @type {string} */ (words)),
    /** @type {const} */ ([handle, word]),
    BEHIND_TOO,
  );
}

/** Waits until the notice says something like this. @param {Page} page @param {RegExp} words */
export async function notice(page, words) {
  await page.locator("#notice", { hasText: words }).waitFor();
}
