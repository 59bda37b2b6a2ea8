// ChannelData, RFC 8656 §12.4 to §12.7, on datagrams and streams.

import { test } from 'tap';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { Transport } from '../../src/turn/transport.ts';
import { REQUEST } from '../support/lab-client.ts';
import { allocated, hears, LabStream, PEER, PEER_OTHER_PORT, type Relayed, reaches } from '../support/lab-relayed.ts';
import { vectorNamed } from '../support/vectors.ts';
import { attr, channelData, decode, message, unitLength } from '../support/wire.ts';

const NUMBER = 0x4001;
const STREAMS = [Transport.TCP, Transport.TLS];

const hex = (text: string) => Buffer.from(text, 'hex');

/** A client with channel 0x4001 bound to PEER. */
async function bound(transport: Transport = Transport.UDP, options: Parameters<typeof allocated>[0] = {}) {
  const relayed = await allocated(options, { transport });
  await relayed.client.bind(NUMBER, PEER);
  return relayed;
}

/** What bytes from the client bring the peer. Nothing may ever be answered. */
async function relayedBy({ client, peer }: Relayed, bytes: Buffer): Promise<string[]> {
  if ((await client.exchange(bytes)) !== null) throw new Error('ChannelData was answered');
  return peer.take();
}

test('TURN-82 data from a bound peer comes as ChannelData, from its other ports as Data indications', async (t) => {
  const { lab, client, peer, relayed } = await bound();
  peer.send(relayed, 'hello');
  t.same(client.take(), [channelData(NUMBER, 'hello')]);
  lab.peer(PEER_OTHER_PORT).send(relayed, 'other');
  const [indication] = client.take().map(decode);
  t.equal(indication?.type, 0x0017);
  t.equal(indication?.xorAddress(attr.xorPeerAddress), PEER_OTHER_PORT);
  t.equal(indication?.text(attr.data), 'other');
});

test('TURN-82 ChannelData is as in the vectors', async (t) => {
  for (const [transport, name] of [
    [Transport.UDP, 'derived-channeldata-udp'],
    [Transport.TCP, 'derived-channeldata-tcp'],
    [Transport.UDP, 'derived-channeldata-empty'],
  ] as const) {
    const vector = vectorNamed(name);
    const { client, peer, relayed } = await allocated({}, { transport });
    await client.bind(Number(vector.channel), PEER);
    peer.send(relayed, vector.data ?? '');
    t.same(client.take(), [hex(vector.hex)], name);
    client.send(hex(vector.hex));
    t.same(peer.take(), [vector.data ?? '']);
  }
});

test('TURN-83 a Send indication to a bound peer still works', async (t) => {
  const { client, peer } = await bound();
  t.equal(reaches(client, peer), 1);
});

test('TURN-84 once the permission has ended, data from the peer is dropped though the channel lives', async (t) => {
  const relayed = await bound();
  const { lab, client, peer } = relayed;
  await lab.advance(299.999);
  t.equal(hears(client, peer, relayed.relayed), 1);
  await lab.advance(1.001);
  t.equal(hears(client, peer, relayed.relayed), 0);
  t.same(await relayedBy(relayed, channelData(NUMBER, 'x')), ['x'], 'the channel itself lasts 600 s');
  t.equal(reaches(client, peer), 0, 'but a Send needs the permission');
  await client.permit(PEER);
  peer.send(relayed.relayed, 'again');
  t.same(client.take(), [channelData(NUMBER, 'again')]);
});

for (const transport of STREAMS) {
  test(`TURN-85 ChannelData to a stream is padded with zeros, its length is not (${transport})`, async (t) => {
    const { client, peer, relayed } = await bound(transport);
    for (let length = 0; length <= 9; length++) {
      const payload = Buffer.alloc(length, 0x61);
      peer.send(relayed, payload);
      t.same(client.take(), [channelData(NUMBER, payload, { pad: true })], `${length} bytes`);
    }
  });

  test(`TURN-85 padding of ChannelData from a stream is consumed, not relayed (${transport})`, async (t) => {
    const relayed = await bound(transport);
    const payloads = Array.from({ length: 10 }, (_, length) => 'abcdefghi'.slice(0, length));
    const bytes = Buffer.concat(payloads.map((payload) => channelData(NUMBER, payload, { pad: true })));
    for (const size of [1, 3, 7, bytes.length]) {
      t.ok(new LabStream(relayed.client).push(bytes, size));
      t.same(relayed.peer.take(), payloads, `${size} bytes at a time`);
    }
  });
}

test('TURN-86 over UDP what follows the length is neither required nor relayed', async (t) => {
  const relayed = await bound();
  t.same(await relayedBy(relayed, channelData(NUMBER, 'hello')), ['hello'], '9 bytes');
  t.same(await relayedBy(relayed, channelData(NUMBER, 'hello', { pad: true })), ['hello'], '12 bytes');
  t.same(await relayedBy(relayed, channelData(NUMBER, 'hello, world', { length: 5 })), ['hello'], 'more than padding');
  relayed.peer.send(relayed.relayed, 'hello');
  t.equal(relayed.client.take()[0]?.length, 9, 'and none is sent');
});

test('TURN-87 BAD-32 BAD-33 over UDP a length beyond the datagram is a drop', async (t) => {
  const relayed = await bound();
  const counters = relayed.lab.engine.counters;
  const bad = ['40010064aabbccdd', '4001ffff616263646566', '40010001', '4001', '400100', '40', '40010005aabbccdd'];
  for (const [index, bytes] of bad.entries()) {
    t.same(await relayedBy(relayed, hex(bytes)), [], bytes);
    t.equal(counters.dropped[DropReason.BAD_CHANNEL_DATA], index + 1);
  }
  t.equal(counters.packetsToPeer, 0);
});

test('TURN-88 ChannelData on an unbound number is dropped', async (t) => {
  const relayed = await bound();
  for (const number of [0x4000, 0x4002, 0x4fff]) {
    t.same(await relayedBy(relayed, channelData(number, 'x')), [], number.toString(16));
  }
  t.equal(relayed.lab.engine.counters.dropped[DropReason.UNBOUND_CHANNEL], 3);
  t.same(relayed.lab.relays.lost, []);
});

test('TURN-88 datagrams that begin with 0x50 to 0xFF are dropped', async (t) => {
  const relayed = await bound();
  for (const number of [0x5000, 0x7ffe, 0x7fff, 0x8000, 0xffff]) {
    t.same(await relayedBy(relayed, channelData(number, 'x')), [], number.toString(16));
  }
  t.equal(relayed.lab.engine.counters.dropped[DropReason.NOT_OURS], 5);
});

test('TURN-88 ChannelData without allocation is dropped', async (t) => {
  const { lab } = await bound();
  const stranger = lab.client();
  t.equal(await stranger.exchange(channelData(NUMBER, 'x')), null);
  t.equal(lab.engine.counters.dropped[DropReason.NO_ALLOCATION], 1);
  t.notOk(stranger.retained);
});

for (const transport of [Transport.UDP, Transport.TCP]) {
  test(`TURN-89 empty datagrams pass a channel both ways (${transport})`, async (t) => {
    const relayed = await bound(transport);
    t.same(await relayedBy(relayed, channelData(NUMBER, '')), ['']);
    relayed.peer.send(relayed.relayed, '');
    t.same(relayed.client.take(), [hex('40010000')]);
  });
}

for (const transport of STREAMS) {
  test(`TURN-90 a stream skips ChannelData on unbound and reserved numbers by its length (${transport})`, async (t) => {
    const { client, peer } = await bound(transport);
    const stream = new LabStream(client);
    for (const number of [0x4000, 0x4fff, 0x5000, 0x7fff]) {
      const junk = channelData(number, 'junk with a 0001 in it', { pad: true });
      const binding = message({ type: REQUEST.binding });
      t.ok(stream.push(Buffer.concat([junk, binding, channelData(NUMBER, 'x', { pad: true })]), 5));
      const [answer, ...rest] = client.take().map(decode);
      t.same(answer?.tid, decode(binding).tid, `Binding after ${number.toString(16)}`);
      t.same(rest, []);
      t.same(peer.take(), ['x']);
    }
  });

  test(`TURN-90 a stream that is out of sync is given up (${transport})`, async (t) => {
    const { client, peer } = await bound(transport);
    const stream = new LabStream(client);
    t.notOk(stream.push(channelData(0x8000, 'x', { pad: true })));
    t.notOk(stream.push(channelData(NUMBER, 'x', { pad: true })), 'for good');
    t.same(peer.take(), []);
  });
}

test('BAD-34 ChannelData of 65,535 bytes on a stream is one unit of 65,540 bytes', async (t) => {
  const { client, peer } = await bound(Transport.TCP);
  const binding = message({ type: REQUEST.binding });
  const big = channelData(NUMBER, Buffer.alloc(0xffff, 1), { pad: true });
  t.equal(unitLength(big), 65_540);
  const bytes = Buffer.concat([big, binding]);
  for (const size of [1460, 65_536, bytes.length]) {
    t.ok(new LabStream(client).push(bytes, size));
    t.same(
      client.take().map((one) => decode(one).tid),
      [decode(binding).tid],
    );
    t.equal(peer.received.splice(0)[0]?.payload.length, 0xffff, 'which a relay socket may still find too big');
  }
});
