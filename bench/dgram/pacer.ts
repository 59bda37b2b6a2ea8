// Calls a function at a steady rate from a loop that never sleeps, so that receiving goes on in between.

import { performance } from 'node:perf_hooks';
import type { Histogram } from '../histogram.ts';

/** After this many calls in a row the loop looks for incoming packets, however late it is. */
const MAX_PER_TURN = 32;

/**
 * Calls `send(n)` for n = 0, 1, 2… at `rate` per second for `seconds`. What is late is made up for; what is still due
 * at the end is left out. Records how late each call was in `lateness`, in nanoseconds. Resolves to the seconds it took.
 */
export function pace(rate: number, seconds: number, lateness: Histogram, send: (n: number) => void): Promise<number> {
  const total = Math.round(rate * seconds);
  const interval = 1000 / rate;
  const start = performance.now();
  let count = 0;
  return new Promise((resolve) => {
    const turn = (): void => {
      const elapsed = performance.now() - start;
      const due = Math.min(total, Math.floor(elapsed / interval) + 1, count + MAX_PER_TURN);
      for (; count < due; count++) {
        lateness.record((elapsed - count * interval) * 1e6);
        send(count);
      }
      if (count < total && elapsed < seconds * 1000) setImmediate(turn);
      else resolve((performance.now() - start) / 1000);
    };
    turn();
  });
}
