// Owns questions to the person at the terminal, by @clack/prompts, which is loaded with the first question.

import type { ReadStream, WriteStream } from 'node:tty';
import { type Choice, QuestionCancelled, type Questions } from './terminal-io.ts';

type Prompts = typeof import('@clack/prompts');

/** What a line of piped input may have. */
const MAX_INPUT_BYTES = 65_536;

/** The streams that are asked through: standard input and standard error. */
export interface TerminalStreams {
  readonly input: ReadStream;
  readonly output: WriteStream;
}

/** Questions on a real terminal. */
export function terminalQuestions({ input, output }: TerminalStreams): Questions {
  const isInteractive = input.isTTY === true && output.isTTY === true;
  const streams = { input, output, withGuide: false };
  const asked = async <T>(show: (prompts: Prompts) => Promise<T | symbol>): Promise<T> => {
    if (!isInteractive) throw new QuestionCancelled('there is no terminal to ask at');
    const prompts = await import('@clack/prompts');
    const answer = await show(prompts);
    if (typeof answer === 'symbol') throw new QuestionCancelled();
    return answer;
  };
  return {
    isInteractive,
    ask: (message, fallback, judge) =>
      asked<string>(({ text }) => text({ ...streams, ...textOptions(message, fallback, judge) })),
    askSecret: (message) => asked<string>(({ password }) => password({ ...streams, message, mask: '' })),
    confirm: (message, fallback) =>
      asked<boolean>(({ confirm }) => confirm({ ...streams, message, initialValue: fallback })),
    choose: <T extends string>(message: string, choices: readonly Choice<T>[], fallback: T) =>
      asked<T>(
        ({ select }) =>
          select<string>({
            ...streams,
            message,
            options: choices.map((choice) => ({ ...choice })),
            initialValue: fallback,
          }) as Promise<T | symbol>,
      ),
    readLine: () => readLine(input),
  };
}

function textOptions(message: string, fallback = '', judge: (answer: string) => string | null = () => null) {
  return {
    message,
    defaultValue: fallback,
    placeholder: fallback,
    validate: (answer: string | undefined) => judge(answer || fallback) ?? undefined,
  };
}

/** Reads up to the first end of a line. */
async function readLine(input: ReadStream): Promise<string | null> {
  // What is typed would be seen.
  if (input.isTTY === true) throw new QuestionCancelled('standard input is a terminal: pipe the line in');
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk as Buffer);
    chunks.push(bytes);
    size += bytes.length;
    if (bytes.includes(0x0a) || size > MAX_INPUT_BYTES) break;
  }
  if (size === 0) return null;
  return Buffer.concat(chunks).toString('utf8').split(/\r?\n/, 1)[0] ?? '';
}
