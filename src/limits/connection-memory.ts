// What lies where in the memory in which the processes of a server count connections: two secret seeds, then a row per
// process. Only its process writes a row, so what a dead one counted is known, and forgotten when its successor begins.

import type { AddressWords } from '../stun/ip-address.ts';
import type { Random } from '../turn/env.ts';

/** Counters in each of the two halves of a row: a power of two. Ten crowds in one server share both of somebody's once in a million. */
const CELLS = 16_384;
const ROW = 1 + 2 * CELLS;
const SEEDS = 2;
const WORD = Int32Array.BYTES_PER_ELEMENT;

/** The memory as one process sees it: a count-min sketch, so counts are never too low. */
export class ConnectionMemory {
  readonly #words: Int32Array;
  readonly #rows: number;

  /** @param bytes {@link ConnectionMemory.byteLength} at an address that is a multiple of 4, all 0 before {@link sow} */
  constructor(bytes: Uint8Array) {
    this.#words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length / WORD);
    this.#rows = Math.floor((this.#words.length - SEEDS) / ROW);
  }

  /** Bytes for so many processes: a multiple of 8. */
  static byteLength(processes: number): number {
    return Math.ceil(((SEEDS + processes * ROW) * WORD) / 8) * 8;
  }

  /** Chooses the seeds: once for all processes, before any of them counts. */
  sow(random: Random): void {
    const seeds = new Uint8Array(SEEDS * WORD);
    random.fill(seeds);
    new Uint8Array(this.#words.buffer, this.#words.byteOffset, seeds.length).set(seeds);
  }

  /** Forgets what the process of this row counted. */
  reset(row: number): void {
    this.#words.fill(0, SEEDS + row * ROW, SEEDS + (row + 1) * ROW);
  }

  /** Counts one connection of a client more, or less, in a row. */
  add(row: number, client: AddressWords, change: 1 | -1): void {
    const at = SEEDS + row * ROW;
    Atomics.add(this.#words, at, change);
    Atomics.add(this.#words, at + 1 + this.#cell(client, 0), change);
    Atomics.add(this.#words, at + 1 + CELLS + this.#cell(client, 1), change);
  }

  /** Connections of one row. */
  of(row: number): number {
    return Atomics.load(this.#words, SEEDS + row * ROW);
  }

  /** Connections of all processes. */
  total(): number {
    return this.#sum(0);
  }

  /** Connections of a client in all processes: all of them, and those of whoever happens to share both counters. */
  ofClient(client: AddressWords): number {
    return Math.min(this.#sum(1 + this.#cell(client, 0)), this.#sum(1 + CELLS + this.#cell(client, 1)));
  }

  #sum(offset: number): number {
    let sum = 0;
    for (let row = 0; row < this.#rows; row++) sum += Atomics.load(this.#words, SEEDS + row * ROW + offset);
    return sum;
  }

  // Whoever has one address of an IPv6 /64 has all of it. With secret seeds nobody can aim at another's counters.
  #cell(client: AddressWords, seed: 0 | 1): number {
    const isIpv4 = client.family === 4 || (client.w0 === 0 && client.w1 === 0 && client.w2 === 0xffff);
    const start = this.#words[seed] as number; // of two
    return mix(mix(start, isIpv4 ? 4 : client.w0), isIpv4 ? client.w3 : client.w1) & (CELLS - 1);
  }
}

// A round of MurmurHash3's finalizer.
function mix(hash: number, word: number): number {
  let mixed = hash ^ word;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85ebca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35);
  return mixed ^ (mixed >>> 16);
}
