// Owns the writing of a file that holds secrets: whole or not at all, for its owner's eyes only.

import { closeSync, fsyncSync, linkSync, openSync, renameSync, rmSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describeSystemError } from '../errors.ts';

/** Writes a file of mode 0600. Without `force`, one that is there stays. @returns null, or one sentence on what failed */
export function writePrivateFile(path: string, text: string, force: boolean): string | null {
  const temporary = join(dirname(path), `.${process.pid}.turnctl.tmp`);
  try {
    writeWhole(temporary, text);
    if (force) renameSync(temporary, path);
    else linkSync(temporary, path);
    return null;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST' && !force) {
      return `${path} is there already: choose another name, or overwrite it by --force`;
    }
    return `cannot write ${path}: ${describeSystemError(error)}`;
  } finally {
    rmSync(temporary, { force: true });
  }
}

function writeWhole(path: string, text: string): void {
  rmSync(path, { force: true });
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, text);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
