// Runs `turnctl check` in this process, and takes out of its output what differs from run to run.

import { Command, CommanderError } from 'commander';
import type { CommandSurroundings } from '../../src/cli/check/surroundings.ts';
import { addCheckCommands } from '../../src/cli/check-command.ts';
import { ExitStatus } from '../../src/cli/terminal-io.ts';
import { systemNames } from '../../src/client/names.ts';
import { systemTimers } from '../../src/client/timers.ts';
import { systemFileReader } from '../../src/config/file-reader.ts';
import { fakeIo } from './command-io.ts';

/** What a run may be told beside its arguments. */
export interface CheckRunOptions extends Partial<CommandSurroundings> {
  readonly env?: Readonly<Record<string, string>>;
}

/** What a run left behind. */
export interface CheckRun {
  readonly status: ExitStatus;
  readonly out: string;
  readonly err: string;
}

/** Runs `turnctl check` with these arguments. */
export async function runCheck(argv: readonly string[], options: CheckRunOptions = {}): Promise<CheckRun> {
  const { env = {}, ...surroundings } = options;
  const io = { ...fakeIo({ env, cwd: '/' }), reader: systemFileReader };
  const program = new Command('turnctl').exitOverride().configureOutput({ writeOut: io.out, writeErr: io.err });
  let status: ExitStatus = ExitStatus.ok;
  const around: CommandSurroundings = {
    names: systemNames(1000),
    timers: systemTimers,
    wallTime: Date.now,
    isTerminal: false,
    interruption: () => AbortSignal.abort(),
    ...surroundings,
  };
  addCheckCommands(
    program,
    io,
    (result) => {
      status = result;
    },
    () => around,
  );
  try {
    await program.parseAsync(['check', ...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    status = error.exitCode === 0 ? ExitStatus.ok : ExitStatus.invalid;
  }
  return { status, out: io.printed.join(''), err: io.refused.join('') };
}

/** Times, ports and numbers of a run replaced: `rtt 0.3/0.4/0.9 ms` becomes `rtt #/#/# ms`, a port `PORT`. */
export function normalised(text: string): string {
  return text
    .replace(/\d+(\.\d+)?(?=(\/\d+(\.\d+)?)* ms)/g, '#')
    .replace(/"(ms|rttMs|minMs|averageMs|maxMs)": [\d.]+/g, '"$1": "#"')
    .replace(/((?:\d+\.){3}\d+|localhost):\d+/g, '$1:PORT')
    .replace(/(\[[0-9a-f:]+\]):\d+/g, '$1:PORT')
    .replace(/\b(UDP|TCP) (?:port )?\d{4,5}\b/g, '$1 PORT');
}
