// Time that passes when a test says so, for src/client/.

import type { Timers } from '../../src/client/timers.ts';

interface Entry {
  readonly at: number;
  readonly act: () => void;
}

/** Timers under control. */
export class VirtualTimers implements Timers {
  #now = 0;
  readonly #entries = new Set<Entry>();

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, act: () => void): () => void {
    const entry = { at: this.#now + milliseconds, act };
    this.#entries.add(entry);
    return () => this.#entries.delete(entry);
  }

  /** How many are waiting. */
  get waiting(): number {
    return this.#entries.size;
  }

  /** Lets so much time pass; what is due acts in its order, and promises settle in between. */
  async pass(milliseconds: number): Promise<void> {
    const end = this.#now + milliseconds;
    for (;;) {
      await settled();
      const [next] = [...this.#entries].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at);
      if (next === undefined) break;
      this.#entries.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.act();
    }
    this.#now = end;
  }
}

// Exchanges in memory that follow each other without a pause: more than any test has.
const ROUNDS = 12;

/** Lets every promise that can settle do so. */
export async function settled(): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) await new Promise((resolve) => setImmediate(resolve));
}
