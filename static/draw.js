/**
 * The draw at the doors: who came early is given a number by a permutation nobody could know before,
 * and anyone can work out after. Pure arithmetic; it asks nobody and believes nobody.
 *
 * The rule: the seed is SHA-256 over the secret and the chain of the log's head at the opening, 32
 * bytes each. Arrival `a` starts at place `a - 1` and goes through 90 rounds of "swap or not". In
 * each, the pivot is the first 8 bytes, little endian, of SHA-256 over the seed and the round's
 * number (one byte), modulo the count; the place's mirror image is `pivot - place`, modulo the
 * count; and it changes places with it where the bit of the larger of both is 1: bit `larger % 256`,
 * least significant first, of SHA-256 over the seed, the round's number and `larger / 256` (8 bytes,
 * little endian). The number is the last place, plus 1.
 */
import { sha256 } from "./sha256.js";

/** How many rounds the permutation has. */
export const ROUNDS = 90;

/** A draw as it is published: what the doors opened with, and how many had come before. Hexadecimal.
 *  @typedef {{secret:string, head:{chain:string}, count:number}} Drawn */

/** @param {string} hex @returns {Uint8Array | null} null where it is not 32 bytes */
export function bytes_of(hex) {
  if (!/^[0-9a-f]{64}$/i.test(hex)) return null;
  return Uint8Array.from(hex.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** @param {Uint8Array} bytes */
export function hex_of(bytes) {
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** What is published of a secret beforehand: its SHA-256. Null where it is no secret.
 *  @param {string} secret */
export function commitment_of(secret) {
  const bytes = bytes_of(secret);
  return bytes && hex_of(sha256(bytes));
}

/** What the permutation is made from; null where the draw is not one. @param {Drawn} drawn */
export function seed_of({ secret, head }) {
  const [from, chain] = [bytes_of(secret), bytes_of(head.chain)];
  return from && chain && sha256(from, chain);
}

/** The number that was drawn for an arrival; null where nobody arrived as that, or it is no draw.
 *  @param {Drawn} drawn @param {number} arrival */
export function number_of(drawn, arrival) {
  const place = way_of(drawn, arrival)?.at(-1);
  return place === undefined ? null : place + 1;
}

/** The places an arrival goes through, counted from 0: where it starts, and where each round leaves it.
 *  @param {Drawn} drawn @param {number} arrival @returns {number[] | null} */
export function way_of(drawn, arrival) {
  const seed = seed_of(drawn);
  const { count } = drawn;
  const came = Number.isSafeInteger(arrival) && arrival >= 1 && arrival <= count;
  if (!seed || !came || !Number.isSafeInteger(count)) return null;
  const places = [arrival - 1];
  for (let round = 0; count > 1 && round < ROUNDS; round += 1)
    places.push(step(seed, round, count, places[round]));
  return places;
}

/** One round. @param {Uint8Array} seed @param {number} round @param {number} count
 *  @param {number} place */
function step(seed, round, count, place) {
  const hash = sha256(seed, Uint8Array.of(round));
  const pivot = Number(new DataView(hash.buffer).getBigUint64(0, true) % BigInt(count));
  // Not `pivot + count - place`: two large counts would leave the numbers that are exact.
  const mirror = pivot >= place ? pivot - place : pivot - place + count;
  const larger = Math.max(place, mirror);
  const block = new DataView(new ArrayBuffer(8));
  block.setBigUint64(0, BigInt(Math.floor(larger / 256)), true);
  const bits = sha256(seed, Uint8Array.of(round), new Uint8Array(block.buffer));
  const bit = larger % 256;
  return (bits[bit >> 3] >> (bit & 7)) & 1 ? mirror : place;
}
