// What lies where in the memory of the budgets that all processes of a server share: the seeds of the hashes that choose a
// bucket, and tables of numbers. Knows not where the memory comes from, nor what is counted.

import type { Random } from '../turn/env.ts';
import { METER_BUCKETS } from '../turn/rate-meter.ts';

// Few enough to stay in cache (512 KiB each), enough that a flood from random sources leaves room for everyone:
// at 100,000 a second each bucket is asked 1.5 times a second.
const BUCKETS = 65_536;

// More than the relay ports of two addresses (one of each family), so that each allocation may be another user's. Memory
// that nobody has touched costs nothing.
const USERS = 131_072;

/** Numbers in each table: powers of two. */
const TABLES = Object.freeze({
  'error-sources': BUCKETS,
  'error-networks': BUCKETS,
  'binding-sources': BUCKETS,
  'binding-networks': BUCKETS,
  'login-sources': BUCKETS,
  'login-networks': BUCKETS,
  'login-user-sources': BUCKETS,
  'login-user-networks': BUCKETS,
  'login-known': BUCKETS,
  'login-said': BUCKETS,
  'user-rates': USERS * METER_BUCKETS,
  'server-rates': METER_BUCKETS,
});

/** The name of a table. */
export type BudgetTable = keyof typeof TABLES;

const SEED_BYTES = 8;
const BUCKET_BYTES = Float64Array.BYTES_PER_ELEMENT;

/** Bytes that the budgets of a server take, a multiple of 8. */
export const BUDGET_BYTES: number =
  SEED_BYTES + BUCKET_BYTES * Object.values(TABLES).reduce((sum, buckets) => sum + buckets, 0);

/** The budgets' memory as one process sees it. */
export class BudgetMemory {
  readonly #bytes: Uint8Array;
  readonly #seeds: Uint32Array;

  /** @param bytes {@link BUDGET_BYTES} at an address that is a multiple of 8, all 0 before the first process sows them */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
    this.#seeds = new Uint32Array(bytes.buffer, bytes.byteOffset, 2);
  }

  /** Memory of one process alone. */
  static ofOneProcess(random: Random): BudgetMemory {
    const memory = new BudgetMemory(new Uint8Array(BUDGET_BYTES));
    memory.sow(random);
    return memory;
  }

  /** Chooses the seeds: once for all processes, before any of them counts. */
  sow(random: Random): void {
    const seeds = new Uint8Array(SEED_BYTES);
    random.fill(seeds);
    this.#bytes.set(seeds);
  }

  /** Secret, so that nobody can compute who shares a bucket with whom. An unsigned word. */
  get seedA(): number {
    return this.#seeds[0] as number; // of two
  }

  /** As {@link seedA}. */
  get seedB(): number {
    return this.#seeds[1] as number; // of two
  }

  /** The buckets of a table. */
  table(name: BudgetTable): Float64Array {
    let offset = SEED_BYTES;
    for (const [each, buckets] of Object.entries(TABLES)) {
      if (each === name) break;
      offset += buckets * BUCKET_BYTES;
    }
    return new Float64Array(this.#bytes.buffer, this.#bytes.byteOffset + offset, TABLES[name]);
  }
}
