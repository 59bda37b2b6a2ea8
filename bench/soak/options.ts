// The command line of the soak, parsed and checked. Knows no servers and no load.

import { parseArgs } from 'node:util';
import { MIN_PAYLOAD } from '../packet-stamp.ts';
import { type ServerChoice, spawnedServer } from '../server-choice.ts';
import { UsageError } from '../usage-error.ts';

/** What a soak does. */
export interface SoakOptions {
  readonly server: ServerChoice;
  readonly minutes: number;
  /** Packets per second over the core of long-lived allocations, half of them each way. */
  readonly rate: number;
  readonly clients: number;
  readonly payload: number;
  /** Allocations per second that come and go. */
  readonly churn: number;
  /** Seconds that they last when nobody ends them. */
  readonly lifetime: number;
  /** How many times as often as it must be the core is refreshed. */
  readonly renewals: number;
  /** Seconds between two lines. */
  readonly every: number;
}

const FLAGS = {
  spawn: { type: 'string', default: 'turnd' },
  minutes: { type: 'string', default: '10' },
  rate: { type: 'string', default: '10000' },
  clients: { type: 'string', default: '50' },
  payload: { type: 'string', default: '1000' },
  churn: { type: 'string', default: '20' },
  lifetime: { type: 'string', default: '20' },
  renewals: { type: 'string', default: '1' },
  every: { type: 'string', default: '10' },
} as const;

/** Reads the arguments. @throws UsageError */
export function parseSoakOptions(args: readonly string[]): SoakOptions {
  const values = readFlags(args);
  const number = (flag: keyof typeof FLAGS, min: number, max: number): number => {
    const value = Number(values[flag]);
    if (values[flag].trim() !== '' && value >= min && value <= max) return value;
    throw new UsageError(`--${flag} ${values[flag]}: must be a number from ${min} to ${max}`);
  };
  return {
    server: spawnedServer(values.spawn),
    minutes: number('minutes', 0.01, 100_000),
    rate: number('rate', 1, 1_000_000),
    clients: Math.floor(number('clients', 1, 10_000)),
    payload: Math.floor(number('payload', MIN_PAYLOAD, 9000)),
    churn: number('churn', 0, 1000),
    lifetime: Math.floor(number('lifetime', 1, 3600)),
    renewals: number('renewals', 0, 1000),
    every: number('every', 0.5, 3600),
  };
}

function readFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}
