// A client that stops reading while its peer sends at full rate: what waits for it is bounded, and nobody else notices.

import { test } from 'tap';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { relayingPids, residentMemory } from '../support/process-facts.ts';
import { RawClient } from '../support/raw-client.ts';
import { startLabTurnd } from '../support/turnd-process.ts';
import { isWhole, startCall } from './stores/call.ts';

const STREAMS = ['--listen', 'tcp://127.0.0.1:0', '--listen', 'tls://127.0.0.1:0'];
const PAYLOAD = Buffer.alloc(1200, 0x55);
const BURST = 40;
// 60 MB: several times what the kernel keeps for a connection and what a heap may grow by.
const BURSTS = 1250;
const MAX_GROWTH_KB = 32 * 1024;
// Until a heap has the size that such traffic gives it.
const WARM_UP = 300;

for (const transport of ['tcp', 'tls'] as const) {
  test(`S47 a ${transport} client that stops reading costs bounded memory, and resumes with fresh data`, async (t) => {
    const server = await startLabTurnd(t, STREAMS);
    const call = await startCall(t, server);
    const peer = await DatagramPeer.open('127.0.0.1');
    const client = await RawClient.open({ transport, port: await server.port(transport) });
    t.teardown(() => [client.close(), peer.close()]);
    const relayed = await client.allocated();
    await client.bind(0x4000, '127.0.0.1', peer.port);
    for (let burst = 0; burst < WARM_UP; burst++) {
      for (let sent = 0; sent < BURST; sent++) await peer.send(PAYLOAD, relayed.port, '127.0.0.1');
      await client.binding();
    }
    while (client.unread > 0) await client.next();
    const before = residentMemory(relayingPids(server));
    client.socket?.pause();
    for (let burst = 0; burst < BURSTS; burst++) {
      for (let sent = 0; sent < BURST; sent++) await peer.send(PAYLOAD, relayed.port, '127.0.0.1');
      if (burst % 50 === 0) t.ok(await isWhole(call), 'the other call goes on');
    }
    const growth = residentMemory(relayingPids(server)) - before;
    t.comment(`${growth} KB more after ${BURSTS * BURST * PAYLOAD.length} bytes`);
    t.ok(growth < MAX_GROWTH_KB, `${growth} KB more`);
    client.socket?.resume();
    // Whatever waited comes first; what is said from now on follows, whole.
    await client.binding();
    const stale = client.unread;
    for (let read = 0; read < stale; read++) await client.next();
    await peer.send(Buffer.from('fresh'), relayed.port, '127.0.0.1');
    let heard = (await client.nextData()).toString('latin1');
    while (heard !== 'fresh') heard = (await client.nextData()).toString('latin1');
    t.ok(stale < BURSTS * BURST, `${stale} of ${BURSTS * BURST} datagrams had waited`);
    t.ok(await isWhole(call));
  });
}
