/**
 * A published log, read for what it says of the draw: `usher log export --public` makes it, anybody
 * may check it. Pure: a file's text, what the draw page was told, and a ticket come in; findings go
 * out. What else such a file proves, `usher log check` works out.
 */
import { bytes_of, hex_of } from "./draw.js";
import { sha256 } from "./sha256.js";

/** What was found. `holds` is left out where nothing was compared.
 *  @typedef {{words:string, holds?:boolean}} Finding */
/** What a ticket claims. @typedef {{session:Uint8Array, early:boolean, number:number,
 *   head:{seq:number, chain:string}, show:string}} Claims */
/** @typedef {{secret:string, head:{seq:number, chain:string}, count:number}} Drawn */

/** Said where entries before the doors have something left out: seats that were blocked, say. */
const IN_BETWEEN =
  "Before the doors there are entries whose links are only given, for what they say is not everybody's. There, the heads that people kept tie the log to what they saw.";

/** A file that is no published log, or one that breaks its own chain. */
export class Doubt extends Error {
  name = "Doubt";
}

const text_bytes = (/** @type {string} */ text) => new TextEncoder().encode(text);

/** @param {string} hex @returns {Uint8Array} */
function any_bytes(hex) {
  if (!/^([0-9a-f]{2})*$/.test(hex)) throw new Doubt("its bytes are not in hex");
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** @param {string} epoch decimal */
function epoch_bytes(epoch) {
  const bytes = new DataView(new ArrayBuffer(8));
  bytes.setBigUint64(0, BigInt(epoch), true);
  return new Uint8Array(bytes.buffer);
}

/** Reads what a ticket claims; null where it is no ticket. Whether the house signed it, only the house
 *  can tell. @param {string} ticket @returns {Claims | null} */
export function claims_of(ticket) {
  let bytes;
  try {
    const plain = atob(ticket.replaceAll("-", "+").replaceAll("_", "/"));
    bytes = Uint8Array.from(plain, (letter) => letter.charCodeAt(0));
  } catch {
    return null;
  }
  if (bytes.length < 115 || bytes[0] !== 2 || bytes[1] > 2) return null;
  const view = new DataView(bytes.buffer);
  return {
    session: bytes.slice(2, 18),
    early: bytes[1] === 0,
    number: Number(view.getBigUint64(18)),
    head: { seq: Number(view.getBigUint64(42)), chain: hex_of(bytes.slice(50, 82)) },
    show: new TextDecoder().decode(bytes.slice(82, -32)),
  };
}

/** What a session is called in a show's published log. @param {string} show @param {Uint8Array} session */
export function alias_of(show, session) {
  return hex_of(sha256(text_bytes(`usher alias\0${show}\0`), session)).slice(0, 32);
}

/** The log's own story, as far as the draw goes. */
class Story {
  /** How many links of the chain were worked out again, and how many entries there are. */
  links = 0;
  entries = 0;
  /** Whether all so far was worked out again, from the very beginning. */
  unbroken = true;
  /** Who came before the doors, in order. @type {string[]} */
  early = [];
  /** The entry that opened the doors. @type {any} */
  doors = null;
  /** Whether all up to the doors was worked out again. */
  whole = false;
  /** The chain after each entry. @type {string[]} */
  chains = [];

  /** @param {any} first its first line */
  constructor(first) {
    if (first?.usher !== "public log 1") throw new Doubt("it is no published log that this page can read");
    /** @type {string[]} */
    const lives = String(first.lives).split(" ");
    this.oldest = lives[0];
    this.later = new Map(lives.slice(1).map((life) => [Number(life.split("@")[1]), life.split("@")[0]]));
    this.chain = String(first.chain);
    this.chains.push(this.chain);
    this.beginning = this.chain;
  }

  /** @param {any} line */
  read(line) {
    if (line.seq !== this.entries + 1) throw new Doubt(`entry ${this.entries + 1} is missing`);
    const life = this.later.get(this.entries);
    if (life !== undefined)
      this.chain = hex_of(sha256(text_bytes("usher life 1"), any_bytes(this.chain), epoch_bytes(life)));
    if (typeof line.bytes === "string") this.#link(line);
    else if (line.entry === "numbers_taken" || line.entry === "doors_opened")
      throw new Doubt("its bytes are left out, which are everybody's");
    else this.unbroken = false;
    this.entries += 1;
    this.chain = String(line.chain);
    this.chains.push(this.chain);
    if (line.void) return;
    if (line.entry === "numbers_taken" && !this.doors) this.early.push(...line.aliases);
    if (line.entry === "doors_opened") this.#open(line);
  }

  /** @param {any} line */
  #open(line) {
    const genesis = sha256(text_bytes("usher chain 1"), epoch_bytes(this.oldest), text_bytes(line.genesis));
    if (hex_of(genesis) !== this.beginning) throw new Doubt("the chain does not begin with its genesis");
    this.doors = line;
    this.whole = this.unbroken;
  }

  /** @param {any} line */
  #link(line) {
    const bytes = any_bytes(line.bytes);
    if (hex_of(sha256(any_bytes(this.chain), bytes)) !== line.chain)
      throw new Doubt("the chain is not what its bytes make it");
    const said = line.entry === "numbers_taken" ? line.aliases.join("") : (line.secret ?? "");
    if (!line.bytes.endsWith(said)) throw new Doubt("its bytes say something else than the line does");
    this.links += 1;
  }
}

/**
 * What a published log says of a draw.
 *
 * @param {string} text the file
 * @param {string} show whose it should be
 * @param {Drawn} drawn as the house tells it
 * @param {Claims | null} claims those of the ticket in this browser, if there is one
 * @returns {Finding[]} Throws {@link Doubt} where the file cannot be true by itself.
 */
export function findings_of(text, show, drawn, claims) {
  const lines = text.split("\n").filter((line) => line !== "");
  let at = 0;
  /** @type {Story} */
  let story;
  try {
    const first = JSON.parse(lines[0] ?? "null");
    story = new Story(first);
    if (first.show?.id !== show) return [{ words: "It is the log of another show.", holds: false }];
    for (at = 1; at < lines.length; at += 1) story.read(JSON.parse(lines[at]));
  } catch (fault) {
    throw new Doubt(`Line ${at + 1}: ${fault instanceof Doubt ? fault.message : "it cannot be read"}.`);
  }
  const { doors, early } = story;
  const opened = doors && doors.seq === drawn.head.seq && doors.chain === drawn.head.chain;
  const count = (/** @type {number} */ number) => number.toLocaleString("en");
  return [
    { words: `${count(story.entries)} entries; ${count(story.links)} links of the chain worked out again.` },
    {
      words: "The doors opened with the entry, and the head, that the house tells.",
      holds: Boolean(opened) && bytes_of(drawn.secret) !== null && doors.secret === drawn.secret,
    },
    story.whole
      ? {
          words: "From its beginning to the doors every link of the chain was worked out again.",
          holds: true,
        }
      : { words: IN_BETWEEN },
    {
      words: `${count(early.length)} came before the doors opened, and among so many it was drawn.`,
      holds: early.length === drawn.count,
    },
    ...(claims?.show === show ? own_findings(story, show, claims) : []),
  ];
}

/** @param {Story} story @param {string} show @param {Claims} claims @returns {Finding[]} */
function own_findings({ chains, early }, show, { session, early: is_early, number, head }) {
  const arrival = early.indexOf(alias_of(show, session)) + 1;
  return [
    {
      words: `The head on your ticket (entry ${head.seq.toLocaleString("en")}) is in this log.`,
      holds: chains[head.seq] === head.chain,
    },
    ...(arrival > 0
      ? [
          {
            words: `In this log you came as number ${arrival.toLocaleString("en")}.`,
            ...(is_early ? { holds: number === arrival } : {}),
          },
        ]
      : []),
  ];
}
