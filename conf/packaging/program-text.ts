// What the programs print about themselves: help and completion, which the package takes over. Nothing is started for it.

import { parseFlags } from '../../src/cli/flags.ts';
import { terminalQuestions } from '../../src/cli/terminal-questions.ts';
import { runTurnctl } from '../../src/cli/turnctl-program.ts';
import { systemFileReader } from '../../src/config/file-reader.ts';

/** The help of turnd. */
export function turndHelp(version: string): string {
  const parsed = parseFlags(['--help'], version);
  return parsed.kind === 'exit' ? parsed.stdout : '';
}

/** What `turnctl` prints. @throws Error where it refuses */
export async function turnctlText(version: string, ...args: readonly string[]): Promise<string> {
  const printed: string[] = [];
  const status = await runTurnctl(args, version, {
    ...terminalQuestions({ input: process.stdin, output: process.stderr }),
    env: {},
    cwd: '/',
    reader: systemFileReader,
    out: (text) => void printed.push(text),
    err: (text) => void printed.push(text),
  });
  if (status !== 0) throw new Error(`turnctl ${args.join(' ')}: ${printed.join('')}`);
  return printed.join('');
}

/** The commands of turnctl, but for `help`. */
export async function turnctlCommands(version: string): Promise<string[]> {
  const help = await turnctlText(version, '--help');
  const names = [...help.matchAll(/^ {2}([a-z][a-z-]*) /gm)].map(([, name = '']) => name);
  return [...new Set(names)].filter((name) => name !== 'help');
}
