// What tests need of the whole command tree of turnctl.

import type { Command } from 'commander';
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
