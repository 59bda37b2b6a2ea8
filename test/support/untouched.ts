// "Nothing happened": what a refused request must leave behind.

import type { Lab } from './lab.ts';

/** What the server holds: all zero when nothing has happened. */
export function holdings(lab: Lab): Record<string, number> {
  return {
    allocations: lab.engine.allocations.size,
    relaySockets: lab.relays.sockets.size,
    quota: lab.quota.total,
  };
}

export const NOTHING: Record<string, number> = { allocations: 0, relaySockets: 0, quota: 0 };
