// Send and Data indications, RFC 8656 §11.

import { type Test, test } from 'tap';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { Transport } from '../../src/turn/transport.ts';
import { Lab } from '../support/lab.ts';
import { peerAddress } from '../support/lab-client.ts';
import {
  allocated,
  hears,
  LabStream,
  PEER,
  PEER_B,
  PEER_OTHER_PORT,
  PEER_V6,
  type Relayed,
} from '../support/lab-relayed.ts';
import { type AttributeInput, attr, channelData, decode, decodeChannelData, message } from '../support/wire.ts';
import { data, dontFragment, requestedAddressFamily } from '../support/wire-attributes.ts';

const SEND = 0x0016;
const DATA = 0x0017;

/** A client with a permission for PEER. */
async function permitted(...given: Parameters<typeof allocated>): Promise<Relayed> {
  const relayed = await allocated(...given);
  await relayed.client.permit(PEER);
  return relayed;
}

/** Sends an indication, and asserts that nobody hears of it and that it was counted for this reason. */
async function dropped(t: Test, { lab, client }: Relayed, bytes: Buffer, reason: DropReason, what: string) {
  const before = lab.engine.counters.dropped[reason] ?? 0;
  t.equal(await client.exchange(bytes), null, `${what}: no answer`);
  t.equal(lab.engine.counters.packetsToPeer, 0, `${what}: nothing relayed`);
  t.equal(lab.engine.counters.dropped[reason], before + 1, `${what}: counted`);
}

const send = (...attrs: readonly AttributeInput[]) => message({ type: SEND, attrs });

test('TURN-59 BAD-39 a Send without peer or data, or with an invalid peer, is dropped', async (t) => {
  const relayed = await permitted();
  const bad: Readonly<Record<string, Buffer>> = {
    'no peer': send(data('x')),
    'no data': send(peerAddress(PEER)),
    nothing: send(),
    'peer of length 4': send([attr.xorPeerAddress, '00015c74'], data('x')),
    'peer of family 3': send([attr.xorPeerAddress, '00035c74e112a6d4'], data('x')),
    'peer of family 2 with an IPv4 length': send([attr.xorPeerAddress, '00025c74e112a6d4'], data('x')),
    'peer port 0': send(peerAddress('93.184.216.34:0'), data('x')),
    'an unknown required attribute': send(peerAddress(PEER), data('x'), [0x7777, '']),
  };
  for (const [what, bytes] of Object.entries(bad)) await dropped(t, relayed, bytes, DropReason.BAD_INDICATION, what);
});

test('TURN-59 a Send without allocation is dropped', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  t.equal(await client.exchange(send(peerAddress(PEER), data('x'))), null);
  t.equal(lab.engine.counters.dropped[DropReason.NO_ALLOCATION], 1);
  t.notOk(client.retained);
});

test('BAD-39 a Send is relayed whatever the order of its attributes, and unknown optional ones are ignored', async (t) => {
  const { client, peer } = await permitted();
  client.send(send(data('data first'), peerAddress(PEER)));
  client.send(send([0xff00, 'aabbccdd'], peerAddress(PEER), data('optional')));
  t.same(peer.take(), ['data first', 'optional']);
});

test('BAD-39 of two peers or two DATA in a Send the first counts', async (t) => {
  const { lab, client, peer } = await permitted();
  await client.permit(PEER, PEER_B);
  client.send(send(peerAddress(PEER), peerAddress(PEER_B), data('one'), data('two')));
  t.same(peer.take(), ['one']);
  t.same(lab.peer(PEER_B).take(), []);
});

test('BAD-39 a Send to a peer of a family that was not allocated is dropped', async (t) => {
  await dropped(t, await permitted(), send(peerAddress(PEER_V6), data('x')), DropReason.NO_PERMISSION_TO_PEER, 'IPv6');
});

test('TURN-60 a Send with empty DATA relays an empty datagram', async (t) => {
  const { client, peer } = await permitted();
  client.send(send(peerAddress(PEER), data('')));
  t.same(peer.take(), ['']);
});

test('TURN-61 a Send to an address without permission is dropped, and makes none', async (t) => {
  const relayed = await permitted();
  await dropped(t, relayed, send(peerAddress(PEER_B), data('x')), DropReason.NO_PERMISSION_TO_PEER, 'stranger');
  t.equal(hears(relayed.client, relayed.lab.peer(PEER_B), relayed.relayed), 0, 'and no answer to it comes through');
  t.equal(relayed.client.allocation?.permissions.size, 1);
});

test('TURN-61 a Send to a permitted address does not extend the permission', async (t) => {
  const { lab, client, peer, relayed } = await permitted();
  await lab.advance(299);
  client.sendTo(PEER, 'in time');
  t.same(peer.take(), ['in time']);
  await lab.advance(1);
  t.equal(hears(client, peer, relayed), 0);
  client.sendTo(PEER, 'too late');
  t.same(peer.take(), []);
});

test('TURN-62 a Send to a forbidden peer is dropped in silence', async (t) => {
  for (const forbidden of ['127.0.0.1:5000', '10.0.0.1:5000', '224.0.0.1:5000', '9.9.9.9:5000']) {
    const relayed = await permitted({ deny: ['9.9.9.9'] });
    const bytes = send(peerAddress(forbidden), data('x'));
    await dropped(t, relayed, bytes, DropReason.NO_PERMISSION_TO_PEER, forbidden);
  }
});

test('TURN-63 a Send with DONT-FRAGMENT is dropped where DF cannot be set', async (t) => {
  const relayed = await permitted();
  const bytes = send(peerAddress(PEER), dontFragment(), data('x'));
  await dropped(t, relayed, bytes, DropReason.BAD_INDICATION, 'DONT-FRAGMENT');
  relayed.client.sendTo(PEER, 'without it');
  t.same(relayed.peer.take(), ['without it'], 'and only that one');
});

test('TURN-63 a Send with DONT-FRAGMENT is relayed where DF can be set', async (t) => {
  const { client, peer } = await permitted({ env: { capabilities: { dontFragment: true } } });
  client.send(send(peerAddress(PEER), dontFragment(), data('x')));
  t.same(peer.take(), ['x']);
});

test('TURN-64 a Send leaves from the relayed address to exactly its peer with exactly its data', async (t) => {
  const { lab, client, peer, relayed } = await permitted();
  for (const length of [1, 2, 3, 4, 5, 1200, 1472, 9000]) {
    const payload = Buffer.from(Array.from({ length }, (_, at) => at & 0xff));
    client.sendTo(PEER, payload);
    const [datagram] = peer.received.splice(0);
    t.equal(datagram?.from, relayed);
    t.ok(datagram?.payload.equals(payload), `${length} bytes`);
  }
  t.same(lab.peer(PEER_OTHER_PORT).take(), [], 'no other port');
  t.same(lab.relays.lost, []);
});

test('TURN-64 a Send to an IPv6 peer leaves from the IPv6 relayed address', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const relayed = await client.allocated([requestedAddressFamily(6)]);
  const peer = lab.peer(PEER_V6);
  await client.permit(PEER_V6);
  client.sendTo(PEER_V6, 'six');
  t.same(peer.received, [{ from: relayed, payload: Buffer.from('six'), dontFragment: false }]);
});

for (const transport of [Transport.UDP, Transport.TCP, Transport.TLS]) {
  test(`TURN-65 a datagram from a peer comes as a Data indication with source and payload (${transport})`, async (t) => {
    const { lab, client, relayed } = await permitted({}, { transport });
    const bystander = lab.client({ transport });
    await bystander.allocated();
    await bystander.permit(PEER);
    for (const [address, payload] of [
      [PEER, 'hello'],
      [PEER_OTHER_PORT, 'other port'],
      [PEER, ''],
    ] as const) {
      lab.peer(address).send(relayed, payload);
      const [indication] = client.take().map(decode);
      t.equal(indication?.type, DATA);
      t.equal(indication?.xorAddress(attr.xorPeerAddress), address);
      t.equal(indication?.text(attr.data), payload, `"${payload}"`);
    }
    t.same(bystander.take(), [], 'on the five-tuple of the allocation only');
  });
}

test('TURN-66 neither Data indications nor ChannelData from the server carry authentication', async (t) => {
  const { lab, client, peer, relayed } = await permitted({ settings: { software: 'turnd' } });
  peer.send(relayed, 'x');
  const [indication] = client.take().map(decode);
  t.same(indication?.types, [attr.xorPeerAddress, attr.data]);
  await client.bind(0x4000, PEER_B);
  lab.peer(PEER_B).send(relayed, 'x');
  t.same(client.take(), [channelData(0x4000, 'x')]);
});

test('TURN-67 Data, ConnectionAttempt and responses from a client are dropped', async (t) => {
  const relayed = await permitted();
  const attrs = [peerAddress(PEER), data('x')];
  for (const type of [DATA, 0x001c, 0x0101, 0x0111, 0x0103, 0x0113, 0x0104, 0x0108, 0x0109, 0x0106, 0x0116, 0x0107]) {
    await dropped(t, relayed, message({ type, attrs }), DropReason.UNEXPECTED, `0x${type.toString(16)}`);
  }
});

test('TURN-67 a Send request, and an Allocate indication, are dropped', async (t) => {
  const relayed = await permitted();
  const attrs = [peerAddress(PEER), data('x')];
  for (const type of [0x0006, 0x0007, 0x0013, 0x0014, 0x0018, 0x0019]) {
    const bytes = relayed.client.signed(type, attrs);
    await dropped(t, relayed, bytes, DropReason.UNEXPECTED, `0x${type.toString(16)}`);
  }
});

for (const transport of [Transport.TCP, Transport.TLS]) {
  test(`TURN-68 the largest datagrams survive a stream both ways (${transport})`, async (t) => {
    const { client, peer, relayed } = await permitted({}, { transport });
    const stream = new LabStream(client);
    for (const length of [65_000, 65_506, 65_507]) {
      const payload = Buffer.alloc(length, length);
      peer.send(relayed, payload);
      const [indication] = client.take().map(decode);
      t.ok(indication?.get(attr.data)?.equals(payload), `${length} bytes from the peer`);
      t.ok(stream.push(send(peerAddress(PEER), data(payload)), 16_384));
      t.ok(peer.received.splice(0)[0]?.payload.equals(payload), `${length} bytes to the peer`);
    }
  });

  test(`TURN-68 the largest datagrams survive a channel on a stream both ways (${transport})`, async (t) => {
    const { client, peer, relayed } = await permitted({}, { transport });
    await client.bind(0x4000, PEER);
    const payload = Buffer.alloc(65_507, 0x5a);
    peer.send(relayed, payload);
    t.ok(decodeChannelData(client.take()[0] ?? Buffer.alloc(4)).payload.equals(payload));
    t.ok(new LabStream(client).push(channelData(0x4000, payload, { pad: true }), 16_384));
    t.ok(peer.received.splice(0)[0]?.payload.equals(payload));
  });
}

test('TURN-68 an IPv6 datagram that no Data indication can carry is dropped without harm', async (t) => {
  const lab = new Lab();
  const client = lab.client({ transport: Transport.TCP });
  const relayed = await client.allocated([requestedAddressFamily(6)]);
  await client.permit(PEER_V6);
  const peer = lab.peer(PEER_V6);
  peer.send(relayed, Buffer.alloc(65_504, 1));
  t.equal(client.take().map(decode)[0]?.get(attr.data)?.length, 65_504, 'the largest that can');
  for (const length of [65_505, 65_527]) peer.send(relayed, Buffer.alloc(length, 1));
  t.same(client.take(), []);
  t.equal(lab.engine.counters.dropped[DropReason.TOO_BIG], 2);
  t.equal(hears(client, peer, relayed), 1, 'and the next one arrives');
  await client.bind(0x4000, PEER_V6);
  peer.send(relayed, Buffer.alloc(65_527, 1));
  t.equal(decodeChannelData(client.take()[0] ?? Buffer.alloc(4)).payload.length, 65_527, 'a channel can');
});
