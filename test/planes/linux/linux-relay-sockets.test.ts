import { readdirSync } from 'node:fs';
import { constants } from 'node:os';
import { type Test, test } from 'tap';
import type { Libc } from '../../../src/planes/linux/libc.ts';
import { LinuxPlane } from '../../../src/planes/linux/linux-plane.ts';
import type { LinuxRelaySockets } from '../../../src/planes/linux/linux-relay-sockets.ts';
import { PlaneCounters } from '../../../src/planes/plane-counters.ts';
import { PortOwner, type PortTable } from '../../../src/planes/port-table.ts';
import { PortRequest } from '../../../src/turn/env.ts';
import { DatagramPeer } from '../../support/datagram-peer.ts';
import { findFreeBlock } from '../../support/free-ports.ts';
import { findLibc } from '../../support/linux-libc.ts';
import { boundSocket, ipAddress, portTable, RANDOM } from '../../support/linux-plane.ts';

const { libc, skip } = await findLibc();
const { EACCES, EMFILE } = constants.errno;

interface Bench {
  readonly plane: LinuxPlane;
  readonly relays: LinuxRelaySockets;
  readonly table: PortTable;
  readonly counters: PlaneCounters;
  readonly faults: unknown[];
  readonly first: number;
}

/** Relay sockets with `size` ports that nobody else has. */
async function bench(t: Test, size: number, calls: Libc = libc): Promise<Bench> {
  const first = await findFreeBlock('127.0.0.1', size);
  const counters = new PlaneCounters();
  const faults: unknown[] = [];
  const report = (fault: unknown): void => void faults.push(fault);
  const plane = new LinuxPlane({ libc: calls, counters, report, random: RANDOM, coalescing: 0 });
  t.teardown(() => plane.close());
  const table = portTable(2, first, first + size - 1);
  const addresses = [ipAddress('127.0.0.1'), ipAddress('::1')];
  const relays = plane.relaySockets({ addresses, shown: (local) => local, table, random: RANDOM });
  return { plane, relays, table, counters, faults, first };
}

function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

function option(fd: number, level: number, name: number): number {
  const value = new Uint8Array(new ArrayBuffer(128), 0, 4);
  const length = new Uint8Array(new ArrayBuffer(128), 0, 4);
  length[0] = 4;
  if (libc.getsockopt(fd, level, name, value, length) < 0) throw new Error(`errno ${libc.errno()}`);
  return new DataView(value.buffer).getInt32(0, true);
}

test('every port of the range is given out once, and comes back', { skip }, async (t) => {
  const { relays, table, counters } = await bench(t, 6);
  const before = descriptors();
  for (let round = 0; round < 3; round++) {
    const opened = Array.from({ length: 6 }, () => relays.open(4, PortRequest.ANY));
    t.equal(new Set(opened.map((one) => one?.socket.local.port)).size, 6);
    t.equal(relays.open(4, PortRequest.ANY), null);
    t.equal(counters.portsExhausted, round + 1);
    for (const one of opened) {
      one?.socket.close();
      one?.socket.close();
    }
    t.equal(table.free(0), 6);
    t.equal(descriptors(), before);
  }
});

test('an even port is even, and a pair is an even port and the next', { skip }, async (t) => {
  const { relays, table } = await bench(t, 8);
  const even = relays.open(4, PortRequest.EVEN);
  t.equal((even?.socket.local.port ?? 1) % 2, 0);
  t.equal(even?.reserved, null);
  const pair = relays.open(4, PortRequest.EVEN_AND_NEXT);
  const port = pair?.socket.local.port ?? 1;
  t.equal(port % 2, 0);
  t.equal(pair?.reserved?.local.port, port + 1);
  pair?.socket.close();
  t.not(table.ownerOf(0, port + 1), PortOwner.FREE, 'the other is held until it is closed too');
  pair?.reserved?.close();
  even?.socket.close();
  t.equal(table.free(0), 8);
});

test('a port that another program uses is passed over', { skip }, async (t) => {
  const { relays, table, counters, first } = await bench(t, 4);
  const holders = [await DatagramPeer.open('127.0.0.1', first), await DatagramPeer.open('127.0.0.1', first + 2)];
  t.teardown(() => {
    for (const holder of holders) holder.close();
  });
  const before = descriptors();
  const opened = [relays.open(4, PortRequest.ANY), relays.open(4, PortRequest.ANY)];
  t.same(opened.map((one) => one?.socket.local.port).sort(), [first + 1, first + 3]);
  t.equal(relays.open(4, PortRequest.ANY), null);
  t.ok((counters.bindErrors.get('EADDRINUSE') ?? 0) >= 2);
  t.equal(relays.open(4, PortRequest.EVEN_AND_NEXT), null);
  for (const one of opened) one?.socket.close();
  t.equal(relays.open(4, PortRequest.EVEN_AND_NEXT), null, 'a pair needs both');
  t.equal(table.free(0), 4, 'what was tried in vain is free');
  t.equal(descriptors(), before);
});

for (const [what, errno] of [
  ['no descriptor is left', EMFILE],
  ['sockets are forbidden', EACCES],
] as const) {
  test(`${what}: null at once, everything given back, and it recovers`, { skip }, async (t) => {
    let left = 1;
    const calls: Libc = {
      ...libc,
      socket: (...args) => (left-- > 0 ? libc.socket(...args) : -1),
      errno: () => (left < 0 ? errno : libc.errno()),
    };
    const { relays, table, counters, faults } = await bench(t, 6, calls);
    const before = descriptors();
    t.equal(relays.open(4, PortRequest.EVEN_AND_NEXT), null, 'the second of a pair fails');
    t.equal(left, -1, 'and no further try is made');
    t.same([...counters.bindErrors.values()], [1]);
    t.equal(descriptors(), before);
    t.equal(table.free(0), 6);
    left = 2;
    const pair = relays.open(4, PortRequest.EVEN_AND_NEXT);
    t.ok(pair?.reserved);
    pair?.socket.close();
    pair?.reserved?.close();
    t.equal(descriptors(), before);
    t.same(faults, []);
  });
}

test('the families that have addresses are served', { skip }, async (t) => {
  const { relays } = await bench(t, 4);
  t.same([relays.serves(4), relays.serves(6)], [true, true]);
  const six = relays.open(6, PortRequest.ANY);
  t.equal(six?.socket.local.ip.text, '::1');
  six?.socket.close();
});

test('TURN-96 relay sockets let the system fragment, and IPv6 ones take no IPv4', { skip }, async (t) => {
  const { plane, relays } = await bench(t, 4);
  const [four, six] = [relays.open(4, PortRequest.ANY), relays.open(6, PortRequest.ANY)];
  if (four === null || six === null) throw new Error('no relay sockets');
  const [fd4, fd6] = [plane.giveAway(four.socket), plane.giveAway(six.socket)];
  t.equal(option(fd4, 0, 10), 5, 'IP_MTU_DISCOVER: OMIT');
  t.equal(option(fd6, 41, 23), 0, 'IPV6_MTU_DISCOVER');
  t.equal(option(fd6, 41, 26), 1, 'IPV6_V6ONLY');
  t.ok(option(fd4, 1, 8) > 0, 'SO_RCVBUF');
  for (const fd of [fd4, fd6]) libc.close(fd);
});

test('a socket that is given away stays bound, and its port held', { skip }, async (t) => {
  const { plane, relays, table } = await bench(t, 3);
  const opened = relays.open(4, PortRequest.EVEN_AND_NEXT);
  const reserved = opened?.reserved;
  if (opened === null || reserved == null) throw new Error('no pair');
  const { port } = reserved.local;
  const before = descriptors();
  const fd = plane.giveAway(reserved);
  reserved.close();
  t.equal(descriptors(), before, 'closing it closes nothing');
  t.equal(table.ownerOf(0, port), PortOwner.FIRST_WORKER);
  const taken = relays.adopt(fd);
  t.equal(taken.local.text, `127.0.0.1:${port}`);
  t.equal(taken.relayed.text, `127.0.0.1:${port}`);
  taken.close();
  t.equal(descriptors(), before - 1);
  t.equal(table.ownerOf(0, port), PortOwner.FREE);
  opened.socket.close();
});

test('a descriptor that is no relay address’s is closed, and refused', { skip }, async (t) => {
  const { relays } = await bench(t, 2);
  const before = descriptors();
  t.throws(() => relays.adopt(boundSocket(libc, '127.0.0.2')), RangeError);
  t.equal(descriptors(), before);
});

test('a listener that cannot be had is closed', { skip }, async (t) => {
  const { plane } = await bench(t, 2);
  const before = descriptors();
  const fd = libc.epollCreate(0);
  t.throws(() => plane.adoptListener(fd, { fromClient: () => {}, endpointClosed: () => {} }));
  t.equal(descriptors(), before);
});

test('R23 where few descriptors are left none is taken for a relay', { skip }, async (t) => {
  const { plane, table, counters } = await bench(t, 1);
  let isShort = true;
  const addresses = [ipAddress('127.0.0.1'), ipAddress('::1')];
  const relays = plane.relaySockets({ addresses, shown: (ip) => ip, table, random: RANDOM, isShort: () => isShort });
  t.equal(relays.open(4, PortRequest.ANY), null);
  t.equal(counters.bindErrors.get('EMFILE'), 1);
  isShort = false;
  const opened = relays.open(4, PortRequest.ANY);
  t.not(opened, null, 'and no port was lost');
  opened?.socket.close();
});
