// Owns the access to files that a configuration names, behind an interface so that tests need no real /etc.

import { readFileSync, statSync } from 'node:fs';
import { describeSystemError } from '../errors.ts';

/** Reads files. Both methods throw what `node:fs` throws. */
export interface FileReader {
  /** The content as UTF-8 text. */
  read(path: string): string;
  /** The permission bits of a file or directory. */
  mode(path: string): number;
}

/** Reads from the real file system. */
export const systemFileReader: FileReader = Object.freeze({
  read: (path: string) => readFileSync(path, 'utf8'),
  mode: (path: string) => statSync(path).mode & 0o7777,
});

/** The text of a file, or the sentence why it cannot be read. */
export function tryRead(reader: FileReader, path: string): { text: string } | { error: string } {
  try {
    return { text: reader.read(path) };
  } catch (error) {
    return { error: `cannot read ${path}: ${describeSystemError(error)}` };
  }
}
