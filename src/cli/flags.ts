// Owns the command line of `turnd`: its flags, their help, and which key of the configuration each one sets.
// It judges no values: the schema does, and names the flag.

import { Command, CommanderError, Option } from 'commander';
import { type ConfigKey, listKeys } from '../config/keys.ts';
import { type Override, valueFromText } from '../config/overrides.ts';
import { suggest } from '../config/suggest.ts';
import { escapeText } from '../escape-text.ts';

/** Flags to run with, or what to print before the process ends with `status`. */
export type ParsedFlags =
  | { readonly kind: 'run'; readonly flags: readonly Override[]; readonly configFile: string | null }
  | { readonly kind: 'exit'; readonly status: 0 | 2; readonly stdout: string; readonly stderr: string };

/** A flag and the keys that it sets. */
interface FlagRow {
  readonly flag: string;
  readonly keys: readonly string[];
  readonly help: string;
  readonly isRepeatable?: boolean;
}

const ROWS: readonly FlagRow[] = Object.freeze([
  {
    flag: '--listen <url...>',
    keys: ['listen'],
    help: 'listen here: udp://, tcp://, tls:// or tcp+tls://, host (*: all), port',
    isRepeatable: true,
  },
  { flag: '--realm <realm>', keys: ['realm'], help: 'realm of the credentials' },
  { flag: '--user <name:password>', keys: ['auth.users'], help: 'a static user', isRepeatable: true },
  { flag: '--user-file <file>', keys: ['auth.user-file'], help: 'a file with one name:password in each line' },
  {
    flag: '--secret <secret>',
    keys: ['auth.secrets'],
    help: 'shared secret of time-limited credentials',
    isRepeatable: true,
  },
  { flag: '--secret-file <file>', keys: ['auth.secrets'], help: 'as --secret, read from a file', isRepeatable: true },
  {
    flag: '--user-quota <number>',
    keys: ['limits.allocations-per-user', 'limits.allocations-per-rest-user'],
    help: 'allocations per user (0: no limit)',
  },
  {
    flag: '--relay-address <ip>',
    keys: ['relay.address'],
    help: 'address to bind relays to, one per family',
    isRepeatable: true,
  },
  {
    flag: '--external-address <address>',
    keys: ['relay.external-address'],
    help: 'public address of the relays, behind NAT: auto, none, IP, name',
  },
  { flag: '--relay-ports <A-B>', keys: ['relay.ports'], help: 'ports of the relays (49152-65535): open them for UDP' },
  {
    flag: '--allow-peer <cidr>',
    keys: ['peers.allow'],
    help: 'let clients reach this network of the built-in deny list',
    isRepeatable: true,
  },
  { flag: '--deny-peer <cidr>', keys: ['peers.deny'], help: 'keep clients from this network', isRepeatable: true },
  {
    flag: '--state-dir <directory>',
    keys: ['state-dir'],
    help: 'directory of keys that turnd makes (else $STATE_DIRECTORY, else ./.turnd)',
  },
  { flag: '--tls-cert <file>', keys: [], help: 'PEM certificate with its chain' },
  { flag: '--tls-key <file>', keys: [], help: 'PEM key of --tls-cert' },
  { flag: '--plane <plane>', keys: ['plane'], help: 'how datagrams are moved: auto, linux, portable' },
  { flag: '--workers <number>', keys: ['workers'], help: 'relay worker processes: auto, or 0 to 250' },
  {
    flag: '--rfc5766-channel-numbers',
    keys: ['protocol.rfc5766-channel-numbers'],
    help: 'accept channel numbers up to 0x7FFF',
  },
  { flag: '--anonymous', keys: ['auth.anonymous'], help: 'serve everyone without credentials (labs only)' },
  {
    flag: '--unsafe-allow-loopback-peers',
    keys: ['peers.unsafe-allow-loopback'],
    help: 'let clients reach this host (labs only)',
  },
  { flag: '--log-level <level>', keys: ['log.level'], help: 'trace, debug, info, warn, error, fatal, silent' },
  { flag: '--log-format <format>', keys: ['log.format'], help: 'auto, json, pretty' },
  { flag: '--log-file <file>', keys: ['log.file'], help: 'log to a file, reopened on SIGHUP' },
]);

const HELP_END = `
Without any configuration turnd serves a lab user of its own and prints how to use it.
A flag beats its environment variable (--relay-ports: TURND_RELAY__PORTS), which beats the file.
Flags that take lists replace the list of the file. Secrets are safer in files: --secret-file, --user-file.`;

/** Parses the arguments after the program's name. Never throws and never ends the process. */
export function parseFlags(argv: readonly string[], version: string): ParsedFlags {
  const printed: string[] = [];
  const refused: string[] = [];
  const program = makeProgram(version);
  program.configureOutput({ writeOut: (text) => printed.push(text), writeErr: (text) => refused.push(tidy(text)) });
  try {
    program.parse([...argv], { from: 'user' });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.code === 'commander.excessArguments') refused.push(fileHint(program.args[0] ?? ''));
    return { kind: 'exit', status: error.exitCode === 0 ? 0 : 2, stdout: printed.join(''), stderr: refused.join('') };
  }
  const options = program.opts<Record<string, unknown>>();
  const { overrides, fault } = toOverrides(options, listKeys());
  if (fault !== null) return { kind: 'exit', status: 2, stdout: '', stderr: `turnd: ${fault}\n` };
  const configFile = options['config'];
  return { kind: 'run', flags: overrides, configFile: typeof configFile === 'string' ? configFile : null };
}

/** Other programs take their file without a flag. Anything else may be a misplaced secret, and is not repeated (S55). */
function fileHint(argument: string): string {
  return /^[\w./-]+\.(?:ya?ml|conf)$/.test(argument) ? `turnd: did you mean --config ${argument}?\n` : '';
}

/** What stands after the `=` of a mistyped flag may be a secret (S55), and keeps commander from suggesting. */
function tidy(text: string): string {
  const known = ROWS.map(({ flag }) => flag.replace(/ .*$/, ''));
  const tidied = text
    .replace(/^error: /, 'turnd: ')
    .replace(/'(--?[^'=\s]+)=.*'/s, (_, name: string) => `'${name}'${suggest(name, known)}`);
  return `${tidied.trimEnd().split('\n').map(escapeText).join('\n')}\n`;
}

function makeProgram(version: string): Command {
  const program = new Command('turnd')
    .description('TURN and STUN server')
    .version(version, '--version')
    .exitOverride()
    .showHelpAfterError('turnd: --help lists the flags')
    .allowExcessArguments(false)
    .addOption(new Option('--config <file>', 'YAML file (else $TURND_CONFIG, ./turnd.yaml, /etc/turnd/turnd.yaml)'));
  for (const row of ROWS) program.addOption(makeOption(row));
  return program.helpOption('--help', 'show this help').addHelpText('after', HELP_END);
}

function makeOption({ flag, help, isRepeatable }: FlagRow): Option {
  const option = new Option(flag, isRepeatable ? `${help} (repeatable)` : help);
  if (!isRepeatable || option.variadic) return option;
  return option.argParser((value: string, previous: readonly string[] | undefined) => [...(previous ?? []), value]);
}

function toOverrides(options: Readonly<Record<string, unknown>>, keys: readonly ConfigKey[]) {
  const overrides = ROWS.flatMap((row) => rowOverrides(row, options, keys));
  const secrets = secretOverride(options);
  const tls = tlsOverride(options);
  const all = [...overrides.filter(({ path }) => path.join('.') !== 'auth.secrets'), ...secrets];
  if (tls === 'incomplete') return { overrides: all, fault: '--tls-cert, --tls-key: one needs the other' };
  return { overrides: [...all, ...tls], fault: null };
}

function rowOverrides(
  row: FlagRow,
  options: Readonly<Record<string, unknown>>,
  keys: readonly ConfigKey[],
): Override[] {
  const { source, value } = readRow(row.flag, options);
  if (value === undefined) return [];
  return row.keys.flatMap((name) => {
    const key = keys.find((candidate) => candidate.name === name);
    return key === undefined ? [] : [{ path: key.path, value: convert(value, key), source }];
  });
}

function readRow(flag: string, options: Readonly<Record<string, unknown>>): { source: string; value: unknown } {
  const option = new Option(flag);
  return { source: option.long ?? flag, value: options[option.attributeName()] };
}

/** Text takes the form of its key; a repeatable flag that was given once may also be a single value. */
function convert(value: unknown, key: ConfigKey): unknown {
  if (Array.isArray(value)) return value.length === 1 && key.forms.has('string') ? value[0] : value;
  if (typeof value !== 'string') return value;
  const parsed = valueFromText(value, key);
  return 'error' in parsed ? value : parsed.value;
}

function secretOverride(options: Readonly<Record<string, unknown>>): Override[] {
  const values = texts(options['secret']).map((value) => ({ entry: { value } as object, source: '--secret' }));
  const files = texts(options['secretFile']).map((file) => ({
    entry: { 'value-file': file },
    source: '--secret-file',
  }));
  const all = [...values, ...files];
  if (all.length === 0) return [];
  return [
    {
      path: ['auth', 'secrets'],
      value: all.map(({ entry }) => entry),
      source: '--secret',
      elementSources: all.map(({ source }) => source),
    },
  ];
}

function tlsOverride(options: Readonly<Record<string, unknown>>): Override[] | 'incomplete' {
  const certificate = options['tlsCert'];
  const key = options['tlsKey'];
  if (certificate === undefined && key === undefined) return [];
  if (certificate === undefined || key === undefined) return 'incomplete';
  return [{ path: ['tls', 'certificates'], value: [{ certificate, key }], source: '--tls-cert' }];
}

function texts(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.map(String) : [];
}
