// Reports what happens to one engine, as far as somebody wants to hear of it: else nothing is made, kept or sent. What
// clients can cause in number is bounded by the second, and what is left out is counted. Knows nobody who listens.

import type { EventReport } from '../events/event-schemas.ts';
import { EVENT_TYPES, type EventType } from '../events/event-types.ts';
import { LineBudget } from '../log/line-budget.ts';
import { TransportAddress } from '../stun/transport-address.ts';
import type { Allocation, Relay } from '../turn/allocation.ts';
import { AuthFailure, type Clock, type Observer } from '../turn/env.ts';
import { trafficOf as countTraffic } from './status-reporter.ts';

/** Takes reports. */
export type SendEvent = (report: EventReport) => void;

/** Events a second and process of what anybody can cause (S54). */
const STRANGERS_PER_SECOND = 10;
/** The same of what only users can cause. Beginnings and ends of sessions are not bounded: others count by them. */
const USERS_PER_SECOND = 500;
/** Seconds between two reports on the traffic of a session. */
const TRAFFIC_SECONDS = 5;
/** Of a name that nobody has proved to have. */
const MAX_NAME = 128;

type Bounded = Exclude<EventType, 'allocated' | 'released'>;

interface Facts {
  readonly session: number;
  readonly realm: string;
  readonly user: string;
  readonly client: string;
  readonly transport: string;
  readonly relayed: readonly string[];
}

interface Traffic {
  readonly packetsFromClient: number;
  readonly bytesFromClient: number;
  readonly packetsToClient: number;
  readonly bytesToClient: number;
}

/** What was told of the traffic of a session, and in which of {@link TRAFFIC_SECONDS} it is looked at. */
interface Told {
  packets: number;
  readonly second: number;
}

/** What the reporter needs. */
export interface EventReporterParts {
  readonly send: SendEvent;
  readonly clock: Clock;
  /** The allocations that live. */
  readonly live: () => Iterable<Allocation>;
}

/** Reports for one engine. */
export class EventReporter {
  readonly #parts: EventReporterParts;
  readonly #budgets: Readonly<Record<Bounded, LineBudget>> = budgets();
  #wanted: ReadonlySet<EventType> = new Set();
  /** Relayed addresses are gone when an allocation ends. */
  readonly #facts = new WeakMap<Allocation, Facts>();
  /** Only while traffic is wanted. */
  readonly #told = new Map<Allocation, Told>();
  #second = 0;
  #nextSecond = 0;

  constructor(parts: EventReporterParts) {
    this.#parts = parts;
  }

  /** Reports these types and no others from now on. */
  want(types: readonly EventType[]): void {
    const hadTraffic = this.#wanted.has('traffic');
    this.#wanted = new Set(types);
    if (!this.#wanted.has('traffic')) this.#told.clear();
    else if (!hadTraffic) for (const allocation of this.#parts.live()) this.#watch(allocation);
  }

  /** `observer`, which tells this reporter too. */
  reporting(observer: Observer): Observer {
    return {
      ...observer,
      allocated: (allocation) => {
        observer.allocated(allocation);
        this.#allocated(allocation);
      },
      refreshed: (allocation) => {
        observer.refreshed(allocation);
        if (!this.#may('refreshed')) return;
        this.#parts.send({ type: 'refreshed', ...this.#factsOf(allocation), lifetime: this.#lifetime(allocation) });
      },
      relayReleased: (allocation, relay) => {
        observer.relayReleased(allocation, relay);
        if (this.#wanted.size > 0) this.#factsOf(allocation, relay);
      },
      released: (allocation, reason) => {
        observer.released(allocation, reason);
        this.#released(allocation, reason);
      },
      permissionInstalled: (allocation, permission) => {
        observer.permissionInstalled(allocation, permission);
        if (!this.#may('permission')) return;
        this.#parts.send({ type: 'permission', ...this.#factsOf(allocation), peer: permission.peer.text });
      },
      channelBound: (allocation, channel) => {
        observer.channelBound(allocation, channel);
        if (!this.#may('channel')) return;
        const peer = new TransportAddress(channel.permission.peer, channel.port).text;
        this.#parts.send({ type: 'channel', ...this.#factsOf(allocation), peer, channel: channel.number });
      },
      authFailed: (endpoint, username, reason, realm) => {
        observer.authFailed(endpoint, username, reason, realm);
        if (reason === AuthFailure.UNAVAILABLE || !this.#may('auth-failed')) return;
        const { client, transport } = endpoint;
        const user = shortened(username);
        this.#parts.send({ type: 'auth-failed', realm, user, client: client.text, transport, reason });
      },
      peerDenied: (allocation, peer, port, rule) => {
        observer.peerDenied(allocation, peer, port, rule);
        if (!this.#may('denied')) return;
        this.#parts.send({ type: 'denied', ...this.#factsOf(allocation), peer: peer.text, port, reason: rule });
      },
    };
  }

  /** Once a second: tells of traffic, and of what was left out. */
  tick(): void {
    if (this.#wanted.size === 0) return;
    this.#second = (this.#second + 1) % TRAFFIC_SECONDS;
    for (const [allocation, told] of this.#told) {
      if (told.second === this.#second) this.#tellTraffic(allocation, told);
    }
    for (const type of BOUNDED) {
      const count = this.#budgets[type].takeSuppressed(this.#parts.clock.now());
      if (count > 0 && this.#wanted.has(type)) this.#parts.send({ type: 'dropped', of: type, count });
    }
  }

  #allocated(allocation: Allocation): void {
    if (this.#wanted.has('traffic')) this.#watch(allocation);
    if (!this.#wanted.has('allocated')) return;
    const lifetime = this.#lifetime(allocation);
    this.#parts.send({ type: 'allocated', ...this.#factsOf(allocation), lifetime });
  }

  #released(allocation: Allocation, reason: string): void {
    this.#told.delete(allocation);
    if (!this.#wanted.has('released')) return;
    const duration = Math.round((this.#parts.clock.now() - allocation.createdAt) / 1000);
    this.#parts.send({
      type: 'released',
      ...this.#factsOf(allocation),
      ...trafficOf(allocation),
      ...{ duration, reason },
    });
  }

  // Sessions are looked at in turns, so that they do not all report in one second.
  #watch(allocation: Allocation): void {
    this.#nextSecond = (this.#nextSecond + 1) % TRAFFIC_SECONDS;
    this.#told.set(allocation, { packets: packetsOf(trafficOf(allocation)), second: this.#nextSecond });
  }

  #tellTraffic(allocation: Allocation, told: Told): void {
    const traffic = trafficOf(allocation);
    const packets = packetsOf(traffic);
    if (packets === told.packets || !this.#may('traffic')) return;
    told.packets = packets;
    this.#parts.send({ type: 'traffic', ...this.#factsOf(allocation), ...traffic });
  }

  #may(type: Bounded): boolean {
    return this.#wanted.has(type) && this.#budgets[type].take(this.#parts.clock.now());
  }

  #factsOf(allocation: Allocation, gone?: Relay): Facts {
    const known = this.#facts.get(allocation);
    if (known !== undefined) return known;
    const { id, realm, credential, endpoint } = allocation;
    const relays = gone === undefined ? allocation.relays() : [gone, ...allocation.relays()];
    const facts: Facts = {
      ...{ session: id, realm, user: credential?.username ?? '' },
      ...{ client: endpoint.client.text, transport: endpoint.transport },
      relayed: relays.map(({ relayed }) => relayed.text),
    };
    this.#facts.set(allocation, facts);
    return facts;
  }

  #lifetime(allocation: Allocation): number {
    const deadline = Math.max(...allocation.relays().map((relay) => relay.deadline));
    return Math.max(0, Math.round((deadline - this.#parts.clock.now()) / 1000));
  }
}

const BOUNDED = EVENT_TYPES.filter((type): type is Bounded => type !== 'allocated' && type !== 'released');

function budgets(): Readonly<Record<Bounded, LineBudget>> {
  const budget = (lines: number): LineBudget => new LineBudget({ lines, window: 1000 });
  return {
    refreshed: budget(USERS_PER_SECOND),
    permission: budget(USERS_PER_SECOND),
    channel: budget(USERS_PER_SECOND),
    traffic: budget(USERS_PER_SECOND),
    'auth-failed': budget(STRANGERS_PER_SECOND),
    denied: budget(STRANGERS_PER_SECOND),
  };
}

function trafficOf(allocation: Allocation): Traffic {
  const { packetsToPeer, bytesToPeer, ...toClient } = countTraffic(allocation);
  return { packetsFromClient: packetsToPeer, bytesFromClient: bytesToPeer, ...toClient };
}

function packetsOf({ packetsFromClient, packetsToClient }: Traffic): number {
  return packetsFromClient + packetsToClient;
}

/** The beginning of a name that is too long, in whole characters. */
function shortened(name: string): string {
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME).replace(/[\ud800-\udbff]$/, '')}…`;
}
