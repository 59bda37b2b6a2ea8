// Owns how passwords and secrets come in: asked for, piped in, or made; never as an argument, which others see in `ps`
// (SECURITY.md S55).

import { randomBytes } from 'node:crypto';
import { type Command, Option } from 'commander';
import { isWeakPassword, WEAK_PASSWORD } from '../config/secret-strength.ts';
import { newPassword, newSecret } from '../control/admin-input.ts';
import { type OutputFlags, remark } from './output.ts';
import type { CommandIo } from './terminal-io.ts';
import { UsageError } from './usage-error.ts';

/** Flags of commands that take a password. */
export interface PasswordFlags extends OutputFlags {
  readonly passwordStdin?: boolean;
  readonly generate?: boolean;
}

/** A password, and whether it was made here: then it has to be shown. */
export interface NewPassword {
  readonly password: string;
  readonly isMade: boolean;
}

/** 144 bits in 24 characters that need no quotes. */
const MADE_BYTES = 18;

/** Adds the flags. */
export function withPasswordFlags(command: Command): Command {
  return command
    .addOption(new Option('--password-stdin', 'read the password from the first line of standard input'))
    .addOption(new Option('--generate', 'make a password and print it').conflicts('passwordStdin'));
}

/** The new password of a user. @throws UsageError when none came in, or two that differ, AdminError */
export async function readNewPassword(user: string, flags: PasswordFlags, io: CommandIo): Promise<NewPassword> {
  if (flags.generate === true) return { password: randomBytes(MADE_BYTES).toString('base64url'), isMade: true };
  // Judged here as well: turnd would speak of the body of a request.
  const password = newPassword(await readGiven('password', flags.passwordStdin === true, io));
  if (isWeakPassword(password, user)) remark(`warning: the password ${WEAK_PASSWORD}`, flags, io);
  return { password, isMade: false };
}

/** A secret that the operator has already. @throws UsageError, AdminError */
export async function readGivenSecret(io: CommandIo): Promise<string> {
  return newSecret(await readGiven('secret', !io.isInteractive, io));
}

async function readGiven(what: string, isPiped: boolean, io: CommandIo): Promise<string> {
  if (isPiped || !io.isInteractive) {
    const line = await io.readLine();
    if (line) return line;
    throw new UsageError(`no ${what} came on standard input (one line)`);
  }
  const first = await io.askSecret(`New ${what}`);
  if (first === '') throw new UsageError(`the ${what} is empty`);
  if ((await io.askSecret(`The ${what} again`)) !== first) throw new UsageError(`the two ${what}s differ`);
  return first;
}
