// Run by test/planes/linux/packet-path.test.ts in a Node of its own: the real engine between the Linux plane's real
// sockets, which a foreign client and a foreign peer fill and empty. Argument: the name of a job below.

import { Arena } from '../../src/planes/linux/arena.ts';
import type { Libc } from '../../src/planes/linux/libc.ts';
import { LINUX_CAPABILITIES } from '../../src/planes/linux/linux-plane.ts';
import { LinuxRelaySockets } from '../../src/planes/linux/linux-relay-sockets.ts';
import { type ClientDatagramHandler, LinuxUdpListener } from '../../src/planes/linux/linux-udp-listener.ts';
import { PlaneCore } from '../../src/planes/linux/plane-core.ts';
import { writeSockaddr } from '../../src/planes/linux/sockaddr.ts';
import { PlaneCounters } from '../../src/planes/plane-counters.ts';
import type { Engine } from '../../src/turn/engine.ts';
import { type Job, printCost } from './heap-growth.ts';
import { Lab } from './lab.ts';
import { findLibc } from './linux-libc.ts';
import { boundSocket, ipAddress, LOOPBACK, portTable, RANDOM, turn } from './linux-plane.ts';
import { RawSocket } from './raw-socket.ts';
import { type AttributeInput, attr, channelData, decode, message } from './wire.ts';
import {
  channelNumber,
  data,
  dontFragment,
  requestedAddressFamily,
  requestedTransport,
  xorPeerAddress,
} from './wire-attributes.ts';

const CHANNEL = 0x4000;
const PAYLOAD = Buffer.alloc(1001, 7);

/** Packets that are sent, relayed and read at a time: few, or else garbage of a round would not show. */
const BURST = 8;

const MOST_TRIES = 1_000_000;

const { libc } = await findLibc();

/** Structures for {@link BURST} messages, laid out once: the foreign side must make no garbage either. */
class Structures {
  readonly memory: Uint8Array;
  readonly #arena: Arena;

  constructor(calls: Libc, bytes: Buffer, to: { readonly ip: string; readonly port: number } | null) {
    this.#arena = new Arena(calls, BURST * (64 + 128) + 70_000);
    const headers = this.#arena.reserve(BURST * 64);
    const name = this.#arena.reserve(32);
    const data = this.#arena.reserve(bytes.length);
    const vector = this.#arena.reserve(16);
    bytes.copy(this.#arena.bytes, data);
    this.#arena.writePointer(vector, data);
    this.#arena.writeU64(vector + 8, bytes.length);
    const length = to === null ? 0 : writeSockaddr(this.#arena, name, ipAddress(to.ip), to.port);
    for (let header = headers; header < headers + BURST * 64; header += 64) {
      if (to !== null) this.#arena.writePointer(header, name);
      this.#arena.u32[(header + 8) >>> 2] = length;
      this.#arena.writePointer(header + 16, vector);
      this.#arena.writeU64(header + 24, 1);
    }
    this.memory = this.#arena.slice(headers, BURST * 64);
  }
}

const SINK = new Structures(libc, Buffer.alloc(2000), null);

/** An engine that makes garbage for each packet. */
class Wasteful implements ClientDatagramHandler {
  garbage: object | null = null;
  readonly #engine: Engine;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  fromClient: ClientDatagramHandler['fromClient'] = (endpoint, buffer, start, end) => {
    this.garbage = { start };
    this.#engine.fromClient(endpoint, buffer, start, end);
  };

  endpointClosed(): void {}
}

/** A server without a loop: the job turns it. */
class World {
  readonly #core: PlaneCore;
  readonly #port: number;

  constructor(wasteful = false) {
    const report = (fault: unknown): void => console.error(fault);
    this.#core = new PlaneCore({ libc, counters: new PlaneCounters(), report });
    const addresses = [ipAddress(LOOPBACK[4]), ipAddress(LOOPBACK[6])];
    const shown = <T>(local: T): T => local;
    const relays = new LinuxRelaySockets(this.#core, { addresses, shown, table: portTable(2), random: RANDOM });
    const open = { check: () => null, checkShown: () => null, isOpened: () => true };
    const own = { isOwn: () => false, isShown: () => false, isBackend: () => false, isListener: () => false };
    const env = { relays, capabilities: LINUX_CAPABILITIES, peers: open, own, random: RANDOM };
    const { engine } = new Lab({ settings: { anonymous: true }, env });
    const handler = wasteful ? new Wasteful(engine) : engine;
    const listener = new LinuxUdpListener({ core: this.#core, fd: boundSocket(libc, '127.0.0.1'), handler, seed: 7 });
    this.#port = listener.local.port;
  }

  /** A client with an allocation. */
  client(family: 4 | 6): { readonly socket: RawSocket; readonly relayedPort: number } {
    const socket = RawSocket.udp(libc, '127.0.0.1');
    const answer = this.request(socket, 0x0003, requestedTransport(), requestedAddressFamily(family));
    const relayed = decode(answer).xorAddress(attr.xorRelayedAddress) ?? '';
    return { socket, relayedPort: Number(relayed.split(':').at(-1)) };
  }

  request(socket: RawSocket, type: number, ...attrs: readonly AttributeInput[]): Buffer {
    socket.send(message({ type, attrs }), '127.0.0.1', this.#port);
    turn(this.#core, 1000);
    return socket.next().bytes;
  }

  /** Messages from a client, which another socket must get. */
  fromClient(client: RawSocket, bytes: Buffer, to: RawSocket): Job {
    return this.#job(client, new Structures(libc, bytes, { ip: '127.0.0.1', port: this.#port }), to);
  }

  /** Datagrams from a peer to a relayed address. */
  fromPeer(peer: RawSocket, family: 4 | 6, port: number, to: RawSocket): Job {
    return this.#job(peer, new Structures(libc, PAYLOAD, { ip: LOOPBACK[family], port }), to);
  }

  #job(from: RawSocket, structures: Structures, to: RawSocket): Job {
    return (round) => {
      if (round % BURST !== 0) return 1;
      let sent = 0;
      for (let tries = 0; sent < BURST && tries < MOST_TRIES; tries++) {
        sent += Math.max(libc.sendmmsg(from.fd, structures.memory, BURST - sent, 0), 0);
      }
      let heard = 0;
      for (let tries = 0; heard < BURST && tries < MOST_TRIES; tries++) {
        turn(this.#core);
        heard += Math.max(libc.recvmmsg(to.fd, SINK.memory, BURST - heard, 0x40, null), 0);
      }
      if (heard !== BURST) throw new Error('a packet got lost');
      return 1;
    };
  }
}

interface Pair {
  readonly client: RawSocket;
  readonly peer: RawSocket;
  readonly relayedPort: number;
}

function permitted(world: World, family: 4 | 6 = 4): Pair {
  const { socket: client, relayedPort } = world.client(family);
  const peer = RawSocket.udp(libc, LOOPBACK[family]);
  world.request(client, 0x0008, xorPeerAddress(LOOPBACK[family], 0));
  return { client, peer, relayedPort };
}

function bound(world: World, family: 4 | 6 = 4): Pair {
  const pair = permitted(world, family);
  world.request(pair.client, 0x0009, channelNumber(CHANNEL), xorPeerAddress(LOOPBACK[family], pair.peer.port));
  return pair;
}

function byChannel(world: World, family: 4 | 6 = 4): Job {
  const { client, peer } = bound(world, family);
  return world.fromClient(client, channelData(CHANNEL, PAYLOAD), peer);
}

function bySend(world: World, ...more: readonly AttributeInput[]): Job {
  const { client, peer } = permitted(world);
  const attrs = [xorPeerAddress('127.0.0.1', peer.port), data(PAYLOAD), ...more];
  return world.fromClient(client, message({ type: 0x0016, attrs }), peer);
}

function toClient(world: World, isBound: boolean, family: 4 | 6 = 4): Job {
  const { client, peer, relayedPort } = isBound ? bound(world, family) : permitted(world, family);
  return world.fromPeer(peer, family, relayedPort, client);
}

function crossing(world: World): Job {
  const [alice, bob] = [world.client(4), world.client(4)];
  const bind = (one: RawSocket, port: number): unknown =>
    world.request(one, 0x0009, channelNumber(CHANNEL), xorPeerAddress('127.0.0.1', port));
  bind(alice.socket, bob.relayedPort);
  bind(bob.socket, alice.relayedPort);
  return world.fromClient(alice.socket, channelData(CHANNEL, PAYLOAD), bob.socket);
}

function everything(world: World): Job {
  const jobs = [
    byChannel(world),
    byChannel(world, 6),
    bySend(world),
    toClient(world, true),
    toClient(world, false),
    toClient(world, false, 6),
    crossing(world),
  ];
  return (round) => (jobs[Math.floor(round / BURST) % jobs.length] as Job)(round);
}

const jobs: Readonly<Record<string, () => Job>> = {
  'client to peer by channel': () => byChannel(new World()),
  'client to peer by Send': () => bySend(new World()),
  'client to peer by Send with DONT-FRAGMENT': () => bySend(new World(), dontFragment()),
  'client to IPv6 peer by channel': () => byChannel(new World(), 6),
  'peer to client by channel': () => toClient(new World(), true),
  'peer to client by Data': () => toClient(new World(), false),
  'IPv6 peer to client by Data': () => toClient(new World(), false, 6),
  'relay to relay by channels': () => crossing(new World()),
  everything: () => everything(new World()),
  'self-check': () => byChannel(new World(true)),
};

// A packet through real sockets takes long enough: fewer of them, so that a busy machine has its time.
await printCost(jobs, 30_000);
