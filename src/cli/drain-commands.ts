// Owns `turnctl drain` and `turnctl undrain`: taking turnd out of service without dropping anyone.

import { setTimeout as pause } from 'node:timers/promises';
import type { Command } from 'commander';
import { AdminError } from '../control/administration.ts';
import type { ControlClient } from '../control/control-client.ts';
import type { DrainStatus, ServerStatus } from '../control/server-control.ts';
import { type DaemonFlags, isDown, openDaemon, withDaemonFlags } from './context.ts';
import { DURATION_FORM, formatMoment, parseDuration } from './durations.ts';
import { type OutputFlags, print } from './output.ts';
import { type Finish, runCommand } from './run-command.ts';
import type { CommandIo, ExitStatus } from './terminal-io.ts';
import { UsageError } from './usage-error.ts';

/** How often it is asked how far the drain has come. */
const LOOK_MS = 500;
/** Answers on end that may fail. */
const MOST_FAILURES = 3;
const MAX_THRESHOLD = 1_000_000;

interface DrainFlags extends OutputFlags {
  readonly socket?: string;
  readonly config?: string;
  /** Of the drain, not of the question. */
  readonly timeout?: string;
  readonly threshold?: string;
  readonly stay?: boolean;
  readonly wait?: boolean;
}

/** Adds the commands to the program; `finish` receives the exit status. */
export function addDrainCommands(program: Command, io: CommandIo, finish: Finish): void {
  program
    .command('drain')
    .description('refuse new allocations, let those that live go on, and stop turnd when they have ended')
    .option('--timeout <time>', 'stop after this time, whatever still lives; else there is no such time')
    .option('--threshold <number>', 'stop when so few allocations are left (drain.threshold)')
    .option('--stay', 'do not stop: refuse until "turnctl undrain"')
    .option('--wait', 'wait until it is done')
    .option('--socket <path>', "turnd's control socket")
    .option('--config <file>', "turnd's configuration file")
    .option('--json', 'print one JSON document')
    .option('--quiet', 'print only what scripts need')
    .action((flags: DrainFlags) => runCommand(io, finish, () => drain(flags, io)));
  withDaemonFlags(program.command('undrain').description('make allocations again')).action((flags: DaemonFlags) =>
    runCommand(io, finish, () => undrain(flags, io)),
  );
}

async function drain({ timeout, threshold, stay, wait, ...flags }: DrainFlags, io: CommandIo): Promise<ExitStatus> {
  const wish = {
    timeout: timeout === undefined ? null : secondsOf(timeout),
    threshold: threshold === undefined ? null : countOf(threshold),
    stays: stay === true,
  };
  const daemon = await openDaemon(flags, io);
  const begun = await daemon.drain(wish);
  const last = wait === true ? await untilDone(daemon, begun) : begun;
  return print({ json: last, text: describeDrain(last), quiet: [String(last.allocations)] }, flags, io);
}

async function undrain(flags: DaemonFlags, io: CommandIo): Promise<ExitStatus> {
  await (await openDaemon(flags, io)).undrain();
  return print({ json: { draining: false }, text: 'allocations are made again' }, flags, io);
}

/** How far a drain has come, in a sentence. */
export function describeDrain({ allocations, until, isDone, stays }: DrainStatus): string {
  const left = `${allocations} allocation${allocations === 1 ? '' : 's'}`;
  if (isDone) return stays ? `drained: ${left} left` : `drained: ${left} left, and turnd stops`;
  const end = until === null ? '' : `, at ${formatMoment(until)} at the latest`;
  return `draining: ${left} left${stays ? '' : `; turnd stops when they have ended${end}`}`;
}

// A turnd that has stopped meanwhile is one that was drained.
async function untilDone(daemon: ControlClient, begun: DrainStatus): Promise<DrainStatus> {
  let last = begun;
  let failures = 0;
  while (!last.isDone) {
    await pause(LOOK_MS);
    const answer = await daemon.status().catch((error: unknown) => error);
    if (isDown(answer)) return { ...last, allocations: 0, isDone: true };
    if (answer instanceof Error) {
      // One that ends just now breaks off in the middle of its answer.
      if (++failures === MOST_FAILURES) throw answer;
      continue;
    }
    failures = 0;
    const { drain: now } = answer as ServerStatus;
    if (now === null) throw new AdminError('conflict', 'the drain was taken back: allocations are made again');
    last = now;
  }
  return last;
}

function secondsOf(text: string): number {
  const seconds = parseDuration(text);
  if (seconds === null) throw new UsageError(`--timeout: expected ${DURATION_FORM}`);
  return seconds;
}

function countOf(text: string): number {
  const count = /^\d{1,7}$/.test(text) ? Number(text) : Number.NaN;
  if (count <= MAX_THRESHOLD) return count;
  throw new UsageError(`--threshold: expected a number from 0 to ${MAX_THRESHOLD}`);
}
