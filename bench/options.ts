// The command line of the ruler, parsed and checked. Knows no servers and no load.

import { parseArgs } from 'node:util';
import { type Cell, cellName } from './cells.ts';
import { type Credentials, Direction, GeneratorKind } from './load-job.ts';
import { MIN_PAYLOAD } from './packet-stamp.ts';
import type { ReportFormat } from './report.ts';
import { isCoturn, runningServer, type ServerChoice, spawnedServer } from './server-choice.ts';
import { SUITE_NAMES, type SuiteName, suiteCells } from './suites.ts';
import { UsageError } from './usage-error.ts';
import type { Roles } from './verdicts.ts';

/** Everything that can be asked of the benchmark. */
export interface BenchOptions {
  readonly servers: readonly ServerChoice[];
  readonly roles: Roles;
  readonly credentials: Credentials;
  readonly cells: readonly Cell[];
  readonly seconds: number;
  readonly warmUpSeconds: number;
  /** Length of one try in a search for saturation. */
  readonly stepSeconds: number;
  /** How long a server is left alone before its memory is read. */
  readonly settleSeconds: number;
  readonly rounds: number;
  /** How often a doubtful run is repeated. */
  readonly repeats: number;
  /** Lateness of the generator (p99, microseconds) from which a run is doubtful. */
  readonly lateAllowed: number;
  readonly generator: GeneratorKind;
  readonly generators: number;
  readonly window: number;
  readonly gso: boolean;
  readonly rest: number;
  readonly format: ReportFormat;
  /** Whether to print the names of the cells and measure nothing. */
  readonly list: boolean;
  /** Whether to check for loss besides measuring. */
  readonly smoke: boolean;
}

const FLAGS = {
  server: { type: 'string', multiple: true },
  spawn: { type: 'string', multiple: true },
  baseline: { type: 'string', multiple: true },
  user: { type: 'string', default: 'alice:s3cret-Pass' },
  suite: { type: 'string' },
  only: { type: 'string', default: '' },
  list: { type: 'boolean', default: false },
  measure: { type: 'string', default: 'packets' },
  clients: { type: 'string' },
  payload: { type: 'string', default: '1000' },
  rate: { type: 'string', default: '20000' },
  burst: { type: 'string', default: '1' },
  direction: { type: 'string', default: Direction.CLIENT_TO_PEER },
  seconds: { type: 'string' },
  'warm-up': { type: 'string' },
  'step-seconds': { type: 'string', default: '1' },
  settle: { type: 'string' },
  rounds: { type: 'string' },
  repeats: { type: 'string' },
  late: { type: 'string', default: '500' },
  generator: { type: 'string', default: GeneratorKind.AUTO },
  generators: { type: 'string', default: '1' },
  window: { type: 'string', default: '32' },
  gso: { type: 'boolean', default: false },
  rest: { type: 'string', default: '0' },
  json: { type: 'boolean', default: false },
  markdown: { type: 'boolean', default: false },
  smoke: { type: 'boolean', default: false },
} as const;

type Values = ReturnType<typeof parseFlags>['values'];

/** How long things take unless it is said otherwise: the smoke suite is to be over soon. */
const USUAL_TIMES = { seconds: '5', 'warm-up': '1', settle: '3', rounds: '3', repeats: '2' } as const;
const SMOKE_TIMES = { seconds: '1', 'warm-up': '0.2', settle: '0.2', rounds: '1', repeats: '0' } as const;

/** Permissions last 300 seconds and are refreshed between rounds only. */
const LONGEST_ROUND = 180;

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

function choiceFrom<T extends string>(flag: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text);
  if (found === undefined) throw new UsageError(`--${flag} ${text}: must be one of ${choices.join(', ')}`);
  return found;
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

function serversFrom(tokens: ReturnType<typeof parseFlags>['tokens']): readonly ServerChoice[] {
  const servers = tokens.flatMap((token) => {
    if (token.kind !== 'option' || token.value === undefined) return [];
    if (token.name === 'server') return [runningServer(token.value)];
    return token.name === 'spawn' ? [spawnedServer(token.value)] : [];
  });
  const names = new Set(servers.map((server) => server.name));
  if (names.size < servers.length) throw new UsageError('two servers have the same name: use NAME=…');
  return servers.length > 0 ? servers : [spawnedServer('turnd')];
}

// Unless they are named, every coturn is a baseline; every server that is neither is judged.
function rolesFrom(servers: readonly ServerChoice[], named: readonly string[]): Roles {
  const coturns = servers.filter(isCoturn).map((server) => server.name);
  const unknown = named.find((name) => !servers.some((server) => server.name === name));
  if (unknown !== undefined) throw new UsageError(`--baseline ${unknown}: there is no such server`);
  const baselines = named.length > 0 ? named : coturns;
  const others = servers.map((server) => server.name).filter((name) => !baselines.includes(name));
  return { baselines, subjects: others.filter((name) => !coturns.includes(name)) };
}

// The one cell that the options describe.
function cellFrom(values: Values): Cell {
  const measure = choiceFrom('measure', values.measure, ['packets', 'set-ups', 'memory'] as const);
  const usualClients = { packets: '50', 'set-ups': '4000', memory: '10000' }[measure];
  const clients = integerFrom('clients', values.clients ?? usualClients, 1, 15_000);
  if (measure !== 'packets') return { measure, clients };
  const traffic = {
    direction: choiceFrom('direction', values.direction, Object.values(Direction)),
    burst: integerFrom('burst', values.burst, 1, 64),
    clients,
    payload: integerFrom('payload', values.payload, MIN_PAYLOAD, 9_000),
  };
  if (values.rate === 'max') return { measure: 'saturation', ...traffic };
  return { measure: 'packets', ...traffic, rate: numberFrom('rate', values.rate, 1, 10_000_000) };
}

function cellsFrom(values: Values, suite: SuiteName | null): readonly Cell[] {
  if (suite === null) return [cellFrom(values)];
  const cells = suiteCells(suite).filter((cell) => cellName(cell).includes(values.only));
  if (cells.length === 0) throw new UsageError(`--only ${values.only}: no cell of the suite has this in its name`);
  return cells;
}

function suiteFrom(values: Values): SuiteName | null {
  if (values.smoke) return 'smoke';
  return values.suite === undefined ? null : choiceFrom('suite', values.suite, SUITE_NAMES);
}

function timesFrom(values: Values, smoke: boolean) {
  const usual = smoke ? SMOKE_TIMES : USUAL_TIMES;
  return {
    seconds: numberFrom('seconds', values.seconds ?? usual.seconds, 0.1, LONGEST_ROUND),
    warmUpSeconds: numberFrom('warm-up', values['warm-up'] ?? usual['warm-up'], 0, 60),
    stepSeconds: numberFrom('step-seconds', values['step-seconds'], 0.1, 60),
    settleSeconds: numberFrom('settle', values.settle ?? usual.settle, 0, 600),
    rounds: integerFrom('rounds', values.rounds ?? usual.rounds, 1, 1_000),
    repeats: integerFrom('repeats', values.repeats ?? usual.repeats, 0, 100),
    lateAllowed: numberFrom('late', values.late, 1, 1e6),
  };
}

function formatFrom({ json, markdown }: Values): ReportFormat {
  if (json && markdown) throw new UsageError('--json and --markdown: only one of them');
  if (json) return 'json';
  return markdown ? 'markdown' : 'text';
}

/** Parses the arguments after the program's name. Throws a {@link UsageError}. */
export function parseOptions(args: readonly string[]): BenchOptions {
  const { values, tokens } = parseFlags(args);
  const servers = serversFrom(tokens);
  const suite = suiteFrom(values);
  return {
    servers,
    roles: rolesFrom(servers, values.baseline ?? []),
    credentials: credentialsFrom(values.user),
    cells: cellsFrom(values, suite),
    ...timesFrom(values, suite === 'smoke'),
    generator: choiceFrom('generator', values.generator, Object.values(GeneratorKind)),
    generators: integerFrom('generators', values.generators, 1, 64),
    window: integerFrom('window', values.window, 1, 1_000),
    gso: values.gso,
    rest: numberFrom('rest', values.rest, 0, 10_000),
    format: formatFrom(values),
    list: values.list,
    smoke: suite === 'smoke',
  };
}
