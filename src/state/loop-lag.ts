// How late an event loop is: how long after its time a timer was called. Knows no timers: whoever makes it calls tick().

import { Histogram, LAG_BOUNDS } from '../turn/histogram.ts';

/** Watches one loop by a timer that runs anyway. */
export class LoopLag {
  /** Seconds. */
  readonly lag = new Histogram(LAG_BOUNDS);
  readonly #interval: number;
  readonly #now: () => number;
  #last: number;

  /** @param interval of the timer, in milliseconds; @param now monotonic milliseconds */
  constructor(interval: number, now: () => number) {
    this.#interval = interval;
    this.#now = now;
    this.#last = now();
  }

  /** The timer was called. */
  tick(): void {
    const now = this.#now();
    this.lag.observe(Math.max(0, now - this.#last - this.#interval) / 1000);
    this.#last = now;
  }
}
