/**
 * SHA-256 (FIPS 180-4), in the page's own words: browsers have it as `crypto.subtle`, but only where
 * the page came over TLS, and a draw is to be checked anywhere. Pure; whole messages only.
 */

/** The first 32 bits of the fractional parts of the roots of the first primes: of 64 cube roots the
 *  rounds' constants, of 8 square roots the first state. Computed, so that nobody has to compare 72
 *  numbers: the roots of small primes are exact enough in doubles. */
const [ROUNDS, FIRST] = constants();

function constants() {
  const [cubes, squares] = [new Uint32Array(64), new Uint32Array(8)];
  for (let prime = 2, found = 0; found < 64; prime += 1) {
    let divisor = 2;
    while (prime % divisor !== 0) divisor += 1;
    if (divisor < prime) continue;
    if (found < 8) squares[found] = (prime ** (1 / 2) % 1) * 2 ** 32;
    cubes[found] = (Math.cbrt(prime) % 1) * 2 ** 32;
    found += 1;
  }
  return [cubes, squares];
}

/** @param {number} word @param {number} by */
const turned = (word, by) => (word >>> by) | (word << (32 - by));

/** Mixes one block of 64 bytes into the state. @param {Uint32Array} state @param {DataView} message
 *  @param {number} at @param {Uint32Array} words room for 64 */
function mix(state, message, at, words) {
  for (let i = 0; i < 16; i += 1) words[i] = message.getUint32(at + i * 4);
  for (let i = 16; i < 64; i += 1) {
    const [early, late] = [words[i - 15], words[i - 2]];
    const s0 = turned(early, 7) ^ turned(early, 18) ^ (early >>> 3);
    const s1 = turned(late, 17) ^ turned(late, 19) ^ (late >>> 10);
    words[i] = words[i - 16] + s0 + words[i - 7] + s1;
  }
  let [a, b, c, d, e, f, g, h] = state;
  for (let i = 0; i < 64; i += 1) {
    const s1 = turned(e, 6) ^ turned(e, 11) ^ turned(e, 25);
    const one = (h + s1 + ((e & f) ^ (~e & g)) + ROUNDS[i] + words[i]) | 0;
    const s0 = turned(a, 2) ^ turned(a, 13) ^ turned(a, 22);
    const two = (s0 + ((a & b) ^ (a & c) ^ (b & c))) | 0;
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + one) | 0, c, b, a, (one + two) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => (state[i] += word));
}

/** The hash of all parts, one after the other. @param {...Uint8Array} parts @returns {Uint8Array} */
export function sha256(...parts) {
  const length = parts.reduce((sum, part) => sum + part.length, 0);
  // The message, one bit, nothing up to a block's end, and there the message's length in bits.
  const padded = new Uint8Array(Math.ceil((length + 9) / 64) * 64);
  let at = 0;
  for (const part of parts) {
    padded.set(part, at);
    at += part.length;
  }
  padded[length] = 0x80;
  const message = new DataView(padded.buffer);
  message.setUint32(padded.length - 8, Math.floor(length / 2 ** 29));
  message.setUint32(padded.length - 4, length * 8);
  const state = FIRST.slice();
  const words = new Uint32Array(64);
  for (let block = 0; block < padded.length; block += 64) mix(state, message, block, words);
  const hash = new DataView(new ArrayBuffer(32));
  state.forEach((word, i) => hash.setUint32(i * 4, word));
  return new Uint8Array(hash.buffer);
}
