// Owns `turnctl help` and the examples at the end of every help.

import type { Command } from 'commander';
import { suggest } from '../config/suggest.ts';
import { escapeText } from '../escape-text.ts';
import { EXAMPLES } from './examples.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';

/** Adds the command to the program; `finish` receives the exit status. */
export function addHelpCommand(program: Command, io: CommandIo, finish: (status: ExitStatus) => void): void {
  program
    .command('help')
    .description('show the help of a command, with examples')
    .argument('[command...]', 'the command, such as: config check')
    .action((names: readonly string[]) => finish(showHelp(program, names, io)));
}

/** Puts the examples of {@link EXAMPLES} below the help of their commands. */
export function addExamples(command: Command, path = ''): void {
  const examples = EXAMPLES[path] ?? [];
  if (examples.length > 0) command.addHelpText('after', `\nExamples:\n${examples.map((one) => `  ${one}`).join('\n')}`);
  for (const child of command.commands) addExamples(child, `${path} ${child.name()}`.trim());
}

function showHelp(program: Command, names: readonly string[], io: CommandIo): ExitStatus {
  let command = program;
  for (const name of names) {
    const child = command.commands.find((one) => one.name() === name || one.aliases().includes(name));
    if (child === undefined) {
      const known = command.commands.map((one) => one.name());
      io.err(`error: unknown command '${escapeText(name)}'${suggest(name, known)}\n`);
      return ExitStatus.invalid;
    }
    command = child;
  }
  command.outputHelp();
  return ExitStatus.ok;
}
