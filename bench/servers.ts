// The servers under load: those that run already are taken as they are, the others are started on loopback.

import { startCoturn } from '../test/support/coturn.ts';
import { TEST_ADDRESS, TEST_USER, type TurnServer } from '../test/support/turn-server.ts';
import { startTurnd } from '../test/support/turnd.ts';
import type { BenchOptions, ServerChoice } from './options.ts';
import type { Address } from './turn-messages.ts';
import type { Credentials } from './turn-session.ts';

/** A server that the benchmark can put load on. */
export interface Target {
  readonly name: string;
  readonly address: Address;
  readonly credentials: Credentials;
  /** The root of its process tree; null if unknown. */
  readonly pid: number | null;
  stop(): Promise<unknown>;
}

// Relay ports in plenty: coturn is given a range of its own.
function spawnServer(program: string, args: readonly string[], clients: number): Promise<TurnServer> {
  if (program === 'turnd') return startTurnd({ args });
  return startCoturn({ args, relayPorts: 512 + 2 * clients, ...(program === 'coturn' ? {} : { program }) });
}

/** Starts or reaches a server. Those that run already have the user of the options, started ones their own. */
export async function openTarget(choice: ServerChoice, options: BenchOptions): Promise<Target> {
  const { name } = choice;
  const { credentials, clients } = options;
  if (choice.kind === 'running') {
    return { name, address: choice.address, credentials, pid: choice.pid, stop: async () => {} };
  }
  const server = await spawnServer(choice.program, choice.flags, clients);
  return {
    name,
    address: { address: TEST_ADDRESS, port: server.ports.udp },
    credentials: TEST_USER,
    pid: server.pid,
    stop: () => server.close(),
  };
}
