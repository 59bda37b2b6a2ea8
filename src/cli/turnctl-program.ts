// Owns the command tree of `turnctl`. Each group of commands has a file of its own and is added here.

import { Command, CommanderError } from 'commander';
import { escapeText } from '../escape-text.ts';
import { addCheckCommands } from './check-command.ts';
import { addCompletionCommand } from './completion-command.ts';
import { addConfigCommands } from './config-commands.ts';
import { addCredentialsCommand } from './credentials-command.ts';
import { addDrainCommands } from './drain-commands.ts';
import { addEventsCommand } from './events-command.ts';
import { addFirewallCommand } from './firewall-command.ts';
import { addExamples, addHelpCommand } from './help-command.ts';
import { addInitCommand } from './init-command.ts';
import { addOauthKeyCommands } from './oauth-key-commands.ts';
import { addPeerCommands } from './peer-commands.ts';
import { addRealmCommands } from './realm-commands.ts';
import { addSecretCommands } from './secret-commands.ts';
import { addServerCommands } from './server-commands.ts';
import { addSessionCommands } from './session-commands.ts';
import { type CommandIo, ExitStatus, QuestionCancelled } from './terminal-io.ts';
import { addTokenCommands } from './token-commands.ts';
import { addUserCommands } from './user-commands.ts';

/** Runs one command line (the arguments after the program's name). Never throws on bad usage. */
export async function runTurnctl(argv: readonly string[], version: string, io: CommandIo): Promise<ExitStatus> {
  let status: ExitStatus = ExitStatus.ok;
  const program = makeProgram(version, io, (result) => {
    status = result;
  });
  try {
    await program.parseAsync([...argv], { from: 'user' });
  } catch (error) {
    if (error instanceof QuestionCancelled) {
      io.err(`turnctl: ${error.message}\n`);
      return ExitStatus.failed;
    }
    if (!(error instanceof CommanderError)) throw error;
    return error.exitCode === 0 ? ExitStatus.ok : ExitStatus.invalid;
  }
  return status;
}

/** The whole tree; `finish` receives the exit status of the command that ran. */
export function makeProgram(version: string, io: CommandIo, finish: (status: ExitStatus) => void): Command {
  const program = new Command('turnctl')
    .description("The operator's tool for turnd")
    .version(version, '--version')
    .helpOption('--help', 'show this help')
    .helpCommand(false)
    .exitOverride()
    .allowExcessArguments(false)
    .configureOutput({
      writeOut: (text) => io.out(text),
      writeErr: (text) => io.err(withoutValues(text).split('\n').map(escapeText).join('\n')),
    });
  addConfigCommands(program, io, finish);
  addFirewallCommand(program, io, finish);
  addInitCommand(program, io, finish);
  addCheckCommands(program, io, finish);
  addUserCommands(program, io, finish);
  addSecretCommands(program, io, finish);
  addTokenCommands(program, io, finish);
  addCredentialsCommand(program, io, finish);
  addRealmCommands(program, io, finish);
  addPeerCommands(program, io, finish);
  addOauthKeyCommands(program, io, finish);
  addSessionCommands(program, io, finish);
  addEventsCommand(program, io, finish);
  addServerCommands(program, io, finish);
  addDrainCommands(program, io, finish);
  addCompletionCommand(program, io, finish);
  addHelpCommand(program, io, finish);
  addExamples(program);
  inheritSettings(program);
  return program;
}

/** What stands after the `=` of a mistyped flag may be a secret (S55). */
function withoutValues(text: string): string {
  return text.replace(/'(--?[^'=\s]+)=.*'/s, "'$1'");
}

/** `command()` copies settings at its time only for direct children; this makes the whole tree alike. */
function inheritSettings(parent: Command): void {
  for (const child of parent.commands) {
    child.copyInheritedSettings(parent).helpOption('--help', 'show this help').helpCommand(false);
    child.allowExcessArguments(false);
    inheritSettings(child);
  }
}
