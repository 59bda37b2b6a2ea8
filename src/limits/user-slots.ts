// Gives each user with allocations a slot of the rate buckets that all processes share: exact, where a hash would let two
// users share a limit now and then. Lives where the quota is counted. Knows nothing of rates.

import { METER_BUCKETS } from '../turn/rate-meter.ts';

// Whoever ends his last allocation and makes another finds his buckets as he left them: else he could empty them anew
// with each. They are full again long before, but for a large packet on a low rate.
const LINGER_MS = 10_000;

interface Idle {
  readonly slot: number;
  /** Monotonic milliseconds. */
  readonly since: number;
}

/** The slots of a server's users. */
export class UserSlots {
  readonly #table: Float64Array;
  readonly #now: () => number;
  /** Of users who have left, the first of them first. */
  readonly #idle = new Map<string, Idle>();
  readonly #free: number[] = [];
  /** Slots from here on have never been used. */
  #next = 0;

  /**
   * @param table {@link METER_BUCKETS} numbers for each slot
   * @param now monotonic milliseconds
   */
  constructor(table: Float64Array, now: () => number) {
    this.#table = table;
    this.#now = now;
  }

  /** Gives a user, who has none, a slot. Null when all are taken by others. */
  take(user: string): number | null {
    const idle = this.#idle.get(user);
    if (idle !== undefined) {
      this.#idle.delete(user);
      return idle.slot;
    }
    const slot = this.#unused();
    if (slot !== null) this.#table.fill(0, slot * METER_BUCKETS, (slot + 1) * METER_BUCKETS);
    return slot;
  }

  /** The user holds nothing any more. */
  leave(user: string, slot: number): void {
    this.#forget(LINGER_MS);
    this.#idle.set(user, { slot, since: this.#now() });
  }

  #unused(): number | null {
    this.#forget(LINGER_MS);
    const free = this.#free.pop();
    if (free !== undefined) return free;
    if ((this.#next + 1) * METER_BUCKETS <= this.#table.length) return this.#next++;
    this.#forget(0);
    return this.#free.pop() ?? null;
  }

  // Forgets who left so many milliseconds ago or earlier.
  #forget(age: number): void {
    const before = this.#now() - age;
    for (const [user, { slot, since }] of this.#idle) {
      if (since > before) return;
      this.#idle.delete(user);
      this.#free.push(slot);
    }
  }
}
