// Finds the users that database servers run as: they refuse to run as root.

import { readFileSync } from 'node:fs';
import type { SystemUser } from './server-process.ts';

/** The user `name` when the tests run as root; null (stay who we are) otherwise. */
export function serverUser(name: string): SystemUser | null {
  if (process.getuid?.() !== 0) return null;
  const line = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .find((entry) => entry.startsWith(`${name}:`));
  const [, , uid, gid] = line?.split(':') ?? [];
  if (uid === undefined || gid === undefined) throw new Error(`there is no system user ${name}`);
  return { uid: Number(uid), gid: Number(gid) };
}
