// The command line of the throughput benchmark, parsed and checked. Knows no servers and no load.

import { parseArgs } from 'node:util';
import { Direction } from './load-job.ts';
import { MIN_PAYLOAD } from './meter.ts';
import type { Address } from './turn-messages.ts';
import type { Credentials } from './turn-session.ts';

/** A server that runs already, or one to be started. */
export type ServerChoice =
  | { readonly kind: 'running'; readonly name: string; readonly address: Address; readonly pid: number | null }
  | {
      readonly kind: 'spawn';
      readonly name: string;
      /** `turnd`, `coturn`, or the path of a coturn. */
      readonly program: string;
      readonly flags: readonly string[];
    };

/** Everything that can be asked of the benchmark. */
export interface BenchOptions {
  readonly servers: readonly ServerChoice[];
  readonly credentials: Credentials;
  readonly clients: number;
  readonly payload: number;
  readonly rate: number;
  readonly burst: number;
  readonly direction: Direction;
  readonly seconds: number;
  readonly warmUpSeconds: number;
  readonly rounds: number;
  readonly generators: number;
  readonly json: boolean;
  /** Whether to check for loss instead of measuring. */
  readonly smoke: boolean;
}

/** What the command line does wrong, in words for its user. */
export class UsageError extends Error {}

const FLAGS = {
  server: { type: 'string', multiple: true },
  spawn: { type: 'string', multiple: true },
  user: { type: 'string', default: 'alice:s3cret-Pass' },
  clients: { type: 'string', default: '50' },
  payload: { type: 'string', default: '1000' },
  rate: { type: 'string', default: '20000' },
  burst: { type: 'string', default: '1' },
  direction: { type: 'string', default: Direction.CLIENT_TO_PEER },
  seconds: { type: 'string', default: '5' },
  'warm-up': { type: 'string', default: '0.5' },
  rounds: { type: 'string', default: '3' },
  generators: { type: 'string', default: '1' },
  json: { type: 'boolean', default: false },
  smoke: { type: 'boolean', default: false },
} as const;

/** What `--smoke` sets: a load that any machine carries without loss. */
const SMOKE = { clients: 5, rate: 500, seconds: 2, rounds: 1, warmUpSeconds: 0.2 } as const;

function numberFrom(flag: string, text: string, min: number, max: number): number {
  const value = Number(text);
  if (text.trim() === '' || !(value >= min && value <= max)) {
    throw new UsageError(`--${flag} ${text}: must be a number from ${min} to ${max}`);
  }
  return value;
}

function integerFrom(flag: string, text: string, min: number, max: number): number {
  const value = numberFrom(flag, text, min, max);
  if (!Number.isInteger(value)) throw new UsageError(`--${flag} ${text}: must be a whole number`);
  return value;
}

function directionFrom(text: string): Direction {
  const found = Object.values(Direction).find((direction) => direction === text);
  if (found === undefined) throw new UsageError(`--direction ${text}: must be c2p, p2c or both`);
  return found;
}

// NAME=udp://host:port[,pid=123]
function runningServer(text: string): ServerChoice {
  const match = /^([^=]+)=udp:\/\/(?:\[([0-9a-f:]+)\]|([^:/\]]+)):(\d+)(?:,pid=(\d+))?$/i.exec(text);
  if (match === null)
    throw new UsageError(`--server ${text}: must be NAME=udp://host:port or NAME=udp://host:port,pid=N`);
  const [, name = '', ipv6, host = '', port = '', pid] = match;
  const address = { address: ipv6 ?? host, port: integerFrom('server', port, 1, 0xffff) };
  return { kind: 'running', name, address, pid: pid === undefined ? null : Number(pid) };
}

// [NAME=]PROGRAM[ FLAG…]
function spawnedServer(text: string): ServerChoice {
  const [first = '', ...flags] = text.trim().split(/\s+/);
  const [name = '', program = name] = first.split('=', 2);
  const known = program === 'turnd' || program === 'coturn' || program.startsWith('/');
  if (!known)
    throw new UsageError(
      `--spawn ${text}: must be [NAME=]turnd, [NAME=]coturn or NAME=/path/of/turnserver, and its flags`,
    );
  return { kind: 'spawn', name, program, flags };
}

function credentialsFrom(text: string): Credentials {
  const colon = text.indexOf(':');
  if (colon < 1) throw new UsageError('--user: must be NAME:PASSWORD');
  return { username: text.slice(0, colon), password: text.slice(colon + 1) };
}

function parseFlags(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS, tokens: true });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** Parses the arguments after the program's name. Throws a {@link UsageError}. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values, tokens } = parseFlags(args);
  const servers = tokens.flatMap((token) => {
    if (token.kind !== 'option' || token.value === undefined) return [];
    if (token.name === 'server') return [runningServer(token.value)];
    return token.name === 'spawn' ? [spawnedServer(token.value)] : [];
  });
  const names = new Set(servers.map((server) => server.name));
  if (names.size < servers.length) throw new UsageError('two servers have the same name: use NAME=…');
  return {
    servers: servers.length > 0 ? servers : [spawnedServer('turnd')],
    credentials: credentialsFrom(values.user),
    clients: integerFrom('clients', values.clients, 1, 10_000),
    payload: integerFrom('payload', values.payload, MIN_PAYLOAD, 9_000),
    rate: numberFrom('rate', values.rate, 1, 10_000_000),
    burst: integerFrom('burst', values.burst, 1, 64),
    direction: directionFrom(values.direction),
    seconds: numberFrom('seconds', values.seconds, 0.1, 86_400),
    warmUpSeconds: numberFrom('warm-up', values['warm-up'], 0, 60),
    rounds: integerFrom('rounds', values.rounds, 1, 1_000),
    generators: integerFrom('generators', values.generators, 1, 64),
    json: values.json,
    smoke: values.smoke,
    ...(values.smoke ? SMOKE : {}),
  };
}
