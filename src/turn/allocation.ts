// An allocation and its one or two relayed addresses: state only. How it comes and goes is allocations.ts's business,
// how data flows through it relay-path.ts's.

import type { IpFamily } from '../stun/ip-address.ts';
import type { TransportAddress, TransportWords } from '../stun/transport-address.ts';
import type { Channel } from './channel.ts';
import type { ClientEndpoint } from './client-endpoint.ts';
import type { TransportCounters } from './counters.ts';
import type { Credential, RelaySocket, RelaySocketOwner } from './env.ts';
import type { Grant } from './grant.ts';
import { PermissionTable } from './permission.ts';
import type { RateMeter } from './rate-meter.ts';
import type { RelayPath } from './relay-path.ts';

/** A relayed transport address: its socket, and the counters of what flows through it. */
export class Relay implements RelaySocketOwner {
  readonly allocation: Allocation;
  readonly socket: RelaySocket;
  readonly family: IpFamily;
  readonly #path: RelayPath;
  /** Monotonic milliseconds at which it ends unless refreshed. */
  deadline: number;
  closed = false;
  packetsToPeer = 0;
  bytesToPeer = 0;
  packetsToClient = 0;
  bytesToClient = 0;

  constructor(allocation: Allocation, socket: RelaySocket, path: RelayPath, deadline: number) {
    this.allocation = allocation;
    this.socket = socket;
    this.family = socket.relayed.ip.family;
    this.#path = path;
    this.deadline = deadline;
  }

  /** XOR-RELAYED-ADDRESS. */
  get relayed(): TransportAddress {
    return this.socket.relayed;
  }

  isLive(now: number): boolean {
    return now < this.deadline;
  }

  fromPeer(source: TransportWords, buffer: Buffer, start: number, end: number): void {
    if (!this.closed) this.#path.fromPeer(this, source, buffer, start, end);
  }

  fromPeerError(peer: TransportWords, icmpType: number, icmpCode: number, data: number): void {
    if (!this.closed) this.#path.fromPeerError(this, peer, icmpType, icmpCode, data);
  }
}

/** The response to the transaction that made the allocation, for its retransmissions. */
export interface CachedReply {
  readonly transactionId: string;
  readonly bytes: Buffer;
  /** Monotonic milliseconds until which a retransmission is answered with it. */
  readonly until: number;
}

/** What an allocation is made of. */
export interface AllocationParts {
  readonly id: number;
  readonly endpoint: ClientEndpoint;
  readonly credential: Credential | null;
  /** Of its quota unit. */
  readonly grant: Grant;
  /** Monotonic milliseconds. */
  readonly createdAt: number;
  /** Of its table of permissions: a secret. */
  readonly hashSeed: number;
  /** Of all allocations of its transport. */
  readonly counters: TransportCounters;
}

/** State of one five-tuple (RFC 8656 §2, §6). */
export class Allocation {
  /**
   * Joins log lines, and names the allocation to operators: 1, 2, 3… in a server of one process. In process w of several
   * it is n·1000 + w, so that it is unique in the server and tells the process.
   */
  readonly id: number;
  readonly endpoint: ClientEndpoint;
  /** Whoever made it; null when access is anonymous. Holds keys, never a password (RFC 8656 §6). */
  readonly credential: Credential | null;
  /** Monotonic milliseconds. */
  readonly createdAt: number;
  /** Where what it relays is counted beside what others of its transport do. */
  readonly counters: TransportCounters;
  ipv4: Relay | null = null;
  ipv6: Relay | null = null;
  readonly permissions: PermissionTable;
  readonly channels: Map<number, Channel> = new Map();
  /** The expiry wheel's own. */
  wheelSlot = 0;
  cachedReply: CachedReply | null = null;
  closed = false;
  /** Of its quota unit: {@link Grant.userSlot}. */
  readonly userSlot: number | null;
  /** The limits of what it relays; null where there are none. */
  meter: RateMeter | null = null;
  /** Packets dropped because a rate was exceeded. */
  overRateToPeer = 0;
  overRateToClient = 0;
  /** How many of them the observer has been told of, and when: monotonic milliseconds. */
  overRateTold = 0;
  overRateToldAt = Number.NEGATIVE_INFINITY;
  /** The scan brake's own: how many new peers counted at `peersNamedAt`, in monotonic milliseconds. */
  peersNamed = 0;
  peersNamedAt = 0;
  /** Totals of relayed addresses that are gone already. */
  packetsToPeer = 0;
  bytesToPeer = 0;
  packetsToClient = 0;
  bytesToClient = 0;

  constructor({ id, endpoint, credential, grant, createdAt, hashSeed, counters }: AllocationParts) {
    this.id = id;
    this.endpoint = endpoint;
    this.credential = credential;
    this.createdAt = createdAt;
    this.counters = counters;
    this.userSlot = grant.userSlot;
    this.permissions = new PermissionTable(hashSeed);
  }

  /** The realm of whoever made it; empty when access is anonymous. */
  get realm(): string {
    return this.credential === null ? '' : this.credential.realm;
  }

  /** Whether it was made with this credential, or with another of the same user (RFC 8656 §5). */
  belongsTo(credential: Credential | null): boolean {
    return this.credential?.username === credential?.username && this.credential?.realm === credential?.realm;
  }

  /** The relayed address of a family, or null. */
  relay(family: number): Relay | null {
    return family === 6 ? this.ipv6 : this.ipv4;
  }

  /** The one or two relayed addresses. */
  relays(): Relay[] {
    return [this.ipv4, this.ipv6].filter((relay) => relay !== null);
  }
}
