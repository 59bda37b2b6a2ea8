// A server with 256 descriptors per process whose clients take all of them, over UDP, TCP and TLS.

import { once } from 'node:events';
import { connect } from 'node:net';
import { type Test, test } from 'tap';
import { allPids, descriptors, processorTime } from '../support/process-facts.ts';
import { RawClient, type RawTransport, REQUEST } from '../support/raw-client.ts';
import { startLabTurnd, type TurndProcess } from '../support/turnd-process.ts';
import { whenClosed } from '../support/when-closed.ts';
import { lifetime } from '../support/wire-attributes.ts';
import { type Call, isWhole, startCall } from './stores/call.ts';

const LIMIT = 256;
const STREAMS = ['--listen', 'tcp://127.0.0.1:0', '--listen', 'tls://127.0.0.1:0'];
const TRANSPORTS: readonly RawTransport[] = ['udp', 'tcp', 'tls'];
const NO_BUDGET = { TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0' };
/** Of each transport: as many refusals in a row as leave no doubt about both workers. */
const REFUSALS = 12;
/** A window in which a process that spins uses a multiple of what it should, on a busy machine too. */
const WINDOW_MS = 2000;
const INSUFFICIENT_CAPACITY = 508;

/** What became of an attempt: an allocation, 508, or a connection that was closed. */
type Outcome = RawClient | number | 'closed';

async function attempt(server: TurndProcess, transport: RawTransport): Promise<Outcome> {
  const client = await RawClient.open({ transport, port: await server.port(transport) }).catch(() => null);
  if (client === null) return 'closed';
  const closed = client.closed.then(() => 'closed' as const);
  const answer = await Promise.race([client.allocate(), closed]).catch(() => 'closed' as const);
  if (answer !== 'closed' && answer.cls === 2) return client;
  client.close();
  return answer === 'closed' ? answer : (answer.errorCode ?? 0);
}

/** Allocates over all transports until there is nothing left. */
async function fill(t: Test, server: TurndProcess) {
  const held: RawClient[] = [];
  t.teardown(() => held.map((client) => client.close()));
  const refused: Exclude<Outcome, RawClient>[] = [];
  for (let inRow = 0, at = 0; inRow < REFUSALS * TRANSPORTS.length; at++) {
    const outcome = await attempt(server, TRANSPORTS[at % TRANSPORTS.length] as RawTransport);
    inRow = typeof outcome === 'object' ? 0 : inRow + 1;
    if (typeof outcome === 'object') held.push(outcome);
    else refused.push(outcome);
  }
  return { held, refused };
}

/** Processor time that the server uses while nobody wants anything. */
async function idleTime(server: TurndProcess): Promise<number> {
  const before = processorTime(allPids(server));
  await new Promise((resolve) => setTimeout(resolve, WINDOW_MS));
  return processorTime(allPids(server)) - before;
}

async function empty(held: readonly RawClient[]): Promise<void> {
  for (const client of held) {
    if (!client.isStream) await client.request(REQUEST.refresh, [lifetime(0)]);
    client.close();
  }
}

/** Resolves once the server has no more descriptors than at first. */
async function isBack(server: TurndProcess, before: number): Promise<void> {
  while (descriptors(allPids(server)) > before) await new Promise((resolve) => setTimeout(resolve, 50));
}

async function connectionsAreClosed(server: TurndProcess, count: number): Promise<void> {
  const port = await server.port('tcp');
  for (let at = 0; at < count; at++) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    await whenClosed(socket);
  }
}

async function startFull(t: Test) {
  const prefix = ['prlimit', `--nofile=${LIMIT}:${LIMIT}`];
  const server = await startLabTurnd(t, STREAMS, { env: NO_BUDGET, prefix });
  const call: Call = await startCall(t, server);
  // Everything that is loaded late is there now.
  for (const transport of TRANSPORTS)
    await empty([await attempt(server, transport)].filter((one) => typeof one === 'object'));
  return { server, call };
}

test('R23 without descriptors: 508 and closed connections, nothing spins, and all of it comes back', async (t) => {
  const { server, call } = await startFull(t);
  await isBack(server, descriptors(allPids(server)));
  const before = descriptors(allPids(server));
  const idle = await idleTime(server);

  const first = await fill(t, server);
  t.ok(first.held.length >= 60, `${first.held.length} allocations`);
  t.same([...new Set(first.refused)].sort(), [INSUFFICIENT_CAPACITY, 'closed']);
  t.ok(await isWhole(call), 'the call goes on');
  await connectionsAreClosed(server, 50);
  t.ok(await isWhole(call), 'and on');
  const short = await idleTime(server);
  t.ok(short <= 3 * idle + 60, `${short} ms of processor time without descriptors, ${idle} ms before`);

  await empty(first.held);
  await isBack(server, before);
  const second = await fill(t, server);
  t.ok(second.held.length >= 0.8 * first.held.length, `${second.held.length} allocations again`);
  await empty(second.held);
  await isBack(server, before);
  t.ok(await isWhole(call));
  t.same(
    server.log.filter(({ level }) => level === 'error' || level === 'fatal'),
    [],
  );
});

test('R23 whoever only stands about makes room for an allocation when descriptors are short', async (t) => {
  const { server, call } = await startFull(t);
  const port = await server.port('tcp');
  const silent = Array.from({ length: 600 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
  t.teardown(() => silent.map((socket) => socket.destroy()));
  await Promise.all(silent.map((socket) => (socket.connecting ? once(socket, 'connect') : undefined)));
  const client = await attempt(server, 'tcp');
  t.ok(client instanceof RawClient, 'a newcomer is served');
  if (client instanceof RawClient) await empty([client]);
  t.ok(await isWhole(call));
  t.ok(
    silent.some((socket) => !socket.destroyed),
    'and most stay',
  );
});
