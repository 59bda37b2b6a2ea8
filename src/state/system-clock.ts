// The process's own time.

import { performance } from 'node:perf_hooks';
import type { Clock } from '../turn/env.ts';

/** The monotonic and the wall clock of this machine. */
export const systemClock: Clock = Object.freeze({
  now: () => performance.now(),
  wallTime: () => Date.now(),
});
