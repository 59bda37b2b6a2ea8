// What tests need of the whole command tree of turnctl.

import { type Command, CommanderError } from 'commander';
import { makeProgram } from '../../src/cli/turnctl-program.ts';
import { fakeIo } from './command-io.ts';

/** The program; nothing that it does is seen. */
export function wholeProgram(): Command {
  return makeProgram('1.2.3', fakeIo(), () => {});
}

/** Every command that does something, with its names from the root. */
export function leafCommands(command: Command, path: readonly string[] = []): { path: string; command: Command }[] {
  if (command.commands.length === 0) return [{ path: path.join(' '), command }];
  return command.commands.flatMap((child) => leafCommands(child, [...path, child.name()]));
}

/** The whole help of a command, with what stands after the options. */
export function helpOf(command: Command): string {
  const text: string[] = [];
  command.configureOutput({ writeOut: (more) => void text.push(more) });
  command.outputHelp();
  return text.join('');
}

/** The arguments of the turnctl in a line of shell. */
export function argumentsOf(example: string): string[] {
  const [, command = ''] = /(?:^|[\s(])turnctl\s?(.*)$/.exec(example) ?? [];
  const words = command.match(/'[^']*'|"[^"]*"|[^\s'"]+/g) ?? [];
  const end = words.findIndex((word) => /^(?:[|><;)&]|&&|\|\|)/.test(word));
  return words
    .slice(0, end === -1 ? undefined : end)
    .map((word) => word.replace(/^(['"])(.*)\1$/, '$2').replace(/\)$/, ''));
}

/** What the tree says to a command line when no command does anything; null when it understands. */
export async function refusal(argv: readonly string[]): Promise<string | null> {
  const program = wholeProgram();
  const said: string[] = [];
  const silence = (command: Command): void => {
    command.configureOutput({ writeErr: (text) => void said.push(text) });
    if (command.commands.length === 0) command.action(() => {});
    for (const child of command.commands) silence(child);
  };
  silence(program);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return null;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    return said.join('');
  }
}
