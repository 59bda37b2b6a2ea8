// Owns the judgement of who else can get at a file that holds secrets (S55). Knows modes, not what is in the file.

import { dirname } from 'node:path';
import type { FileReader } from './file-reader.ts';

const OTHERS_READ = 0o004;
const OTHERS_WRITE = 0o002;
const OTHERS_ENTER = 0o001;

/**
 * A warning if every user of the machine can read a file that holds a secret, else null. A group may read it: root owns
 * such files, and the group of the service reads them. A directory that is closed to others closes what is in it.
 */
export function warnIfReadable(reader: FileReader, path: string): string | null {
  const mode = modeForOthers(reader, path);
  if ((mode & OTHERS_READ) === 0) return null;
  return `${path} holds secrets and every user can read it (mode ${octal(mode)}): chmod o-rwx ${path}`;
}

/**
 * A fault if every user of the machine can write to a file that holds a secret, else null: whoever writes into it lets
 * himself in. That is no matter of taste, as reading may be where a container has one user.
 */
export function faultIfWritable(reader: FileReader, path: string): string | null {
  const mode = modeForOthers(reader, path);
  if ((mode & OTHERS_WRITE) === 0) return null;
  return `${path} holds secrets and every user can write to it (mode ${octal(mode)}): chmod o-rwx ${path}`;
}

/** The file's mode if others come as far as the file, else 0. */
function modeForOthers(reader: FileReader, path: string): number {
  const mode = modeOf(reader, path) ?? 0;
  return (mode & (OTHERS_READ | OTHERS_WRITE)) === 0 || !isReachable(reader, dirname(path)) ? 0 : mode;
}

function isReachable(reader: FileReader, directory: string): boolean {
  const mode = modeOf(reader, directory);
  if (mode !== null && (mode & OTHERS_ENTER) === 0) return false;
  const parent = dirname(directory);
  return parent === directory || isReachable(reader, parent);
}

function modeOf(reader: FileReader, path: string): number | null {
  try {
    return reader.mode(path);
  } catch {
    return null; // whoever reads it says what is wrong
  }
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, '0');
}
