import { execFile } from 'node:child_process';
import { randomFillSync } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Test, test } from 'tap';
import { PlaneCounters } from '../../../src/planes/plane-counters.ts';
import { PORTABLE_CAPABILITIES, PortableRelaySockets } from '../../../src/planes/portable/portable-relay-sockets.ts';
import { type IpAddress, parseIp } from '../../../src/stun/ip-address.ts';
import type { TransportWords } from '../../../src/stun/transport-address.ts';
import { PortRequest, type Random, type RelaySocket, type RelaySocketOwner } from '../../../src/turn/env.ts';
import { DatagramPeer } from '../../support/datagram-peer.ts';
import { findFreeBlock } from '../../support/free-ports.ts';
import { Inbox } from '../../support/inbox.ts';

const RANDOM: Random = { fill: (target) => void randomFillSync(target) };
const LOOPBACK = ip('127.0.0.1');

interface PlaneOptions {
  readonly addresses?: readonly IpAddress[];
  readonly shown?: (local: IpAddress) => IpAddress;
  readonly minPort: number;
  readonly maxPort: number;
  readonly isShort?: () => boolean;
}

interface Plane {
  readonly relays: PortableRelaySockets;
  readonly counters: PlaneCounters;
  readonly faults: unknown[];
}

function ip(text: string): IpAddress {
  return parseIp(text) ?? notAnAddress(text);
}

function notAnAddress(text: string): never {
  throw new Error(`not an address: ${text}`);
}

function plane(options: PlaneOptions): Plane {
  const counters = new PlaneCounters();
  const faults: unknown[] = [];
  const relays = new PortableRelaySockets({
    addresses: [LOOPBACK],
    shown: (local) => local,
    random: RANDOM,
    counters,
    report: (fault) => faults.push(fault),
    ...options,
  });
  return { relays, counters, faults };
}

/** A plane with `size` ports that nobody else has. */
async function smallPlane(size: number): Promise<Plane & { readonly first: number }> {
  const first = await findFreeBlock('127.0.0.1', size);
  return { ...plane({ minPort: first, maxPort: first + size - 1 }), first };
}

async function openOne(t: Test, relays: PortableRelaySockets, family: 4 | 6 = 4): Promise<RelaySocket> {
  const opened = await relays.open(family, PortRequest.ANY);
  if (opened === null) throw new Error('no relay socket');
  t.teardown(() => opened.socket.close());
  return opened.socket;
}

async function openPeer(t: Test, address: string, port = 0): Promise<DatagramPeer> {
  const peer = await DatagramPeer.open(address, port);
  t.teardown(() => peer.close());
  return peer;
}

/** An owner that notes what it is told. */
class Owner implements RelaySocketOwner {
  readonly arrivals = new Inbox<{ readonly source: string; readonly bytes: Buffer }>();

  fromPeer(source: TransportWords, buffer: Buffer, start: number, end: number): void {
    this.arrivals.put({ source: source.copyAddress().text, bytes: buffer.subarray(start, end) });
  }

  fromPeerError(): void {}
}

test('the plane serves the families it has addresses of, and sets no IP fields', async (t) => {
  const { relays } = plane({ minPort: 50_000, maxPort: 50_009 });
  t.same([relays.serves(4), relays.serves(6)], [true, false]);
  t.equal(await relays.open(6, PortRequest.ANY), null);
  t.same([relays.freePorts(4), relays.freePorts(6)], [10, 0]);
  t.same(PORTABLE_CAPABILITIES, { dontFragment: false });
});

for (const [family, address] of [
  [4, '127.0.0.1'],
  [6, '::1'],
] as const) {
  test(`TURN-64: a datagram leaves ${address} from the relayed address, with exactly the bytes of its slice`, async (t) => {
    const { relays, counters } = plane({ addresses: [ip(address)], minPort: 49_152, maxPort: 65_535 });
    const relay = await openOne(t, relays, family);
    const peer = await openPeer(t, address);
    relay.send(ip(address), peer.port, Buffer.from('<<payload>>'), 2, 9, false);
    const { bytes, address: from, port } = await peer.next();
    t.equal(bytes.toString(), 'payload');
    t.same([from, port], [address, relay.relayed.port]);
    relay.send(ip(address), peer.port, Buffer.alloc(4), 2, 2, false);
    t.equal((await peer.next()).bytes.length, 0, 'an empty datagram is relayed too');
    t.same([counters.peers.packetsOut, counters.peers.bytesOut], [2, 7]);
  });

  test(`a datagram to ${address} reaches the owner with its source`, async (t) => {
    const { relays, counters } = plane({ addresses: [ip(address)], minPort: 49_152, maxPort: 65_535 });
    const relay = await openOne(t, relays, family);
    const owner = new Owner();
    relay.attach(owner);
    const [one, two] = [await openPeer(t, address), await openPeer(t, address)];
    for (const peer of [one, two, one]) {
      await peer.send(Buffer.from(`from ${peer.port}`), relay.local.port, address);
      const { source, bytes } = await owner.arrivals.next();
      t.equal(bytes.toString(), `from ${peer.port}`);
      t.equal(source, family === 6 ? `[${address}]:${peer.port}` : `${address}:${peer.port}`);
    }
    await one.send(Buffer.alloc(0), relay.local.port, address);
    t.equal((await owner.arrivals.next()).bytes.length, 0);
    t.same([counters.peers.packetsIn, counters.peers.bytesIn], [4, 3 * 'from 12345'.length]);
  });
}

test('peers at different addresses are told apart', async (t) => {
  const { relays } = plane({ minPort: 49_152, maxPort: 65_535 });
  const relay = await openOne(t, relays);
  const owner = new Owner();
  relay.attach(owner);
  const peers = [await openPeer(t, '127.0.0.1'), await openPeer(t, '127.0.0.2')];
  for (const index of [0, 1, 0, 0, 1]) {
    const peer = peers[index] as DatagramPeer;
    await peer.send(Buffer.from('x'), relay.local.port, '127.0.0.1');
    t.equal((await owner.arrivals.next()).source, `${peer.address}:${peer.port}`);
  }
});

test('TURN-99: a datagram that was fragmented on its way is relayed whole, up to the largest', async (t) => {
  const { relays, counters } = plane({ minPort: 49_152, maxPort: 65_535 });
  const relay = await openOne(t, relays);
  const owner = new Owner();
  relay.attach(owner);
  const peer = await openPeer(t, '127.0.0.1');
  peer.socket.setSendBufferSize(1024 * 1024);
  for (const length of [5_000, 65_507]) {
    const payload = Buffer.alloc(length, 'abc');
    await peer.send(payload, relay.local.port, '127.0.0.1');
    t.ok((await owner.arrivals.next()).bytes.equals(payload));
    relay.send(LOOPBACK, peer.port, payload, 0, length, false);
    t.ok((await peer.next()).bytes.equals(payload));
  }
  relay.send(LOOPBACK, peer.port, Buffer.alloc(65_508), 0, 65_508, false);
  t.equal(counters.peers.droppedTooBig, 1);
});

test('datagrams that come before there is an owner are dropped', async (t) => {
  const { relays } = plane({ minPort: 49_152, maxPort: 65_535 });
  const relay = await openOne(t, relays);
  const other = await openOne(t, relays);
  const [owner, probe] = [new Owner(), new Owner()];
  other.attach(probe);
  const peer = await openPeer(t, '127.0.0.1');
  await peer.send(Buffer.from('early'), relay.local.port, '127.0.0.1');
  // Two rounds over another socket: by then the loop has read what came before.
  for (let round = 0; round < 2; round++) {
    await peer.send(Buffer.from('probe'), other.local.port, '127.0.0.1');
    await probe.arrivals.next();
  }
  relay.attach(owner);
  await peer.send(Buffer.from('late'), relay.local.port, '127.0.0.1');
  t.equal((await owner.arrivals.next()).bytes.toString(), 'late');
});

test('an owner that throws disturbs nobody', async (t) => {
  const { relays, faults } = plane({ minPort: 49_152, maxPort: 65_535 });
  const relay = await openOne(t, relays);
  const arrivals = new Inbox<string>();
  relay.attach({
    fromPeer: (_source, buffer) => {
      arrivals.put(buffer.toString());
      throw new Error('a bug');
    },
    fromPeerError: () => undefined,
  });
  const peer = await openPeer(t, '127.0.0.1');
  for (const text of ['1', '2']) {
    await peer.send(Buffer.from(text), relay.local.port, '127.0.0.1');
    t.equal(await arrivals.next(), text);
  }
  t.match(faults[0], /a bug/);
});

test('an owner may write to the source that it is told', async (t) => {
  const { relays } = plane({ minPort: 49_152, maxPort: 65_535 });
  const relay = await openOne(t, relays);
  const sources = new Inbox<string>();
  relay.attach({
    fromPeer: (source) => {
      sources.put(source.copyAddress().text);
      source.setTo(ip('192.0.2.1'), 1);
    },
    fromPeerError: () => undefined,
  });
  const peer = await openPeer(t, '127.0.0.1');
  for (let round = 0; round < 2; round++) {
    await peer.send(Buffer.from('x'), relay.local.port, '127.0.0.1');
    t.equal(await sources.next(), `127.0.0.1:${peer.port}`);
  }
});

test('the shown address is asked for anew at each opening, and has the bound port', async (t) => {
  const externals = [ip('192.0.2.1'), ip('192.0.2.2')];
  const { relays } = plane({ minPort: 49_152, maxPort: 65_535, shown: () => externals.shift() ?? LOOPBACK });
  const [first, second] = [await openOne(t, relays), await openOne(t, relays)];
  t.equal(first.local.text, `127.0.0.1:${first.local.port}`);
  t.equal(first.relayed.text, `192.0.2.1:${first.local.port}`);
  t.equal(second.relayed.text, `192.0.2.2:${second.local.port}`);
});

test('S49: when the shown address cannot be had, nothing is opened and no port is lost', async (t) => {
  const first = await findFreeBlock('127.0.0.1', 4);
  const { relays, faults } = plane({ minPort: first, maxPort: first + 3, shown: () => notAnAddress('none') });
  t.equal(await relays.open(4, PortRequest.EVEN_AND_NEXT), null);
  t.equal(faults.length, 1);
  t.equal(relays.freePorts(4), 4);
});

test('TURN-25: 200 relay ports lie in the range, in no sequence', async (t) => {
  const { relays } = plane({ minPort: 49_152, maxPort: 65_535 });
  const ports: number[] = [];
  for (let count = 0; count < 200; count++) ports.push((await openOne(t, relays)).relayed.port);
  t.ok(ports.every((port) => port >= 49_152 && port <= 65_535));
  const steps = new Set(ports.map((port, index) => port - (ports[index - 1] ?? 0)));
  t.ok(steps.size > 180, `${steps.size} different steps`);
});

test('TURN-26: 500 relayed transport addresses are unique', async (t) => {
  const { relays } = plane({ addresses: [LOOPBACK, ip('127.0.0.2')], minPort: 49_152, maxPort: 49_651 });
  const sockets = await Promise.all(Array.from({ length: 500 }, () => openOne(t, relays)));
  t.equal(new Set(sockets.map(({ relayed }) => relayed.text)).size, 500);
  t.equal(new Set(sockets.map(({ relayed }) => relayed.ip.text)).size, 2, 'both addresses are used');
});

test('TURN-14: EVEN opens an even port, twenty times of twenty', async (t) => {
  const { relays } = await smallPlane(60);
  for (let count = 0; count < 20; count++) {
    const opened = await relays.open(4, PortRequest.EVEN);
    t.teardown(() => opened?.socket.close());
    t.equal((opened?.socket.local.port ?? 1) % 2, 0);
    t.equal(opened?.reserved, null);
  }
});

test('TURN-15: EVEN_AND_NEXT opens N and N+1 on one address, each to be closed on its own', async (t) => {
  const { relays } = await smallPlane(4);
  const opened = await relays.open(4, PortRequest.EVEN_AND_NEXT);
  const { socket, reserved } = opened ?? {};
  t.teardown(() => socket?.close());
  t.teardown(() => reserved?.close());
  const even = socket?.local.port ?? 1;
  t.equal(even % 2, 0);
  t.equal(reserved?.local.text, `127.0.0.1:${even + 1}`);
  t.equal(relays.freePorts(4), 2);
  await t.rejects(DatagramPeer.open('127.0.0.1', even + 1), { code: 'EADDRINUSE' }, 'N+1 is really bound');
  socket?.close();
  t.equal(relays.freePorts(4), 3);
  reserved?.close();
  reserved?.close();
  t.equal(relays.freePorts(4), 4);
});

test('TURN-47: the only port is free again as soon as its relay socket is closed', async (t) => {
  const { relays, first } = await smallPlane(1);
  for (let round = 0; round < 20; round++) {
    const relay = await openOne(t, relays);
    t.equal(relay.local.port, first);
    t.equal(await relays.open(4, PortRequest.ANY), null, 'never handed out twice');
    relay.close();
    relay.close();
    t.equal(relays.freePorts(4), 1);
  }
});

test('a closed relay socket sends nothing and says nothing', async (t) => {
  const { relays, counters } = await smallPlane(1);
  const relay = await openOne(t, relays);
  relay.close();
  relay.send(LOOPBACK, 9, Buffer.from('x'), 0, 1, false);
  relay.attach(new Owner());
  t.equal(counters.peers.packetsOut, 0);
  t.equal(counters.peers.droppedUnusable, 1);
});

test('a port that another program holds is passed over, and had again when that program is gone', async (t) => {
  const { relays, counters, first } = await smallPlane(2);
  const foreign = await openPeer(t, '127.0.0.1', first);
  const relay = await openOne(t, relays);
  t.equal(relay.local.port, first + 1);
  t.equal(await relays.open(4, PortRequest.ANY), null);
  t.ok((counters.bindErrors.get('EADDRINUSE') ?? 0) >= 1);
  t.equal(counters.portsExhausted, 1);
  t.equal(relays.freePorts(4), 1, 'nothing stays marked');
  foreign.close();
  t.equal((await openOne(t, relays)).local.port, first);
});

test('S49: a pair of which one half is held by another program is given back whole', async (t) => {
  const { relays, first } = await smallPlane(4);
  const even = first + (first % 2);
  for (const held of [even, even + 1]) {
    const foreign = await openPeer(t, '127.0.0.1', held);
    for (let round = 0; round < 10; round++) {
      const opened = await relays.open(4, PortRequest.EVEN_AND_NEXT);
      if (first % 2 === 0) t.equal(opened?.socket.local.port, even + 2);
      else t.equal(opened, null);
      opened?.socket.close();
      opened?.reserved?.close();
      t.equal(relays.freePorts(4), 4);
    }
    foreign.close();
  }
});

test('an address that this host does not have any more is passed over', async (t) => {
  const first = await findFreeBlock('127.0.0.1', 20);
  const gone = ip('192.0.2.1');
  const { relays, counters } = plane({ addresses: [gone, LOOPBACK], minPort: first, maxPort: first + 19 });
  for (let count = 0; count < 20; count++) t.equal((await openOne(t, relays)).local.ip, LOOPBACK);
  t.ok((counters.bindErrors.get('EADDRNOTAVAIL') ?? 0) > 0);
});

test('opening at the same time yields different ports, and each comes back', async (t) => {
  const { relays } = await smallPlane(30);
  const requests = [PortRequest.ANY, PortRequest.EVEN, PortRequest.EVEN_AND_NEXT];
  for (let round = 0; round < 5; round++) {
    const all = await Promise.all(
      Array.from({ length: 30 }, (_, index) => relays.open(4, requests[index % 3] as PortRequest)),
    );
    const sockets = all.flatMap((opened) => [opened?.socket, opened?.reserved]).filter((socket) => socket != null);
    t.equal(new Set(sockets.map(({ local }) => local.port)).size, sockets.length);
    t.equal(relays.freePorts(4), 30 - sockets.length);
    for (const socket of sockets) socket.close();
    t.equal(relays.freePorts(4), 30);
  }
  for (let count = 0; count < 30; count++) await openOne(t, relays);
  t.equal(relays.freePorts(4), 0, 'all of the range can be allocated');
});

test('an IPv6 relay socket takes no IPv4 peers in disguise', async (t) => {
  const { relays } = plane({ addresses: [ip('::')], minPort: 49_152, maxPort: 65_535 });
  const relay = await openOne(t, relays, 6);
  const peer = await openPeer(t, '127.0.0.1', relay.local.port);
  t.equal(peer.port, relay.local.port, 'the same IPv4 port is still free');
});

test('S49: when the process has no descriptors left, openings fail, are counted, and lose no port', async (t) => {
  const program = join(fileURLToPath(new URL('.', import.meta.url)), 'descriptor-shortage.js');
  const command = `ulimit -n 64 && exec "${process.execPath}" "${program}"`;
  const { stdout } = await promisify(execFile)('sh', ['-c', command]);
  const { opened, errors, freePorts, freeAtEnd, reopened } = JSON.parse(stdout) as Record<string, number>;
  t.ok((opened ?? 0) > 10, `${opened} pairs`);
  t.equal(errors, 3, 'one EMFILE for each further request');
  t.equal(freePorts, 1_000 - 2 * (opened ?? 0));
  t.equal(freeAtEnd, 1_000);
  t.equal(reopened, 1, 'and a later request is served again');
});

test('R23 where few descriptors are left none is taken for a relay', async (t) => {
  const first = await findFreeBlock('127.0.0.1', 1);
  let isShort = true;
  const { relays, counters } = plane({ minPort: first, maxPort: first, isShort: () => isShort });
  t.equal(await relays.open(4, PortRequest.ANY), null);
  t.equal(counters.bindErrors.get('EMFILE'), 1);
  isShort = false;
  const opened = await relays.open(4, PortRequest.ANY);
  t.not(opened, null, 'and no port was lost');
  opened?.socket.close();
});
