// Owns `turnctl check`: its flags, and what they mean to the checks.

import { resolve } from 'node:path';
import { type Command, InvalidArgumentError, Option } from 'commander';
import { parseTurnUri, type TurnUri } from '../client/uri.ts';
import { tryRead } from '../config/file-reader.ts';
import { escapeText } from '../escape-text.ts';
import { type CredentialFlags, PASSWORD_VARIABLE, readCredential, SECRET_VARIABLE } from './check/credentials.ts';
import { MAX_ECHO_SIZE, MIN_ECHO_SIZE } from './check/echo.ts';
import type { CheckOptions } from './check/options.ts';
import { outputFor, watchOutputFor } from './check/output.ts';
import { runChecks, watchChecks } from './check/run-checks.ts';
import { type CommandSurroundings, systemSurroundings } from './check/surroundings.ts';
import { DURATION_FORM, parseDuration } from './durations.ts';
import { type CommandIo, ExitStatus } from './terminal-io.ts';

interface CheckFlags extends CredentialFlags {
  readonly insecure?: boolean;
  readonly tlsName?: string;
  readonly caFile?: string;
  readonly ipv4?: boolean;
  readonly ipv6?: boolean;
  readonly count: number;
  readonly size: number;
  readonly timeout: number;
  readonly watch?: number | true;
  readonly json?: boolean;
  readonly quiet?: boolean;
}

const WATCH_SECONDS = 30;
const MAX_WATCH_SECONDS = 86_400;

const HELP_END = `
Steps: resolve, connect, binding, allocate, permission, channel, echo, refresh. A stun: URL ends after binding.
The echo goes out through the relay to a socket of this machine, by its public address; where the server denies that
address as a peer, to a second allocation.
Exit status: 0 all ok, 1 a step failed, 2 wrong usage.
Environment: ${PASSWORD_VARIABLE}, ${SECRET_VARIABLE}.

Examples:
  turnctl check stun:stun.example.org
  turnctl check turn:turn.example.org turns:turn.example.org --user alice --password-file pw
  turnctl check 'turn:turn.example.org?transport=tcp' --secret-file /etc/turnd/secret --json
  turnctl check turns:192.0.2.1 --tls-name turn.example.org --watch 5m --secret-file secret`;

/** Adds the command to the program; `finish` receives the exit status. */
export function addCheckCommands(
  program: Command,
  io: CommandIo,
  finish: (status: ExitStatus) => void,
  surroundings: () => CommandSurroundings = systemSurroundings,
): void {
  program
    .command('check')
    .description('test STUN and TURN servers as a client does')
    .argument('<url...>', 'stun:, stuns:, turn: or turns: URLs')
    .option('--user <name>', 'user name; with a secret, the user part of the time-limited name')
    .option('--password-file <file>', 'password of the user, from a file')
    .option('--password-stdin', 'password of the user, from the first line of standard input')
    .option('--secret-file <file>', 'shared secret of time-limited credentials, from a file')
    .addOption(new Option('--password <password>', 'password, in sight of others: prefer --password-file'))
    .addOption(new Option('--secret <secret>', 'secret, in sight of others: prefer --secret-file'))
    .option('--insecure', 'accept any certificate')
    .option('--tls-name <name>', 'name to expect in the certificate in place of the host of the URL')
    .option('--ca-file <file>', 'PEM file of further certificate authorities')
    .addOption(new Option('--ipv4', 'reach the server by IPv4 only').conflicts('ipv6'))
    .option('--ipv6', 'reach the server by IPv6 only')
    .option('--count <number>', 'echo packets', number(1, 10_000), 10)
    .option('--size <bytes>', 'size of an echo packet', number(MIN_ECHO_SIZE, MAX_ECHO_SIZE), 160)
    .option('--timeout <seconds>', 'patience with each step', number(0.1, 60), 5)
    .option('--watch [time]', `check again and again, every ${WATCH_SECONDS} s or so often, until Ctrl-C`, interval)
    .option('--json', 'one JSON document (with --watch one per line)')
    .option('--quiet', 'one line per URL')
    .addHelpText('after', HELP_END)
    .action(async (urls: readonly string[], flags: CheckFlags) => {
      finish(await check(urls, flags, io, surroundings()));
    });
}

function number(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    const isWhole = least < 1 || Number.isInteger(value);
    if (isWhole && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`Expected a number from ${least} to ${most}.`);
  };
}

function interval(text: string): number {
  const seconds = parseDuration(text);
  if (seconds !== null && seconds >= 1 && seconds <= MAX_WATCH_SECONDS) return seconds;
  throw new InvalidArgumentError(`Expected ${DURATION_FORM}.`);
}

async function check(
  urls: readonly string[],
  flags: CheckFlags,
  io: CommandIo,
  surroundings: CommandSurroundings,
): Promise<ExitStatus> {
  const { uris, errors } = readUrls(urls);
  const read = errors.length > 0 ? { errors } : await readOptions(flags, io);
  if ('errors' in read) {
    for (const error of read.errors) io.err(`error: ${error}\n`);
    return ExitStatus.invalid;
  }
  const ok = await run(uris, read.options, flags, io, surroundings);
  return ok ? ExitStatus.ok : ExitStatus.failed;
}

function run(
  uris: readonly TurnUri[],
  options: CheckOptions,
  flags: CheckFlags,
  ...[io, surroundings]: [CommandIo, CommandSurroundings]
): Promise<boolean> {
  const format = flags.json === true ? 'json' : flags.quiet === true ? 'quiet' : 'human';
  const { isTerminal } = surroundings;
  if (flags.watch === undefined) return runChecks(uris, options, surroundings, outputFor(format, io, isTerminal));
  const seconds = flags.watch === true ? WATCH_SECONDS : flags.watch;
  return watchChecks(uris, options, surroundings, {
    intervalMs: seconds * 1000,
    interrupted: surroundings.interruption(),
    output: watchOutputFor(format, io, isTerminal),
  });
}

function readUrls(urls: readonly string[]): { uris: readonly TurnUri[]; errors: readonly string[] } {
  const results = urls.map(parseTurnUri);
  return {
    uris: results.flatMap((result) => (result.ok ? [result.uri] : [])),
    errors: results.flatMap((result) => (result.ok ? [] : [escapeText(result.error)])),
  };
}

async function readOptions(
  flags: CheckFlags,
  io: CommandIo,
): Promise<{ options: CheckOptions } | { errors: readonly string[] }> {
  const read = await readCredential(flags, io);
  const authorities = readAuthorities(flags.caFile, io);
  const errors = [read, authorities].flatMap((part) => ('error' in part ? [escapeText(part.error)] : []));
  if ('error' in read || 'error' in authorities) return { errors };
  return {
    options: {
      credential: read.credential,
      insecure: flags.insecure === true,
      tlsName: flags.tlsName,
      authorities: authorities.pem,
      family: flags.ipv4 === true ? 4 : flags.ipv6 === true ? 6 : undefined,
      count: flags.count,
      size: flags.size,
      timeoutMs: flags.timeout * 1000,
    },
  };
}

function readAuthorities(file: string | undefined, io: CommandIo): { pem: readonly string[] } | { error: string } {
  if (file === undefined) return { pem: [] };
  const read = tryRead(io.reader, resolve(io.cwd, file));
  if ('error' in read) return read;
  const pem = read.text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? [];
  return pem.length > 0 ? { pem } : { error: `${file} holds no PEM certificate` };
}
