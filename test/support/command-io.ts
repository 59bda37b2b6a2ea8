// The surroundings of a command in memory: what it prints, and a person who gives the answers that were prepared.

import { type Choice, type CommandIo, QuestionCancelled } from '../../src/cli/terminal-io.ts';
import { fakeFiles } from '../config/fake-files.ts';

/** What the fake surroundings are made of. */
export interface FakeIoOptions {
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  readonly files?: Readonly<Record<string, string>>;
  /** Answers of the person, in order; null = cancels. Without, there is no person. */
  readonly answers?: readonly (string | boolean | null)[];
  /** Whoever reads the output. */
  readonly outputClosed?: AbortSignal;
  /** The line that is piped in. */
  readonly line?: string | null;
}

/** A fake, and what a command has done to it. */
export interface FakeIo extends CommandIo {
  readonly printed: string[];
  readonly refused: string[];
  /** The questions, in order. */
  readonly questions: string[];
}

/** Makes surroundings without a process. */
export function fakeIo(options: FakeIoOptions = {}): FakeIo {
  const answers = [...(options.answers ?? [])];
  const questions: string[] = [];
  const printed: string[] = [];
  const refused: string[] = [];
  const answer = <T>(question: string): T => {
    questions.push(question);
    const next = answers.shift();
    if (next === undefined || next === null) throw new QuestionCancelled();
    return next as T;
  };
  return {
    env: options.env ?? {},
    cwd: options.cwd ?? '/cwd',
    reader: fakeFiles(options.files ?? {}),
    ...(options.outputClosed === undefined ? {} : { outputClosed: options.outputClosed }),
    isInteractive: options.answers !== undefined,
    printed,
    refused,
    questions,
    out: (text) => void printed.push(text),
    err: (text) => void refused.push(text),
    ask: async (question, fallback = '', judge = () => null) => {
      for (;;) {
        const given = answer<string>(question) || fallback;
        const problem = judge(given);
        if (problem === null) return given;
        questions.push(problem);
      }
    },
    askSecret: async (question) => answer<string>(question),
    confirm: async (question) => answer<boolean>(question),
    choose: async <T extends string>(question: string, choices: readonly Choice<T>[], fallback: T) => {
      const given = answer<string>(question);
      return choices.find(({ value }) => value === given)?.value ?? fallback;
    },
    readLine: async () => options.line ?? null,
  };
}
