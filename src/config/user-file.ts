// Owns the form of `auth.user-file`: one `name:password` or `name:0x<key>` in each line, `#` begins a comment line.

import { parseUserKey, splitUser } from './fields.ts';

/** A static user with a password, or with the long-term key MD5(name:realm:password) as 32 lower-case digits. */
export type StaticUser =
  | { readonly name: string; readonly password: string }
  | { readonly name: string; readonly key: string };

/** What a user file says; `faults` have the line number, from 1. */
export interface UserFileContent {
  readonly users: readonly StaticUser[];
  readonly faults: readonly { readonly line: number; readonly message: string }[];
}

/** Reads the text of a user file. Messages never repeat the line: it holds a password (S55). */
export function parseUserFile(text: string): UserFileContent {
  const users: StaticUser[] = [];
  const faults: { line: number; message: string }[] = [];
  for (const [index, rawLine] of text
    .replace(/^\ufeff/, '')
    .split(/\r?\n/)
    .entries()) {
    if (rawLine.trim() === '' || rawLine.startsWith('#')) continue;
    const parsed = parseLine(rawLine);
    if ('error' in parsed) faults.push({ line: index + 1, message: parsed.error });
    else users.push(parsed);
  }
  return { users, faults };
}

function parseLine(line: string): StaticUser | { readonly error: string } {
  const parsed = splitUser(line);
  if ('error' in parsed) return { error: parsed.error.replace('NAME:PASSWORD', 'name:password') };
  const { name, password } = parsed.value;
  if (!password.startsWith('0x')) return { name, password };
  const key = parseUserKey(password);
  return 'error' in key
    ? { error: `a password that begins with 0x is a key, and a key ${key.error}` }
    : { name, key: key.value };
}
