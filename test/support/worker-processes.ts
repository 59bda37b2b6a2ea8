// A turnd with relay workers: which processes it has, and clients of a worker that the test chooses. The kernel spreads
// clients over the workers by their ports, so a client is opened until one is where it should be.

import { readFileSync } from 'node:fs';
import { RawClient, type RawTransport } from './raw-client.ts';
import { labFlags, type Teardown, TurndProcess, temporaryDirectory } from './turnd-process.ts';

/** Flags of two workers whose log says which of them has made an allocation. */
export const TWO_WORKERS: readonly string[] = ['--plane', 'linux', '--workers', '2', '--log-level', 'debug'];

/** Starts a server with two workers and stops it after the test. */
export async function startWorkers(t: Teardown, ...more: readonly string[]): Promise<TurndProcess> {
  const server = new TurndProcess(labFlags(temporaryDirectory(t), ...TWO_WORKERS, ...more));
  t.teardown(() => (server.isAlive ? server.stop() : undefined));
  await server.ready();
  return server;
}

/** The process ids of the workers, by number; of those that live. */
export function workersOf(server: TurndProcess): Map<number, number> {
  const found = new Map<number, number>();
  for (const pid of childrenOf(server.pid)) {
    const number = /^turnd: worker (\d+)/.exec(commandLine(pid))?.[1];
    if (number !== undefined) found.set(Number(number), pid);
  }
  return found;
}

/** The process id of a worker. */
export function pidOf(server: TurndProcess, worker: number): number {
  const pid = workersOf(server).get(worker);
  if (pid === undefined) throw new Error(`there is no worker ${worker}`);
  return pid;
}

/** An allocation whose worker is known. */
export interface PlacedClient {
  readonly client: RawClient;
  readonly worker: number;
  readonly relayed: { readonly ip: string; readonly port: number };
}

/** Allocates, and reads in the log who has made the allocation. */
export async function place(t: Teardown, server: TurndProcess, transport: RawTransport = 'udp'): Promise<PlacedClient> {
  const client = await RawClient.open({ transport, port: await server.port(transport) });
  t.teardown(() => client.close());
  const relayed = await client.allocated();
  const address = `${relayed.ip}:${relayed.port}`;
  const { worker } = await server.logged('the allocation', ({ msg, relayed: made }) => {
    return msg === 'allocation made' && Array.isArray(made) && made[0] === address;
  });
  return { client, worker: Number(worker), relayed };
}

/** A client of this worker. */
export async function placeOn(
  t: Teardown,
  server: TurndProcess,
  worker: number,
  transport: RawTransport = 'udp',
): Promise<PlacedClient> {
  for (;;) {
    const placed = await place(t, server, transport);
    if (placed.worker === worker) return placed;
  }
}

/** Says what a system process is called, or nothing when it is gone. */
export function commandLine(pid: number): string {
  return readProc(pid, 'cmdline').replaceAll('\0', ' ').trim();
}

/** The environment of a process as the kernel shows it. */
export function environmentOf(pid: number): string {
  return readProc(pid, 'environ');
}

function childrenOf(pid: number): number[] {
  return readProc(pid, `task/${pid}/children`).split(' ').filter(Boolean).map(Number);
}

function readProc(pid: number, name: string): string {
  try {
    return readFileSync(`/proc/${pid}/${name}`, 'utf8');
  } catch {
    return '';
  }
}
