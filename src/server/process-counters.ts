// What a process counts of itself, as counter trees: processor time and loop lag, which add up over processes, and what is
// so only now (below `now`), which ends with the process.

import type { LoopLag } from '../state/loop-lag.ts';
import { residentBytes } from '../state/resident-memory.ts';
import { type CounterTree, readCounters } from '../workers/counter-tree.ts';

/** What is so only now. */
export interface Moment {
  /** Live allocations by transport. */
  readonly allocations: Readonly<Record<string, number>>;
  /** TCP and TLS connections. */
  readonly connections: number;
}

/** Reads this process, and counters beside. */
export function readProcess(lag: LoopLag, moment: Moment | null, counters: object = {}): CounterTree {
  const { user, system } = process.cpuUsage();
  return readCounters({
    ...counters,
    loop: lag,
    process: { cpuSeconds: (user + system) / 1_000_000 },
    now: { ...moment, residentBytes: residentBytes() },
  });
}
