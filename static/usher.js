/**
 * A client of Usher's live protocol, version 1, without dependencies. Frames are
 * read in `frames.js`; the waiting room is reckoned in `admission.js`, `draw.js` and `sha256.js`.
 *
 * It owns one socket at a time to one show, a mirror of that show's seats, and the answers still
 * owed. It knows nothing of layouts, pages or storage: a session token and a waiting room's ticket are
 * loaded from and saved to whatever the caller hands in.
 *
 *     const client = new UsherClient({ show: "hamlet", onseats: () => draw(client.mirror.seats) });
 *     client.open();
 *     const { hold } = await client.request("hold", { seats: [12, 13] });
 *
 * Safety: a frame is applied only where it fits what is known; after a gap, or a frame that cannot
 * be read, the client starts afresh. Liveness: a socket that ended, or that owes an answer, is
 * replaced, sooner or later, for as long as the server does not say to stay away. What was asked
 * while there was no socket is refused at once and never sent later.
 */
import { Admission } from "./admission.js";
import { applyFrame, decodeFrame, decodeNotification, decodeText, FrameError } from "./frames.js";

export * from "./frames.js";

/** Silence after which the socket is asked whether it still lives. The server pings every 25 s, but
 *  a page cannot see pings. */
const QUIET_MS = 40_000;
/** How long a living socket may take to say anything at all once asked. */
const PROBE_MS = 5_000;
/** How long a socket may take to open and bring its first seat frame. */
const OPENING_MS = 15_000;
/** How long an answer may take; a purchase waits for a bank, which the server bounds at a minute. */
const ANSWER_MS = 15_000;
const PAYMENT_ANSWER_MS = 75_000;
/** Reconnecting: a random wait below a ceiling that doubles from the first to the last of these. */
const BACKOFF_FIRST_MS = 500;
const BACKOFF_LAST_MS = 20_000;
/** A number that was called is opened at once; where nothing comes of it, it is asked for after a
 *  random time between these, once. */
const CALLED_FIRST_MS = 4_000;
const CALLED_LAST_MS = 12_000;
/** Where history was lost, all ask anew what is theirs: spread over so long. */
const REBORN_MS = 2_000;
/** The ceiling of the wait after "too many sockets from this address". */
const CROWDED_MS = 60_000;

/** What a close code asks of a client: `at_once`, `later`, `much_later` or `stay_away`. Codes not
 *  listed mean a broken line: `later`. */
const AFTER_CLOSE = new Map([
  [1001, "at_once"], // going away: a restart, another node is ready
  [1002, "stay_away"], // protocol error: coming back would repeat it
  [1003, "stay_away"], // binary sent to the server
  [1008, "stay_away"], // abuse
  [1009, "stay_away"], // message too long
  [1011, "later"], // this show met a fault
  [4008, "at_once"], // idle: we slept
  [4009, "much_later"], // too many sockets from this address
]);

/** Amounts are integers in the currency's minor unit. Times are milliseconds since the Unix epoch.
 *  @typedef {{amount:number, currency:string}} Money */
/** @typedef {{id:string, seats:number[], expires_at:number, total:Money,
 *   state:"held"|"paying"|"offered"}} Hold */
/** @typedef {{epoch:string, seq:number, chain:string}} Head */
/** @typedef {{id:string, show:string, seats:number[], total:Money, bought_at:number,
 *   payment:{id:string, state:string}, head:Head}} Order */
/** A place in the waitlist; `position` is 1 for the first.
 *  @typedef {{ticket:string, quantity:number, position:number, since:number, until:number,
 *   head:Head}} Waiting */
/** @typedef {import("./frames.js").Mirror} Mirror */
/** @typedef {import("./frames.js").Frame} Frame */
/** @typedef {import("./admission.js").Standing} Standing */
/** @typedef {{session:string, holds:Hold[], orders:Order[], waiting?:Waiting,
 *   admission?:import("./admission.js").Told, seq?:number, now:number}} Identity */
/** `load` gives the token to show, if one is kept; `save` keeps the newest (null: it is no good).
 *  @typedef {{load():(string|null), save(token:string|null):void}} SessionStore */
/** How the line is. `retry_at` (by `Date.now()`) where it is `waiting`; `code` where the server
 *  closed it.
 *  @typedef {{state:"connecting"|"live"|"waiting"|"closed"|"refused", attempt:number,
 *   retry_at?:number, code?:number}} Link */
/** Which seats a frame changed: indexes, or null where everything may be different.
 *  @typedef {{changed:(number[]|null)}} SeatsChange */

/** The server's ordinary no. `reason` is stable; `message` may be shown to a buyer. */
export class Refusal extends Error {
  name = "Refusal";
  /** @param {{code:number, message:string, data?:Record<string, any>}} error */
  constructor({ code, message, data }) {
    super(message);
    this.code = code;
    /** @type {Record<string, any>} */
    this.data = data ?? {};
    /** @type {string} */
    this.reason = typeof this.data.reason === "string" ? this.data.reason : "";
  }
}

/** No answer came. Where `sent` is false nothing was asked; where it is true, whether it was done
 *  is not known: the next `identify` tells. */
export class Unanswered extends Error {
  name = "Unanswered";
  /** @param {string} method @param {boolean} sent */
  constructor(method, sent) {
    super(sent ? `the line was lost before ${method} was answered` : `not connected: ${method} was not sent`);
    this.method = method;
    this.sent = sent;
  }
}

/**
 * The server's clock, told by the `now` in its answers. Each answer bounds how far the local clock
 * can be off (the server spoke between our question and the answer's arrival); what is believed is
 * moved into these bounds and otherwise left alone, so a countdown does not twitch.
 */
export class ServerClock {
  /** Server time minus local time, in milliseconds. */
  offset = 0;
  #told = false;
  /** @param {() => number} local reads the local clock */
  constructor(local) {
    this.local = local;
  }
  /** What the server's clock shows now. */
  now() {
    return this.local() + this.offset;
  }
  /** @param {number} now the server's word @param {number} [asked_at] by the local clock; without it
   *  the message was not asked for, and how long it travelled is not known. */
  hear(now, asked_at) {
    const least = now - this.local();
    const most = asked_at === undefined ? Infinity : now - asked_at;
    if (!this.#told) this.offset = most === Infinity ? least : (least + most) / 2;
    else this.offset = Math.min(Math.max(this.offset, least), Math.max(least, most));
    this.#told = true;
  }
}

/** What the client needs of its surroundings; a test hands in its own.
 *  @typedef {object} World
 *  @property {new (url:string, protocols:string[]) => WebSocket} WebSocket
 *  @property {() => number} now the local clock
 *  @property {() => number} random from 0 to 1
 *  @property {(run:() => void, ms:number) => any} setTimeout
 *  @property {(timer:any) => void} clearTimeout
 *  @property {EventTarget} [network] tells `online` and `offline`
 */

/** @returns {World} */
function browser() {
  return {
    WebSocket: globalThis.WebSocket,
    now: () => Date.now(),
    random: Math.random,
    setTimeout: (run, ms) => setTimeout(run, ms),
    clearTimeout: (timer) => clearTimeout(timer),
    network: globalThis.window,
  };
}

/** @typedef {object} Options
 *  @property {string} show which show to follow
 *  @property {string | URL} [base] the server's address, by default the page's own
 *  @property {"binary" | "json"} [format] how seat frames are to come; binary unless said
 *  @property {boolean} [identify] false: only watch, as nobody
 *  @property {SessionStore} [session] where the token is kept; in memory unless said
 *  @property {import("./admission.js").TicketStore} [ticket] where the waiting room's ticket is kept; in
 *   memory unless said
 *  @property {(change:SeatsChange) => void} [onseats] after a frame changed the mirror
 *  @property {(link:Link) => void} [onlink] when the line changed
 *  @property {(identity:Identity) => void} [onidentity] at every opening: what the session has
 *  @property {(standing:Standing) => void} [onadmission] where the show has a waiting room: when one's
 *   standing in it changed; after `onidentity`
 *  @property {(refusal:Refusal) => void} [onunidentified] `identify` was refused, and is asked again soon
 *  @property {(method:string, params:any) => void} [onnotification] all others than seat frames
 *  @property {World} [world]
 */

/** One show, followed for as long as it is open. */
export class UsherClient {
  /** @type {Mirror | null} what is known of the seats; null until the first frame */
  mirror = null;
  /** @type {Link} */
  link = { state: "closed", attempt: 0 };

  /** @type {Options} */ #options;
  /** @type {World} */ #world;
  /** @type {SessionStore} */ #session;
  /** @type {import("./admission.js").TicketStore} */ #tickets;
  /** @type {Admission} */ #admission;
  /** The socket in use. Events of any other are late words of the dead, and ignored.
   *  @type {WebSocket | null} */
  #socket = null;
  /** Answers owed by that socket.
   *  @type {Map<number, {method:string, asked_at:number, timer:any, resolve:(result:any) => void,
   *   reject:(error:Error) => void}>} */
  #owed = new Map();
  #next_id = 1;
  /** Failures since the line was last live: sets the backoff's ceiling. */
  #attempt = 0;
  /** The mirror is not to be resumed from: a gap, or a frame that could not be read. */
  #afresh = false;
  /** What `server.draining` asked, for the close that follows it. @type {number | null} */
  #draining_ms = null;
  /** When the socket last said anything, by the local clock. */
  #heard_at = 0;
  /** Whether it said anything since it was last asked for a sign of life. */
  #heard_since = true;
  /** @type {any} */ #reconnect_timer = null;
  /** One timer for what is next due of the socket: its opening, a look at silence, a probe's answer.
   *  @type {any} */
  #watch_timer = null;
  /** What is next due of the place in the waiting room: a pass's end, or a call that nothing came of.
   *  @type {any} */
  #admission_timer = null;
  /** The number whose call was asked about. @type {number | undefined} */
  #asked_about;

  /** @param {Options} options */
  constructor(options) {
    this.#options = options;
    this.#world = options.world ?? browser();
    /** @type {string | null} */
    let kept = null;
    this.#session = options.session ?? { load: () => kept, save: (token) => void (kept = token) };
    /** @type {import("./admission.js").Kept | null} */
    let ticket = null;
    this.#tickets = options.ticket ?? { load: () => ticket, save: (kept) => void (ticket = kept) };
    this.#admission = new Admission(this.#tickets);
    this.clock = new ServerClock(this.#world.now);
  }

  /** Where this session stands in the show's waiting room; null where there is none, or it is not
   *  known yet. @returns {Standing | null} */
  get admission() {
    return this.#admission.standing;
  }

  /** Opens the line, and keeps it open until {@link close}. */
  open() {
    if (this.#socket || this.#reconnect_timer !== null) return;
    for (const event of ["online", "offline"]) this.#world.network?.addEventListener(event, this.#network);
    this.#attempt = 0;
    this.#connect();
  }

  /** Closes the line for good; what was asked and not answered is rejected. */
  close() {
    for (const event of ["online", "offline"]) this.#world.network?.removeEventListener(event, this.#network);
    this.#drop(1000);
    this.#world.clearTimeout(this.#reconnect_timer);
    this.#reconnect_timer = null;
    this.#world.clearTimeout(this.#admission_timer);
    this.#tell({ state: "closed", attempt: 0 });
  }

  /**
   * Asks the server. Rejects with {@link Refusal} for its no, and with {@link Unanswered} where the
   * line is down: then nothing is kept to be asked later.
   *
   * @param {string} method
   * @param {Record<string, unknown>} [params]
   * @returns {Promise<any>} the result
   */
  request(method, params = {}) {
    const socket = this.#socket;
    if (!socket || socket.readyState !== 1) return Promise.reject(new Unanswered(method, false));
    const id = this.#next_id;
    this.#next_id += 1;
    const limit = method === "buy" ? PAYMENT_ANSWER_MS : ANSWER_MS;
    return new Promise((resolve, reject) => {
      // A server that owes an answer for so long is not there, whatever the socket says.
      const timer = this.#world.setTimeout(() => this.#lost(socket), limit);
      this.#owed.set(id, { method, asked_at: this.#world.now(), timer, resolve, reject });
      socket.send(JSON.stringify({ jsonrpc: "2.0", id, method, params }));
    });
  }

  /** Looks now whether the line still lives: for a page that was hidden, or a changed network. */
  probe() {
    if (this.#reconnect_timer !== null) {
      this.#connect();
    } else if (this.#socket?.readyState === 1) {
      this.#ask_for_life(this.#socket);
    }
  }

  #network = () => this.probe();

  #url() {
    const { show, base = globalThis.location?.origin } = this.#options;
    const url = new URL(`v1/shows/${encodeURIComponent(show)}/live`, new URL("./", base));
    url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
    if (this.mirror && !this.#afresh)
      url.searchParams.set("since", `${this.mirror.epoch}.${this.mirror.seq}`);
    return url.href;
  }

  #connect() {
    this.#world.clearTimeout(this.#reconnect_timer);
    this.#reconnect_timer = null;
    const format = this.#options.format === "json" ? "usher.v1.json" : "usher.v1";
    const socket = new this.#world.WebSocket(this.#url(), [format]);
    socket.binaryType = "arraybuffer";
    this.#socket = socket;
    socket.onopen = () => socket === this.#socket && this.#opened();
    socket.onmessage = ({ data }) => socket === this.#socket && this.#heard(data);
    socket.onclose = ({ code }) => socket === this.#socket && this.#lost(socket, code);
    this.#watch(OPENING_MS, () => this.#lost(socket));
    this.#tell({ state: "connecting", attempt: this.#attempt });
  }

  #opened() {
    if (this.#options.identify !== false) void this.identify();
  }

  /** Asks what the session has, and tells it by `onidentity`. Done at every opening; again for what
   *  is told to nobody unasked, like a payment that was begun before the line was lost. */
  async identify() {
    const socket = this.#socket;
    const ask = async () => void (socket === this.#socket && (await this.#identify()));
    const is_new = this.#session.load() === null || !this.#admission.has_ticket;
    if (is_new && this.#tickets.alone) await this.#tickets.alone(ask);
    else await ask();
  }

  /** What is shown at `identify`: read anew each time, for another tab may have a newer one. */
  #papers() {
    const [session, ticket] = [this.#session.load(), this.#admission.ticket];
    return { ...(session === null ? {} : { session }), ...(ticket === null ? {} : { ticket }) };
  }

  async #identify() {
    const socket = this.#socket;
    const session = this.#session.load();
    try {
      const identity = await this.request("identify", this.#papers());
      this.#session.save(identity.session);
      this.#options.onidentity?.(identity);
      this.#admission.identified(identity.admission, identity.seq !== undefined);
      this.#tell_admission();
    } catch (error) {
      if (!(error instanceof Refusal) || socket !== this.#socket) return;
      if (error.reason === "bad_session" && session !== null) {
        this.#session.save(null);
        void this.identify();
      } else {
        this.#options.onunidentified?.(error);
        // Watching goes on as nobody; asked again soon, for without it nothing can be bought.
        const wait = error.data.retry_after_ms ?? BACKOFF_LAST_MS;
        this.#world.setTimeout(() => socket === this.#socket && void this.identify(), wait);
      }
    }
  }

  /**
   * Gives the number or the pass back, for all tabs, and closes the line; {@link open} would take a new
   * number. `watch`: the line stays open, for who looks on. Rejects as {@link request} does; then nothing
   * was given back.
   */
  async leaveAdmission({ watch = false } = {}) {
    await this.request("admission.leave", this.#papers_of_ticket());
    this.#admission.left();
    if (!watch) this.close();
    this.#tell_admission();
  }

  /** Gives back the number that the last `identify` took, and goes on: for a page that was opened
   *  again, or whose line was, and does not wait to be let in. */
  declineNumber() {
    const { ticket } = this.#admission;
    // Where it does not arrive the number is still shown at the next opening.
    this.request("admission.leave", { ticket }).catch(() => {});
    this.#admission.declined();
    this.#tell_admission();
  }

  /** Another tab kept another ticket: to be called by whoever hears of it. */
  ticketKept() {
    const news = this.#admission.kept_elsewhere();
    if (news === "same") return;
    if (news === "gone" && this.#admission.ended()) return this.#tell_admission();
    this.close();
    if (news === "better") return this.open();
    this.#admission.left();
    this.#tell_admission();
  }

  #papers_of_ticket() {
    const { ticket } = this.#admission;
    return ticket === null ? {} : { ticket };
  }

  #tell_admission() {
    const { standing } = this.#admission;
    if (!standing) return;
    // Each time the counter moves this is told anew; a call is waited for from its first.
    const waits = standing.called && this.#asked_about === standing.number;
    if (!waits) this.#watch_admission(standing);
    this.#options.onadmission?.(standing);
  }

  /** @param {Standing} standing */
  #watch_admission({ state, until = 0, called, number }) {
    this.#world.clearTimeout(this.#admission_timer);
    this.#asked_about = called ? number : undefined;
    if (state === "admitted") {
      this.#admission_timer = this.#world.setTimeout(
        () => this.#admission.ended() && this.#tell_admission(),
        Math.max(until - this.clock.now(), 0),
      );
    } else if (called) {
      const wait = CALLED_FIRST_MS + this.#world.random() * (CALLED_LAST_MS - CALLED_FIRST_MS);
      this.#admission_timer = this.#world.setTimeout(() => void this.identify(), wait);
    }
  }

  /** @param {string | ArrayBuffer} message */
  #heard(message) {
    this.#heard_at = this.#world.now();
    this.#heard_since = true;
    try {
      if (typeof message !== "string") return this.#frame(decodeFrame(message));
      const { id, method, params, result, error } = decodeText(message);
      if (method === undefined) return this.#answered(id, result, error);
      const frame = decodeNotification(method, params);
      if (frame) return this.#frame(frame);
      if (typeof params?.now === "number") this.clock.hear(params.now);
      if (method === "server.draining") this.#draining_ms = params.reconnect_after_ms;
      const bought = method === "order" && this.#admission.ended(true);
      if (bought || this.#admission.told(method, params ?? {})) this.#tell_admission();
      this.#options.onnotification?.(method, params ?? {});
    } catch (fault) {
      if (!(fault instanceof FrameError)) throw fault;
      this.#start_afresh();
    }
  }

  /** @param {number} id @param {any} result @param {any} error */
  #answered(id, result, error) {
    const owed = this.#owed.get(id);
    if (!owed) return;
    this.#owed.delete(id);
    this.#world.clearTimeout(owed.timer);
    const now = result?.now ?? error?.data?.now;
    if (typeof now === "number") this.clock.hear(now, owed.asked_at);
    if (error) {
      const not_admitted = error.data?.reason === "not_admitted";
      if (not_admitted && this.#admission.refused()) this.#tell_admission();
      return owed.reject(new Refusal(error));
    }
    owed.resolve(result);
    // Whoever bought or waits for seats has given up the place to pick at.
    const done = owed.method === "buy" || owed.method === "waitlist.join";
    if (done && this.#admission.ended(true)) this.#tell_admission();
  }

  /** @param {Frame} frame */
  #frame(frame) {
    const { outcome, mirror, changed } = applyFrame(this.mirror, frame, this.link.state !== "live");
    if (outcome === "gap") return this.#start_afresh();
    const reborn = this.link.state === "live" && mirror?.epoch !== this.mirror?.epoch;
    this.mirror = mirror;
    this.#afresh = false;
    if (this.link.state !== "live") {
      this.#attempt = 0;
      this.#watch_silence();
      this.#tell({ state: "live", attempt: 0 });
    }
    if (outcome === "applied") this.#options.onseats?.({ changed });
    if (reborn) this.#identify_soon();
  }

  /** The show began another life under a living socket: what was ours may be gone with what was lost. */
  #identify_soon() {
    const socket = this.#socket;
    if (this.#options.identify === false) return;
    const ask = () => socket === this.#socket && void this.identify();
    this.#world.setTimeout(ask, this.#world.random() * REBORN_MS);
  }

  #start_afresh() {
    this.#afresh = true;
    if (this.#socket) this.#lost(this.#socket);
  }

  /** Looks in when the line would have been quiet for too long. Messages do not move the timer;
   *  the look finds out when the last one came. */
  #watch_silence() {
    this.#watch(Math.max(this.#heard_at + QUIET_MS - this.#world.now(), 0), () => {
      const quiet_ms = this.#world.now() - this.#heard_at;
      if (quiet_ms >= QUIET_MS && this.#socket) this.#ask_for_life(this.#socket);
      else this.#watch_silence();
    });
  }

  /** Any message will do for an answer, even a fault. @param {WebSocket} socket */
  #ask_for_life(socket) {
    this.#heard_since = false;
    // Where there is a waiting room, `identify` may take a number, which is not to be done unheard.
    const asked =
      this.#options.identify === false || this.#session.load() === null || this.#admission.standing
        ? this.request("ping") // no such method: the fault is a sign of life
        : this.request("identify", this.#papers());
    asked.catch(() => {}); // only whether anything is heard matters
    this.#watch(PROBE_MS, () => {
      if (this.#heard_since && this.link.state === "live") this.#watch_silence();
      else this.#lost(socket);
    });
  }

  /** @param {number} ms @param {() => void} then */
  #watch(ms, then) {
    this.#world.clearTimeout(this.#watch_timer);
    this.#watch_timer = this.#world.setTimeout(then, ms);
  }

  /** The socket is no more, or as good as that. @param {WebSocket} socket @param {number} [code] */
  #lost(socket, code) {
    if (socket !== this.#socket) return;
    this.#drop();
    const after = AFTER_CLOSE.get(code ?? 0) ?? "later";
    if (after === "stay_away") {
      this.#tell({ state: "refused", attempt: this.#attempt, code });
      return;
    }
    const wait = this.#wait_ms(after);
    this.#attempt += 1;
    this.#reconnect_timer = this.#world.setTimeout(() => this.#connect(), wait);
    this.#tell({ state: "waiting", attempt: this.#attempt, retry_at: this.#world.now() + wait, code });
  }

  /** @param {string} after */
  #wait_ms(after) {
    const chance = this.#world.random();
    // All were told the same time: they come back spread over as long again.
    const asked_ms = this.#draining_ms;
    this.#draining_ms = null;
    if (asked_ms !== null) return asked_ms * (1 + chance);
    if (after === "much_later") return CROWDED_MS * (0.5 + chance / 2);
    if (after === "at_once" && this.#attempt === 0) return chance * BACKOFF_FIRST_MS;
    return chance * Math.min(BACKOFF_FIRST_MS * 2 ** this.#attempt, BACKOFF_LAST_MS);
  }

  /** Lets go of the socket and of all it owes. @param {number} [code] */
  #drop(code) {
    const socket = this.#socket;
    this.#socket = null;
    this.#world.clearTimeout(this.#watch_timer);
    socket?.close(code);
    const owed = [...this.#owed.values()];
    this.#owed.clear();
    for (const { method, timer, reject } of owed) {
      this.#world.clearTimeout(timer);
      reject(new Unanswered(method, true));
    }
  }

  /** @param {Link} link */
  #tell(link) {
    this.link = link;
    this.#options.onlink?.(link);
  }
}
