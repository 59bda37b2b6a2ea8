// The pool of relay ports of one address, as a bitset, and the fair draw from several pools.
// Owns which ports are marked as taken; whether a port can be bound is for the caller to find out.

import { PortRequest, type Random } from '../turn/env.ts';

const WORD_BITS = 32;
const EVEN_BITS = 0x55555555;

/** A port that was drawn and is marked in its pool; for {@link PortRequest.EVEN_AND_NEXT} port + 1 is marked too. */
export interface PortDraw {
  readonly pool: RelayPorts;
  readonly port: number;
}

/** Which ports of a range are taken. */
export class RelayPorts {
  readonly minPort: number;
  readonly maxPort: number;
  /** How many ports are not taken. */
  free: number;
  /** The port of bit 0. A multiple of 32, so that an even port and its successor share a word. */
  readonly #base: number;
  /** A set bit is a port that can be had; bits outside the range are never set. */
  readonly #words: Uint32Array;

  /** The range includes both ends. */
  constructor(minPort: number, maxPort: number) {
    this.minPort = minPort;
    this.maxPort = maxPort;
    this.free = 0;
    this.#base = minPort - (minPort % WORD_BITS);
    this.#words = new Uint32Array(Math.floor((maxPort - this.#base) / WORD_BITS) + 1);
    for (let port = minPort; port <= maxPort; port++) this.#setFree(port);
  }

  /** How many draws of this kind are possible now. */
  candidates(request: PortRequest): number {
    let count = 0;
    for (let index = 0; index < this.#words.length; index++) count += countBits(this.#candidatesAt(index, request));
    return count;
  }

  /**
   * Marks the `nth` candidate in port order (and its successor for a pair).
   * @returns its port; -1 when there are not that many
   */
  take(request: PortRequest, nth: number): number {
    let skip = nth;
    for (let index = 0; index < this.#words.length; index++) {
      const mask = this.#candidatesAt(index, request);
      const count = countBits(mask);
      if (skip >= count) {
        skip -= count;
        continue;
      }
      const port = this.#base + index * WORD_BITS + nthBit(mask, skip);
      this.#setTaken(port);
      if (request === PortRequest.EVEN_AND_NEXT) this.#setTaken(port + 1);
      return port;
    }
    return -1;
  }

  /** Gives one port back; a pair is given back port by port. A port that is not taken stays as it is. */
  release(port: number): void {
    if (port < this.minPort || port > this.maxPort || this.#isFree(port)) return;
    this.#setFree(port);
  }

  #candidatesAt(index: number, request: PortRequest): number {
    const free = this.#words[index] ?? 0;
    if (request === PortRequest.ANY) return free;
    return request === PortRequest.EVEN ? free & EVEN_BITS : free & (free >>> 1) & EVEN_BITS;
  }

  #isFree(port: number): boolean {
    const bit = port - this.#base;
    return (((this.#words[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
  }

  #setFree(port: number): void {
    const bit = port - this.#base;
    this.#words[bit >>> 5] = (this.#words[bit >>> 5] ?? 0) | (1 << (bit & 31));
    this.free++;
  }

  #setTaken(port: number): void {
    const bit = port - this.#base;
    this.#words[bit >>> 5] = (this.#words[bit >>> 5] ?? 0) & ~(1 << (bit & 31));
    this.free--;
  }
}

/**
 * Draws a port from the pools: every port that fits the request is equally likely, however the free ones lie
 * (RFC 6056 §3.3.1; RFC 8656 §7.2 asks for random ports). A guess with linear search would favour ports behind busy runs.
 * @returns null when none fits
 */
export function drawPort(pools: readonly RelayPorts[], request: PortRequest, random: Random): PortDraw | null {
  let total = 0;
  for (const pool of pools) total += pool.candidates(request);
  if (total === 0) return null;
  let nth = randomBelow(random, total);
  for (const pool of pools) {
    const count = pool.candidates(request);
    if (nth < count) return { pool, port: pool.take(request, nth) };
    nth -= count;
  }
  return null;
}

/** A uniform integer in [0, bound), for a bound up to 2^32. */
function randomBelow(random: Random, bound: number): number {
  const word = new Uint32Array(1);
  const bytes = new Uint8Array(word.buffer);
  // The last, incomplete multiple of the bound would make small results likelier: draw again.
  const limit = 0x1_0000_0000 - (0x1_0000_0000 % bound);
  for (;;) {
    random.fill(bytes);
    const value = word[0] ?? 0;
    if (value < limit) return value % bound;
  }
}

function countBits(word: number): number {
  let count = word - ((word >>> 1) & EVEN_BITS);
  count = (count & 0x33333333) + ((count >>> 2) & 0x33333333);
  count = (count + (count >>> 4)) & 0x0f0f0f0f;
  return Math.imul(count, 0x01010101) >>> 24;
}

/** The position of the set bit that has `nth` set bits below it. */
function nthBit(word: number, nth: number): number {
  let rest = word;
  for (let skipped = 0; skipped < nth; skipped++) rest &= rest - 1;
  return 31 - Math.clz32(rest & -rest);
}
