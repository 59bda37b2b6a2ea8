// Owns what a command sees of the process it runs in, so that commands run in tests without one.

import type { Environment } from '../config/environment.ts';
import type { FileReader } from '../config/file-reader.ts';

/** The surroundings of a command. */
export interface CommandIo {
  readonly env: Environment;
  /** Absolute path of the working directory. */
  readonly cwd: string;
  readonly reader: FileReader;
  out(text: string): void;
  err(text: string): void;
}

/** Exit status of a command. */
export const ExitStatus = Object.freeze({
  /** All is well. */
  ok: 0,
  /** The command was understood and failed. */
  failed: 1,
  /** The command line or the configuration is wrong. */
  invalid: 2,
  /** What was named is not there. */
  notFound: 3,
  /** turnd does not run, or does not answer. */
  unreachable: 4,
} as const);
export type ExitStatus = (typeof ExitStatus)[keyof typeof ExitStatus];
