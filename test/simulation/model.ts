// The reference model: what a TURN server may and must do, in the plainest terms, with its own state. It learns of
// allocations from the answers (which port was drawn is the server's choice) and of nothing else; it never asks the
// engine. All times are milliseconds.

import { familyOf, isOwn, isRefusedPeer, type ModelAllocation, type ModelRelay, textOf } from './model-state.ts';
import type {
  AllocateRequest,
  ChannelRequest,
  Peer,
  PermissionRequest,
  RefreshRequest,
  SimRequest,
} from './requests.ts';

/** Which error codes an answer must have one of, and which it may have as well. No `must`: success. */
export interface Verdict {
  readonly must: Set<number>;
  readonly may: Set<number>;
}

/** A datagram that is to arrive somewhere, in words that can be compared. */
export type Delivery = string;

const PERMISSION = 300_000;
const CHANNEL = 600_000;
const NONCE = 600_000;
// The server may count a nonce's age in steps of this much.
const NONCE_GRACE = 15_000;
const REPLY_CACHE = 40_000;
const RESERVATION = 31_000;
// An allocation that is over may be noticed so much later, where it is not used.
const SWEEP = 2000;

/** The state of all five-tuples, by the serial number of the client. */
export class Model {
  now: number;
  wall: number;
  lastTick: number;
  readonly allocations: Map<number, ModelAllocation> = new Map();
  /** Token as hex to the address that it stands for. */
  readonly reservations: Map<string, { readonly address: string; readonly deadline: number }> = new Map();

  constructor(now: number, wall: number) {
    this.now = now;
    this.wall = wall;
    this.lastTick = now;
  }

  /** The live allocation of a client. */
  live(serial: number): ModelAllocation | null {
    const allocation = this.allocations.get(serial) ?? null;
    return allocation?.relays.some((relay) => this.#isLive(relay)) ? allocation : null;
  }

  /** How many allocations are live, and how many may not have been noticed to be over. */
  count(): { live: number; over: number } {
    const counts = { live: 0, over: 0 };
    for (const [serial, allocation] of this.allocations) {
      if (this.live(serial) !== null) counts.live++;
      else if (allocation.relays.some((relay) => relay.deadline > this.lastTick - SWEEP)) counts.over++;
    }
    return counts;
  }

  /** Judges a request that is answered now and was sent at `sentAt` by the wall clock. */
  judge(serial: number, request: SimRequest, sentAt: number): Verdict {
    const verdict: Verdict = { must: new Set(), may: new Set() };
    if (request.kind === 'binding') {
      if (request.unknown) verdict.must.add(420);
      return verdict;
    }
    this.#judgeSignature(serial, request, sentAt, verdict);
    if (verdict.must.size > 0) return verdict;
    if (request.unknown) verdict.must.add(420);
    if (request.kind === 'allocate') this.#judgeAllocate(serial, request, verdict);
    else this.#judgeOnAllocation(serial, request, verdict);
    return verdict;
  }

  // A nonce is looked at when the request arrives, anywhere between then and now, and before the signature.
  #judgeSignature(serial: number, { signature }: SimRequest, sentAt: number, { must, may }: Verdict): void {
    if (signature === null) {
      must.add(401);
      return;
    }
    const { nonce, genuine } = signature;
    if (nonce.serial !== serial || sentAt - nonce.at >= NONCE + NONCE_GRACE) {
      must.add(438);
      return;
    }
    if (!genuine) must.add(401);
    if (this.wall - nonce.at >= NONCE) may.add(438);
  }

  /** Whether a request is a retransmission that must get the same answer again. */
  repeated(serial: number, request: SimRequest): Buffer | null {
    const allocation = this.live(serial);
    if (allocation === null || request.kind !== 'allocate') return null;
    const same = allocation.tid.equals(request.tid) && request.signature?.user === allocation.user;
    return same && this.now < allocation.madeAt + REPLY_CACHE ? allocation.answer : null;
  }

  #judgeAllocate(serial: number, request: AllocateRequest, { must }: Verdict): void {
    if (this.live(serial) !== null) {
      if (this.repeated(serial, request) === null) must.add(437);
      return;
    }
    const { transport, family, additional, even, token } = request;
    const attributes = [even, family, additional].filter((value) => value !== null).length;
    if (transport === null) must.add(400);
    else if (transport !== 17) must.add(442);
    if (request.dontFragment) must.add(420);
    if (token !== null && attributes > 0) must.add(400);
    if (family !== null && additional !== null) must.add(400);
    if (additional !== null && (additional !== 2 || even === true)) must.add(400);
    if (family !== null && family !== 1 && family !== 2) must.add(440);
    if (token !== null && !this.isReserved(token)) must.add(508);
  }

  /** Whether a token is good. */
  isReserved(token: string): boolean {
    const reservation = this.reservations.get(token);
    return reservation !== undefined && this.now < reservation.deadline;
  }

  #judgeOnAllocation(
    serial: number,
    request: RefreshRequest | PermissionRequest | ChannelRequest,
    verdict: Verdict,
  ): void {
    const allocation = this.live(serial);
    if (allocation === null) verdict.must.add(437);
    else if (allocation.user !== request.signature?.user) verdict.must.add(441);
    else if (request.kind === 'refresh') this.#judgeRefresh(allocation, request, verdict);
    else if (request.kind === 'permission') this.#judgePermission(allocation, request, verdict);
    else this.#judgeChannel(allocation, request, verdict);
  }

  #judgeRefresh(allocation: ModelAllocation, { family }: RefreshRequest, { must }: Verdict): void {
    if (family === null) return;
    const wanted = family === 1 ? 4 : family === 2 ? 6 : 0;
    if (!allocation.relays.some((relay) => relay.family === wanted && this.#isLive(relay))) must.add(443);
  }

  #judgePermission(allocation: ModelAllocation, { peers }: PermissionRequest, { must }: Verdict): void {
    if (peers.length === 0) must.add(400);
    for (const { ip } of peers) {
      if (this.#relayTo(allocation, ip) === null) must.add(443);
      if (isRefusedPeer(ip)) must.add(403);
    }
  }

  #judgeChannel(allocation: ModelAllocation, { number, peer }: ChannelRequest, { must, may }: Verdict): void {
    if (number === null || number < 0x4000 || number > 0x4fff) must.add(400);
    if (peer === null || peer.port === 0) {
      must.add(400);
      return;
    }
    if (this.#relayTo(allocation, peer.ip) === null) must.add(443);
    if (isRefusedPeer(peer.ip)) must.add(403);
    if (isOwn(peer.ip) && this.#relayAt(textOf(peer)) === null) {
      (this.#isBeingNoticed(textOf(peer)) ? may : must).add(403);
    }
    for (const [other, channel] of allocation.channels) {
      const live = channel.deadline > this.now && this.#relayTo(allocation, channel.peer) !== null;
      if (live && (other === number) !== (channel.peer === textOf(peer))) must.add(400);
    }
  }

  /** A successful Allocate has given these addresses. */
  allocated(serial: number, allocation: ModelAllocation): void {
    this.allocations.set(serial, allocation);
  }

  /** A successful Allocate has reserved this address. */
  reserved(token: string, address: string): void {
    this.reservations.set(token, { address, deadline: this.now + RESERVATION });
  }

  /** How many reservations there are, those included whose end may not have been noticed. */
  countReserved(): number {
    for (const [token, { deadline }] of this.reservations) {
      if (deadline <= this.lastTick) this.reservations.delete(token);
    }
    return this.reservations.size;
  }

  /** Whether somebody has this relayed address, or a token for it. */
  isTaken(address: string): boolean {
    if (this.#relayAt(address) !== null) return true;
    return [...this.reservations.values()].some((it) => it.address === address && this.now < it.deadline);
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
      if (this.#isLive(relay) && (family === null || relay.family === wanted))
        relay.deadline = this.now + granted * 1000;
    }
    allocation.relays = allocation.relays.filter((relay) => granted > 0 || this.#isLive(relay));
    if (allocation.relays.length === 0) this.allocations.delete(serial);
  }

  #permit(allocation: ModelAllocation, ip: string): void {
    allocation.permissions.set(ip, this.now + PERMISSION);
  }

  /** The client has gone. */
  gone(serial: number): void {
    this.allocations.delete(serial);
  }

  /** What a Send indication brings about. */
  sent(serial: number, peer: Peer, payload: string): Delivery[] {
    const allocation = this.live(serial);
    const relay = allocation === null ? null : this.#relayTo(allocation, peer.ip);
    if (allocation === null || relay === null || !this.#isPermitted(allocation, peer.ip)) return [];
    return peer.port === 0 ? [] : this.#leaves(relay, textOf(peer), payload);
  }

  /** What ChannelData brings about. */
  channelled(serial: number, number: number, payload: string): Delivery[] {
    const allocation = this.live(serial);
    const channel = allocation?.channels.get(number);
    if (allocation === null || channel === undefined || channel.deadline <= this.now) return [];
    const relay = this.#relayTo(allocation, channel.peer);
    return relay === null ? [] : this.#leaves(relay, channel.peer, payload);
  }

  // To the network, or to another client of this server; to nothing else on the server's own addresses.
  #leaves(relay: ModelRelay, to: string, payload: string): Delivery[] {
    return isOwn(to) ? this.arrived(relay.address, to, payload) : [`peer ${to} from ${relay.address} ${payload}`];
  }

  /** What a datagram to a relayed address brings about. */
  arrived(from: string, relayed: string, payload: string): Delivery[] {
    const found = this.#relayAt(relayed);
    if (found === null || !this.#isPermitted(found.allocation, from)) return [];
    for (const [number, channel] of found.allocation.channels) {
      if (channel.peer === from && channel.deadline > this.now) {
        return [`client ${found.serial} channel ${number} ${payload}`];
      }
    }
    return [`client ${found.serial} data from ${from} ${payload}`];
  }

  #isLive(relay: ModelRelay): boolean {
    return this.now < relay.deadline;
  }

  #relayTo(allocation: ModelAllocation, peer: string): ModelRelay | null {
    return allocation.relays.find((relay) => relay.family === familyOf(peer) && this.#isLive(relay)) ?? null;
  }

  #relayAt(address: string): { serial: number; allocation: ModelAllocation } | null {
    for (const [serial, allocation] of this.allocations) {
      if (allocation.relays.some((relay) => relay.address === address && this.#isLive(relay)))
        return { serial, allocation };
    }
    return null;
  }

  #isBeingNoticed(address: string): boolean {
    return [...this.allocations.values()].some(({ relays }) =>
      relays.some((relay) => relay.address === address && relay.deadline > this.lastTick - SWEEP),
    );
  }

  #isPermitted(allocation: ModelAllocation, peer: string): boolean {
    return (allocation.permissions.get(ipOf(peer)) ?? 0) > this.now;
  }
}

function ipOf(peer: string): string {
  return /^\[(.+)\]:\d+$/.exec(peer)?.[1] ?? /^([\d.]+):\d+$/.exec(peer)?.[1] ?? peer;
}
