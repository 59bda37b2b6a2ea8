// Run by packet-path.test.ts in a Node of its own: the real engine between links and relay sockets that do nothing.
// Argument: the name of a job below.

import { SampledClock } from '../../src/state/sampled-clock.ts';
import { systemClock } from '../../src/state/system-clock.ts';
import { type TransportAddress, TransportWords } from '../../src/stun/transport-address.ts';
import type { Relay } from '../../src/turn/allocation.ts';
import { ClientEndpoint } from '../../src/turn/client-endpoint.ts';
import {
  type ClientLink,
  type Env,
  HEADER_ROOM,
  type RelayNeighbours,
  type RelaySocket,
  type RelaySockets,
} from '../../src/turn/env.ts';
import { NO_RATES } from '../../src/turn/rate-meters.ts';
import type { EngineLimits } from '../../src/turn/settings.ts';
import { Transport } from '../../src/turn/transport.ts';
import { type Job, printCost } from './heap-growth.ts';
import { Lab, RELAY_PRIVATE_V4, RELAY_V4, RELAY_V6, SERVER, transportAddress } from './lab.ts';
import { peerAddress, REQUEST } from './lab-client.ts';
import { type AttributeInput, channelData, message } from './wire.ts';
import { channelNumber, data, dontFragment, requestedAddressFamily, requestedTransport } from './wire-attributes.ts';

const CHANNEL = 0x4000;
// Above 127.255.255.255 an address is a double to V8, which is where boxes come from.
const PEER = '203.0.114.5:5000';
const STRANGER = '203.0.115.6:5000';
const PEER_V6 = '[2600:1f18:8000::f00d:5]:5000';
const PAYLOAD = Buffer.alloc(1001, 7);

/** Counts what arrives anywhere. */
class Sink {
  packets = 0;
}

/** A link that sends nothing, and makes garbage for it if told so. */
class NullLink implements ClientLink {
  garbage: object | null = null;
  readonly #sink: Sink;
  readonly #wasteful: boolean;
  readonly #header: Buffer = Buffer.alloc(HEADER_ROOM);

  constructor(sink: Sink, wasteful: boolean) {
    this.#sink = sink;
    this.#wasteful = wasteful;
  }

  send(): void {}

  header(): Buffer {
    return this.#header;
  }

  sendRelayed(_endpoint: ClientEndpoint, _header: Buffer, headerEnd: number): void {
    this.#sink.packets++;
    if (this.#wasteful) this.garbage = { headerEnd };
  }

  retain(endpoint: ClientEndpoint): ClientEndpoint {
    return endpoint;
  }

  find(endpoint: ClientEndpoint): ClientEndpoint {
    return endpoint;
  }

  release(): void {}
}

/** A relay socket that sends nothing. */
class NullRelaySocket implements RelaySocket {
  readonly local: TransportAddress;
  readonly relayed: TransportAddress;
  readonly #sink: Sink;

  constructor(address: TransportAddress, sink: Sink) {
    this.local = address;
    this.relayed = address;
    this.#sink = sink;
  }

  attach(): void {}

  send(): void {
    this.#sink.packets++;
  }

  close(): void {}
}

/** An engine, and clients with an allocation each. */
class World {
  readonly #sink: Sink = new Sink();
  readonly #lab: Lab;
  #nextPort = 50_000;
  #expected = 0;

  constructor(env: Partial<Env> = {}, limits: Partial<EngineLimits> = {}) {
    const relays: RelaySockets = {
      serves: () => true,
      open: (family) => {
        const ip = family === 6 ? `[${RELAY_V6}]` : RELAY_V4;
        return {
          socket: new NullRelaySocket(transportAddress(`${ip}:${this.#nextPort++}`), this.#sink),
          reserved: null,
        };
      },
    };
    this.#lab = new Lab({ settings: { anonymous: true }, limits, env: { relays, ...env } });
  }

  client(family: 4 | 6 = 4, transport: Transport = Transport.UDP, wasteful = false): ClientEndpoint {
    const link = new NullLink(this.#sink, wasteful);
    const endpoint = new ClientEndpoint(link, transport, transportAddress(SERVER));
    endpoint.source.set(transportAddress(`198.51.100.7:${this.#nextPort++}`));
    this.request(endpoint, REQUEST.allocate, requestedTransport(), requestedAddressFamily(family));
    return endpoint;
  }

  request(endpoint: ClientEndpoint, type: number, ...attrs: readonly AttributeInput[]): void {
    this.deliver(endpoint, message({ type, attrs }));
  }

  deliver(endpoint: ClientEndpoint, bytes: Buffer): void {
    this.#lab.engine.fromClient(endpoint, bytes, 0, bytes.length);
  }

  /** A job that hands the engine the same message from a client again and again. */
  fromClient(endpoint: ClientEndpoint, bytes: Buffer): Job {
    return () => {
      this.#lab.engine.fromClient(endpoint, bytes, 0, bytes.length);
      return this.#arrived();
    };
  }

  /** A job that hands a relayed address the same datagram from a peer again and again. */
  fromPeer(endpoint: ClientEndpoint, peer: string): Job {
    const relay = relayOf(endpoint);
    const source = new TransportWords();
    const address = transportAddress(peer);
    return () => {
      source.set(address);
      relay.fromPeer(source, PAYLOAD, 0, PAYLOAD.length);
      return this.#arrived();
    };
  }

  /** A job that lets a stranger send to a relayed address: nothing may arrive. */
  fromStranger(endpoint: ClientEndpoint, stranger: string): Job {
    const relay = relayOf(endpoint);
    const source = new TransportWords();
    source.set(transportAddress(stranger));
    return () => {
      relay.fromPeer(source, PAYLOAD, 0, PAYLOAD.length);
      this.#expected--;
      return this.#arrived();
    };
  }

  /** A job whose every packet is dropped: nothing may arrive. */
  dropped(job: Job): Job {
    return (round) => {
      this.#expected--;
      return job(round);
    };
  }

  // Each round must bring one packet to somebody.
  #arrived(): number {
    this.#expected++;
    if (this.#sink.packets !== this.#expected) throw new Error('a packet got lost');
    return 1;
  }
}

function relayOf({ allocation }: ClientEndpoint): Relay {
  const relay = allocation?.ipv4 ?? allocation?.ipv6;
  if (relay === null || relay === undefined) throw new Error('no allocation');
  return relay;
}

/** What to make a client with: family, transport, and whether its link makes garbage. */
type ClientParameters = Parameters<World['client']>;

function permitted(world: World, peer: string, ...client: ClientParameters): ClientEndpoint {
  const endpoint = world.client(...client);
  world.request(endpoint, REQUEST.createPermission, peerAddress(peer));
  return endpoint;
}

function bound(world: World, peer: string, ...client: ClientParameters): ClientEndpoint {
  const endpoint = world.client(...client);
  world.request(endpoint, REQUEST.channelBind, channelNumber(CHANNEL), peerAddress(peer));
  return endpoint;
}

const sendTo = (peer: string, ...more: readonly AttributeInput[]) =>
  message({ type: 0x0016, attrs: [peerAddress(peer), data(PAYLOAD), ...more] });

/** From one client to another through both relayed addresses: out by channel or Send, in by channel or Data. */
function crossing(world: World, outBound: boolean, inBound: boolean): Job {
  const bob = world.client();
  const alice = world.client();
  const [a, b] = [relayOf(alice).relayed.text, relayOf(bob).relayed.text];
  world.request(alice, REQUEST.channelBind, channelNumber(CHANNEL), peerAddress(b));
  if (inBound) world.request(bob, REQUEST.channelBind, channelNumber(CHANNEL), peerAddress(a));
  else world.request(bob, REQUEST.createPermission, peerAddress(a));
  return world.fromClient(alice, outBound ? channelData(CHANNEL, PAYLOAD) : sendTo(b));
}

/** Where another process's relay is bound, and what it is shown as. */
const HIDDEN = transportAddress(`${RELAY_PRIVATE_V4}:40000`);
const SHOWN = transportAddress(`${RELAY_V4}:40000`);

const neighbours: RelayNeighbours = {
  privateOf: (_ip, port) => (port === SHOWN.port ? HIDDEN.ip : null),
  toShown: (source) => {
    if (source.port === HIDDEN.port && HIDDEN.ip.sameWords(4, source.w0, source.w1, source.w2, source.w3)) {
      source.set(SHOWN);
    }
  },
};

/** To a client of another process and back. */
function neighbour(): Job {
  const two = new World({ neighbours });
  const alice = permitted(two, SHOWN.text);
  return inTurn([two.fromClient(alice, sendTo(SHOWN.text)), two.fromPeer(alice, HIDDEN.text)]);
}

/** Several jobs in turn, as on a server: no call site of the engine then sees one thing only. */
function inTurn(jobs: readonly Job[]): Job {
  return (round) => (jobs[round % jobs.length] as Job)(round);
}

function toPeerByChannel(world: World): Job {
  return world.fromClient(bound(world, PEER), channelData(CHANNEL, PAYLOAD));
}

function everything(world: World): Job {
  const six = [6, Transport.TCP] as const;
  return inTurn([
    toPeerByChannel(world),
    world.fromClient(permitted(world, PEER), sendTo(PEER)),
    world.fromClient(permitted(world, PEER_V6, ...six), sendTo(PEER_V6)),
    world.fromPeer(bound(world, PEER), PEER),
    world.fromPeer(bound(world, PEER, 4, Transport.TCP), PEER),
    world.fromPeer(permitted(world, PEER), PEER),
    world.fromPeer(permitted(world, PEER_V6, ...six), PEER_V6),
    crossing(world, true, true),
    crossing(world, false, false),
  ]);
}

// The lab's clock stands still at a small integer; the server's moves, in fractions that V8 keeps as doubles. Asked for
// every packet, performance.now() itself would cost 16 bytes.
function byTimeOfDay(): Job {
  const clock = new SampledClock(systemClock);
  const job = everything(new World({ clock }));
  return (round) => {
    if (round % 10_000 === 0) clock.sample();
    return job(round);
  };
}

// High enough that nothing is dropped, and limited at all levels.
const ENOUGH = { bytesPerSecond: 1e12, packetsPerSecond: 1e9 };

function withinRates(): Job {
  const clock = new SampledClock(systemClock);
  const rates = { server: ENOUGH, user: ENOUGH, allocation: ENOUGH };
  const job = everything(new World({ clock }, { rates }));
  return (round) => {
    if (round % 1000 === 0) clock.sample();
    return job(round);
  };
}

// The first packet uses the rate up for longer than the job lasts.
function beyondRates(): Job {
  const rate = { bytesPerSecond: 0.001, packetsPerSecond: 0.001 };
  const one = new World({}, { rates: { ...NO_RATES, allocation: rate } });
  const jobs = [toPeerByChannel(one), one.fromPeer(bound(one, PEER), PEER)];
  for (const job of jobs) job(0);
  return inTurn(jobs.map((job) => one.dropped(job)));
}

const world = new World({ capabilities: { dontFragment: true } });

const jobs: Readonly<Record<string, () => Job>> = {
  'client to peer by channel': () => toPeerByChannel(world),
  'client to peer by Send': () => world.fromClient(permitted(world, PEER), sendTo(PEER)),
  'client to peer by Send with DONT-FRAGMENT': () =>
    world.fromClient(permitted(world, PEER), sendTo(PEER, dontFragment())),
  'client to IPv6 peer by Send': () => world.fromClient(permitted(world, PEER_V6, 6), sendTo(PEER_V6)),
  'peer to client by channel': () => world.fromPeer(bound(world, PEER), PEER),
  'peer to client by channel on a stream': () => world.fromPeer(bound(world, PEER, 4, Transport.TCP), PEER),
  'peer to client by Data': () => world.fromPeer(permitted(world, PEER), PEER),
  'IPv6 peer to client by Data': () => world.fromPeer(permitted(world, PEER_V6, 6), PEER_V6),
  'relay to relay by channels': () => crossing(world, true, true),
  'relay to relay by Send and Data': () => crossing(world, false, false),
  'relay to a relay of another process and back': () => neighbour(),
  'stranger to nobody': () => world.fromStranger(permitted(world, PEER), STRANGER),
  everything: () => everything(world),
  'everything by the time of day': () => byTimeOfDay(),
  'within rates': () => withinRates(),
  'beyond rates': () => beyondRates(),
  'self-check': () => world.fromPeer(bound(world, PEER, 4, Transport.UDP, true), PEER),
};

await printCost(jobs);
