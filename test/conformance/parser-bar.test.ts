// The parser's part of the security bar, by its numbers (docs/security.md): lengths that lie, attributes of any length and
// order, what follows the integrity, repeats, padding, and what gets no answer at all.

import { test } from 'tap';
import { FrameStatus, StreamFramer } from '../../src/stun/stream-framer.ts';
import { SeededRandom } from '../fuzz/random.ts';
import { checkReceived } from '../fuzz/targets/answer-checks.ts';
import { Lab, settle } from '../support/lab.ts';
import { type LabClient, peerAddress, REQUEST } from '../support/lab-client.ts';
import { holdings, NOTHING } from '../support/untouched.ts';
import { attr, channelData, decode, message, typeOf } from '../support/wire.ts';
import { xorAddress } from '../support/wire-address.ts';
import { channelNumber, data, lifetime, requestedTransport } from '../support/wire-attributes.ts';

const PEER = '93.184.216.34:5000';
const OTHER = '93.184.216.35:5000';
const TID = Buffer.alloc(12, 3);

/** A client with a permission for, and a channel to, {@link PEER}. */
async function callOf(lab: Lab, client: LabClient = lab.client()): Promise<LabClient> {
  await client.allocated();
  await client.permit(PEER);
  await client.bind(0x4000, PEER);
  return client;
}

/** Whether the server answers, and nothing in it has thrown. */
async function isAlive(lab: Lab): Promise<boolean> {
  const answer = await lab.client().exchange(message({ type: REQUEST.binding }));
  return answer?.cls === 2 && lab.observer.failures.length === 0;
}

test('S2 a length that lies is never believed: nothing leaves that was not received', async (t) => {
  const lab = new Lab();
  const client = await callOf(lab);
  const peer = lab.peer(PEER);
  for (const length of [5, 8, 1000, 35_510, 65_535]) client.send(channelData(0x4000, 'four', { length }));
  const send = message({ type: 0x0016, tid: TID, attrs: [peerAddress(PEER), data('four')] });
  for (const length of [0, 4, 20, 32, 65_520, 65_532]) {
    const lying = Buffer.from(send);
    lying.writeUInt16BE(length, 2);
    if (length !== send.length - 20) client.send(lying);
  }
  const overrun = Buffer.from(send);
  overrun.writeUInt16BE(35_510, overrun.length - 6);
  client.send(overrun);
  t.same(peer.received, []);
  t.same(client.take(), []);
  client.send(channelData(0x4000, 'four'));
  t.equal(peer.received[0]?.payload.toString(), 'four');
  t.ok(await isAlive(lab));
});

test('S2 a stream waits for the whole of the longest messages', async (t) => {
  for (const body of [65_520, 65_524, 65_528, 65_532]) {
    const whole = Buffer.concat([message({ type: 0x0001, tid: TID, length: body }), Buffer.alloc(body)]);
    const framer = new StreamFramer();
    framer.push(whole.subarray(0, whole.length - 1));
    t.equal(framer.next(), FrameStatus.MORE, `${body}`);
    framer.push(whole.subarray(whole.length - 1));
    t.equal(framer.next(), FrameStatus.FRAME);
    t.equal(framer.end - framer.start, whole.length);
  }
});

/** Attributes that every request of the bar is made of. */
const TYPES = [...Object.values(attr), 0x0003, 0x001b, 0x0026, 0x7777, 0x8030, 0xc001];
const ENDINGS: readonly number[] = [attr.messageIntegrity, attr.messageIntegritySha256, attr.fingerprint];

test('S3 attributes of 0 to 15 bytes in any order and alignment: 100,000 packets', async (t) => {
  const lab = new Lab();
  const client = await callOf(lab);
  const random = new SeededRandom(8);
  const bytes = Buffer.alloc(512);
  const types = TYPES.filter((type) => !ENDINGS.includes(type));
  for (let packet = 0; packet < 100_000; packet++) {
    let end = 20;
    for (let count = random.below(6); count > 0; count--) {
      const length = random.below(16);
      bytes.writeUInt16BE(random.pick(types), end);
      bytes.writeUInt16BE(length, end + 2);
      bytes.fill(random.below(256), end + 4, end + 4 + length);
      end += 4 + Math.ceil(length / 4) * 4;
    }
    bytes.writeUInt16BE(random.pick([0x0001, 0x0003, 0x0004, 0x0008, 0x0009, 0x0016]), 0);
    // Now and then the end of the datagram cuts an attribute, at any alignment.
    const cut = random.oneIn(4) ? random.below(4) : 0;
    bytes.writeUInt16BE(end - 20, 2);
    bytes.writeUInt32BE(0x2112a442, 4);
    client.send(bytes.subarray(0, end - cut));
    if (client.take().length > 1) t.fail('more than one answer');
    lab.relays.lost.length = 0;
  }
  t.ok(await isAlive(lab));
  t.ok(client.allocation !== null, 'the allocation is untouched');
});

test('S4 addresses of 0 to 24 bytes and families 0, 1, 2, 3 and 255: 400 or silence', async (t) => {
  const lab = new Lab();
  const client = await callOf(lab);
  for (const family of [0, 1, 2, 3, 255]) {
    for (let length = 0; length <= 24; length++) {
      if ((family === 1 && length === 8) || (family === 2 && length === 20)) continue;
      const value = Buffer.alloc(length, 1);
      if (length > 1) value.writeUInt8(family, 1);
      const bad = [attr.xorPeerAddress, value] as const;
      const about = `family ${family}, ${length} bytes`;
      t.equal((await client.request(REQUEST.createPermission, [bad])).errorCode, 400, about);
      t.equal((await client.request(REQUEST.channelBind, [channelNumber(0x4001), bad])).errorCode, 400, about);
      client.send(message({ type: 0x0016, attrs: [bad, data('x')] }));
    }
  }
  t.same(lab.relays.lost, []);
  t.equal(client.allocation?.permissions.size, 1);
  t.equal(client.allocation?.channels.size, 1);
  t.ok(await isAlive(lab));
});

test('S5 what follows MESSAGE-INTEGRITY has no effect: lifetime, peer and origin', async (t) => {
  const lab = new Lab();
  const client = await callOf(lab);
  const origin = [0x802f, Buffer.from('https://evil.example')] as const;
  for (const fingerprint of [false, true]) {
    const refresh = await client.request(REQUEST.refresh, [], { after: [lifetime(0), origin], fingerprint });
    t.equal(refresh.uint32(attr.lifetime), 600);
    const permit = await client.request(REQUEST.createPermission, [peerAddress(PEER)], {
      after: [[attr.xorPeerAddress, xorAddress('93.184.216.35', 0, TID)]],
      tid: TID,
      fingerprint,
    });
    t.equal(permit.cls, 2);
  }
  client.sendTo(OTHER, 'to nobody');
  t.same(lab.relays.lost, []);
  t.equal(client.allocation?.permissions.size, 1);
});

test('S6 of repeated attributes the first counts: Send, ChannelBind, Allocate', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const made = await client.allocate([lifetime(700), lifetime(800), requestedTransport(6)]);
  t.equal(made.uint32(attr.lifetime), 700);
  await client.permit(PEER, OTHER);
  const [peer, other] = [lab.peer(PEER), lab.peer(OTHER)];
  client.send(message({ type: 0x0016, attrs: [peerAddress(PEER), peerAddress(OTHER), data('one'), data('two')] }));
  t.same([peer.received.length, other.received.length], [1, 0]);
  t.equal(peer.received[0]?.payload.toString(), 'one');
  const numbers = [channelNumber(0x4001), channelNumber(0x4002)];
  t.equal((await client.request(REQUEST.channelBind, [...numbers, peerAddress(PEER), peerAddress(OTHER)])).cls, 2);
  client.sendChannel(0x4001, 'first');
  client.sendChannel(0x4002, 'second');
  t.same([peer.received.length, other.received.length], [2, 0]);
  t.equal(peer.received[1]?.payload.toString(), 'first');
});

test('S7 a list of unknown attributes is capped: the answer has at most 40 bytes more than the request', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.challenge();
  for (const count of [1, 2, 31, 32, 33, 100, 500]) {
    const unknown = Array.from({ length: count }, (_, index) => [0x5000 + index, ''] as const);
    const open = message({ type: REQUEST.binding, attrs: unknown });
    const signed = client.signed(REQUEST.allocate, [requestedTransport(), ...unknown]);
    for (const request of [open, signed]) {
      const answer = client.must(await client.exchange(request));
      t.equal(answer.errorCode, 420);
      t.ok(answer.bytes.length <= request.length + 40, `${answer.bytes.length} bytes for ${request.length}`);
      t.ok(answer.bytes.length < 548, `${answer.bytes.length} bytes`);
      const expected = unknown.slice(0, answer.unknownAttributes.length).map(([type]) => type);
      t.same(answer.unknownAttributes, expected);
    }
  }
  const optional = Array.from({ length: 500 }, (_, index) => [0xa000 + index, ''] as const);
  t.equal((await client.exchange(message({ type: REQUEST.binding, attrs: optional })))?.cls, 2);
  t.same(holdings(lab), NOTHING);
  t.ok(await isAlive(lab));
});

test('S8 100,000 answers and datagrams of odd sizes: padding is zero, payloads are exact', async (t) => {
  const lab = new Lab();
  const [udp, stream] = [await callOf(lab), await callOf(lab, lab.client({ transport: 'tcp', user: 'bob' }))];
  const random = new SeededRandom(4);
  let wrong = 0;
  for (let packet = 0; packet < 25_000; packet++) {
    const length = random.below(random.oneIn(100) ? 1400 : 40);
    const payload = Buffer.alloc(length, packet);
    for (const client of [udp, stream]) {
      const relayed = client.allocation?.ipv4?.relayed.text ?? '';
      // By a channel, and as a Data indication.
      for (const port of [5000, 5001]) {
        lab.peer(`93.184.216.34:${port}`).send(relayed, Buffer.from(payload));
        const [got = Buffer.alloc(0)] = client.take();
        // Throws unless all padding is zero.
        const seen = checkReceived(got, client === stream);
        const bytes = seen.kind === 'channel-data' ? seen.payload : (seen.message.get(attr.data) ?? null);
        if (bytes?.equals(payload) !== true) wrong++;
      }
    }
  }
  t.equal(wrong, 0);
});

test('S8 the padding of every answer is zero, whatever was in the request', async (t) => {
  const lab = new Lab({ settings: { software: 'a' } });
  const client = lab.client();
  for (let length = 0; length < 40; length++) {
    const attrs = [[0x5001, Buffer.alloc(length, 0xcc)] as const, [0x8022, Buffer.alloc(length, 0xdd)] as const];
    for (const type of [REQUEST.binding, REQUEST.allocate]) {
      client.send(message({ type, attrs, padding: 0xcc }));
      const answers = client.take();
      t.equal(answers.length, 1);
      for (const answer of answers) t.equal(checkReceived(answer, false).kind, 'response');
    }
  }
});

test('S9 messages without magic cookie, as of RFC 3489, get silence', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  for (const type of [0x0001, 0x0002, 0x0003, 0x0101, 0x0111]) {
    client.send(message({ type, cookie: 0x01020304 }));
    client.send(
      message({
        type,
        cookie: 0x01020304,
        attrs: [
          [0x0003, '00000006'],
          [0x0006, '616c696365'],
        ],
      }),
    );
  }
  await settle();
  t.same(client.take(), []);
  t.same(holdings(lab), NOTHING);
});

test('S10 responses, indications and unknown methods get silence', async (t) => {
  const lab = new Lab();
  const client = await callOf(lab);
  const stranger = lab.client();
  for (let method = 0; method < 0x20; method++) {
    for (const cls of [0, 1, 2, 3]) {
      const isServed = cls === 0 && [1, 3, 4, 8, 9].includes(method);
      const bytes = message({ type: typeOf(method, cls), attrs: [[attr.errorCode, '00000401']] });
      for (const one of [client, stranger]) {
        one.send(bytes);
        await settle();
        t.equal(one.take().length, isServed ? 1 : 0, `method ${method}, class ${cls}`);
      }
    }
  }
});

test('S10 two servers that are spoofed at each other fall silent at once', async (t) => {
  const [left, right] = [new Lab(), new Lab()];
  const seeds = [
    ...[0x0001, 0x0003, 0x0004, 0x0008, 0x0009].map((type) => message({ type })),
    message({ type: REQUEST.binding, attrs: [[0x7777, '']] }),
    channelData(0x4000, 'x'),
  ];
  for (const seed of seeds) {
    // Each server believes that the other one is its client.
    const sides = [left.client(), right.client()] as const;
    let inFlight = [seed];
    let hops = 0;
    for (; inFlight.length > 0 && hops < 10; hops++) {
      const side = sides[hops % 2] as LabClient;
      for (const bytes of inFlight) side.send(bytes);
      await settle();
      inFlight = side.take();
    }
    t.ok(hops <= 2, `${hops} hops after ${decodedType(seed)}`);
  }
});

function decodedType(bytes: Buffer): string {
  return (bytes[0] ?? 0) < 0x40 ? `${decode(bytes).type}` : 'ChannelData';
}
