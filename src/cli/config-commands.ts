// Owns `turnctl config`: check, print and schema.

import type { Command } from 'commander';
import { NO_CREDENTIALS } from '../config/config.ts';
import { jsonSchema } from '../config/keys.ts';
import { printConfig } from '../config/print-config.ts';
import { escapeText } from '../escape-text.ts';
import { loadCommandConfig, reportErrors, reportWarnings } from './command-config.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';

// Where turnd looks, so that a file in another place is not waited for in vain.
const NO_FILE = 'no configuration file (looked for $TURND_CONFIG, ./turnd.yaml, /etc/turnd/turnd.yaml)';

/** Adds the group to the program; `finish` receives the exit status. */
export function addConfigCommands(program: Command, io: CommandIo, finish: (status: ExitStatus) => void): void {
  const group = program.command('config').description('check and show the configuration');
  group
    .command('check')
    .description('report every fault of a configuration file')
    .argument('[file]', 'configuration file; else the one that turnd would find')
    .action((file: string | undefined) => finish(checkConfig(file, io)));
  group
    .command('print')
    .description('print every setting with its effective value, secrets hidden')
    .argument('[file]', 'configuration file; else the one that turnd would find')
    .action((file: string | undefined) => finish(showConfig(file, io)));
  group
    .command('schema')
    .description('print the JSON Schema of the configuration file')
    .action(() => {
      io.out(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
      finish(ExitStatus.ok);
    });
}

function checkConfig(file: string | undefined, io: CommandIo): ExitStatus {
  const result = loadCommandConfig(file, io);
  if (!result.ok) return reportErrors(result.errors, io);
  reportWarnings(result.warnings, io);
  const { auth, configFile, hasCredentials } = result.config;
  const name = configFile ?? NO_FILE;
  if (configFile !== null && !hasCredentials && !auth.anonymous)
    return reportErrors([`${name}: ${NO_CREDENTIALS}`], io);
  io.out(`${escapeText(name)}: ok\n`);
  return ExitStatus.ok;
}

function showConfig(file: string | undefined, io: CommandIo): ExitStatus {
  const result = loadCommandConfig(file, io);
  if (!result.ok) return reportErrors(result.errors, io);
  reportWarnings(result.warnings, io);
  io.out(printConfig(result.tree));
  return ExitStatus.ok;
}
