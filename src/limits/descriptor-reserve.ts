// Keeps the last file descriptors of a process free: for connections that are accepted only to be closed, for files and
// for look-ups. A process without any cannot even turn a client away; on Node 20 it may turn round in accept() for ever,
// when another thread has taken the one that libuv keeps for this. Knows nothing of what descriptors are for.

import { closeSync, openSync, readFileSync } from 'node:fs';

/** Descriptors that are kept free; an eighth of a small limit. */
const RESERVE = 16;

/** One per process. */
export class DescriptorReserve {
  /** Numbers from here on are kept free: the kernel always gives the lowest one. */
  readonly #ceiling: number;

  /** @param limits `/proc/self/limits`; where there is none, nothing is kept */
  constructor(limits: string = readLimits()) {
    const limit = Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? Number.NaN);
    this.#ceiling = Number.isNaN(limit) ? Number.POSITIVE_INFINITY : limit - Math.min(RESERVE, limit >> 3);
  }

  /** Whether no more than the reserve is left. Opens and closes a descriptor to know. */
  readonly isShort = (): boolean => {
    if (this.#ceiling === Number.POSITIVE_INFINITY) return false;
    try {
      const lowest = openSync('/', 'r');
      closeSync(lowest);
      return lowest >= this.#ceiling;
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      return code === 'EMFILE' || code === 'ENFILE';
    }
  };
}

function readLimits(): string {
  try {
    return readFileSync('/proc/self/limits', 'latin1');
  } catch {
    return '';
  }
}
