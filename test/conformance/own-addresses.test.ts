// The server's own addresses as peers: relayed addresses of other clients, and nothing else (RFC 8656 §21.1.7, SECURITY
// §2.3). A permission names an address only, so whatever needs the port is judged per datagram.

import { test } from 'tap';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { Transport } from '../../src/turn/transport.ts';
import { Lab, type LabOptions, RELAY_PRIVATE_V4, RELAY_V4, RELAY_V6 } from '../support/lab.ts';
import { REQUEST } from '../support/lab-client.ts';
import { attr, channelData, decode, message } from '../support/wire.ts';
import { lifetime, requestedAddressFamily } from '../support/wire-attributes.ts';

/** Ports of the server's host: its listeners, SSH, an admin API, metrics, a debugger. */
const LISTENERS = [3478, 5349];
const SERVICES = [22, 80, 443, 5766, 8080, 9229, 9641];

/** Two clients of one server, each with an IPv4 allocation. */
async function pair(options: LabOptions = {}, first: Transport = Transport.UDP, second: Transport = Transport.UDP) {
  const lab = new Lab(options);
  const alice = lab.client({ transport: first });
  const bob = lab.client({ transport: second, user: 'bob' });
  return { lab, alice, bob, a: await alice.allocated(), b: await bob.allocated() };
}

/** A port of the relay range that is nobody's. */
function deadPort(...live: readonly string[]): string {
  for (let port = 49_152; ; port++) if (!live.includes(`${RELAY_V4}:${port}`)) return `${RELAY_V4}:${port}`;
}

/** Packets each way for each pair of transports: more than ten thousand in all. */
const ROUNDS = 1200;
const TRANSPORTS = [Transport.UDP, Transport.TCP, Transport.TLS] as const;

for (const first of TRANSPORTS) {
  for (const second of TRANSPORTS) {
    test(`TURN-104 S34 clients over ${first} and ${second} reach each other through their relays`, async (t) => {
      const { lab, alice, bob, a, b } = await pair({}, first, second);
      t.equal((await alice.permit(b)).type, 0x0108, 'with the built-in deny list on');
      t.equal((await bob.bind(0x4000, a)).type, 0x0109);
      let [there, back] = [0, 0];
      for (let round = 0; round < ROUNDS; round++) {
        alice.sendTo(b, `to bob ${round}`);
        const heard = Buffer.concat(bob.take());
        if (heard.equals(channelData(0x4000, `to bob ${round}`, { pad: bob.stream }))) there++;
        bob.sendChannel(0x4000, `to alice ${round}`);
        const [indication] = alice.take().map(decode);
        const isFromBob = indication?.xorAddress(attr.xorPeerAddress) === b;
        if (isFromBob && indication?.text(attr.data) === `to alice ${round}`) back++;
      }
      t.same({ there, back }, { there: ROUNDS, back: ROUNDS }, 'none is lost');
      t.equal(lab.engine.counters.packetsCrossed, 2 * ROUNDS);
      t.same(lab.relays.lost, [], 'and nothing leaves the server: no NAT has to hairpin it');
    });
  }
}

test('TURN-104 two clients reach each other by channels on both sides, and by IPv6', async (t) => {
  const lab = new Lab();
  const [alice, bob] = [lab.client(), lab.client({ user: 'bob' })];
  const a = await alice.allocated([requestedAddressFamily(6)]);
  const b = await bob.allocated([requestedAddressFamily(6)]);
  t.equal((await alice.bind(0x4000, b)).type, 0x0109);
  t.equal((await bob.bind(0x4001, a)).type, 0x0109);
  alice.sendChannel(0x4000, 'six');
  t.same(bob.take(), [channelData(0x4001, 'six')]);
  bob.sendChannel(0x4001, 'back');
  t.same(alice.take(), [channelData(0x4000, 'back')]);
});

test('TURN-104 the permission of the receiving side is asked for as for any peer', async (t) => {
  const { lab, alice, bob, a, b } = await pair();
  await alice.permit(b);
  alice.sendTo(b, 'unwanted');
  t.same(bob.take(), []);
  t.equal(lab.engine.counters.dropped[DropReason.NO_PERMISSION_FROM_PEER], 1);
  await bob.permit(a);
  alice.sendTo(b, 'wanted');
  t.equal(bob.take().length, 1);
});

test('TURN-104 what crosses counts for both allocations', async (t) => {
  const { alice, bob, a, b } = await pair();
  await alice.permit(b);
  await bob.permit(a);
  alice.sendTo(b, '12345');
  t.match(alice.allocation?.ipv4, { packetsToPeer: 1, bytesToPeer: 5 });
  t.match(bob.allocation?.ipv4, { packetsToClient: 1, bytesToClient: 5 });
});

test('S33 a packet to one’s own relayed address comes back once, and does not circle', async (t) => {
  const { lab, alice, a } = await pair();
  await alice.bind(0x4000, a);
  alice.sendChannel(0x4000, 'loop');
  t.same(alice.take(), [channelData(0x4000, 'loop')]);
  t.equal(lab.engine.counters.packetsToPeer, 1);
  t.equal(lab.engine.counters.packetsToClient, 1);
});

test('S33 a datagram whose source is forged as a relayed address goes to one client, and no further', async (t) => {
  const { lab, alice, bob, a, b } = await pair();
  await alice.bind(0x4000, b);
  await bob.bind(0x4000, a);
  lab.peer(b).send(a, 'forged');
  t.same(alice.take(), [channelData(0x4000, 'forged')], 'one in, one out');
  t.same(bob.take(), []);
  t.same(lab.relays.lost, []);
  t.match(lab.engine.counters, { packetsToClient: 1, packetsToPeer: 0 });
});

for (const port of [...LISTENERS, ...SERVICES]) {
  const what = LISTENERS.includes(port) ? 'TURN-105 S33 the listener' : 'S35 the service';

  test(`${what} at port ${port} of the relay address is no peer`, async (t) => {
    const { lab, alice, b } = await pair();
    const target = `${RELAY_V4}:${port}`;
    t.equal((await alice.bind(0x4000, target)).errorCode, 403);
    await alice.permit(b);
    alice.sendTo(target, message({ type: REQUEST.binding }));
    alice.sendChannel(0x4000, 'x');
    t.same(lab.relays.lost, [], 'nothing leaves');
    t.equal(lab.engine.counters.dropped[DropReason.PEER_DENIED], 1);
    t.equal(lab.engine.counters.packetsToPeer, 0);
    t.equal(alice.allocation?.ipv4?.packetsToPeer, 0);
  });
}

test('TURN-105 S33 a listener at an address that is not a relay address is no peer', async (t) => {
  const addresses = ['198.51.99.1', '45.33.32.156'];
  const isOwn = (ip: { text: string }) => addresses.includes(ip.text) || ip.text === RELAY_V4;
  const isListener = (ip: { text: string }, port: number) => isOwn(ip) && port === 3478;
  const own = { isOwn, isListener, isBackend: () => false, isShown: (ip: { text: string }) => ip.text === RELAY_V4 };
  const lab = new Lab({ env: { own } });
  const alice = lab.client();
  await alice.allocated();
  for (const ip of addresses) {
    t.equal((await alice.bind(0x4000, `${ip}:3478`)).errorCode, 403, ip);
    t.equal((await alice.bind(0x4000, `${ip}:22`)).errorCode, 403, ip);
    await alice.permit(ip);
    for (const port of [3478, 22]) alice.sendTo(`${ip}:${port}`, 'x');
  }
  t.same(lab.relays.lost, []);
  t.equal(lab.engine.counters.dropped[DropReason.PEER_DENIED], 4);
});

test('S33 a relay port that nobody holds is no peer', async (t) => {
  const { lab, alice, a, b } = await pair();
  const dead = deadPort(a, b);
  t.equal((await alice.bind(0x4000, dead)).errorCode, 403);
  t.equal((await alice.permit(dead)).type, 0x0108, 'a permission names the address only');
  alice.sendTo(dead, 'x');
  t.same(lab.relays.lost, []);
  t.equal(lab.engine.counters.dropped[DropReason.PEER_DENIED], 1);
});

test('S33 a channel to a relayed address leads nowhere once that allocation is gone', async (t) => {
  const { lab, alice, bob, b } = await pair();
  await alice.bind(0x4000, b);
  await bob.request(REQUEST.refresh, [lifetime(0)]);
  alice.sendChannel(0x4000, 'x');
  t.same(lab.relays.lost, []);
  t.equal(lab.engine.counters.dropped[DropReason.PEER_DENIED], 1);
  t.match(alice.allocation?.channels.get(0x4000), { packetsToPeer: 0 });
});

test('S33 an allow rule for an own address opens its other ports, but never a listener', async (t) => {
  const { lab, alice } = await pair({ allow: [`${RELAY_V4}/32`] });
  const service = lab.peer(`${RELAY_V4}:9000`);
  t.equal((await alice.bind(0x4000, `${RELAY_V4}:9000`)).type, 0x0109);
  alice.sendChannel(0x4000, 'by channel');
  alice.sendTo(`${RELAY_V4}:9000`, 'by Send');
  t.same(service.take(), ['by channel', 'by Send']);
  for (const port of LISTENERS) {
    t.equal((await alice.bind(0x4001, `${RELAY_V4}:${port}`)).errorCode, 403);
    alice.sendTo(`${RELAY_V4}:${port}`, 'x');
  }
  t.same(lab.relays.lost, []);
});

test('S33 a deny rule for the shown address closes relay-to-relay too', async (t) => {
  const { alice, b } = await pair({ deny: [RELAY_V4], allow: [RELAY_V4] });
  t.equal((await alice.permit(b)).errorCode, 403);
  t.equal((await alice.bind(0x4000, b)).errorCode, 403);
});

test('S33 the shown address in disguise is no peer', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.allocated([requestedAddressFamily(6)]);
  for (const ip of [`::ffff:${RELAY_V4}`, `64:ff9b::${RELAY_V4}`, `::${RELAY_V4}`]) {
    t.equal((await client.permit(ip)).errorCode, 403, ip);
  }
  t.equal((await client.permit(RELAY_V6)).type, 0x0108);
});

test('S35 a private relay address is judged by the list, for it is shown to nobody', async (t) => {
  const { lab, alice, b } = await pair();
  const hidden = b.replace(RELAY_V4, RELAY_PRIVATE_V4);
  t.equal((await alice.permit(hidden)).errorCode, 403);
  t.equal((await alice.bind(0x4000, hidden)).errorCode, 403);
  const denied = lab.observer.events.filter((event) => event.startsWith('denied'));
  t.same(
    denied.map((event) => event.split(' ').at(-1)),
    ['private', 'private'],
  );
});

test('S35 a private relay address that is allowed is an own address like any other', async (t) => {
  const { lab, alice } = await pair({ allow: [`${RELAY_PRIVATE_V4}/32`] });
  t.equal((await alice.permit(RELAY_PRIVATE_V4)).type, 0x0108);
  alice.sendTo(`${RELAY_PRIVATE_V4}:3478`, 'to a listener');
  t.same(lab.relays.lost, []);
  alice.sendTo(`${RELAY_PRIVATE_V4}:9000`, 'to a service');
  t.equal(lab.relays.lost.length, 1);
});

test('S35 a network that is allowed opens no service of this host that lies in it', async (t) => {
  const { lab, alice } = await pair({ allow: ['10.0.0.0/8'] });
  t.equal((await alice.permit(RELAY_PRIVATE_V4, '10.1.2.3')).type, 0x0108);
  alice.sendTo(`${RELAY_PRIVATE_V4}:9000`, 'to a service');
  t.same(lab.relays.lost, []);
  t.equal((await alice.bind(0x4000, `${RELAY_PRIVATE_V4}:9000`)).errorCode, 403);
  alice.sendTo('10.1.2.3:9000', 'to another host');
  t.equal(lab.relays.lost.length, 1);
});

test('TURN-104 clients reach each other at an external address that has changed since', async (t) => {
  const nobodys = { isOwn: () => false, isShown: () => false, isBackend: () => false, isListener: () => false };
  const { lab, alice, bob, a, b } = await pair({ env: { own: nobodys } });
  t.equal((await alice.permit(b)).type, 0x0108);
  t.equal((await bob.permit(a)).type, 0x0108);
  alice.sendTo(b, 'across');
  t.equal(bob.take().length, 1);
  t.same(lab.relays.lost, []);
  t.equal(lab.engine.counters.packetsCrossed, 1);
});

test('S33 an address that becomes one of this host is known as such when its permission is extended', async (t) => {
  let mine = false;
  const own = { isOwn: () => mine, isShown: () => false, isBackend: () => false, isListener: () => mine };
  const lab = new Lab({ env: { own } });
  const alice = lab.client();
  await alice.allocated();
  const service = lab.peer('45.33.32.156:3478');
  await alice.permit('45.33.32.156');
  alice.sendTo('45.33.32.156:3478', 'still elsewhere');
  t.same(service.take(), ['still elsewhere']);
  mine = true;
  await alice.permit('45.33.32.156');
  alice.sendTo('45.33.32.156:3478', 'here now');
  t.same(service.take(), []);
});

test('S59 no allow rule opens loopback, where administration and metrics listen', async (t) => {
  const allow = ['127.0.0.0/8', '127.0.0.1', '::1', '::/0', '0.0.0.0/0'];
  const { lab, alice } = await pair({ allow });
  for (const port of SERVICES) {
    t.equal((await alice.permit('127.0.0.1')).errorCode, 403);
    t.equal((await alice.bind(0x4000, `127.0.0.1:${port}`)).errorCode, 403);
    alice.sendTo(`127.0.0.1:${port}`, 'x');
    alice.sendChannel(0x4000, 'x');
  }
  const six = lab.client();
  await six.allocated([requestedAddressFamily(6)]);
  for (const ip of ['::1', '::ffff:127.0.0.1', '64:ff9b::127.0.0.1']) {
    t.equal((await six.permit(ip)).errorCode, 403, ip);
    t.equal((await six.bind(0x4000, `[${ip}]:8080`)).errorCode, 403, ip);
  }
  t.same(lab.relays.lost, []);
});

test('S33 a UDP client at a live relayed address gets no allocation; a stream from the same port number is no loop', async (t) => {
  const { lab, a } = await pair();
  const loop = lab.client({ user: 'bob', address: a });
  t.equal((await loop.allocate()).errorCode, 403);
  const stream = lab.client({ user: 'bob', transport: Transport.TCP, address: a });
  t.equal((await stream.allocate()).errorCode, undefined);
});
