// Look-ups that take time: what was found is kept for a while, and whoever asks for what is on its way waits with the
// first. Bounded in both. Knows nothing of what is looked up.

import { RecentMap } from '../auth/recent-map.ts';
import type { Awaitable } from '../turn/env.ts';

/** What was found, and for how many milliseconds it holds; 0 = not at all. */
export interface Found<V> {
  readonly value: V;
  readonly keep: number;
}

interface Kept<V> {
  readonly value: V;
  /** Monotonic milliseconds. */
  readonly until: number;
}

// Twice as many entries at most.
const GENERATION = 4096;
/** Look-ups on their way at once: each keeps a request waiting. */
const MAX_ON_THE_WAY = 1000;

/** A bounded cache in front of a slow source. */
export class LookupCache<V> {
  readonly #clock: { now(): number };
  readonly #kept = new RecentMap<string, Kept<V>>(GENERATION);
  #onTheWay = new Map<string, Promise<V>>();

  constructor(clock: { now(): number }) {
    this.#clock = clock;
  }

  /** Entries in memory. */
  get size(): number {
    return this.#kept.size;
  }

  /** The value of `key`: at once where it is known, else by `ask`; `otherwise` where that fails or too much waits. */
  find(key: string, ask: () => Promise<Found<V>>, otherwise: V): Awaitable<V> {
    const kept = this.#kept.get(key);
    if (kept !== undefined && this.#clock.now() < kept.until) return kept.value;
    const known = this.#onTheWay.get(key);
    if (known !== undefined) return known;
    if (this.#onTheWay.size >= MAX_ON_THE_WAY) return otherwise;
    const onTheWay = this.#onTheWay;
    const asked = ask().then(
      ({ value, keep }) => {
        // After a clear this is the map of another time: what was asked then is not to be kept.
        if (onTheWay === this.#onTheWay && keep > 0) this.#kept.set(key, { value, until: this.#clock.now() + keep });
        onTheWay.delete(key);
        return value;
      },
      () => {
        onTheWay.delete(key);
        return otherwise;
      },
    );
    onTheWay.set(key, asked);
    return asked;
  }

  /** Forgets everything, and what is on its way will not be kept. */
  clear(): void {
    this.#kept.clear();
    this.#onTheWay = new Map();
  }
}
