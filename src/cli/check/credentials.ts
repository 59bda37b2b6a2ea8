// From flags, files, standard input and environment to a credential. Owns which of them may go together; a secret is never
// part of an error.

import { resolve } from 'node:path';
import { tryRead } from '../../config/file-reader.ts';
import { warnIfReadable } from '../../config/secret-files.ts';
import { escapeText } from '../../escape-text.ts';
import { restPassword } from '../../stun/keys.ts';
import type { CommandIo } from '../terminal-io.ts';
import type { CredentialMaker } from './options.ts';

/** The flags of credentials as commander gives them. */
export interface CredentialFlags {
  readonly user?: string;
  readonly password?: string;
  readonly passwordFile?: string;
  readonly passwordStdin?: boolean;
  readonly secret?: string;
  readonly secretFile?: string;
}

/** Environment variables that stand for flags. */
export const PASSWORD_VARIABLE = 'TURNCTL_PASSWORD';
export const SECRET_VARIABLE = 'TURNCTL_SECRET';

/** How long a time-limited credential of a check is good: long enough for clocks that differ. */
const REST_TTL_S = 3600;

// RFC 8489 §14.3 has 508, and a time-limited name has a timestamp before it.
const MAX_USERNAME_BYTES = 480;

type Text = { readonly text: string } | { readonly error: string };

/** The credential, null for none, or what is wrong with the flags. */
export async function readCredential(
  flags: CredentialFlags,
  io: CommandIo,
): Promise<{ readonly credential: CredentialMaker | null } | { readonly error: string }> {
  const { user, password, passwordFile, passwordStdin, secret, secretFile } = flags;
  if (user !== undefined && Buffer.byteLength(user) > MAX_USERNAME_BYTES)
    return { error: `--user: at most ${MAX_USERNAME_BYTES} bytes` };
  const given = { '--password': password, '--password-file': passwordFile, '--password-stdin': passwordStdin };
  const sources = Object.entries({ ...given, '--secret': secret, '--secret-file': secretFile });
  const used = sources.filter(([, value]) => value !== undefined).map(([name]) => name);
  if (used.length > 1) return { error: `${used.join(' and ')} exclude each other` };
  if (used.length === 0) return fromEnvironment(user, io);
  const read = await readSource(flags, io);
  if ('error' in read) return read;
  if (read.text === '') return { error: `${used[0]} is empty` };
  if (secret !== undefined || secretFile !== undefined) return { credential: timeLimited(read.text, user) };
  return user === undefined ? { error: `${used[0]} needs --user` } : { credential: longTerm(user, read.text) };
}

async function fromEnvironment(user: string | undefined, io: CommandIo) {
  const { env } = io;
  const password = env[PASSWORD_VARIABLE] ?? '';
  const secret = env[SECRET_VARIABLE] ?? '';
  if (password !== '' && secret !== '')
    return { error: `${PASSWORD_VARIABLE} and ${SECRET_VARIABLE} exclude each other` };
  if (secret !== '') return { credential: timeLimited(secret, user) };
  if (user === undefined) return { credential: null };
  if (password !== '') return { credential: longTerm(user, password) };
  if (io.isInteractive) return { credential: longTerm(user, await io.askSecret(`Password of ${escapeText(user)}`)) };
  return {
    error: `--user needs --password-file, --password-stdin, --secret-file, or ${PASSWORD_VARIABLE} in the environment`,
  };
}

async function readSource(flags: CredentialFlags, io: CommandIo): Promise<Text> {
  const file = flags.passwordFile ?? flags.secretFile;
  if (file !== undefined) return readFile(file, io);
  if (flags.passwordStdin === true) return { text: (await io.readLine()) ?? '' };
  const flag = flags.password === undefined ? '--secret' : '--password';
  io.err(
    `warning: ${flag} can be read by others until it is hidden, and stays in the shell’s history: use ${flag}-file\n`,
  );
  return { text: flags.password ?? flags.secret ?? '' };
}

function readFile(file: string, io: CommandIo): Text {
  const path = resolve(io.cwd, file);
  const read = tryRead(io.reader, path);
  if ('error' in read) return read;
  const warning = warnIfReadable(io.reader, path);
  if (warning !== null) io.err(`warning: ${warning}\n`);
  return { text: withoutLineBreak(read.text) };
}

function withoutLineBreak(text: string): string {
  return text.replace(/\r?\n$/, '');
}

function longTerm(username: string, password: string): CredentialMaker {
  return { isTimeLimited: false, make: () => ({ username, password }) };
}

function timeLimited(secret: string, user: string | undefined): CredentialMaker {
  return {
    isTimeLimited: true,
    make: (wallTime) => {
      const expiry = Math.floor(wallTime / 1000) + REST_TTL_S;
      const username = user === undefined ? String(expiry) : `${expiry}:${user}`;
      return { username, password: restPassword(secret, username) };
    },
  };
}
