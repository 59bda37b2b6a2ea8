// Relaying in general, RFC 8656 §5 and §13 to §16, as far as it can be seen without IP fields.

import { test } from 'tap';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { Transport } from '../../src/turn/transport.ts';
import { Lab } from '../support/lab.ts';
import { allocated, PEER, PEER_V6 } from '../support/lab-relayed.ts';
import { attr, channelData, decode } from '../support/wire.ts';
import { requestedAddressFamily } from '../support/wire-attributes.ts';

for (const transport of [Transport.TCP, Transport.TLS]) {
  test(`TURN-99 a datagram that came in fragments reaches a stream whole (${transport})`, async (t) => {
    const { client, peer, relayed } = await allocated({}, { transport });
    const payload = Buffer.from(Array.from({ length: 5000 }, (_, at) => at & 0xff));
    await client.permit(PEER);
    peer.send(relayed, payload);
    t.ok(client.take().map(decode)[0]?.get(attr.data)?.equals(payload));
    await client.bind(0x4000, PEER);
    peer.send(relayed, payload);
    t.ok(client.take()[0]?.equals(channelData(0x4000, payload)));
  });
}

for (const [family, client, peer] of [
  [6, '198.51.100.7:40000', PEER_V6],
  [4, '[2600:1f18::7]:40000', PEER],
  [6, '[2600:1f18::7]:40000', PEER_V6],
] as const) {
  const clientFamily = client.startsWith('[') ? 6 : 4;

  test(`TURN-100 an IPv${clientFamily} client relays by IPv${family}`, async (t) => {
    const lab = new Lab();
    const server = clientFamily === 6 ? '[2001:db8::1]:3478' : '203.0.113.1:3478';
    const alice = lab.client({ address: client, server });
    const host = lab.peer(peer);
    const answer = await alice.allocate([requestedAddressFamily(family)]);
    const relayed = answer.xorAddress(attr.xorRelayedAddress) ?? '';
    t.equal(relayed.startsWith('['), family === 6);
    t.equal(answer.xorAddress(attr.xorMappedAddress), client);
    await alice.permit(peer);
    alice.sendTo(peer, 'there');
    t.same(host.received, [{ from: relayed, payload: Buffer.from('there'), dontFragment: false }]);
    host.send(relayed, 'back');
    const [indication] = alice.take().map(decode);
    t.equal(indication?.xorAddress(attr.xorPeerAddress), peer);
    t.equal(indication?.text(attr.data), 'back');
  });
}

test('BAD-48 a flood from peers without permission is dropped and counted, and costs nothing else', async (t) => {
  const { lab, client, relayed, peer } = await allocated();
  await client.permit('93.184.216.35');
  const said = lab.observer.events.length;
  for (let index = 0; index < 10_000; index++) lab.peer(`9.9.${index >> 8}.${index & 0xff}:7`).send(relayed, 'flood');
  peer.send(relayed, 'flood');
  t.same(client.take(), []);
  t.equal(lab.engine.counters.dropped[DropReason.NO_PERMISSION_FROM_PEER], 10_001);
  t.equal(client.allocation?.permissions.size, 1);
  t.match(client.allocation?.ipv4, { packetsToClient: 0, bytesToClient: 0 });
  t.same(lab.observer.events.slice(said), [], 'not a word in the log');
});

test('BAD-48 empty datagrams from a permitted peer are delivered as such', async (t) => {
  const { client, relayed, peer } = await allocated();
  await client.permit(PEER);
  for (let round = 0; round < 100; round++) peer.send(relayed, '');
  const indications = client.take().map(decode);
  t.equal(indications.length, 100);
  t.ok(indications.every((indication) => indication.get(attr.data)?.length === 0));
  await client.bind(0x4000, PEER);
  for (let round = 0; round < 100; round++) peer.send(relayed, '');
  const messages = client.take();
  t.equal(messages.length, 100);
  t.ok(messages.every((bytes) => bytes.toString('hex') === '40000000'));
});
