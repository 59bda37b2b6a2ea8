// The process as `turnctl check` uses it: names, time, the terminal and Ctrl-C.

import { systemNames } from '../../client/names.ts';
import { systemTimers } from '../../client/timers.ts';
import type { CheckSurroundings } from './options.ts';

/** What the command needs beyond a check. */
export interface CommandSurroundings extends CheckSurroundings {
  /** Whether colours are welcome. */
  readonly isTerminal: boolean;
  /** Aborted by Ctrl-C from now on. */
  interruption(): AbortSignal;
}

const DNS_TIMEOUT_MS = 2000;

/** The real ones. */
export function systemSurroundings(): CommandSurroundings {
  return {
    names: systemNames(DNS_TIMEOUT_MS),
    timers: systemTimers,
    wallTime: Date.now,
    isTerminal: process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
    interruption: () => {
      const controller = new AbortController();
      process.once('SIGINT', () => controller.abort());
      process.once('SIGTERM', () => controller.abort());
      return controller.signal;
    },
  };
}
