// ICMP errors from the peers' side, RFC 8656 §11.5, §12.5 and §18.13, from where a relay socket has read them.

import { test } from 'tap';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { Transport } from '../../src/turn/transport.ts';
import { Lab } from '../support/lab.ts';
import { allocated, PEER, PEER_B, PEER_OTHER_PORT, PEER_V6, type Relayed } from '../support/lab-relayed.ts';
import { vectorNamed } from '../support/vectors.ts';
import { attr, type Decoded, decode } from '../support/wire.ts';
import { requestedAddressFamily } from '../support/wire-attributes.ts';

const DATA_INDICATION = 0x0017;

/** A client with a permission for PEER. */
async function permitted(transport: Transport = Transport.UDP): Promise<Relayed> {
  const relayed = await allocated({}, { transport });
  await relayed.client.permit(PEER);
  return relayed;
}

/** A client with an IPv6 allocation and a permission for PEER_V6. */
async function permittedV6() {
  const lab = new Lab();
  const client = lab.client();
  const relayed = await client.allocated([requestedAddressFamily(6)]);
  await client.permit(PEER_V6);
  return { lab, client, relayed };
}

/** The value of the ICMP attribute as hex. */
function icmpOf(indication: Decoded | undefined): string | undefined {
  return indication?.get(attr.icmp)?.toString('hex');
}

test('TURN-70, TURN-71: an ICMP error is told as in the vector, but for its transaction ID', async (t) => {
  const peer = '192.0.2.150:32102';
  const { lab, client, relayed } = await allocated({ allow: ['192.0.2.0/24'] });
  await client.permit(peer);
  lab.relays.complain(relayed, peer, 3, 4, 1280);
  const [bytes = Buffer.alloc(0)] = client.take();
  const expected = Buffer.from(vectorNamed('derived-data-indication-icmp').hex, 'hex');
  decode(bytes).tid.copy(expected, 8);
  t.equal(bytes.toString('hex'), expected.toString('hex'), 'an IPv4 address is masked by the cookie alone');
});

for (const transport of [Transport.UDP, Transport.TCP, Transport.TLS, Transport.DTLS]) {
  test(`TURN-70 an ICMP error comes as a Data indication without DATA (${transport})`, async (t) => {
    const { lab, client, relayed } = await permitted(transport);
    lab.relays.complain(relayed, PEER, 3, 3, 0);
    const [indication, ...more] = client.take().map(decode);
    t.same(more, []);
    t.equal(indication?.type, DATA_INDICATION);
    t.equal(indication?.xorAddress(attr.xorPeerAddress), PEER);
    t.equal(icmpOf(indication), '0000030300000000');
    t.equal(indication?.get(attr.data), undefined);
    t.equal(indication?.get(attr.messageIntegrity), undefined, 'and without authentication');
    t.equal(lab.engine.counters.errorsToClient, 1);
    t.equal(lab.engine.counters.packetsToClient, 0, 'an error is no data');
  });
}

test('TURN-70 an ICMP error comes as an indication even where a channel is bound', async (t) => {
  const { lab, client, relayed } = await permitted();
  await client.bind(0x4000, PEER);
  lab.relays.complain(relayed, PEER, 3, 1, 0);
  const [indication] = client.take().map(decode);
  t.equal(indication?.type, DATA_INDICATION);
  t.equal(icmpOf(indication), '0000030100000000');
  t.match(client.allocation?.channels.get(0x4000), { packetsToClient: 0 });
});

test('TURN-70 a peer port that is not known is 0', async (t) => {
  const { lab, client, relayed } = await permitted();
  lab.relays.complain(relayed, '93.184.216.34:0', 11, 1, 0);
  const [indication] = client.take().map(decode);
  t.equal(indication?.xorAddress(attr.xorPeerAddress), '93.184.216.34:0');
  t.equal(icmpOf(indication), '00000b0100000000');
});

test('TURN-70 no two indications have the same transaction ID, errors or data', async (t) => {
  const { lab, client, peer, relayed } = await permitted();
  peer.send(relayed, 'data');
  lab.relays.complain(relayed, PEER, 3, 3, 0);
  lab.relays.complain(relayed, PEER, 3, 3, 0);
  peer.send(relayed, 'data');
  t.equal(new Set(client.take().map((bytes) => decode(bytes).tid.toString('hex'))).size, 4);
});

test('TURN-69 of IPv4 only destination unreachable and time exceeded are told', async (t) => {
  const { lab, client, relayed } = await permitted();
  const told: number[] = [];
  for (let type = 0; type <= 0xff; type++) {
    lab.relays.complain(relayed, PEER, type, 0, 0);
    if (client.take().length > 0) told.push(type);
  }
  t.same(told, [3, 11]);
  t.equal(lab.engine.counters.dropped[DropReason.ICMP_TYPE], 254);
});

test('TURN-69 of IPv6 only unreachable, too big and time exceeded are told', async (t) => {
  const { lab, client, relayed } = await permittedV6();
  const told: number[] = [];
  for (let type = 0; type <= 0xff; type++) {
    lab.relays.complain(relayed, PEER_V6, type, 0, 0);
    const [indication] = client.take().map(decode);
    if (indication === undefined) continue;
    t.equal(indication.xorAddress(attr.xorPeerAddress), PEER_V6);
    told.push(type);
  }
  t.same(told, [1, 2, 3]);
});

test('TURN-69 an error is told only while there is a permission for where the datagram went', async (t) => {
  const { lab, client, relayed } = await permitted();
  lab.relays.complain(relayed, PEER_B, 3, 3, 0);
  t.same(client.take(), [], 'another address');
  lab.relays.complain(relayed, PEER_OTHER_PORT, 3, 3, 0);
  t.equal(client.take().length, 1, 'another port of the address');
  await client.bind(0x4000, PEER);
  await lab.advance(301);
  lab.relays.complain(relayed, PEER, 3, 3, 0);
  t.same(client.take(), [], 'a permission that has lapsed, though the channel has not');
  t.equal(lab.engine.counters.dropped[DropReason.ICMP_NO_PERMISSION], 2);
});

test('TURN-69 an error for an allocation that is over is told to nobody', async (t) => {
  const { lab, client, relayed } = await permitted();
  const socket = lab.relays.sockets.get(relayed);
  if (socket === undefined) throw new Error('no relay socket');
  await lab.advance(400);
  await client.permit(PEER);
  lab.clock.monotonic += 200_000;
  lab.relays.complain(relayed, PEER, 3, 3, 0);
  t.same(client.take(), [], 'before any tick has found it');
  lab.engine.tick();
  lab.relays.sockets.set(relayed, socket);
  lab.relays.complain(relayed, PEER, 3, 3, 0);
  t.same(client.take(), [], 'from a socket that still delivers after its end');
});

test('TURN-71 the error data is the MTU where fragmentation was needed, else 0', async (t) => {
  const four = await permitted();
  const dataOf = (code: number): string | undefined => {
    four.lab.relays.complain(four.relayed, PEER, 3, code, 1400);
    return icmpOf(four.client.take().map(decode)[0]);
  };
  t.equal(dataOf(4), '0000030400000578');
  t.equal(dataOf(3), '0000030300000000');
  const six = await permittedV6();
  for (const [type, mtu] of [
    [1, '00000000'],
    [2, 'ffffffff'],
    [3, '00000000'],
  ] as const) {
    six.lab.relays.complain(six.relayed, PEER_V6, type, 4, 0xffff_ffff);
    t.equal(icmpOf(six.client.take().map(decode)[0]), `00000${type}04${mtu}`);
  }
});
