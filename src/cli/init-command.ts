// Owns `turnctl init`: a few questions, and the files that make a server of this host.

import { join, resolve } from 'node:path';
import { type Command, Option } from 'commander';
import type { FileReader } from '../config/file-reader.ts';
import { parseConfig } from '../config/parse-config.ts';
import { describeSystemError } from '../errors.ts';
import { escapeText } from '../escape-text.ts';
import { reportErrors, reportWarnings } from './command-config.ts';
import { needsOf } from './firewall/openings.ts';
import { FIREWALL_TOOLS } from './firewall/tools.ts';
import { firewallText } from './firewall-command.ts';
import { BadAnswer, collectAnswers, type InitAnswers, type InitFlags } from './init/answers.ts';
import { type InitHost, type NewFile, thisHost } from './init/init-host.ts';
import { type MadeFiles, makeFiles } from './init/make-files.ts';
import { type InitResult, nextSteps, stepsText } from './init/next-steps.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';

/** Adds the command to the program; `finish` receives the exit status. */
export function addInitCommand(
  program: Command,
  io: CommandIo,
  finish: (status: ExitStatus) => void,
  host: InitHost = thisHost,
): void {
  const firewalls = [...FIREWALL_TOOLS.map(({ name }) => name), 'none'];
  program
    .command('init')
    .description('ask a few questions and write turnd.yaml, a secret and firewall rules')
    .option('--yes', 'ask nothing: take the flags, and defaults for the rest')
    .option('--dir <directory>', 'where to write; it is made if it is not there', '.')
    .option('--force', 'replace files that are there, secrets too')
    .option('--domain <name>', 'domain name of this server')
    .option('--realm <realm>', 'realm of the credentials; else the domain name')
    .option('--external-address <address>', 'public address: auto, none, an IP address or a DNS name')
    .option('--port <port>', 'port for UDP and TCP (3478)')
    .option('--tls-port <port>', 'port for TLS (5349)')
    .option('--relay-ports <range>', 'ports of the relays (49152-65535)')
    .option('--tls-cert <file>', 'certificate for TLS; else the one of Let’s Encrypt for the domain name')
    .option('--tls-key <file>', 'private key of --tls-cert')
    .addOption(new Option('--auth <kind>', 'time-limited credentials, or one user').choices(['secret', 'user']))
    .option('--user <name>', 'name of the user, who gets a random password')
    .option('--store <url>', 'where more users are kept: auto, none or a URL')
    .option('--state-dir <directory>', 'directory of the keys that turnd makes')
    .addOption(new Option('--firewall <firewall>', 'also write its rules').choices(firewalls))
    .option('--json', 'print one JSON document')
    .action(async (flags: InitFlags) => finish(await initialise(flags, io, host)));
}

async function initialise(flags: InitFlags, io: CommandIo, host: InitHost): Promise<ExitStatus> {
  if (!flags.yes && !io.isInteractive) {
    io.err('error: init asks questions, and nobody is at a terminal: --yes takes flags and defaults\n');
    return ExitStatus.invalid;
  }
  const directory = resolve(io.cwd, flags.dir);
  if (!flags.force && reportExisting([join(directory, 'turnd.yaml')], io)) return ExitStatus.failed;
  try {
    return write(flags, directory, await collectAnswers(flags, io, host), { io, host });
  } catch (error) {
    if (!(error instanceof BadAnswer)) throw error;
    io.err(`error: ${escapeText(error.message)}\n`);
    return ExitStatus.invalid;
  }
}

interface Surroundings {
  readonly io: CommandIo;
  readonly host: InitHost;
}

function write(flags: InitFlags, directory: string, answers: InitAnswers, { io, host }: Surroundings): ExitStatus {
  const made = makeFiles(resolvePaths(answers, io.cwd), directory, host);
  const parsed = readBack(made, io);
  if (!parsed.ok) return reportErrors(parsed.errors, io);
  const rules = firewallFile(answers, directory, parsed.config);
  const files = [...made.files.slice(0, -1), ...rules, ...made.files.slice(-1)];
  const paths = files.map(({ path }) => path);
  if (!flags.force && reportExisting(paths, io)) return ExitStatus.failed;
  if (!writeAll(files, flags.force === true, { io, host })) return ExitStatus.failed;
  reportWarnings([...parsed.warnings, ...addressWarning(answers)], io);
  const firewall = rules[0]?.path ?? null;
  tell({ ...made, answers, files, config: parsed.config, firewallFile: firewall }, flags, { io, host });
  return ExitStatus.ok;
}

function addressWarning({ externalAddress, publicAddress }: InitAnswers): string[] {
  if (externalAddress !== 'auto' || publicAddress !== null) return [];
  return ['no public address was found: relays serve this network only, unless relay.external-address names one'];
}

/** Paths of the answers count from the working directory, those of the file from the file. */
function resolvePaths(answers: InitAnswers, cwd: string): InitAnswers {
  const { certificate, stateDir } = answers;
  const absolute = (path: string): string => resolve(cwd, path);
  return {
    ...answers,
    stateDir: stateDir === null ? null : absolute(stateDir),
    certificate: certificate && { certificate: absolute(certificate.certificate), key: absolute(certificate.key) },
  };
}

/** Reads the configuration as turnd will, before anything is written. */
function readBack({ configFile, files }: MadeFiles, { cwd, reader }: CommandIo) {
  const made = (path: string): NewFile | undefined => files.find((file) => file.path === path);
  const overlay: FileReader = {
    read: (path) => made(path)?.text ?? reader.read(path),
    mode: (path) => made(path)?.mode ?? reader.mode(path),
  };
  const file = { path: configFile, text: made(configFile)?.text ?? '' };
  return parseConfig({ flags: [], env: {}, file, cwd, reader: overlay });
}

function firewallFile({ firewall }: InitAnswers, directory: string, config: Parameters<typeof needsOf>[0]): NewFile[] {
  const tool = FIREWALL_TOOLS.find(({ name }) => name === firewall);
  if (tool === undefined) return [];
  const name = firewall === 'nftables' ? 'turnd.nft' : `firewall-${firewall}.sh`;
  return [{ path: join(directory, name), text: firewallText(needsOf(config), tool), mode: 0o644 }];
}

function reportExisting(paths: readonly string[], io: CommandIo): boolean {
  const existing = paths.filter((path) => isThere(io.reader, path));
  for (const path of existing) io.err(`error: ${escapeText(path)} is there: --force replaces it\n`);
  return existing.length > 0;
}

function isThere(reader: FileReader, path: string): boolean {
  try {
    reader.mode(path);
    return true;
  } catch {
    return false;
  }
}

/** All of them, or none that was not there before. */
function writeAll(files: readonly NewFile[], mayReplace: boolean, { io, host }: Surroundings): boolean {
  const written: string[] = [];
  for (const file of files) {
    try {
      host.write(file, mayReplace);
      written.push(file.path);
    } catch (error) {
      if (!mayReplace) for (const path of written) host.remove(path);
      io.err(`error: cannot write ${escapeText(file.path)}: ${describeSystemError(error)}\n`);
      return false;
    }
  }
  return true;
}

function tell(result: InitResult, flags: InitFlags, { io, host }: Surroundings): void {
  const steps = nextSteps(result, host);
  if (flags.json) io.out(`${JSON.stringify(steps, null, 2)}\n`);
  else io.out(stepsText(steps, result.answers.user === null));
}
