// What one plane can do and the other cannot: a server says so, and does it.

import { type Test, test } from 'tap';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { planeUnderTest } from '../support/plane-under-test.ts';
import { RawClient, type RawTransport } from '../support/raw-client.ts';
import { startLabTurnd } from '../support/turnd-process.ts';
import { attr, decode, message } from '../support/wire.ts';
import { data, dontFragment, xorPeerAddress } from '../support/wire-attributes.ts';

const TRANSPORTS: readonly RawTransport[] = ['udp', 'tcp', 'tls'];
const STREAMS = ['--listen', 'tcp://127.0.0.1:0', '--listen', 'tls://127.0.0.1:0'];
const SEND = 0x0016;
const CAN = planeUnderTest === 'linux';

async function openClients(t: Test): Promise<RawClient[]> {
  const server = await startLabTurnd(t, STREAMS);
  const opened = TRANSPORTS.map(async (transport) => RawClient.open({ transport, port: await server.port(transport) }));
  const clients = await Promise.all(opened);
  t.teardown(() => {
    for (const client of clients) client.close();
  });
  return clients;
}

test('TURN-96 the real server takes DONT-FRAGMENT, or says that it cannot', async (t) => {
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => peer.close());
  for (const client of await openClients(t)) {
    const answer = await client.allocate([dontFragment()]);
    t.equal(answer.errorCode ?? 0, CAN ? 0 : 420, client.transport);
    if (!CAN) {
      t.same(answer.unknownAttributes, [attr.dontFragment]);
      await client.allocated();
    }
    await client.permit('127.0.0.1');
    const to = xorPeerAddress('127.0.0.1', peer.port);
    client.send(message({ type: SEND, attrs: [to, dontFragment(), data('whole')] }));
    client.send(message({ type: SEND, attrs: [to, data('after it')] }));
    if (CAN) t.equal((await peer.next()).bytes.toString(), 'whole');
    t.equal((await peer.next()).bytes.toString(), 'after it');
  }
});

test('TURN-69 the real server tells that a peer’s port is closed, or nothing', async (t) => {
  const peer = await DatagramPeer.open('127.0.0.1');
  const other = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => other.close());
  const { port } = peer;
  peer.close();
  for (const client of await openClients(t)) {
    const relayed = await client.allocated();
    await client.permit('127.0.0.1');
    client.sendTo('127.0.0.1', port, 'is anybody there?');
    if (CAN) {
      const indication = decode(await client.next());
      t.equal(indication.xorAddress(attr.xorPeerAddress), `127.0.0.1:${port}`);
      // Reserved, type 3 (destination unreachable), code 3 (port); no MTU.
      t.equal(indication.get(attr.icmp)?.toString('hex'), '0000030300000000', client.transport);
      t.equal(indication.get(attr.data), undefined);
    }
    // What was told of the first would have come before this.
    await other.send(Buffer.from('next'), relayed.port, '127.0.0.1');
    t.equal((await client.nextData()).toString(), 'next');
  }
});
