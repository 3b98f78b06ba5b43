/**
 * Frames: seat frames and text messages of the live protocol, read and applied. Pure; a message that
 * cannot be true is refused whole, and leaves what was known as it was.
 */

/** What a seat can be, as the wire numbers it. */
export const AVAILABLE = 0;
export const HELD = 1;
export const SOLD = 2;
export const BLOCKED = 3;

/** Seats are numbered in 32 bits. */
const SEATS_MOST = 2 ** 32;

/** @typedef {{kind:"snapshot", epoch:string, seq:number, n:number, seats:Uint8Array}} Snapshot */
/** @typedef {[gap:number, length:number, state:number]} Run */
/** @typedef {{kind:"diff", from:number, to:number, runs:Run[]}} Diff */
/** @typedef {Snapshot | Diff} Frame */
/** What is known of a show's seats. `seats[i]` is seat i's state; `epoch` is a decimal string.
 *  @typedef {{epoch:string, seq:number, seats:Uint8Array}} Mirror */

/** A message that is not what the protocol says it is. */
export class FrameError extends Error {
  name = "FrameError";
}

/** @param {boolean} fine @param {string} otherwise @returns {asserts fine} */
function expect(fine, otherwise) {
  if (!fine) throw new FrameError(otherwise);
}

/** Reads one varint at `at`. @param {Uint8Array} bytes @param {number} at
 *  @returns {[value:number, after:number]} */
function varint(bytes, at) {
  let value = 0;
  let scale = 1;
  for (let i = at; ; i += 1, scale *= 128) {
    const byte = bytes[i];
    expect(byte !== undefined, "a number is cut short");
    value += (byte & 0x7f) * scale;
    expect(value <= Number.MAX_SAFE_INTEGER, "a number is too large");
    if (byte < 0x80) {
      expect(byte !== 0 || i === at, "a number is not in its shortest form");
      return [value, i + 1];
    }
  }
}

/** Two bits a seat, least significant first, to one byte a seat. @param {Uint8Array} packed
 *  @param {number} n */
function unpack(packed, n) {
  expect(packed.length === Math.ceil(n / 4), "the seats are not as many as was said");
  const seats = new Uint8Array(n);
  for (let i = 0; i < n; i += 1) seats[i] = (packed[i >> 2] >> ((i & 3) * 2)) & 3;
  expect(n % 4 === 0 || packed[n >> 2] >> ((n & 3) * 2) === 0, "unused bits are set");
  return seats;
}

/** Reads a binary seat frame (`usher.v1`). Throws {@link FrameError}.
 *  @param {ArrayBuffer | Uint8Array} message @returns {Frame} */
export function decodeFrame(message) {
  const bytes = message instanceof Uint8Array ? message : new Uint8Array(message);
  if (bytes[0] === 0x01) {
    expect(bytes.length >= 9, "a snapshot is cut short");
    const epoch = new DataView(bytes.buffer, bytes.byteOffset).getBigUint64(1, true).toString();
    const [seq, at] = varint(bytes, 9);
    const [n, start] = varint(bytes, at);
    return { kind: "snapshot", epoch, seq, n, seats: unpack(bytes.subarray(start), n) };
  }
  expect(bytes[0] === 0x02, "neither a snapshot nor a diff");
  let [from, at] = varint(bytes, 1);
  let steps, gap, packed;
  [steps, at] = varint(bytes, at);
  /** @type {Run[]} */
  const runs = [];
  for (let end = 0; at < bytes.length;) {
    [gap, at] = varint(bytes, at);
    [packed, at] = varint(bytes, at);
    // Division, not a shift: shifts cut numbers to 32 bits.
    const length = Math.floor(packed / 4) + 1;
    end += gap + length;
    expect(end <= SEATS_MOST, "runs reach beyond any house");
    runs.push([gap, length, packed % 4]);
  }
  expect(Number.isSafeInteger(from + steps), "a number is too large");
  return { kind: "diff", from, to: from + steps, runs };
}

/** Reads a text message: JSON-RPC 2.0, one object. Throws {@link FrameError}.
 *  @param {string} text @returns {{id?:any, method?:string, params?:any, result?:any, error?:any}} */
export function decodeText(text) {
  let message;
  try {
    message = JSON.parse(text);
  } catch {
    throw new FrameError("not JSON");
  }
  expect(message?.jsonrpc === "2.0", "not JSON-RPC 2.0");
  return message;
}

/** @param {...unknown} numbers */
function counts(...numbers) {
  return numbers.every((number) => Number.isSafeInteger(number) && Number(number) >= 0);
}

/** @param {unknown} epoch */
function is_epoch(epoch) {
  return typeof epoch === "string" && /^(0|[1-9][0-9]{0,19})$/.test(epoch) && BigInt(epoch) < 2n ** 64n;
}

/** Reads a JSON seat frame (`usher.v1.json`, long polling): a notification's method and params.
 *  Null where it is no seat frame. Throws {@link FrameError}.
 *  @param {string} method @param {any} params @returns {Frame | null} */
export function decodeNotification(method, params) {
  if (method === "snapshot") {
    const { epoch, seq, n } = params ?? {};
    expect(is_epoch(epoch) && counts(seq, n), "a snapshot lacks its numbers");
    // `atob` would read base64 without its padding too.
    expect(typeof params.seats === "string" && params.seats.length % 4 === 0, "the seats are not base64");
    let text;
    try {
      text = atob(params.seats);
    } catch {
      throw new FrameError("the seats are not base64");
    }
    const packed = Uint8Array.from(text, (letter) => letter.charCodeAt(0));
    return { kind: "snapshot", epoch, seq, n, seats: unpack(packed, n) };
  }
  if (method !== "diff") return null;
  const { from, to, runs } = params ?? {};
  expect(counts(from, to) && from <= to && Array.isArray(runs), "a diff lacks its numbers");
  for (const run of runs) {
    expect(
      Array.isArray(run) && run.length === 3 && counts(...run) && run[1] >= 1 && run[2] <= 3,
      "a run cannot be read",
    );
  }
  return { kind: "diff", from, to, runs };
}

/**
 * Applies a frame to what is known (null: nothing yet). A snapshot replaces everything; a diff sets
 * states where it fits, in place. `gap` means that something was missed: the mirror is left as it
 * was and can only be shown until a snapshot comes. Throws {@link FrameError} where the frame cannot
 * be true; then nothing was set either.
 *
 * @param {Mirror | null} mirror
 * @param {Frame} frame
 * @param {boolean} [first] the first frame of its socket: another node may know less than the one
 *   before, so that its snapshot may go back
 * @returns {{outcome:"applied"|"known"|"gap", mirror:(Mirror|null), changed:(number[]|null)}}
 *   `changed`: the seats that are different now; null where all may be.
 */
export function applyFrame(mirror, frame, first = false) {
  if (frame.kind === "snapshot") {
    const { epoch, seq, seats } = frame;
    expect(first || mirror?.epoch !== epoch || seq >= mirror.seq, "a snapshot goes back");
    const before = mirror !== null && mirror.seats.length === seats.length ? mirror.seats : null;
    /** @type {number[] | null} */
    const changed = before === null ? null : [];
    if (before && changed) {
      for (let i = 0; i < seats.length; i += 1) if (seats[i] !== before[i]) changed.push(i);
    }
    return { outcome: "applied", mirror: { epoch, seq, seats }, changed };
  }
  if (mirror === null || mirror.seq < frame.from) return { outcome: "gap", mirror, changed: [] };
  if (frame.to <= mirror.seq) return { outcome: "known", mirror, changed: [] };
  // Before anything is set, so that a faulty diff leaves no half of itself behind.
  const end = frame.runs.reduce((at, [gap, length]) => at + gap + length, 0);
  expect(end <= mirror.seats.length, "a run goes beyond the last seat");
  /** @type {number[]} */
  const changed = [];
  let at = 0;
  for (const [gap, length, state] of frame.runs) {
    at += gap;
    for (const end = at + length; at < end; at += 1) {
      if (mirror.seats[at] !== state) changed.push(at);
      mirror.seats[at] = state;
    }
  }
  mirror.seq = frame.to;
  return { outcome: "applied", mirror, changed };
}
