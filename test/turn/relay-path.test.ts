import { test } from 'tap';
import { parseIp } from '../../src/stun/ip-address.ts';
import { TransportWords } from '../../src/stun/transport-address.ts';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { HEADER_ROOM } from '../../src/turn/env.ts';
import { Transport } from '../../src/turn/transport.ts';
import { Lab } from '../support/lab.ts';
import type { LabClient } from '../support/lab-client.ts';
import { allocated, PEER, PEER_V6 } from '../support/lab-relayed.ts';
import { vectorNamed } from '../support/vectors.ts';
import { attr, decode, message } from '../support/wire.ts';
import { data, requestedAddressFamily, xorPeerAddress } from '../support/wire-attributes.ts';

const DATA = 0x0017;

/** The vectors' peer, which lies in a documentation range. */
const VECTOR_PEER = '192.0.2.150:32102';

/** `count` Data indications. */
async function indications(count: number): Promise<ReturnType<typeof decode>[]> {
  const { client, peer, relayed } = await allocated();
  await client.permit(PEER);
  for (let index = 0; index < count; index++) peer.send(relayed, `${index}`);
  return client.take().map(decode);
}

test('a Data indication is as in the vector, but for its transaction ID', async (t) => {
  const { lab, client, relayed } = await allocated({ allow: ['192.0.2.0/24'] });
  await client.permit(VECTOR_PEER);
  lab.peer(VECTOR_PEER).send(relayed, 'hello');
  const [bytes = Buffer.alloc(0)] = client.take();
  const expected = Buffer.from(vectorNamed('derived-data-indication-v4').hex, 'hex');
  decode(bytes).tid.copy(expected, 8);
  t.equal(bytes.toString('hex'), expected.toString('hex'), 'an IPv4 address is masked by the cookie alone');
});

test('a Data indication from an IPv6 peer is masked by its own transaction ID', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const relayed = await client.allocated([requestedAddressFamily(6)]);
  await client.permit(PEER_V6);
  lab.peer(PEER_V6).send(relayed, 'hello');
  const [bytes = Buffer.alloc(0)] = client.take();
  const attrs = [xorPeerAddress('2600:1f18::5', 7000), data('hello')];
  t.equal(bytes.toString('hex'), message({ type: DATA, tid: decode(bytes).tid, attrs }).toString('hex'));
});

test('a Send indication is read as in the vector', async (t) => {
  // The vector's peer is the address that a lab shows; here the operator has opened it.
  const lab = new Lab({ allow: ['2001:db8::1/128'] });
  const client = lab.client();
  const peer = lab.peer('[2001:db8::1]:4000');
  await client.allocated([requestedAddressFamily(6)]);
  await client.permit('2001:db8::1');
  client.send(Buffer.from(vectorNamed('derived-send-indication-v6').hex, 'hex'));
  t.same(peer.take(), ['hello']);
});

for (const transport of [Transport.UDP, Transport.TCP, Transport.TLS]) {
  test(`the padding of DATA is zeros, never old memory (${transport})`, async (t) => {
    const { client, peer, relayed } = await allocated({}, { transport });
    await client.permit(PEER);
    for (let length = 0; length <= 9; length++) {
      peer.send(relayed, Buffer.alloc(length, 0xff));
      const [bytes = Buffer.alloc(0)] = client.take();
      const end = 20 + 12 + 4 + length;
      t.equal(bytes.length, Math.ceil(end / 4) * 4, `${length} bytes`);
      t.ok(bytes.subarray(end).every((byte) => byte === 0));
      t.equal(decode(bytes).get(attr.data)?.length, length, 'the length field does not count it');
    }
  });
}

test('no two Data indications have the same transaction ID', async (t) => {
  const tids = (await indications(1000)).map(({ tid }) => tid.toString('hex'));
  t.equal(new Set(tids).size, 1000);
});

test('transaction IDs stay distinct when their counter wraps', async (t) => {
  const ones = { fill: (target: Uint8Array) => target.fill(0xff) };
  const { client, peer, relayed } = await allocated({ env: { random: ones } });
  await client.permit(PEER);
  for (let index = 0; index < 3; index++) peer.send(relayed, 'x');
  const tids = client.take().map((bytes) => decode(bytes).tid.toString('hex', 8));
  t.same(tids, ['00000000', '00000001', '00000002']);
});

test('engines begin at transaction IDs of their own', async (t) => {
  let seed = 0;
  const random = { fill: (target: Uint8Array) => target.fill(++seed) };
  const first: string[] = [];
  for (let engine = 0; engine < 2; engine++) {
    const { client, peer, relayed } = await allocated({ env: { random } });
    await client.permit(PEER);
    peer.send(relayed, 'x');
    first.push(decode(client.take()[0] ?? Buffer.alloc(0)).tid.toString('hex', 0, 8));
  }
  t.not(first[0], first[1]);
});

test('the head of any relayed message fits the room that links offer', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const relayed = await client.allocated([requestedAddressFamily(6)]);
  await client.permit(PEER_V6);
  lab.relays.complain(relayed, PEER_V6, 2, 0, 1280);
  t.equal(client.take()[0]?.length, 56);
  lab.peer(PEER_V6).send(relayed, '');
  t.ok((client.take()[0]?.length ?? Number.POSITIVE_INFINITY) <= HEADER_ROOM);
});

test('BAD-33 ChannelData too short for its header is dropped, even at the end of its buffer', async (t) => {
  const { lab, client } = await allocated({}, { transport: Transport.TCP });
  await client.bind(0x4000, PEER);
  const endpoint = client.allocation?.endpoint;
  if (endpoint === undefined) throw new Error('no allocation');
  for (const hex of ['40', '4000', '400000']) {
    const bytes = Buffer.from(hex, 'hex');
    t.doesNotThrow(() => lab.engine.fromClient(endpoint, bytes, 0, bytes.length), hex);
  }
  t.equal(lab.engine.counters.dropped[DropReason.BAD_CHANNEL_DATA], 3);
});

test('a payload is relayed where it lies, not copied', async (t) => {
  const { client, relayed, lab } = await allocated();
  await client.permit(PEER);
  const seen: [buffer: Buffer, start: number, end: number][] = [];
  const keep: LabClient['sendRelayed'] = (_endpoint, _header, _headerEnd, buffer, start, end) => {
    seen.push([buffer, start, end]);
  };
  client.sendRelayed = keep;
  const received = Buffer.from('....payload....');
  const source = new TransportWords();
  const ip = parseIp('93.184.216.34');
  if (ip === null) throw new Error('no address');
  source.setTo(ip, 5000);
  lab.relays.sockets.get(relayed)?.owner?.fromPeer(source, received, 4, 11);
  t.equal(seen[0]?.[0], received);
  t.same(seen[0]?.slice(1), [4, 11]);
});

test('packets and bytes are counted by direction, channel and relayed address, and kept when it is gone', async (t) => {
  const { lab, client, peer, relayed } = await allocated();
  await client.bind(0x4000, PEER);
  client.sendTo(PEER, '123');
  client.sendChannel(0x4000, '12345');
  peer.send(relayed, '1234567');
  const totals = { packetsToPeer: 2, bytesToPeer: 8, packetsToClient: 1, bytesToClient: 7 };
  const { allocation } = client;
  t.match(allocation?.ipv4, totals);
  t.match(lab.engine.counters, totals);
  const channel = { packetsToPeer: 1, bytesToPeer: 5, packetsToClient: 1, bytesToClient: 7 };
  t.match(allocation?.channels.get(0x4000), channel, 'a Send is not the channel’s');
  await lab.advance(601);
  t.match(allocation, { closed: true, ...totals });
});

test('a relay that is gone takes no more from peers', async (t) => {
  const { lab, client, peer, relayed } = await allocated();
  await client.permit(PEER);
  const owner = lab.relays.sockets.get(relayed)?.owner;
  await lab.advance(200);
  client.close();
  await lab.advance(401);
  const source = new TransportWords();
  source.set(peer.address);
  owner?.fromPeer(source, Buffer.from('late'), 0, 4);
  t.same(client.take(), []);
  t.equal(lab.engine.counters.packetsToClient, 0);
  t.equal(lab.engine.counters.dropped[DropReason.TOO_BIG], 0);
});
