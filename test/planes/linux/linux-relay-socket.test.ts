import { type Test, test } from 'tap';
import type { LinuxRelaySocket } from '../../../src/planes/linux/linux-relay-socket.ts';
import { LinuxRelaySockets } from '../../../src/planes/linux/linux-relay-sockets.ts';
import type { TransportWords } from '../../../src/stun/transport-address.ts';
import { PortRequest, type RelaySocketOwner } from '../../../src/turn/env.ts';
import { icmpV4, packetV4 } from '../../support/ip-packet.ts';
import { findLibc } from '../../support/linux-libc.ts';
import { unlikeOthers } from '../../support/linux-outlet.ts';
import { ipAddress, LOOPBACK, type LooseCore, looseCore, portTable, RANDOM, turn } from '../../support/linux-plane.ts';
import { RawSocket } from '../../support/raw-socket.ts';

const { libc, skip } = await findLibc();

const PATIENCE_MS = 10_000;

/** Notes what comes. */
class Owner implements RelaySocketOwner {
  readonly arrivals: { readonly source: string; readonly bytes: Buffer }[] = [];
  readonly errors: string[] = [];
  bytesIn = 0;
  onArrival: () => void = () => {};

  fromPeer(source: TransportWords, buffer: Buffer, start: number, end: number): void {
    this.arrivals.push({ source: source.copyAddress().text, bytes: Buffer.from(buffer.subarray(start, end)) });
    // As the engine may: the scratch is the owner's during the call.
    source.port = 0;
    this.onArrival();
  }

  fromPeerError(peer: TransportWords, type: number, code: number, data: number): void {
    this.errors.push(`${peer.copyAddress().text} ${type} ${code} ${data}`);
  }
}

interface Bench extends LooseCore {
  readonly relay: LinuxRelaySocket;
  readonly owner: Owner;
}

function bench(t: Test, family: 4 | 6 = 4): Bench {
  const loose = looseCore(t, libc);
  const addresses = [ipAddress(LOOPBACK[family])];
  const sockets = new LinuxRelaySockets(loose.core, {
    addresses,
    shown: (local) => local,
    table: portTable(1),
    random: RANDOM,
  });
  const opened = sockets.open(family, PortRequest.ANY);
  if (opened === null) throw new Error('no relay socket');
  const owner = new Owner();
  opened.socket.attach(owner);
  t.teardown(() => opened.socket.close());
  return { ...loose, relay: opened.socket as LinuxRelaySocket, owner };
}

function peer(t: Test, family: 4 | 6 = 4): RawSocket {
  const raw = RawSocket.udp(libc, LOOPBACK[family]);
  t.teardown(() => raw.close());
  return raw;
}

/** A port where nobody listens. */
function closedPort(family: 4 | 6 = 4): number {
  const raw = RawSocket.udp(libc, LOOPBACK[family]);
  const { port } = raw;
  raw.close();
  return port;
}

/** Turns the core until something holds. */
function until(made: LooseCore, holds: () => boolean): void {
  const end = performance.now() + PATIENCE_MS;
  while (!holds()) {
    if (performance.now() > end) throw new Error('it did not come');
    turn(made.core, 100);
  }
}

for (const family of [4, 6] as const) {
  const ip = LOOPBACK[family];
  const shown = family === 6 ? `[${ip}]` : ip;

  test(`what peers send arrives as it was sent, with its source (IPv${family})`, { skip }, async (t) => {
    const made = bench(t, family);
    const [one, two] = [peer(t, family), peer(t, family)];
    const sizes = [1, 0, 1200, 65_507, 3];
    const sent = sizes.map((size, index) => ({ from: index === 2 ? two : one, bytes: unlikeOthers(index, size) }));
    for (const { from, bytes } of sent) from.send(bytes, ip, made.relay.local.port);
    until(made, () => made.owner.arrivals.length >= sent.length);
    t.same(
      made.owner.arrivals.map(({ source, bytes }) => [source, bytes.toString('base64')]),
      sent.map(({ from, bytes }) => [`${shown}:${from.port}`, bytes.toString('base64')]),
    );
    t.match(made.counters.peers, { packetsIn: 5, bytesIn: 66_711 });
  });

  test(`datagrams that come as one (UDP GRO) are the ones that were sent (IPv${family})`, { skip }, async (t) => {
    const made = bench(t, family);
    const from = peer(t, family);
    const bytes = unlikeOthers(1, 40 * 1200 + 77);
    from.send(bytes, ip, made.relay.local.port, 1200);
    until(made, () => made.owner.arrivals.length >= 41);
    const { arrivals } = made.owner;
    t.same(
      arrivals.map((arrival) => arrival.bytes.length),
      [...Array.from({ length: 40 }, () => 1200), 77],
    );
    t.ok(Buffer.concat(arrivals.map((arrival) => arrival.bytes)).equals(bytes));
    t.ok(
      arrivals.every(({ source }) => source === `${shown}:${from.port}`),
      'each with its source',
    );
    t.match(made.counters.peers, { packetsIn: 41, bytesIn: bytes.length });
    t.ok(made.core.received < 41, 'and they did come as one');
  });

  const unreachable = family === 6 ? '1 4' : '3 3';
  test(`a closed port is told to the owner with its address: type and code ${unreachable}`, { skip }, async (t) => {
    const made = bench(t, family);
    const port = closedPort(family);
    made.relay.send(ipAddress(ip), port, Buffer.from('anybody?'), 0, 8, false);
    made.core.queue.flush();
    until(made, () => made.owner.errors.length > 0);
    t.same(made.owner.errors, [`${shown}:${port} ${unreachable} 0`]);
    t.equal(made.counters.icmpErrors, 1);
  });
}

for (const [type, code, mtu] of [
  [3, 4, 1280],
  [3, 1, 0],
  [11, 0, 0],
] as const) {
  test(`TURN-69, TURN-71: an ICMP error ${type} ${code} from a router is told, with its MTU`, { skip }, async (t) => {
    const made = bench(t);
    const raw = RawSocket.ip(libc, 4);
    if (raw === null) {
      t.pass('raw sockets take rights');
      return;
    }
    const live = peer(t);
    // An address of its own: a kernel that believes the MTU keeps to it for minutes.
    const [sourcePort, target] = [made.relay.local.port, '127.0.0.9'];
    const about = { sourcePort, target, targetPort: 4321, payload: Buffer.alloc(0) };
    raw.send(icmpV4(type, code, mtu, about), '127.0.0.1', 0);
    raw.close();
    until(made, () => made.owner.errors.length > 0);
    t.same(made.owner.errors, [`127.0.0.9:4321 ${type} ${code} ${mtu}`]);
    for (const size of [9, 9, 3000])
      made.relay.send(ipAddress('127.0.0.1'), live.port, Buffer.alloc(size), 0, size, false);
    made.core.queue.flush();
    t.same(
      [9, 9, 3000].map(() => live.next().bytes.length),
      [9, 9, 3000],
      'and others are not concerned',
    );
  });
}

test('many errors are all told, round by round', { skip }, async (t) => {
  const made = bench(t);
  const ports = Array.from({ length: 40 }, () => closedPort());
  for (const port of ports) {
    made.relay.send(ipAddress('127.0.0.1'), port, Buffer.from('x'), 0, 1, false);
    made.core.queue.flush();
  }
  until(made, () => made.owner.errors.length >= made.counters.peers.packetsOut - refused(made));
  t.ok(made.owner.errors.length > 16, `${made.owner.errors.length}: more than one round tells`);
  t.ok(made.owner.errors.every((error, index) => index === 0 || error !== made.owner.errors[index - 1]));
});

function refused(made: LooseCore): number {
  return [...made.counters.peers.sendErrors.values()].reduce((sum, count) => sum + count, 0);
}

test('a dead peer costs a live one nothing, however many errors come back', { skip }, async (t) => {
  const made = bench(t);
  const live = peer(t);
  const dead = closedPort();
  const loopback = ipAddress('127.0.0.1');
  const rounds = 10_000;
  let heard = 0;
  for (let round = 0; round < rounds; round++) {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE(round, 0);
    made.relay.send(loopback, dead, bytes, 0, 8, false);
    // Now and then its error is there before anything else is sent.
    if (round % 7 === 0) made.core.queue.flush();
    made.relay.send(loopback, live.port, bytes, 0, 8, false);
    // Runs for the live one now and then: an error of the other's must not end them.
    if (round % 3 === 0) made.relay.send(loopback, live.port, bytes, 4, 8, false);
    if (round % 50 !== 49) continue;
    turn(made.core);
    for (let one = live.now(); one !== null; one = live.now()) heard++;
  }
  turn(made.core);
  for (let one = live.now(); one !== null; one = live.now()) heard++;
  t.equal(heard, rounds + Math.ceil(rounds / 3));
  t.ok(made.owner.errors.length > 0);
  t.ok(made.owner.errors.every((error) => error === `127.0.0.1:${dead} 3 3 0`));
  t.equal(made.relay.mayMerge, true, 'and runs go on');
});

test('a source port of 0 is dropped and counted', { skip }, async (t) => {
  const made = bench(t);
  const raw = RawSocket.ip(libc, 4);
  if (raw === null) {
    t.pass('raw sockets take rights');
    return;
  }
  const targetPort = made.relay.local.port;
  raw.send(packetV4({ sourcePort: 0, targetPort, payload: Buffer.from('nobody') }), '127.0.0.1', 0);
  raw.send(packetV4({ sourcePort: 7, targetPort, payload: Buffer.from('somebody') }), '127.0.0.1', 0);
  raw.close();
  until(made, () => made.owner.arrivals.length > 0);
  t.same(
    made.owner.arrivals.map(({ bytes }) => String(bytes)),
    ['somebody'],
  );
  t.match(made.counters.peers, { packetsIn: 2, droppedUnusable: 1 });
});

test('nothing is sent to port 0', { skip }, async (t) => {
  const made = bench(t);
  made.relay.send(ipAddress('127.0.0.1'), 0, Buffer.from('x'), 0, 1, false);
  t.equal(made.core.queue.size, 0);
  t.match(made.counters.peers, { packetsOut: 0, droppedUnusable: 1 });
});

test('what the kernel dropped is counted', { skip }, async (t) => {
  const made = bench(t);
  const from = peer(t);
  let sent = 0;
  for (; sent < 4_000; sent++) from.send(unlikeOthers(sent, 1400), '127.0.0.1', made.relay.local.port);
  until(made, () => !made.core.poller.isUnfinished && made.owner.arrivals.length > 0);
  until(made, () => !made.core.poller.isUnfinished);
  // The count of what was lost comes with the next that is not.
  from.send(Buffer.from('last'), '127.0.0.1', made.relay.local.port);
  until(made, () => String(made.owner.arrivals.at(-1)?.bytes) === 'last');
  from.send(Buffer.from('and the very last'), '127.0.0.1', made.relay.local.port);
  until(made, () => String(made.owner.arrivals.at(-1)?.bytes) === 'and the very last');
  t.ok(made.counters.peers.kernelDrops > 0);
  t.equal(made.owner.arrivals.length + made.counters.peers.kernelDrops, sent + 2, 'once');
});

test('R3 what the kernel dropped is counted on where its own count begins anew', { skip }, async (t) => {
  const made = bench(t);
  let drops = 2 ** 32 - 5;
  made.core.sockets.dropsOf = () => drops;
  made.relay.countDrops();
  t.equal(made.counters.peers.kernelDrops, 2 ** 32 - 5);
  drops = 3;
  made.relay.countDrops();
  t.equal(made.counters.peers.kernelDrops, 2 ** 32 + 3);
});

test('a socket that is closed in the midst of a round delivers nothing more, and what was due leaves', {
  skip,
}, async (t) => {
  const made = bench(t);
  const from = peer(t);
  made.owner.onArrival = () => {
    made.relay.send(ipAddress('127.0.0.1'), from.port, Buffer.from('bye'), 0, 3, false);
    made.relay.close();
    made.relay.send(ipAddress('127.0.0.1'), from.port, Buffer.from('late'), 0, 4, false);
  };
  for (let index = 0; index < 100; index++) from.send(unlikeOthers(index, 9), '127.0.0.1', made.relay.local.port);
  until(made, () => made.owner.arrivals.length > 0);
  turn(made.core);
  t.equal(made.owner.arrivals.length, 1);
  t.equal(String(from.next().bytes), 'bye');
  t.equal(from.now(), null);
  t.same(made.faults, []);
});

test('an owner that throws is reported, and disturbs nobody', { skip }, async (t) => {
  const made = bench(t);
  const from = peer(t);
  made.owner.onArrival = () => {
    if (made.owner.arrivals.length === 1) throw new Error('a bug');
  };
  for (const text of ['one', 'two']) from.send(Buffer.from(text), '127.0.0.1', made.relay.local.port);
  until(made, () => made.owner.arrivals.length === 2);
  t.match(made.faults, [{ message: 'a bug' }]);
});

test('a flood at one socket does not grow into longer and longer rounds for the others', { skip }, async (t) => {
  const made = bench(t);
  const from = peer(t);
  const perRound: number[] = [];
  for (let round = 0; round < 12; round++) {
    // Each time more than a round reads, and a new edge.
    for (let index = 0; index < 200; index++) from.send(unlikeOthers(index, 9), '127.0.0.1', made.relay.local.port);
    const before = made.owner.arrivals.length;
    turn(made.core);
    perRound.push(made.owner.arrivals.length - before);
  }
  t.ok(made.core.poller.isUnfinished);
  t.same(new Set(perRound), new Set([64]));
});
