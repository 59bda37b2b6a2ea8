// The servers under load: those that run already are taken as they are, the others are started on loopback, afresh for
// every cell.

import { startCoturn } from '../test/support/coturn.ts';
import { TEST_ADDRESS, TEST_USER, type TurnServer } from '../test/support/turn-server.ts';
import { startTurnd } from '../test/support/turnd.ts';
import type { Credentials } from './load-job.ts';
import { isCoturn, type ServerChoice } from './server-choice.ts';
import type { Address } from './turn-messages.ts';

/** A server that the benchmark can put load on. */
export interface Server {
  readonly name: string;
  readonly address: Address;
  readonly credentials: Credentials;
  /** The root of its process tree; null if unknown. */
  readonly pid: number | null;
  stop(): Promise<unknown>;
}

/** Variables for the servers that are started. */
type Environment = Readonly<Record<string, string>>;

/** Below the range from which Linux takes ephemeral ports. */
const FIRST_RELAY_PORT = 10_000;
const LAST_RELAY_PORT = 32_767;

// Coturns that run side by side get ranges that do not overlap: they refuse an allocation when a port is taken.
function portFlags(choice: ServerChoice, all: readonly ServerChoice[]): readonly string[] {
  const coturns = all.filter(isCoturn);
  const size = Math.floor((LAST_RELAY_PORT + 1 - FIRST_RELAY_PORT) / coturns.length);
  const first = FIRST_RELAY_PORT + coturns.indexOf(choice) * size;
  return [`--min-port=${first}`, `--max-port=${first + size - 1}`];
}

function spawnServer(
  program: string,
  flags: readonly string[],
  ports: readonly string[],
  env: Environment,
): Promise<TurnServer> {
  // With no plane named it would run on the one that tests run on.
  if (program === 'turnd') return startTurnd({ args: ['--plane', 'auto', ...flags], env });
  return startCoturn({ args: [...ports, ...flags], ...(program === 'coturn' ? {} : { program }) });
}

async function openServer(
  choice: ServerChoice,
  credentials: Credentials,
  all: readonly ServerChoice[],
  env: Environment,
): Promise<Server> {
  const { name } = choice;
  if (choice.kind === 'running') {
    return { name, address: choice.address, credentials, pid: choice.pid, stop: async () => {} };
  }
  const server = await spawnServer(choice.program, choice.flags, portFlags(choice, all), env);
  return {
    name,
    address: { address: TEST_ADDRESS, port: server.ports.udp },
    credentials: TEST_USER,
    pid: server.pid,
    stop: () => server.close(),
  };
}

/**
 * Starts or reaches all servers, hands them to `action`, and stops them.
 * Those that run already have `credentials`, started ones their own; every turnd gets the variables of `env`.
 */
export async function withServers<T>(
  choices: readonly ServerChoice[],
  credentials: Credentials,
  action: (servers: readonly Server[]) => Promise<T>,
  env: Environment = {},
): Promise<T> {
  const servers: Server[] = [];
  try {
    for (const choice of choices) servers.push(await openServer(choice, credentials, choices, env));
    return await action(servers);
  } finally {
    await Promise.all(servers.map((server) => server.stop()));
  }
}
