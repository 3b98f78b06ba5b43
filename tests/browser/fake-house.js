// A house without a program: the pages from their folder, shows that a test makes up, and a line that
// the test speaks for. For what a real server does too seldom, or too slowly, to be waited for.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import { extname } from "node:path";
import { House, launch, Server } from "./house.js";
import { small_hall } from "./small-hall.js";

/** @typedef {import("playwright-core").Page} Page */
/** @typedef {import("playwright-core").WebSocketRoute} WebSocketRoute */

/** @type {Record<string, string>} */
const KINDS = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css" };

/** A show with a waiting room. @param {Record<string, unknown>} [admission] */
export function show_with_room(admission = {}) {
  return {
    id: "small",
    title: "An Evening of Small Songs",
    hall: "small",
    hall_name: "Storyhouse",
    starts_at: Date.now() + 86_400_000,
    seats: 21,
    available: 21,
    currency: "EUR",
    policy: {
      hold_ms: 300_000,
      offer_ms: 120_000,
      seats_max: 10,
      admission: { picking_max: 40, pass_ms: 600_000, call_ms: 60_000, ...admission },
    },
  };
}

/** @param {{show:ReturnType<typeof show_with_room>, room?:Record<string, unknown>}} facts */
export async function open_fake_house({ show, room }) {
  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? "/", "http://fake").pathname;
    /** @param {number} status @param {string | Buffer} body @param {string} kind */
    const answer = (status, body, kind) => response.writeHead(status, { "content-type": kind }).end(body);
    /** @type {Record<string, unknown>} */
    const told = {
      "/v1/shows": { shows: [show] },
      "/v1/shows/small": show,
      "/v1/shows/small/layout": small_hall(),
      ...(room ? { "/v1/shows/small/admission": { ...room, now: Date.now() } } : {}),
    };
    if (path in told) return answer(200, JSON.stringify(told[path]), "application/json");
    const page = path === "/" ? "/index.html" : path;
    const read = await readFile(new URL(`../../static${page}`, import.meta.url)).catch(() => null);
    if (read === null) return answer(404, "{}", "application/problem+json");
    answer(200, read, KINDS[extname(page)] ?? "application/octet-stream");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(null)));
  const address = server.address();
  assert.ok(address && typeof address === "object");
  const browser = await launch();
  const close = async () => {
    await browser.close();
    server.closeAllConnections();
    server.close();
  };
  return new FakeHouse(`http://127.0.0.1:${address.port}`, address.port, browser, close);
}

export class FakeHouse extends House {
  /** @param {string} url @param {number} port @param {import("playwright-core").Browser} browser
   *  @param {() => Promise<void>} close */
  constructor(url, port, browser, close) {
    super(url, port, browser, new Server(url, []), close); // never started
  }

  /** A visitor whose line a test speaks for. @param {import("playwright-core").BrowserContextOptions} [settings] */
  async guest(settings = {}) {
    const page = await this.visitor(settings);
    const line = new Line();
    await page.context().routeWebSocket(/\/live/, (socket) => line.taken(socket));
    return { page, line };
  }
}

/** The server's side of every line of one browser. */
export class Line {
  /** What `identify` is answered with, beyond the session. @type {Record<string, unknown>} */
  identity = {};
  /** What each other method is answered with. @type {Record<string, (params:any) => unknown>} */
  answers = {};
  /** What is refused, with which data. @type {(method:string) => Record<string, unknown> | null} */
  refuse = () => null;
  /** What was asked, in order. @type {{method:string, params:any}[]} */
  asked = [];
  /** @type {Set<WebSocketRoute>} */
  sockets = new Set();
  /** States of the seats in the first frame, repeated to the house's end. */
  seats = [0, 1, 0, 2];

  /** Nobody takes it: every line ends as soon as it is opened. */
  away = false;

  /** Ends every line, and all that come until it is there again. */
  async goes() {
    this.away = true;
    await Promise.all([...this.sockets].map((socket) => socket.close({ code: 1011 })));
  }

  /** @param {WebSocketRoute} socket */
  taken(socket) {
    if (this.away) return void socket.close({ code: 1011 });
    this.sockets.add(socket);
    socket.onClose(() => void this.sockets.delete(socket));
    socket.onMessage((text) => this.#hear(socket, JSON.parse(String(text))));
    const [one, two, three, four] = this.seats;
    const packed = one | (two << 2) | (three << 4) | (four << 6);
    const [whole, last] = [Array(5).fill(packed), packed & 3];
    socket.send(Buffer.from([1, 7, 0, 0, 0, 0, 0, 0, 0, 3, 21, ...whole, last]));
  }

  /** @param {WebSocketRoute} socket @param {any} message */
  #hear(socket, { id, method, params }) {
    this.asked.push({ method, params });
    const now = Date.now();
    const data = this.refuse(method);
    const identity = { session: "s", holds: [], orders: [], ...this.identity };
    const result = method === "identify" ? identity : this.answers[method]?.(params);
    const reply = data
      ? { error: { code: -32000, message: "No.", data: { now, ...data } } }
      : result
        ? { result: { now, .../** @type {object} */ (result) } }
        : { error: { code: -32601, message: "There is no such method." } };
    socket.send(JSON.stringify({ jsonrpc: "2.0", id, ...reply }));
  }

  /** Tells every tab. @param {string} method @param {Record<string, unknown>} params */
  tell(method, params) {
    for (const socket of this.sockets)
      socket.send(JSON.stringify({ jsonrpc: "2.0", method, params: { now: Date.now(), ...params } }));
  }

  /** @param {string} method */
  count(method) {
    return this.asked.filter((asked) => asked.method === method).length;
  }
}
