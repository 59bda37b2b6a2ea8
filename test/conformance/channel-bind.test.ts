// ChannelBind, RFC 8656 §12.2, and how long bindings last.

import { test } from 'tap';
import { Transport } from '../../src/turn/transport.ts';
import { Lab } from '../support/lab.ts';
import { peerAddress, REQUEST } from '../support/lab-client.ts';
import {
  allocated,
  hears,
  LabStream,
  PEER,
  PEER_B,
  PEER_OTHER_PORT,
  PEER_V6,
  type Relayed,
  reaches,
} from '../support/lab-relayed.ts';
import { type AttributeInput, attr, channelData } from '../support/wire.ts';
import {
  additionalAddressFamily,
  channelNumber,
  lifetime,
  requestedAddressFamily,
} from '../support/wire-attributes.ts';

const BOUND = 0x0109;
const FIRST = 0x4000;

const rawNumber = (hex: string): AttributeInput => [attr.channelNumber, hex];

/** What ChannelData on a number brings the peer: its payloads. */
function channelled({ client, peer }: Relayed, number: number, payload = 'x'): string[] {
  client.sendChannel(number, payload);
  return peer.take();
}

/** The form in which a datagram from the peer arrives: a channel number, 'data', or 'nothing'. */
function arrival({ client, peer, relayed }: Pick<Relayed, 'client' | 'peer' | 'relayed'>): number | string {
  client.take();
  peer.send(relayed, 'x');
  const [bytes] = client.take();
  if (bytes === undefined) return 'nothing';
  const type = bytes.readUInt16BE(0);
  return type === 0x0017 ? 'data' : type;
}

test('TURN-72 ChannelBind without number or peer is refused with 400', async (t) => {
  const { client } = await allocated();
  const wrong = [[], [channelNumber(FIRST)], [peerAddress(PEER)]];
  for (const attrs of wrong) t.equal((await client.request(REQUEST.channelBind, attrs)).errorCode, 400);
  for (const value of ['', '00015c74', '00035c74e112a6d4', '00025c74e112a6d4']) {
    const attrs: AttributeInput[] = [channelNumber(FIRST), [attr.xorPeerAddress, value]];
    t.equal((await client.request(REQUEST.channelBind, attrs)).errorCode, 400, `peer ${value}`);
  }
  t.equal(client.allocation?.channels.size, 0);
  t.equal(client.allocation?.permissions.size, 0);
});

test('TURN-73 BAD-30 a number outside 0x4000-0x4FFF is refused with 400, and binds nothing', async (t) => {
  const { client, peer, relayed } = await allocated();
  for (const number of [0x0000, 0x0001, 0x3fff, 0x5000, 0x5001, 0x7ffe, 0x7fff, 0x8000, 0xffff]) {
    t.equal((await client.bind(number, PEER)).errorCode, 400, number.toString(16));
  }
  for (const hex of ['4000', '', '40000000aabbccdd', '400000']) {
    const answer = await client.request(REQUEST.channelBind, [rawNumber(hex), peerAddress(PEER)]);
    t.equal(answer.errorCode, 400, `CHANNEL-NUMBER ${hex}`);
  }
  t.equal(client.allocation?.channels.size, 0);
  t.equal(hears(client, peer, relayed), 0, 'and permits nobody');
});

test('TURN-73 the first and the last number can be bound, and RFFU bits are ignored', async (t) => {
  const relayed = await allocated();
  const { client } = relayed;
  t.equal((await client.bind(0x4fff, PEER)).type, BOUND);
  t.same(channelled(relayed, 0x4fff), ['x']);
  const answer = await client.request(REQUEST.channelBind, [rawNumber('4000ffff'), peerAddress(PEER_B)]);
  t.equal(answer.type, BOUND);
});

for (const transport of [Transport.UDP, Transport.TCP]) {
  test(`TURN-73 old clients may bind up to 0x7FFE where that is allowed (${transport})`, async (t) => {
    const relayed = await allocated({ settings: { rfc5766ChannelNumbers: true } }, { transport });
    t.equal((await relayed.client.bind(0x7fff, PEER)).errorCode, 400);
    t.equal((await relayed.client.bind(0x7ffe, PEER)).type, BOUND);
    t.ok(new LabStream(relayed.client).push(channelData(0x7ffe, 'old', { pad: true })));
    t.same(relayed.peer.take(), ['old']);
    t.equal(arrival(relayed), 0x7ffe);
  });
}

test('TURN-74 TURN-78 a number that is bound cannot be bound to another address', async (t) => {
  const relayed = await allocated();
  const { lab, client } = relayed;
  await client.bind(FIRST, PEER);
  for (const other of [PEER_B, PEER_OTHER_PORT]) t.equal((await client.bind(FIRST, other)).errorCode, 400, other);
  t.same(channelled(relayed, FIRST), ['x'], 'the channel still leads to the first');
  t.equal(arrival(relayed), FIRST);
  t.equal(hears(client, lab.peer(PEER_B), relayed.relayed), 0, 'and the other has no permission');
});

test('TURN-75 TURN-78 an address that is bound cannot be bound to another number', async (t) => {
  const relayed = await allocated();
  await relayed.client.bind(FIRST, PEER);
  t.equal((await relayed.client.bind(0x4001, PEER)).errorCode, 400);
  t.same(channelled(relayed, 0x4001), []);
  t.same(channelled(relayed, FIRST), ['x']);
  t.equal(arrival(relayed), FIRST);
});

test('TURN-75 two channels cannot exchange their addresses', async (t) => {
  const { client } = await allocated();
  await client.bind(FIRST, PEER);
  await client.bind(0x4001, PEER_B);
  t.equal((await client.bind(FIRST, PEER_B)).errorCode, 400);
});

test('TURN-76 binding the same pair again gives the channel 600 s and the permission 300 s', async (t) => {
  const relayed = await allocated({ settings: { nonceLifetime: 3600 } });
  const { lab, client } = relayed;
  await client.request(REQUEST.refresh, [lifetime(3600)]);
  await client.bind(FIRST, PEER);
  await lab.advance(590);
  t.equal((await client.bind(FIRST, PEER)).type, BOUND);
  t.equal(client.allocation?.channels.size, 1);
  await lab.advance(299.999);
  t.equal(arrival(relayed), FIRST);
  await lab.advance(0.001);
  t.equal(arrival(relayed), 'nothing', 'the permission has ended');
  await lab.advance(299.999);
  t.same(channelled(relayed, FIRST), ['x']);
  await lab.advance(0.001);
  t.same(channelled(relayed, FIRST), [], 'the channel has ended');
});

test('TURN-77 ChannelBind to a family that was not allocated is refused with 443', async (t) => {
  const { client } = await allocated();
  t.equal((await client.bind(FIRST, PEER_V6)).errorCode, 443);
  t.equal(client.allocation?.channels.size, 0);
});

test('TURN-77 a dual allocation binds channels to peers of both families', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const answer = await client.allocate([additionalAddressFamily()]);
  const relayed = answer.xorAddresses(attr.xorRelayedAddress);
  for (const [index, address] of [PEER, PEER_V6].entries()) {
    const peer = lab.peer(address);
    t.equal((await client.bind(FIRST + index, address)).type, BOUND);
    client.sendChannel(FIRST + index, 'x');
    t.same(peer.received, [{ from: relayed[index], payload: Buffer.from('x'), dontFragment: false }]);
    t.equal(arrival({ client, peer, relayed: relayed[index] ?? '' }), FIRST + index);
  }
});

test('TURN-77 ChannelBind to a forbidden peer is refused with 403, and permits nobody', async (t) => {
  const { lab, client, relayed } = await allocated({ deny: ['9.9.9.9'] });
  for (const peer of ['127.0.0.1:1', '10.0.0.1:5000', '9.9.9.9:53']) {
    t.equal((await client.bind(FIRST, peer)).errorCode, 403, peer);
    t.equal(hears(client, lab.peer(peer), relayed), 0);
  }
  t.equal(client.allocation?.channels.size, 0);
  t.equal(client.allocation?.permissions.size, 0);
});

test('TURN-77 channels beyond the limit are refused with 508', async (t) => {
  const relayed = await allocated({ limits: { channelsPerAllocation: 2 } });
  const { lab, client } = relayed;
  await client.bind(FIRST, PEER);
  await client.bind(0x4001, PEER_OTHER_PORT);
  t.equal((await client.bind(0x4002, PEER_B)).errorCode, 508);
  t.equal(hears(client, lab.peer(PEER_B), relayed.relayed), 0, 'and its peer has no permission');
  t.equal((await client.bind(FIRST, PEER)).type, BOUND, 'what is bound may be extended');
});

test('TURN-77 a channel takes up room no longer than it lasts', async (t) => {
  const { lab, client } = await allocated({ limits: { channelsPerAllocation: 1 }, settings: { nonceLifetime: 3600 } });
  await client.request(REQUEST.refresh, [lifetime(3600)]);
  await client.bind(FIRST, PEER);
  lab.clock.monotonic += 599_999;
  t.equal((await client.bind(0x4001, PEER_B)).errorCode, 508);
  lab.clock.monotonic += 1;
  t.equal((await client.bind(0x4001, PEER_B)).type, BOUND, 'no tick has come by since');
});

test('TURN-78 a refused ChannelBind extends neither channel nor permission', async (t) => {
  const relayed = await allocated({ settings: { nonceLifetime: 3600 } });
  const { lab, client } = relayed;
  await client.request(REQUEST.refresh, [lifetime(3600)]);
  await client.bind(FIRST, PEER);
  await lab.advance(200);
  t.equal((await client.bind(0x4001, PEER)).errorCode, 400);
  t.equal((await client.bind(FIRST, PEER_OTHER_PORT)).errorCode, 400);
  await lab.advance(99.999);
  t.equal(arrival(relayed), FIRST);
  await lab.advance(0.001);
  t.equal(arrival(relayed), 'nothing');
  await lab.advance(300);
  t.same(channelled(relayed, FIRST), []);
});

test('TURN-79 two ports of one address have channels of their own', async (t) => {
  const relayed = await allocated();
  const { lab, client } = relayed;
  const other = lab.peer(PEER_OTHER_PORT);
  t.equal((await client.bind(FIRST, PEER)).type, BOUND);
  t.equal((await client.bind(0x4001, PEER_OTHER_PORT)).type, BOUND);
  t.same(channelled(relayed, FIRST, 'first'), ['first']);
  client.sendChannel(0x4001, 'second');
  t.same(other.take(), ['second']);
  t.same(relayed.peer.take(), []);
  t.equal(arrival(relayed), FIRST);
  t.equal(arrival({ ...relayed, peer: other }), 0x4001);
});

for (const ticked of [true, false]) {
  test(`TURN-80 a channel lasts 600 s, data or not; then its number and address are free (${ticked ? '' : 'un'}ticked)`, async (t) => {
    const relayed = await allocated({ settings: { nonceLifetime: 3600 } });
    const { lab, client } = relayed;
    await client.request(REQUEST.refresh, [lifetime(3600)]);
    await client.bind(FIRST, PEER);
    for (let at = 0; at < 590; at += 10) {
      await lab.advance(10);
      t.same(channelled(relayed, FIRST), ['x']);
    }
    await client.permit(PEER);
    await lab.advance(9.999);
    t.equal(arrival(relayed), FIRST);
    t.same(channelled(relayed, FIRST), ['x']);
    if (ticked) await lab.advance(0.001);
    else lab.clock.monotonic += 1;
    t.same(channelled(relayed, FIRST), []);
    t.equal(arrival(relayed), 'data', 'the permission lives on, so data comes as an indication');
    t.equal((await client.bind(FIRST, PEER_B)).type, BOUND);
    t.equal((await client.bind(0x4001, PEER)).type, BOUND);
    t.same(channelled(relayed, 0x4001), ['x']);
    t.equal(arrival(relayed), 0x4001);
  });
}

test('TURN-81 two allocations may use one number for different peers', async (t) => {
  const relayed = await allocated();
  const { lab, client } = relayed;
  const second = lab.client();
  await second.allocated();
  const other = lab.peer(PEER_B);
  await client.bind(FIRST, PEER);
  await second.bind(FIRST, PEER_B);
  t.same(channelled(relayed, FIRST, 'one'), ['one']);
  second.sendChannel(FIRST, 'two');
  t.same(other.take(), ['two']);
  t.same(relayed.peer.take(), []);
});

test('TURN-81 channels end with their allocation', async (t) => {
  const relayed = await allocated();
  const { lab, client, peer } = relayed;
  await client.bind(FIRST, PEER);
  await client.request(REQUEST.refresh, [lifetime(0)]);
  t.same(channelled(relayed, FIRST), []);
  const again = await client.allocated();
  t.same(channelled(relayed, FIRST), [], 'and are not inherited by the next one');
  t.equal(arrival({ client, peer, relayed: again }), 'nothing');
  t.equal((await client.bind(FIRST, PEER_B)).type, BOUND);
  t.ok(lab.observer.events.includes('unbound 4000'));
});

test('TURN-81 the channels of one family end with its relayed address', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const peers = [lab.peer(PEER), lab.peer(PEER_V6)];
  await client.allocate([additionalAddressFamily()]);
  await client.bind(FIRST, PEER);
  await client.bind(0x4001, PEER_V6);
  await client.request(REQUEST.refresh, [lifetime(0), requestedAddressFamily(4)]);
  for (const number of [FIRST, 0x4001]) client.sendChannel(number, 'x');
  t.same(
    peers.map((peer) => peer.take()),
    [[], ['x']],
  );
  t.equal((await client.bind(FIRST, PEER)).errorCode, 443);
});

test('TURN-91 BAD-31 a peer with port 0 is refused with 400, an unspecified address with 403', async (t) => {
  const { client } = await allocated();
  t.equal((await client.bind(FIRST, '93.184.216.34:0')).errorCode, 400);
  t.equal((await client.bind(FIRST, '0.0.0.0:5000')).errorCode, 403);
  t.equal(client.allocation?.channels.size, 0);
  t.equal(client.allocation?.permissions.size, 0);
});

test('TURN-91 an unspecified IPv6 peer is refused with 403', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.allocated([requestedAddressFamily(6)]);
  t.equal((await client.bind(FIRST, '[::]:5000')).errorCode, 403);
  t.equal(reaches(client, lab.peer('[::]:5000')), 0);
});

test('S6 of two numbers or two peers in a ChannelBind the first counts', async (t) => {
  const relayed = await allocated();
  const { lab, client } = relayed;
  const attrs = [channelNumber(FIRST), channelNumber(0x4001), peerAddress(PEER), peerAddress(PEER_B)];
  t.equal((await client.request(REQUEST.channelBind, attrs)).type, BOUND);
  t.same(channelled(relayed, FIRST), ['x']);
  t.same(channelled(relayed, 0x4001), []);
  t.equal(hears(client, lab.peer(PEER_B), relayed.relayed), 0);
});
