// The reference model: what a TURN server may and must do, in the plainest terms, with its own state. It learns of
// allocations from the answers (which port was drawn is the server's choice) and of nothing else; it never asks the
// engine. All times are monotonic milliseconds. How requests are judged is verdicts.ts's business.

import {
  familyOf,
  isOwn,
  type ModelAllocation,
  type ModelRelay,
  type ModelReservation,
  textOf,
} from './model-state.ts';
import type {
  AllocateRequest,
  ChannelRequest,
  Peer,
  PermissionRequest,
  RefreshRequest,
  SimRequest,
} from './requests.ts';

/** A datagram that is to arrive somewhere, in words that can be compared. */
export type Delivery = string;

const PERMISSION = 300_000;
const CHANNEL = 600_000;
const REPLY_CACHE = 40_000;
const RESERVATION = 31_000;

/** The state of all five-tuples, by the serial number of the client. */
export class Model {
  readonly allocations: Map<number, ModelAllocation> = new Map();
  /** By token, as hex. */
  readonly reservations: Map<string, ModelReservation> = new Map();
  /** Relay ports of each family. */
  readonly ports: number;
  readonly #byRelay = new Map<string, ModelAllocation>();
  readonly #clock: { now(): number };

  constructor(clock: { now(): number }, ports: number) {
    this.#clock = clock;
    this.ports = ports;
  }

  get now(): number {
    return this.#clock.now();
  }

  /** The live allocation of a client. */
  live(serial: number): ModelAllocation | null {
    const allocation = this.allocations.get(serial) ?? null;
    return allocation?.relays.some((relay) => this.isLive(relay)) ? allocation : null;
  }

  /** All live allocations. */
  allLive(): ModelAllocation[] {
    return [...this.allocations.values()].filter(({ relays }) => relays.some((relay) => this.isLive(relay)));
  }

  isLive(relay: ModelRelay): boolean {
    return this.now < relay.deadline;
  }

  /** Whether a request is a retransmission that must get the same answer again. */
  repeated(serial: number, request: SimRequest): Buffer | null {
    const allocation = this.live(serial);
    if (allocation === null || request.kind !== 'allocate') return null;
    const { signature, tid } = request;
    const same =
      allocation.tid.equals(tid) && signature?.user === allocation.user && signature.realm === allocation.realm;
    return same && this.now < allocation.madeAt + REPLY_CACHE ? allocation.answer : null;
  }

  /** A successful Allocate has given these addresses. */
  allocated(allocation: ModelAllocation): void {
    this.allocations.set(allocation.serial, allocation);
    for (const { address } of allocation.relays) this.#byRelay.set(address, allocation);
  }

  /** A successful Allocate, that had come at `askedAt`, has reserved this address. */
  reserved(token: string, address: string, askedAt: number): void {
    for (const [known, { deadline }] of this.reservations) if (deadline <= askedAt) this.reservations.delete(known);
    const [surelyUntil, deadline] = [askedAt + RESERVATION, this.now + RESERVATION];
    this.reservations.set(token, { address, surelyUntil, deadline, claims: 0 });
  }

  /** An Allocate has come that names a token, or one has been refused. */
  claim({ token }: AllocateRequest, count: 1 | -1): void {
    const reservation = token === null ? undefined : this.reservations.get(token);
    if (reservation !== undefined) reservation.claims += count;
  }

  /** Whether somebody has this relayed address, or a token for it that nobody has used. */
  isTaken(address: string): boolean {
    if (this.relayAt(address) !== null) return true;
    return [...this.reservations.values()].some(
      (it) => it.address === address && it.claims === 0 && this.now < it.surelyUntil,
    );
  }

  /** A Refresh, CreatePermission or ChannelBind has succeeded. */
  apply(serial: number, request: RefreshRequest | PermissionRequest | ChannelRequest, granted: number): void {
    const allocation = this.live(serial);
    if (allocation === null) return;
    if (request.kind === 'refresh') this.#applyRefresh(serial, allocation, request, granted);
    else if (request.kind === 'permission') for (const { ip } of request.peers) this.#permit(allocation, ip);
    else if (request.peer !== null && request.number !== null) {
      this.#permit(allocation, request.peer.ip);
      allocation.channels.set(request.number, { peer: textOf(request.peer), deadline: this.now + CHANNEL });
    }
  }

  #applyRefresh(serial: number, allocation: ModelAllocation, { family }: RefreshRequest, granted: number): void {
    const wanted = family === 1 ? 4 : 6;
    for (const relay of allocation.relays) {
      if (this.isLive(relay) && (family === null || relay.family === wanted))
        relay.deadline = this.now + granted * 1000;
    }
    allocation.relays = allocation.relays.filter((relay) => granted > 0 || this.isLive(relay));
    if (allocation.relays.length === 0) this.allocations.delete(serial);
  }

  #permit(allocation: ModelAllocation, ip: string): void {
    allocation.permissions.set(ip, this.now + PERMISSION);
  }

  /** The client has gone, or the process that served it. */
  gone(serial: number): void {
    this.allocations.delete(serial);
  }

  /** What a Send indication brings about. */
  sent(serial: number, peer: Peer, payload: string): Delivery[] {
    const allocation = this.live(serial);
    const relay = allocation === null ? null : this.relayTo(allocation, peer.ip);
    if (allocation === null || relay === null || !this.#isPermitted(allocation, peer.ip)) return [];
    return peer.port === 0 ? [] : this.#leaves(relay, textOf(peer), payload);
  }

  /** What ChannelData brings about. */
  channelled(serial: number, number: number, payload: string): Delivery[] {
    const allocation = this.live(serial);
    const channel = allocation?.channels.get(number);
    if (allocation === null || channel === undefined || channel.deadline <= this.now) return [];
    const relay = this.relayTo(allocation, channel.peer);
    return relay === null ? [] : this.#leaves(relay, channel.peer, payload);
  }

  // To the network, or to another client of this server; to nothing else on the server's own addresses.
  #leaves(relay: ModelRelay, to: string, payload: string): Delivery[] {
    return isOwn(to) ? this.arrived(relay.address, to, payload) : [`peer ${to} from ${relay.address} ${payload}`];
  }

  /** What a datagram to a relayed address brings about. */
  arrived(from: string, relayed: string, payload: string): Delivery[] {
    const allocation = this.relayAt(relayed);
    if (allocation === null || !this.#isPermitted(allocation, ipOf(from))) return [];
    const { serial, channels } = allocation;
    for (const [number, channel] of channels) {
      if (channel.peer === from && channel.deadline > this.now)
        return [`client ${serial} channel ${number} ${payload}`];
    }
    return [`client ${serial} data from ${from} ${payload}`];
  }

  /** The live relayed address of an allocation that reaches a peer, given with or without port. */
  relayTo(allocation: ModelAllocation, peer: string): ModelRelay | null {
    const family = familyOf(peer);
    return allocation.relays.find((relay) => relay.family === family && this.isLive(relay)) ?? null;
  }

  /** Whose live relayed address this is. */
  relayAt(address: string): ModelAllocation | null {
    const allocation = this.#byRelay.get(address);
    if (allocation === undefined || this.allocations.get(allocation.serial) !== allocation) return null;
    return allocation.relays.some((relay) => relay.address === address && this.isLive(relay)) ? allocation : null;
  }

  #isPermitted(allocation: ModelAllocation, ip: string): boolean {
    return (allocation.permissions.get(ip) ?? 0) > this.now;
  }
}

/** The IP address of `ip:port` or `[ip]:port`. */
function ipOf(address: string): string {
  const end = address.lastIndexOf(':');
  return address.startsWith('[') ? address.slice(1, end - 1) : address.slice(0, end);
}
