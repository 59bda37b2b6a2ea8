// Owns `turnctl config`: check, print and schema.

import type { Command } from 'commander';
import { NO_CREDENTIALS } from '../config/config.ts';
import { jsonSchema } from '../config/keys.ts';
import { applyOverrides, isTree, sourceAt } from '../config/overrides.ts';
import { type OriginOf, printConfig } from '../config/print-config.ts';
import { escapeText } from '../escape-text.ts';
import { loadCommandConfig, reportErrors, reportWarnings } from './command-config.ts';
import { type ImportOptions, importConfig } from './import-config.ts';
import { type CopyCommand, importStore } from './import-store.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';

// Where turnd looks, so that a file in another place is not waited for in vain.
const NO_FILE = 'no configuration file (looked for $TURND_CONFIG, ./turnd.yaml, /etc/turnd/turnd.yaml)';

interface PrintFlags {
  readonly origin?: true;
}

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
    .option('--origin', 'say of each value that is not the default where it comes from')
    .action((file: string | undefined, flags: PrintFlags) => finish(showConfig(file, flags, io)));
  addImport(group, io, finish);
  group
    .command('schema')
    .description('print the JSON Schema of the configuration file')
    .action(() => {
      io.out(`${JSON.stringify(jsonSchema(), null, 2)}\n`);
      finish(ExitStatus.ok);
    });
}

function addImport(group: Command, io: CommandIo, finish: (status: ExitStatus) => void): void {
  group
    .command('import-coturn')
    .description("make a turnd.yaml of coturn's turnserver.conf, or copy its database (--db)")
    .argument('[file]', "coturn's configuration file")
    .option('--output <file>', 'write the YAML there, for its owner only, instead of printing it')
    .option('--force', 'overwrite the file of --output')
    .option('--db <from>', 'copy users, secrets, peers, realms from this store: a URL, or a configuration of coturn')
    .option('--to <url>', 'the store to copy to; else the one that turnd would use')
    .option('--dry-run', 'only tell what would be copied')
    .option('--replace', 'overwrite what is there and differs')
    .option('--json', 'print the counts as JSON')
    .option('--quiet', 'print no counts')
    .action(async (file: string | undefined, options: ImportOptions & Partial<CopyCommand>) => {
      finish(await runImport(file, options, io));
    });
}

async function runImport(
  file: string | undefined,
  options: ImportOptions & Partial<CopyCommand>,
  io: CommandIo,
): Promise<ExitStatus> {
  const { db } = options;
  if ((file === undefined) === (db === undefined)) {
    io.err('name either a configuration file of coturn, or a store by --db\n');
    return ExitStatus.invalid;
  }
  return db === undefined ? importConfig(file ?? '', options, io) : importStore({ ...options, db }, io);
}

function checkConfig(file: string | undefined, io: CommandIo): ExitStatus {
  const result = loadCommandConfig(file, io);
  if (!result.ok) return reportErrors(result.errors, io);
  reportWarnings(result.warnings, io);
  const { auth, configFile, hasCredentials, store } = result.config;
  const name = configFile ?? NO_FILE;
  if (configFile !== null && !hasCredentials && !auth.anonymous) {
    const problem = `${name}: ${NO_CREDENTIALS}`;
    if (store === null) return reportErrors([problem], io);
    reportWarnings([`${problem}; turnd starts if there are any in its store`], io);
  }
  io.out(`${escapeText(name)}: ok\n`);
  return ExitStatus.ok;
}

function showConfig(file: string | undefined, { origin }: PrintFlags, io: CommandIo): ExitStatus {
  const result = loadCommandConfig(file, io);
  if (!result.ok) return reportErrors(result.errors, io);
  reportWarnings(result.warnings, io);
  const { tree, config, overrides } = result;
  const isSet = (path: readonly string[]): boolean =>
    path.reduce<unknown>((node, step) => (isTree(node) ? node[step] : undefined), tree) !== undefined;
  const originOf: OriginOf = (path) => (isSet(path) ? (sourceAt(overrides, path) ?? config.configFile) : null);
  const effective = applyOverrides(tree, [{ path: ['state-dir'], value: config.stateDir, source: '' }]);
  io.out(printConfig(effective, origin === true ? originOf : undefined));
  return ExitStatus.ok;
}
