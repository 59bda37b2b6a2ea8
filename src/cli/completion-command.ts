// Owns `turnctl completion`: prints a script with which a shell completes commands, flags and their values.

import { Argument, type Command } from 'commander';
import { bashScript } from './completion/bash.ts';
import { completionNodes } from './completion/completion-tree.ts';
import { fishScript } from './completion/fish.ts';
import { zshScript } from './completion/zsh.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';

const SCRIPTS = Object.freeze({ bash: bashScript, zsh: zshScript, fish: fishScript });

/** Adds the command to the program; `finish` receives the exit status. */
export function addCompletionCommand(program: Command, io: CommandIo, finish: (status: ExitStatus) => void): void {
  program
    .command('completion')
    .description('print a script with which a shell completes turnctl')
    .addArgument(new Argument('<shell>', 'whose script').choices(Object.keys(SCRIPTS)))
    .action((shell: keyof typeof SCRIPTS) => {
      io.out(SCRIPTS[shell](completionNodes(program)));
      finish(ExitStatus.ok);
    });
}
