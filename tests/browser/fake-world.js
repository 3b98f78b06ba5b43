// A world for the protocol client without network or time: sockets that a test speaks for, a clock
// that a test moves.

/** What a socket was told, and what a test makes it say. */
export class FakeSocket {
  /** @type {any[]} parsed messages that were sent */
  sent = [];
  readyState = 0;
  closed = false;
  binaryType = "";
  /** @type {(() => void) | null} */ onopen = null;
  /** @type {((event:{data:any}) => void) | null} */ onmessage = null;
  /** @type {((event:{code:number}) => void) | null} */ onclose = null;
  /** @param {string} url @param {string[]} protocols */
  constructor(url, protocols) {
    this.url = new URL(url);
    this.protocols = protocols;
  }
  /** @param {string} text */
  send(text) {
    this.sent.push(JSON.parse(text));
  }
  close() {
    this.closed = true;
  }
  // What the other side does:
  open() {
    this.readyState = 1;
    this.onopen?.();
  }
  /** @param {...number} bytes */
  frame(...bytes) {
    this.onmessage?.({ data: Uint8Array.from(bytes).buffer });
  }
  /** A snapshot of epoch 5. @param {number} seq @param {...number} states below 128, at most four */
  snapshot(seq, ...states) {
    this.frame(
      1,
      5,
      0,
      0,
      0,
      0,
      0,
      0,
      0,
      seq,
      states.length,
      states.reduce((byte, state, i) => byte | (state << (2 * i)), 0),
    );
  }
  /** @param {unknown} message */
  say(message) {
    this.onmessage?.({ data: JSON.stringify({ jsonrpc: "2.0", .../** @type {object} */ (message) }) });
  }
  /** Answers the oldest request of a method. @param {string} method @param {unknown} result */
  answer(method, result) {
    const index = this.sent.findIndex((message) => message.method === method && !message.answered);
    if (index < 0) throw new Error(`${method} was not asked`);
    this.sent[index].answered = true;
    this.say({ id: this.sent[index].id, result });
  }
  /** @param {string} method @param {object} data */
  refuse(method, data) {
    const asked = this.sent.find((message) => message.method === method && !message.answered);
    asked.answered = true;
    this.say({ id: asked.id, error: { code: -32000, message: "No.", data } });
  }
  /** @param {number} code */
  end(code) {
    this.readyState = 3;
    this.onclose?.({ code });
  }
}

/** @param {{random?:number}} [settings] */
export function fake_world({ random = 1 } = {}) {
  /** @type {FakeSocket[]} */
  const sockets = [];
  /** @type {{run:() => void, at:number}[]} */
  let timers = [];
  let now = 1_000_000;
  const world = {
    WebSocket: /** @type {any} */ (
      class extends FakeSocket {
        /** @param {string} url @param {string[]} protocols */
        constructor(url, protocols) {
          super(url, protocols);
          sockets.push(this);
        }
      }
    ),
    now: () => now,
    random: () => random,
    /** @param {() => void} run @param {number} ms */
    setTimeout(run, ms) {
      const timer = { run, at: now + ms };
      timers.push(timer);
      return timer;
    },
    /** @param {unknown} timer */
    clearTimeout(timer) {
      timers = timers.filter((other) => other !== timer);
    },
    network: new EventTarget(),
  };
  return {
    world,
    sockets,
    /** The socket in use, or the last. */
    get socket() {
      return /** @type {FakeSocket} */ (sockets.at(-1));
    },
    get waiting() {
      return timers.length;
    },
    /** Lets time pass, running what falls due in its order. @param {number} ms */
    pass(ms) {
      const end = now + ms;
      for (;;) {
        const due = timers.filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
        if (!due) break;
        timers = timers.filter((other) => other !== due);
        now = Math.max(now, due.at);
        due.run();
      }
      now = end;
    },
  };
}
