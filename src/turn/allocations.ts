// How allocations, permissions and channels come and go. Owns every path on which something is given back: relay
// sockets, quota, endpoints and registry entries leave together, whatever ended them.

import type { IpAddress, IpFamily } from '../stun/ip-address.ts';
import { Allocation, Relay } from './allocation.ts';
import { CHANNEL_LIFETIME, Channel } from './channel.ts';
import type { ClientEndpoint } from './client-endpoint.ts';
import { countOne, type EngineCounters } from './counters.ts';
import type { Clock, Credential, Observer, Quota, Random, RelaySocket } from './env.ts';
import { ReleaseReason } from './env.ts';
import { ExpiryWheel } from './expiry-wheel.ts';
import type { Grant } from './grant.ts';
import type { PeerAccess } from './peer-access.ts';
import { PERMISSION_LIFETIME, Permission } from './permission.ts';
import type { RateMeters } from './rate-meters.ts';
import type { RelayPath } from './relay-path.ts';
import type { RelayRegistry } from './relay-registry.ts';
import type { SessionBounds } from './session-bounds.ts';
import type { Transport } from './transport.ts';

// Dead permissions and channels are refused on use at once; they are only swept up this often.
const SWEEP_INTERVAL = 10_000;

// How often the observer is told that an allocation loses data to a rate.
const OVER_RATE_INTERVAL = 60_000;

/** What the allocations of an engine are made with. */
export interface AllocationsOptions {
  readonly clock: Clock;
  readonly random: Random;
  readonly quota: Quota;
  readonly meters: RateMeters;
  readonly observer: Observer;
  readonly access: PeerAccess;
  readonly path: RelayPath;
  readonly registry: RelayRegistry;
  readonly bounds: SessionBounds;
  readonly counters: EngineCounters;
  /** The process's number among several; 0 where there is one. */
  readonly worker: number;
}

/** Whose an allocation is going to be. */
export interface AllocationOwner {
  readonly endpoint: ClientEndpoint;
  readonly credential: Credential | null;
  /** The quota unit that was acquired. */
  readonly grant: Grant;
}

// Beyond the number of processes that a server may have.
const WORKERS = 1000;

/** All allocations of an engine. */
export class Allocations {
  readonly #options: AllocationsOptions;
  readonly #all: Set<Allocation> = new Set();
  readonly #byTransport: Record<Transport, number> = { udp: 0, tcp: 0, tls: 0, dtls: 0 };
  readonly #wheel: ExpiryWheel<Allocation>;
  // Secret, so that no client can find peer addresses whose hashes are all the same.
  readonly #hashSeed: number;
  #made = 0;

  constructor(options: AllocationsOptions) {
    this.#options = options;
    const seed = new Int32Array(1);
    options.random.fill(new Uint8Array(seed.buffer));
    this.#hashSeed = seed[0] as number; // of one
    this.#wheel = new ExpiryWheel(options.clock.now(), (allocation, now) => this.#sweep(allocation, now));
  }

  get size(): number {
    return this.#all.size;
  }

  /** How many live allocations are of each transport. */
  get byTransport(): Readonly<Record<Transport, number>> {
    return this.#byTransport;
  }

  /** All live allocations. */
  list(): IterableIterator<Allocation> {
    return this.#all.values();
  }

  /**
   * Makes the allocation of a five-tuple out of sockets that are open already. Its quota unit is given back when it ends.
   * @param lifetime seconds
   */
  create(owner: AllocationOwner, sockets: readonly RelaySocket[], lifetime: number): Allocation {
    const { clock, path, registry, observer, meters } = this.#options;
    const now = clock.now();
    const { transport } = owner.endpoint;
    const counters = this.#options.counters.transports[transport];
    const allocation = new Allocation({
      ...owner,
      id: this.#newId(),
      createdAt: now,
      hashSeed: this.#hashSeed,
      counters,
    });
    counters.allocations++;
    this.#byTransport[transport]++;
    meters.equip(allocation);
    for (const socket of sockets) {
      const relay = new Relay(allocation, socket, path, now + lifetime * 1000);
      if (relay.family === 4) allocation.ipv4 = relay;
      else allocation.ipv6 = relay;
      registry.add(relay);
      socket.attach(relay);
    }
    owner.endpoint.allocation = allocation;
    this.#all.add(allocation);
    this.#reschedule(allocation, now);
    observer.allocated(allocation);
    return allocation;
  }

  /** Limits of what is relayed have changed: they hold for those that exist, too. */
  equip(): void {
    for (const allocation of this.#all) this.#options.meters.equip(allocation);
  }

  /** Bounds of sessions have changed: no deadline may lie beyond them. */
  bound(): void {
    const now = this.#options.clock.now();
    for (const allocation of this.#all) {
      const latest = now + this.#options.bounds.secondsLeft(allocation) * 1000;
      for (const relay of allocation.relays()) relay.deadline = Math.min(relay.deadline, latest);
      this.#reschedule(allocation, now);
    }
  }

  /** Sets the time to live of some relayed addresses of an allocation: only Refresh does (RFC 8656 §6). */
  refresh(allocation: Allocation, relays: readonly Relay[], lifetime: number): void {
    const now = this.#options.clock.now();
    for (const relay of relays) relay.deadline = now + lifetime * 1000;
    this.#reschedule(allocation, now);
    this.#options.observer.refreshed(allocation);
  }

  /** Ends some relayed addresses at once, and the allocation with the last of them (RFC 8656 §8.1). */
  closeRelays(allocation: Allocation, relays: readonly Relay[], reason: ReleaseReason): void {
    for (const relay of relays) this.#closeRelay(allocation, relay);
    if (allocation.ipv4 === null && allocation.ipv6 === null) this.#finish(allocation, reason);
  }

  /** Ends an allocation. Idempotent. */
  release(allocation: Allocation, reason: ReleaseReason): void {
    this.closeRelays(allocation, allocation.relays(), reason);
  }

  /** Ends what of an allocation is over by now, though no tick has found it yet: a request must not revive it. */
  expire(allocation: Allocation): void {
    this.#closeExpired(allocation, this.#options.clock.now());
  }

  /** Ends what is due. Called about once a second. */
  tick(): void {
    this.#wheel.tick(this.#options.clock.now());
  }

  /** Installs or extends the permission for an address (RFC 8656 §9). The address has been judged. */
  installPermission(allocation: Allocation, peer: IpAddress): Permission {
    const deadline = this.#options.clock.now() + PERMISSION_LIFETIME;
    const own = this.#options.access.isOwn(peer);
    const known = allocation.permissions.find(peer);
    if (known !== null) {
      known.deadline = deadline;
      known.own = own;
      return known;
    }
    const permission = new Permission(peer, own, deadline);
    allocation.permissions.add(permission);
    this.#options.observer.permissionInstalled(allocation, permission);
    return permission;
  }

  /**
   * Binds a channel, or extends the binding; the peer's permission with it (RFC 8656 §12.2). The caller has checked
   * that neither the number nor the address is bound otherwise.
   */
  bindChannel(allocation: Allocation, relay: Relay, number: number, peer: IpAddress, port: number): void {
    const permission = this.installPermission(allocation, peer);
    const deadline = this.#options.clock.now() + CHANNEL_LIFETIME;
    const known = allocation.channels.get(number);
    if (known !== undefined) {
      known.deadline = deadline;
      return;
    }
    const channel = new Channel(number, permission, port, relay, deadline);
    allocation.channels.set(number, channel);
    permission.addChannel(channel);
    this.#options.observer.channelBound(allocation, channel);
  }

  /** Removes a binding. */
  unbindChannel(allocation: Allocation, channel: Channel): void {
    allocation.channels.delete(channel.number);
    channel.permission.removeChannel(channel);
    this.#options.observer.channelUnbound(allocation, channel);
  }

  /** Removes the channels and permissions that are over: done in passing, and where their room is needed. */
  forgetExpired(allocation: Allocation): void {
    const now = this.#options.clock.now();
    for (const channel of [...allocation.channels.values()]) {
      if (!channel.isLive(now)) this.unbindChannel(allocation, channel);
    }
    for (const permission of allocation.permissions.list()) {
      const unused = permission.channels.length === 0 && !permission.isLive(now);
      if (unused) allocation.permissions.remove(permission);
    }
  }

  #closeRelay(allocation: Allocation, relay: Relay): void {
    if (relay.closed) return;
    relay.closed = true;
    relay.socket.close();
    this.#options.registry.remove(relay);
    if (relay.family === 4) allocation.ipv4 = null;
    else allocation.ipv6 = null;
    allocation.packetsToPeer += relay.packetsToPeer;
    allocation.bytesToPeer += relay.bytesToPeer;
    allocation.packetsToClient += relay.packetsToClient;
    allocation.bytesToClient += relay.bytesToClient;
    this.#forgetFamily(allocation, relay.family);
    this.#options.observer.relayReleased(allocation, relay);
  }

  #forgetFamily(allocation: Allocation, family: IpFamily): void {
    for (const channel of [...allocation.channels.values()]) {
      if (channel.permission.peer.family === family) this.unbindChannel(allocation, channel);
    }
    for (const permission of allocation.permissions.list()) {
      if (permission.peer.family === family) allocation.permissions.remove(permission);
    }
  }

  #finish(allocation: Allocation, reason: ReleaseReason): void {
    if (allocation.closed) return;
    allocation.closed = true;
    this.#wheel.remove(allocation);
    this.#all.delete(allocation);
    const { endpoint, credential } = allocation;
    this.#byTransport[endpoint.transport]--;
    countOne(this.#options.counters.ended, reason);
    endpoint.allocation = null;
    this.#options.quota.release({ credential, client: endpoint.client.ip });
    this.#options.observer.released(allocation, reason);
    endpoint.link.release(endpoint);
  }

  #closeExpired(allocation: Allocation, now: number): void {
    const { bounds } = this.#options;
    if (bounds.secondsLeft(allocation) === 0) return this.release(allocation, bounds.reasonOf(allocation));
    const over = allocation.relays().filter((relay) => !relay.isLive(now));
    if (over.length > 0) this.closeRelays(allocation, over, ReleaseReason.EXPIRED);
  }

  // Ends what is over and tells when to come again.
  #sweep(allocation: Allocation, now: number): number {
    this.#closeExpired(allocation, now);
    if (allocation.closed) return Number.POSITIVE_INFINITY;
    this.forgetExpired(allocation);
    this.#tellOfDrops(allocation, now);
    return nextVisit(allocation, now);
  }

  #tellOfDrops(allocation: Allocation, now: number): void {
    const packets = allocation.overRateToPeer + allocation.overRateToClient - allocation.overRateTold;
    if (packets === 0 || now - allocation.overRateToldAt < OVER_RATE_INTERVAL) return;
    allocation.overRateTold += packets;
    allocation.overRateToldAt = now;
    this.#options.observer.overRate(allocation, packets, allocation.meter?.lastRefusal ?? null);
  }

  #newId(): number {
    const { worker } = this.#options;
    this.#made++;
    return worker === 0 ? this.#made : this.#made * WORKERS + worker;
  }

  #reschedule(allocation: Allocation, now: number): void {
    this.#wheel.schedule(allocation, nextVisit(allocation, now));
  }
}

function nextVisit(allocation: Allocation, now: number): number {
  let next = now + SWEEP_INTERVAL;
  for (const relay of allocation.relays()) next = Math.min(next, relay.deadline);
  return next;
}
