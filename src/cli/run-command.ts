// Owns how a command ends: which exit status a refusal has, and how it is told.

import { AdminError } from '../control/administration.ts';
import { UnreachableError } from '../control/control-transport.ts';
import { StoreError } from '../errors.ts';
import { escapeText } from '../escape-text.ts';
import { type OpenAdministration, openAdministration, type StoreFlags } from './context.ts';
import { type OutputFlags, remark } from './output.ts';
import { type CommandIo, ExitStatus, QuestionCancelled } from './terminal-io.ts';
import { UsageError } from './usage-error.ts';

/** Takes the exit status of a command. */
export type Finish = (status: ExitStatus) => void;

/** Runs the action of a command; refusals become a line on standard error and an exit status. */
export async function runCommand(io: CommandIo, finish: Finish, action: () => Promise<ExitStatus>): Promise<void> {
  try {
    finish(await action());
  } catch (error) {
    const status = statusOf(error);
    if (status === null) throw error;
    const lines = (error as Error).message.split('\n');
    for (const line of lines) io.err(`turnctl: ${escapeText(line)}\n`);
    finish(status);
  }
}

/** Runs an action on whoever administers, and lets go of it. */
export function runOnStore(
  context: { readonly io: CommandIo; readonly finish: Finish; readonly flags: StoreFlags },
  action: (administration: OpenAdministration['administration']) => Promise<ExitStatus>,
): Promise<void> {
  const { io, finish, flags } = context;
  return runCommand(io, finish, async () => {
    const { administration, close } = await openAdministration(flags, io);
    try {
      return await action(administration);
    } finally {
      await close();
    }
  });
}

/** Flags of commands that take something away. */
export interface DestructiveFlags extends OutputFlags {
  readonly yes?: boolean;
}

/** Whether to go on: a person at a terminal is asked, unless `--yes` is given. */
export async function isConfirmed(question: string, flags: DestructiveFlags, io: CommandIo): Promise<boolean> {
  if (flags.yes === true || !io.isInteractive) return true;
  if (await io.confirm(question, false)) return true;
  remark('turnctl: nothing was changed', flags, io);
  return false;
}

function statusOf(error: unknown): ExitStatus | null {
  if (error instanceof UnreachableError) return ExitStatus.unreachable;
  if (error instanceof UsageError) return ExitStatus.invalid;
  if (error instanceof StoreError || error instanceof QuestionCancelled) return ExitStatus.failed;
  if (!(error instanceof AdminError)) return null;
  if (error.fault === 'invalid') return ExitStatus.invalid;
  return error.fault === 'not-found' ? ExitStatus.notFound : ExitStatus.failed;
}
