// Owns time as the client uses it, so that a test can own it instead.

import { performance } from 'node:perf_hooks';

/** Monotonic time and timers. */
export interface Timers {
  /** Milliseconds from an arbitrary origin. */
  now(): number;
  /** Calls `act` after so many milliseconds; returns what cancels it. */
  after(milliseconds: number, act: () => void): () => void;
}

/** Node's own. */
export const systemTimers: Timers = Object.freeze({
  now: () => performance.now(),
  after: (milliseconds: number, act: () => void) => {
    const timer = setTimeout(act, milliseconds);
    return () => clearTimeout(timer);
  },
});
