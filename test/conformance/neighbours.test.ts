// Clients of two processes of one server, behind a NAT: to each other they are what clients of one process are (RFC 8656
// §21.1.7, SECURITY §2.3), though their packets go by the kernel, from one private relay address to the other.

import { test } from 'tap';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { Transport } from '../../src/turn/transport.ts';
import { type LabOptions, RELAY_PRIVATE_V4, RELAY_V4 } from '../support/lab.ts';
import { portOf } from '../support/lab-checks.ts';
import { peerAddress, REQUEST } from '../support/lab-client.ts';
import { twoProcesses } from '../support/lab-neighbours.ts';
import { attr, channelData, decode, message } from '../support/wire.ts';
import { data, dontFragment, lifetime, requestedAddressFamily } from '../support/wire-attributes.ts';

const UDP = [Transport.UDP, Transport.UDP] as const;

/** Alice in one process and bob in another, each with an allocation. */
async function pair(options: LabOptions = {}, family: 4 | 6 = 4, transports: readonly [Transport, Transport] = UDP) {
  const [one, two] = twoProcesses(options);
  const alice = one.client({ transport: transports[0] });
  const bob = two.client({ transport: transports[1], user: 'bob' });
  const attrs = [requestedAddressFamily(family)];
  return { one, two, alice, bob, a: await alice.allocated(attrs), b: await bob.allocated(attrs) };
}

const hidden = (shown: string): string => `${RELAY_PRIVATE_V4}:${portOf(shown)}`;

for (const transports of [UDP, [Transport.TCP, Transport.UDP], [Transport.UDP, Transport.TLS]] as const) {
  test(`TURN-104 clients of two processes reach each other (${transports.join(' and ')})`, async (t) => {
    const { one, two, alice, bob, a, b } = await pair({}, 4, transports);
    t.equal((await alice.permit(b)).type, 0x0108, 'with the built-in deny list on');
    t.equal((await bob.bind(0x4000, a)).type, 0x0109);
    for (let round = 0; round < 10; round++) {
      alice.sendTo(b, `to bob ${round}`);
      t.same(bob.take(), [channelData(0x4000, `to bob ${round}`, { pad: bob.stream })]);
      bob.sendChannel(0x4000, `to alice ${round}`);
      const [indication] = alice.take().map(decode);
      t.equal(indication?.xorAddress(attr.xorPeerAddress), b, 'from the address that bob was shown');
      t.equal(indication?.text(attr.data), `to alice ${round}`);
    }
    t.same(one.relays.lost, [], 'no NAT has to hairpin it');
    t.match(one.engine.counters, {
      packetsToNeighbours: 10,
      packetsCrossed: 0,
      packetsToPeer: 10,
      packetsToClient: 10,
    });
    t.match(two.engine.counters, {
      packetsToNeighbours: 10,
      packetsCrossed: 0,
      packetsToPeer: 10,
      packetsToClient: 10,
    });
    t.match(alice.allocation?.ipv4, { packetsToPeer: 10, packetsToClient: 10 });
  });
}

for (const family of [4, 6] as const) {
  test(`TURN-104 clients of two processes reach each other by channels on both sides (IPv${family})`, async (t) => {
    const { one, alice, bob, a, b } = await pair({}, family);
    t.equal((await alice.bind(0x4000, b)).type, 0x0109);
    t.equal((await bob.bind(0x4001, a)).type, 0x0109);
    alice.sendChannel(0x4000, 'there');
    t.same(bob.take(), [channelData(0x4001, 'there')]);
    bob.sendChannel(0x4001, 'back');
    t.same(alice.take(), [channelData(0x4000, 'back')]);
    t.match(alice.allocation?.channels.get(0x4000), { packetsToPeer: 1, packetsToClient: 1 });
    t.same(one.relays.lost, []);
  });
}

test('TURN-104 clients of one process go on reaching each other inside it', async (t) => {
  const { one, alice, a } = await pair();
  const carol = one.client({ user: 'bob' });
  const c = await carol.allocated();
  await alice.permit(c);
  await carol.permit(a);
  alice.sendTo(c, 'inside');
  t.equal(carol.take().length, 1);
  t.match(one.engine.counters, { packetsCrossed: 1, packetsToNeighbours: 0 });
});

test('TURN-104 the permission of the receiving process is asked for as for any peer', async (t) => {
  const { two, alice, bob, a, b } = await pair();
  await alice.permit(b);
  alice.sendTo(b, 'unwanted');
  t.same(bob.take(), []);
  t.equal(two.engine.counters.dropped[DropReason.NO_PERMISSION_FROM_PEER], 1);
  await bob.permit(a);
  alice.sendTo(b, 'wanted');
  t.equal(bob.take().length, 1);
});

test('TURN-105 a relayed address of another process is no peer any more once that allocation is gone', async (t) => {
  const { one, alice, bob, b } = await pair();
  await alice.bind(0x4000, b);
  await bob.request(REQUEST.refresh, [lifetime(0)]);
  alice.sendChannel(0x4000, 'by channel');
  alice.sendTo(b, 'by Send');
  t.same(one.relays.lost, []);
  t.equal(one.engine.counters.dropped[DropReason.PEER_DENIED], 2);
  t.match(one.engine.counters, { packetsToPeer: 0, packetsToNeighbours: 0 });
  t.equal((await alice.bind(0x4000, b)).errorCode, 403);
});

test('TURN-105 what is neither a relay of this process nor of another one stays refused', async (t) => {
  const { one, alice, b } = await pair();
  await alice.permit(b);
  const dead = portOf(b) === 50_000 ? 50_001 : 50_000;
  for (const port of [22, 443, 3478, 5349, 9229, dead]) {
    t.equal((await alice.bind(0x4000, `${RELAY_V4}:${port}`)).errorCode, 403, `${port}`);
    alice.sendTo(`${RELAY_V4}:${port}`, 'x');
  }
  t.equal(one.engine.counters.dropped[DropReason.PEER_DENIED], 6);
  t.equal((await alice.permit(hidden(b))).errorCode, 403, 'nor is the private address, which is shown to nobody');
  t.equal((await alice.bind(0x4000, hidden(b))).errorCode, 403);
  t.same(one.relays.lost, []);
});

test('TURN-104 a source that is no relay of another process is left as it is', async (t) => {
  const { one, alice, a } = await pair({ allow: [`${RELAY_PRIVATE_V4}/32`] });
  await alice.permit(RELAY_PRIVATE_V4);
  one.peer(`${RELAY_PRIVATE_V4}:9000`).send(a, 'from a service');
  const [indication] = alice.take().map(decode);
  t.equal(indication?.xorAddress(attr.xorPeerAddress), `${RELAY_PRIVATE_V4}:9000`);
});

test('TURN-104 a datagram of a relay that has just gone finds no permission', async (t) => {
  const { one, alice, bob, a, b } = await pair();
  await alice.permit(b);
  const late = one.peer(hidden(b));
  await bob.request(REQUEST.refresh, [lifetime(0)]);
  late.send(a, 'late');
  t.same(alice.take(), []);
  t.equal(one.engine.counters.dropped[DropReason.NO_PERMISSION_FROM_PEER], 1);
});

test('TURN-104 an ICMP error for a relay of another process names the address that it is shown at', async (t) => {
  const { one, alice, a, b } = await pair();
  await alice.permit(b);
  one.relays.complain(a, hidden(b), 3, 3, 0);
  const [indication] = alice.take().map(decode);
  t.equal(indication?.xorAddress(attr.xorPeerAddress), b);
  t.equal(indication?.get(attr.icmp)?.toString('hex'), '0000030300000000');
});

test('TURN-104 between two processes DONT-FRAGMENT is ignored, as it is within one', async (t) => {
  const { one, two, alice, bob, a, b } = await pair({ env: { capabilities: { dontFragment: true } } });
  await alice.permit(b);
  await bob.permit(a);
  const asked: boolean[] = [];
  const { deliverInside } = one.relays;
  one.relays.deliverInside = (from, to, payload, df) => {
    asked.push(df);
    return deliverInside.call(one.relays, from, to, payload, df);
  };
  alice.send(message({ type: 0x0016, attrs: [peerAddress(b), dontFragment(), data('whole')] }));
  t.equal(bob.take().length, 1);
  t.same(asked, [false]);
  t.equal(two.engine.counters.packetsToClient, 1);
});
