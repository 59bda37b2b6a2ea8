// The monotonic clock as the packet path needs it: asking the system for the time puts a number on the heap (16 bytes,
// for every packet), so a reading is kept for a short while. Knows no timers: whoever makes it calls sample().

import type { Clock } from '../turn/env.ts';

/** How often to call {@link SampledClock.sample}, in milliseconds: nothing of the protocol lasts less than 20 s. */
export const SAMPLE_MS = 100;

/** Another clock's time, as old as the last sample. */
export class SampledClock implements Clock {
  readonly #source: Clock;
  #now: number;

  constructor(source: Clock) {
    this.#source = source;
    this.#now = source.now();
  }

  /** Monotonic milliseconds, at the last sample. Allocates nothing. */
  now(): number {
    return this.#now;
  }

  /** The source's own: it is asked for on the request path only. */
  wallTime(): number {
    return this.#source.wallTime();
  }

  /** Takes a new reading. */
  sample(): void {
    this.#now = this.#source.now();
  }
}
