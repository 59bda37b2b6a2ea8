// The process's own time and timers.

import { performance } from 'node:perf_hooks';
import type { Timers } from './supervisor.ts';

/** Node's timers. */
export const nodeTimers: Timers = Object.freeze({
  now: () => performance.now(),
  after: (milliseconds: number, act: () => void) => {
    const timer = setTimeout(act, milliseconds);
    return () => clearTimeout(timer);
  },
  every: (milliseconds: number, act: () => void) => {
    const timer = setInterval(act, milliseconds);
    return () => clearInterval(timer);
  },
});
