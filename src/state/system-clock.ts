// Time as the system tells it.

import { performance } from 'node:perf_hooks';
import type { Clock } from '../turn/env.ts';

// Node counts from the start of the process. Processes that share budgets have to mean the same moment by a number.
const SINCE_BOOT = Number(process.hrtime.bigint()) / 1_000_000 - performance.now();

/** The monotonic clock of this machine, the same in all of its processes, and its wall clock. */
export const systemClock: Clock = Object.freeze({
  now: () => performance.now() + SINCE_BOOT,
  wallTime: () => Date.now(),
});
