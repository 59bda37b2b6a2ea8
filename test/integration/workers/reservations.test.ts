// A port that EVEN-PORT reserves is redeemed at whichever worker the token comes in (RFC 8656 §7.2).

import { test } from 'tap';
import { DatagramPeer } from '../../support/datagram-peer.ts';
import { RawClient } from '../../support/raw-client.ts';
import type { TurndProcess } from '../../support/turnd-process.ts';
import { attr } from '../../support/wire.ts';
import { evenPort, reservationToken } from '../../support/wire-attributes.ts';
import { pidOf, startWorkers } from '../../support/worker-processes.ts';

/** Who has made the allocation with this relayed address. */
async function workerOf(server: TurndProcess, relayed: string): Promise<number> {
  const line = await server.logged('the allocation', ({ msg, relayed: made }) => {
    return msg === 'allocation made' && Array.isArray(made) && made.includes(relayed);
  });
  return Number(line['worker']);
}

test('a token is good at both workers, once, and the redeemed port relays', async (t) => {
  const server = await startWorkers(t, '--listen', 'tcp://127.0.0.1:0');
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => peer.close());
  const ways = new Set<string>();
  // The kernel chooses the workers: until a token has gone to the other one and one has stayed.
  while (ways.size < 2) {
    const [maker, redeemer, late] = await Promise.all(
      [1, 2, 3].map(async () => RawClient.open({ transport: 'tcp', port: await server.port('tcp') })),
    );
    if (maker === undefined || redeemer === undefined || late === undefined) throw new Error('no clients');
    t.teardown(() => [maker, redeemer, late].map((client) => client.close()));
    const made = await maker.allocate([evenPort(true)]);
    const first = made.xorAddress(attr.xorRelayedAddress) ?? '';
    const token = made.get(attr.reservationToken) ?? Buffer.alloc(0);
    t.equal(token.length, 8);
    const port = Number(first.split(':')[1]);
    t.equal(port % 2, 0);
    const redeemed = await redeemer.allocate([reservationToken(token)]);
    const second = `127.0.0.1:${port + 1}`;
    t.equal(redeemed.xorAddress(attr.xorRelayedAddress), second);
    t.equal((await late.allocate([reservationToken(token)])).errorCode, 508, 'a token works once');
    ways.add(`${(await workerOf(server, first)) === (await workerOf(server, second))}`);
    await redeemer.bind(0x4000, '127.0.0.1', peer.port);
    redeemer.sendChannel(0x4000, 'out');
    t.match(await peer.next(), { port: port + 1 });
    await peer.send(Buffer.from('in'), port + 1, '127.0.0.1');
    t.equal((await redeemer.nextData()).toString(), 'in');
    for (const client of [maker, redeemer, late]) client.close();
  }
  t.equal(server.stderr, '');
});

test('a reservation outlives the worker that gave out its token', async (t) => {
  const server = await startWorkers(t);
  const maker = await RawClient.open({ port: await server.port('udp') });
  const redeemer = await RawClient.open({ port: await server.port('udp') });
  t.teardown(() => [maker, redeemer].map((client) => client.close()));
  const made = await maker.allocate([evenPort(true)]);
  const first = made.xorAddress(attr.xorRelayedAddress) ?? '';
  process.kill(pidOf(server, await workerOf(server, first)), 'SIGKILL');
  await server.logged('the successor', ({ event }) => event === 'worker-replaced');
  const token = made.get(attr.reservationToken) ?? Buffer.alloc(0);
  const redeemed = await redeemer.allocate([reservationToken(token)]);
  t.equal(redeemed.xorAddress(attr.xorRelayedAddress), `127.0.0.1:${Number(first.split(':')[1]) + 1}`);
});
