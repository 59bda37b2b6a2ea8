// The file that tokens are kept in: read whole, checked, written whole or not at all (mode 0600). Knows not who may change it.

import { randomBytes } from 'node:crypto';
import { readFileSync, type Stats, statSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { SCOPES } from '../config/api-tokens.ts';
import { describeSystemError } from '../errors.ts';
import { AdminError } from './administration.ts';
import type { StoredToken } from './tokens.ts';

/** Its name in the state directory. */
export const TOKEN_FILE = 'tokens.json';

const OTHERS_WRITE = 0o022;

const moment = z.int().nonnegative();

const fileSchema = z.strictObject({
  tokens: z.array(
    z.strictObject({
      name: z.string().min(1),
      scopes: z.array(z.enum(SCOPES)).min(1),
      hash: z.string().regex(/^[0-9a-f]{64}$/),
      createdAt: moment,
      expiresAt: moment.nullable(),
      lastUsedAt: moment.nullable(),
    }),
  ),
});

/** The tokens of a file; none where there is no file. @throws AdminError unavailable */
export function readTokenFile(path: string): readonly StoredToken[] {
  const stats = statTokenFile(path);
  if (stats === null) return [];
  if ((stats.mode & OTHERS_WRITE) !== 0) throw unusable(path, `others can write to it: chmod 600 ${path}`); // whoever writes into it lets himself in
  const parsed = fileSchema.safeParse(parseJson(readText(path)), { reportInput: false });
  if (!parsed.success) throw unusable(path, 'it is damaged: restore it, or remove it and make new tokens');
  return parsed.data.tokens;
}

/** What tells one state of the file from another; null where there is none. */
export function tokenFileVersion(path: string): string | null {
  const stats = statTokenFile(path);
  return stats === null ? null : [stats.ino, stats.size, stats.mtimeMs, stats.mode].join(' ');
}

/** Writes all tokens. @throws AdminError unavailable; the file is as it was then */
export async function writeTokenFile(path: string, tokens: readonly StoredToken[]): Promise<void> {
  // The state directory sweeps files of such names away after a crash.
  const temporary = join(dirname(path), `.${randomBytes(8).toString('hex')}.tmp`);
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await file.writeFile(`${JSON.stringify({ tokens }, null, 2)}\n`);
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true });
    throw unusable(path, `it cannot be written: ${describeSystemError(error)}`, error);
  }
}

function statTokenFile(path: string): Stats | null {
  try {
    return statSync(path, { throwIfNoEntry: false }) ?? null;
  } catch (error) {
    throw unusable(path, `it cannot be looked at: ${describeSystemError(error)}`, error);
  }
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw unusable(path, `it cannot be read: ${describeSystemError(error)}`, error);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

function unusable(path: string, why: string, cause?: unknown): AdminError {
  return new AdminError('unavailable', `the tokens in ${path}: ${why}`, { cause });
}
