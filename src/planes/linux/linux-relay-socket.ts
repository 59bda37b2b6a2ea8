// One relayed transport address on a socket of this plane. Knows its owner only by an interface, and gives its port back.

import type { IpAddress, IpFamily } from '../../stun/ip-address.ts';
import { TransportAddress, type TransportWords } from '../../stun/transport-address.ts';
import type { RelaySocket, RelaySocketOwner } from '../../turn/env.ts';
import { countErrno, type TrafficCounters } from '../plane-counters.ts';
import { EAGAIN } from './abi.ts';
import type { PeerDestination } from './destination.ts';
import { type Outlet, ROUTE_PAUSE } from './outlet.ts';
import type { PlaneCore } from './plane-core.ts';
import type { Pollable } from './poller.ts';
import { readSockaddr } from './sockaddr.ts';
import { errnoName } from './system-error.ts';

/** Receive calls in one round, and datagrams of one call: then others have their turn. */
const READS_PER_ROUND = 2;
const MOST_PER_READ = 32;

/** Errors taken off a socket's queue in one round: a flood of ICMP must not hold up the others. */
const ERRORS_PER_ROUND = 16;

/** What a relay socket is made of. It owns the descriptor from then on. */
export interface LinuxRelayParts {
  readonly core: PlaneCore;
  /** The scratch for destinations: one for all sockets of a plane. */
  readonly destination: PeerDestination;
  readonly fd: number;
  readonly local: TransportAddress;
  /** The address that clients and peers see. */
  readonly shown: IpAddress;
  /** Gives the port back. */
  readonly onClosed: (port: number) => void;
}

/** A relay socket of the Linux plane. */
export class LinuxRelaySocket implements RelaySocket, Pollable, Outlet {
  readonly fd: number;
  readonly local: TransportAddress;
  readonly relayed: TransportAddress;
  pollSlot = -1;
  firstDue = -1;
  lastDue = -1;
  /** An ICMP error that came for another peer's datagram ends the next call on the socket, once. */
  readonly hasErrorsOfOthers = true;
  readonly #core: PlaneCore;
  readonly #counters: TrafficCounters;
  readonly #destination: PeerDestination;
  readonly #onClosed: (port: number) => void;
  readonly #source: TransportWords;
  #owner: RelaySocketOwner | null = null;
  #noRunsUntil = 0;
  #drops = 0;
  #closed = false;

  /** Polled from now on: what comes before there is an owner is dropped. @throws SystemCallError */
  constructor({ core, destination, fd, local, shown, onClosed }: LinuxRelayParts) {
    this.fd = fd;
    this.local = local;
    this.relayed = new TransportAddress(shown, local.port);
    this.#core = core;
    this.#counters = core.counters.peers;
    this.#destination = destination;
    this.#onClosed = onClosed;
    this.#source = core.source;
    core.poller.add(this);
  }

  get mayMerge(): boolean {
    return this.#core.now >= this.#noRunsUntil;
  }

  attach(owner: RelaySocketOwner): void {
    this.#owner = owner;
  }

  send(peer: IpAddress, port: number, buffer: Buffer, start: number, end: number, dontFragment: boolean): void {
    if (this.#closed || port === 0) {
      this.#counters.droppedUnusable++;
      return;
    }
    this.#counters.packetsOut++;
    this.#counters.bytesOut += end - start;
    this.#destination.set(peer, port);
    this.#core.queue.push(this, this.#destination, 0, buffer, start, end, 0, dontFragment);
  }

  close(): void {
    if (this.#closed) return;
    this.#leave();
    this.#core.sockets.close(this.fd);
    this.#onClosed(this.local.port);
  }

  /** Forgets the socket without closing it: its descriptor belongs to the caller from now on. */
  giveAway(): number {
    this.#leave();
    return this.fd;
  }

  /** Adds what the kernel has dropped since it was asked last to the counters. */
  countDrops(): void {
    if (this.#closed) return;
    const drops = this.#core.sockets.dropsOf(this.fd);
    this.#counters.kernelDrops += (drops - this.#drops) >>> 0;
    this.#drops = drops;
  }

  onReadable(): boolean {
    for (let reads = 0; reads < READS_PER_ROUND; reads++) {
      this.#core.makeRoom(MOST_PER_READ);
      const { ring } = this.#core;
      const first = ring.next;
      const count = ring.receive(this.fd, MOST_PER_READ);
      if (count < 0) return this.#isInterrupted();
      this.#core.received += count;
      for (let slot = first; slot < first + count; slot++) this.#take(slot);
      if (count < MOST_PER_READ || this.#closed) return false;
      this.countDrops();
    }
    return true;
  }

  onError(): void {
    for (let errors = 0; errors < ERRORS_PER_ROUND; errors++) {
      if (!this.#core.errors.read(this.fd)) return;
      this.#tell();
    }
  }

  setDontFragment(isSet: boolean): void {
    if (this.local.ip.family === (4 satisfies IpFamily)) this.#core.sockets.setDontFragment(this.fd, isSet);
  }

  refused(errno: number, datagrams: number): void {
    countErrno(this.#counters, errnoName(errno), datagrams);
  }

  runRefused(isRoute: boolean): void {
    this.#core.counters.runsRefused++;
    if (isRoute) this.#noRunsUntil = this.#core.now + ROUTE_PAUSE;
  }

  #leave(): void {
    // What is due for the peer still leaves.
    if (this.firstDue >= 0) this.#core.queue.flush();
    this.countDrops();
    this.#closed = true;
    this.#core.poller.remove(this);
  }

  // recvmmsg reports an error that was pending, and takes it off: what waits behind it is still there.
  #isInterrupted(): boolean {
    if (this.#core.libc.errno() === EAGAIN) return false;
    this.onError();
    return !this.#closed;
  }

  #tell(): void {
    const { isIcmp, peer, type, code, info } = this.#core.errors;
    if (!isIcmp) return;
    this.#core.counters.icmpErrors++;
    try {
      this.#owner?.fromPeerError(peer, type, code, info);
    } catch (fault) {
      this.#core.report(fault);
    }
  }

  #take(slot: number): void {
    const { ring, arena, queue } = this.#core;
    const length = ring.lengthOf(slot);
    this.#counters.bytesIn += length;
    const source = this.#source;
    readSockaddr(arena, ring.nameAt(slot), source);
    if (source.port === 0 || source.family === 0 || ring.isTruncated(slot)) {
      this.#counters.packetsIn++;
      this.#counters.droppedUnusable++;
      return;
    }
    const start = ring.dataAt(slot);
    const end = start + length;
    ring.readControl(slot);
    const segment = ring.segment;
    queue.trafficClass = ring.trafficClass;
    if (segment === 0) this.#deliver(source, start, end);
    else this.#deliverRun(source, slot, start, end, segment);
    queue.trafficClass = 0;
  }

  // Datagrams that the kernel has put together (UDP GRO). The owner may rewrite the source: it is read for each.
  #deliverRun(source: TransportWords, slot: number, start: number, end: number, segment: number): void {
    for (let at = start; at < end; at += segment) {
      readSockaddr(this.#core.arena, this.#core.ring.nameAt(slot), source);
      this.#deliver(source, at, Math.min(at + segment, end));
    }
  }

  #deliver(source: TransportWords, start: number, end: number): void {
    // What was read before it was closed is nobody's any more.
    if (this.#closed) return;
    this.#counters.packetsIn++;
    if (this.#owner === null) {
      this.#counters.droppedUnusable++;
      return;
    }
    try {
      this.#owner.fromPeer(source, this.#core.arena.bytes, start, end);
    } catch (fault) {
      this.#core.report(fault);
    }
  }
}
