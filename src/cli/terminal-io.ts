// Owns what a command sees of the process it runs in, so that commands run in tests without one.

import type { Environment } from '../config/environment.ts';
import type { FileReader } from '../config/file-reader.ts';

/** The surroundings of a command. */
export interface CommandIo extends Questions {
  readonly env: Environment;
  /** Absolute path of the working directory. */
  readonly cwd: string;
  readonly reader: FileReader;
  /** Aborted once nobody reads the output any more: whoever would print for ever has done enough then. */
  readonly outputClosed?: AbortSignal;
  out(text: string): void;
  err(text: string): void;
}

/** One of several answers. */
export interface Choice<T extends string> {
  readonly value: T;
  /** What the person reads. */
  readonly label: string;
  /** What stands beside it. */
  readonly hint?: string;
}

/**
 * What can be asked of the person at the terminal. Questions are shown on standard error, so that the output stays clean.
 * Each rejects with {@link QuestionCancelled} where there is no person: look at `isInteractive` first.
 */
export interface Questions {
  /** Whether a person can be asked: input and standard error are a terminal. */
  readonly isInteractive: boolean;
  /** A line of text; an empty answer is the fallback. `judge` says in one sentence why an answer will not do. */
  ask(question: string, fallback?: string, judge?: (answer: string) => string | null): Promise<string>;
  /** A line of text that is not shown as it is typed. */
  askSecret(question: string): Promise<string>;
  /** Yes or no; `fallback` is what Enter alone means. */
  confirm(question: string, fallback: boolean): Promise<boolean>;
  /** One of several; `fallback` is what Enter alone means. */
  choose<T extends string>(question: string, choices: readonly Choice<T>[], fallback: T): Promise<T>;
  /** The first line of the input that was piped in, without its end; null when it is empty. At most 64 KiB are read. */
  readLine(): Promise<string | null>;
}

/** The person does not want to go on (Ctrl-C, end of input), or there is none. */
export class QuestionCancelled extends Error {
  constructor(message = 'cancelled') {
    super(message);
    this.name = 'QuestionCancelled';
  }
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
