// Watches the memory of a server from its main process, and says in the log when it is short.

import type { Config } from '../config/config.ts';
import { MemoryGauge } from '../limits/memory-gauge.ts';
import { type MemoryFlag, type MemoryUse, MemoryWatch } from '../limits/memory-watch.ts';
import type { Logger } from '../log/logger.ts';
import { residentBytes } from '../state/resident-memory.ts';

const TICK_MS = 1000;
const MIBIBYTE = 1_048_576;

/** What is watched. */
export interface MemorySetupParts {
  readonly logger: Logger;
  readonly flag: MemoryFlag;
  /** The processes of the server now. */
  readonly pids: () => readonly number[];
  /** As it is in effect. */
  readonly limits: () => Config['limits'];
}

/** Starts to watch. Returns how to stop. */
export function watchMemory({ logger, flag, pids, limits }: MemorySetupParts): () => void {
  const gauge = new MemoryGauge(pids, residentBytes);
  const watch = new MemoryWatch(flag, () => gauge.use(limits().memory), {
    short: (use) =>
      logger.warn(
        { event: 'memory-short', ...use },
        `${describe(use)}: new allocations (508) and connections are refused, calls go on`,
      ),
    enough: (use) => logger.info({ event: 'memory-enough', ...use }, 'there is memory again: new allocations are made'),
  });
  watch.tick();
  const timer = setInterval(() => watch.tick(), TICK_MS);
  return () => clearInterval(timer);
}

function describe({ used, limit }: MemoryUse): string {
  return `${Math.ceil(used / MIBIBYTE)} MiB of memory are in use, and ${Math.floor(limit / MIBIBYTE)} MiB may be`;
}
