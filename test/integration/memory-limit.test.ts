// A server whose memory comes near its limit: real processes, real pages, a limit a little above what they use.

import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { t as root, type Test, test } from 'tap';
import { ControlClient } from '../../src/control/control-client.ts';
import { allPids } from '../support/process-facts.ts';
import { RawClient, REQUEST } from '../support/raw-client.ts';
import { bareFlags, startTurndWith, type TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';
import { lifetime } from '../support/wire-attributes.ts';
import { type Call, isWhole, startCall } from './stores/call.ts';

root.setTimeout(180_000);

const MIBIBYTE = 2 ** 20;
/** What may come beyond what is in use, before nothing more may: what garbage comes and goes is as much. */
const ROOM = MIBIBYTE;
/** At 20 KB each a multiple of it. */
const MOST_ALLOCATIONS = 4000;
/** Half of what an allocation costs, for each of so many, is far more than the garbage of as many answers. */
const REFUSALS = 600;
/** A sample later, on a busy machine. */
const PATIENCE = 100;
const FULL = 508;

interface Scene {
  readonly server: TurndProcess;
  readonly call: Call;
  /** Serves under this limit from now on; 0 = none. */
  readonly limit: (bytes: number) => Promise<void>;
}

async function start(t: Test): Promise<Scene> {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'turnd.yaml');
  const configure = (memory: number): void =>
    writeFileSync(
      file,
      `listen: ["udp://127.0.0.1:0", "tcp://127.0.0.1:0"]
auth: {users: ["alice:secret-of-alice"]}
limits: {memory: ${memory}, allocations-per-client-address: 0, unauthenticated-replies-per-second: 0}`,
    );
  configure(0);
  const server = await startTurndWith(t, ['--config', file, ...bareFlags(directory)]);
  const call = await startCall(t, server);
  const control = await ControlClient.open({ path: join(directory, 'state', 'turnd.sock'), timeout: 30_000 });
  const limit = async (bytes: number): Promise<void> => {
    configure(bytes);
    t.same((await control.reload()).applied, ['limits.memory']);
  };
  return { server, call, limit };
}

/** Bytes as the server has to count them: what is shared by its processes once. */
function used(server: TurndProcess): number {
  const field = (status: string, name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) * 1024;
  const all = allPids(server).map((pid) => readFileSync(`/proc/${pid}/status`, 'utf8'));
  const own = all.reduce((sum, status) => sum + field(status, 'RssAnon'), 0);
  return own + Math.max(...all.map((status) => field(status, 'RssFile') + field(status, 'RssShmem')));
}

/** Allocates with new clients until one is refused. @returns its error */
async function fill(port: number, held: RawClient[]): Promise<number | undefined> {
  while (held.length < MOST_ALLOCATIONS) {
    const client = await RawClient.open({ port });
    held.push(client);
    const { errorCode } = await client.allocate();
    if (errorCode !== undefined) return errorCode;
  }
  return undefined;
}

const warnings = (server: TurndProcess) => server.log.filter(({ event }) => event === 'memory-short');

test('R24 near the limit of memory 508 and closed connections, calls go on, and all of it ends', async (t) => {
  const { server, call, limit } = await start(t);
  const port = await server.port('udp');
  const held: RawClient[] = [];
  t.teardown(() => held.map((client) => client.close()));
  // What the first allocations of a process cost beyond their own.
  for (let warm = 0; warm < 50; warm++) {
    const client = await RawClient.open({ port });
    held.push(client);
    await client.allocated();
  }
  await limit(Math.ceil((used(server) + ROOM) / 0.9));

  const before = held.length;
  t.equal(await fill(port, held), FULL);
  t.comment(`after ${held.length - before} more`);
  t.match(await server.logged('a warning', ({ event }) => event === 'memory-short'), { level: 'warn' });
  t.ok(await isWhole(call), 'the call goes on');
  const stream = await RawClient.open({ transport: 'tcp', port: await server.port('tcp') }).catch(() => null);
  await stream?.closed;
  t.pass('a new connection is closed');

  // Whoever is refused over and over costs nothing.
  const refused = held.at(-1) as RawClient;
  const full = used(server);
  let others = 0;
  for (let attempt = 0; attempt < REFUSALS; attempt++) if ((await refused.allocate()).errorCode !== FULL) others++;
  const growth = used(server) - full;
  t.equal(others, 0);
  t.ok(growth < REFUSALS * 10_240, `${growth} bytes more`);
  t.equal(warnings(server).length, 1, 'told once');
  t.ok(await isWhole(call), 'and on');

  for (const client of held.slice(0, before)) await client.request(REQUEST.refresh, [lifetime(0)]);
  await limit(2 * full);
  await server.logged('the end of it', ({ event }) => event === 'memory-enough');
  const again = await RawClient.open({ port });
  held.push(again);
  let code: number | undefined = FULL;
  for (let attempt = 0; attempt < PATIENCE && code === FULL; attempt++) code = (await again.allocate()).errorCode;
  t.equal(code, undefined, 'and new ones are made');
});
