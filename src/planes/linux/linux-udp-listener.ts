// A UDP listening socket of this plane: knows the clients' endpoints, hands datagrams to the engine and queues what the
// engine sends. Knows no STUN.

import type { IpFamily } from '../../stun/ip-address.ts';
import type { TransportAddress } from '../../stun/transport-address.ts';
import type { ClientEndpoint } from '../../turn/client-endpoint.ts';
import type { ClientLink } from '../../turn/env.ts';
import { countErrno, type TrafficCounters } from '../plane-counters.ts';
import { ClientTable, LinuxEndpoint } from './client-table.ts';
import type { Outlet } from './outlet.ts';
import { ROUTE_PAUSE } from './outlet.ts';
import type { PlaneCore } from './plane-core.ts';
import type { Pollable } from './poller.ts';
import { readSockaddr } from './sockaddr.ts';
import { errnoName } from './system-error.ts';

/** All clients of a listener share its socket buffers. */
const BUFFER_BYTES = 4 * 1024 * 1024;

/** Receive calls in one round, and datagrams of one call: then others have their turn. */
const READS_PER_ROUND = 4;
const MOST_PER_READ = 64;

/** Requests cost far more than packets: the first clients of a batch are not to wait for the last one's answer. */
const RESPONSES_PER_FLUSH = 8;

/** What a listener needs of the engine. */
export interface ClientDatagramHandler {
  fromClient(endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number): void;
  /** The five-tuple is gone, and its allocation with it. */
  endpointClosed(endpoint: ClientEndpoint): void;
}

/** What a listener is made of. */
export interface LinuxUdpListenerParts {
  readonly core: PlaneCore;
  /** A bound socket; the listener's from now on. */
  readonly fd: number;
  readonly handler: ClientDatagramHandler;
  /** Unpredictable: for the table of endpoints. */
  readonly seed: number;
  readonly onClosed?: (listener: LinuxUdpListener) => void;
}

/** The link of every client that talks to one UDP socket. */
export class LinuxUdpListener implements ClientLink, Pollable, Outlet {
  readonly fd: number;
  readonly local: TransportAddress;
  pollSlot = -1;
  firstDue = -1;
  lastDue = -1;
  /** Without IP_RECVERR no error of another client's datagram stays on the socket. */
  readonly hasErrorsOfOthers = false;
  readonly #core: PlaneCore;
  readonly #handler: ClientDatagramHandler;
  readonly #counters: TrafficCounters;
  readonly #known: ClientTable;
  /** Stands for every unknown source in turn: strangers cost no memory. */
  readonly #scratch: LinuxEndpoint;
  readonly #isIpv6: boolean;
  readonly #onClosed: (listener: LinuxUdpListener) => void;
  /** Until when no runs are handed to the kernel. */
  #noRunsUntil = 0;
  #drops = 0;
  #responses = 0;
  /** Told once nobody is left, if nobody new is served. */
  #retired: (() => void) | null = null;
  #closed = false;

  /** @throws SystemCallError */
  constructor({ core, fd, handler, seed, onClosed = ignore }: LinuxUdpListenerParts) {
    this.fd = fd;
    this.local = core.sockets.addressOf(fd);
    this.#core = core;
    this.#handler = handler;
    this.#counters = core.counters.clients;
    this.#known = new ClientTable(seed);
    this.#onClosed = onClosed;
    this.#scratch = new LinuxEndpoint(this, this.local);
    this.#isIpv6 = this.local.ip.family === 6;
    core.sockets.tuneListener(fd, this.local.ip.family as IpFamily, BUFFER_BYTES);
    core.poller.add(this);
  }

  /** How many endpoints are retained. */
  get knownEndpoints(): number {
    return this.#known.size;
  }

  get mayMerge(): boolean {
    return this.#core.now >= this.#noRunsUntil;
  }

  // The engine returns only endpoints that this link handed out, so each is a LinuxEndpoint.

  send(endpoint: LinuxEndpoint, buffer: Buffer, start: number, end: number): void {
    if (this.#closed) return;
    this.#counters.packetsOut++;
    this.#counters.bytesOut += end - start;
    const { queue } = this.#core;
    // A response is no relayed datagram: it has no class to copy.
    const trafficClass = queue.trafficClass;
    queue.trafficClass = 0;
    queue.push(this, endpoint, 0, buffer, start, end, 0, false);
    queue.trafficClass = trafficClass;
    if (++this.#responses % RESPONSES_PER_FLUSH === 0) queue.flush();
  }

  header(): Buffer {
    return this.#core.queue.head();
  }

  sendRelayed(
    endpoint: LinuxEndpoint,
    _header: Buffer,
    headerEnd: number,
    buffer: Buffer,
    start: number,
    end: number,
    padding: number,
  ): void {
    if (this.#closed) return;
    this.#counters.packetsOut++;
    this.#counters.bytesOut += headerEnd + end - start + padding;
    this.#core.queue.push(this, endpoint, headerEnd, buffer, start, end, padding, false);
  }

  retain(endpoint: LinuxEndpoint): LinuxEndpoint {
    const known = this.find(endpoint);
    if (known !== null) return known;
    const lasting = endpoint === this.#scratch ? endpoint.copy() : endpoint;
    this.#known.add(lasting);
    return lasting;
  }

  find(endpoint: LinuxEndpoint): LinuxEndpoint | null {
    return this.#known.findSame(endpoint);
  }

  release(endpoint: LinuxEndpoint): void {
    this.#known.remove(endpoint);
    if (this.#retired !== null) setImmediate(() => this.#closeIfIdle());
  }

  /** Serves nobody new, and closes when its last client has gone; `closed` is told of that. */
  retire(closed: () => void): void {
    this.#retired = closed;
    this.#closeIfIdle();
  }

  /** Takes that back, unless it has closed. */
  revive(): void {
    this.#retired = null;
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
      if (count <= 0) return false;
      this.#core.received += count;
      for (let slot = first; slot < first + count; slot++) this.#take(slot);
      if (count < MOST_PER_READ || this.#closed) return false;
      this.countDrops();
    }
    return true;
  }

  onError(): void {}

  setDontFragment(): void {}

  refused(errno: number, datagrams: number): void {
    countErrno(this.#counters, errnoName(errno), datagrams);
  }

  runRefused(isRoute: boolean): void {
    this.#core.counters.runsRefused++;
    if (isRoute) this.#noRunsUntil = this.#core.now + ROUTE_PAUSE;
  }

  /**
   * Stops receiving and sending, and tells the engine of every five-tuple that is gone: another socket on the same
   * address would not know them, and their ports and quota would be held for nothing. Idempotent.
   */
  close(): void {
    if (this.#closed) return;
    this.#core.queue.flush();
    this.countDrops();
    this.#closed = true;
    this.#core.poller.remove(this);
    this.#core.sockets.close(this.fd);
    for (const endpoint of this.#known.list()) this.#handler.endpointClosed(endpoint);
    this.#onClosed(this);
  }

  #take(slot: number): void {
    const { ring, arena, queue } = this.#core;
    const length = ring.lengthOf(slot);
    this.#counters.bytesIn += length;
    const endpoint = this.#known.find(arena.i32, ring.nameAt(slot) >>> 2) ?? this.#stranger(ring.nameAt(slot));
    if (endpoint === null || ring.isTruncated(slot)) {
      this.#counters.packetsIn++;
      this.#counters.droppedUnusable++;
      return;
    }
    const start = ring.dataAt(slot);
    const end = start + length;
    ring.readControl(slot);
    const segment = ring.segment;
    queue.trafficClass = ring.trafficClass;
    if (segment === 0) this.#deliver(endpoint, start, end);
    else this.#deliverRun(endpoint, start, end, segment);
    queue.trafficClass = 0;
  }

  // Datagrams that the kernel has put together (UDP GRO).
  #deliverRun(endpoint: LinuxEndpoint, start: number, end: number, segment: number): void {
    for (let at = start; at < end; at += segment) this.#deliver(endpoint, at, Math.min(at + segment, end));
  }

  #deliver(endpoint: LinuxEndpoint, start: number, end: number): void {
    // What was read before it was closed is nobody's any more.
    if (this.#closed) return;
    this.#counters.packetsIn++;
    try {
      this.#handler.fromClient(endpoint, this.#core.arena.bytes, start, end);
    } catch (fault) {
      this.#core.report(fault);
    }
  }

  /** The scratch endpoint for an unknown source; null if there is no answering it: port 0 is none. */
  #stranger(nameAt: number): LinuxEndpoint | null {
    const scratch = this.#scratch;
    readSockaddr(this.#core.arena, nameAt, scratch.source);
    if (scratch.source.port === 0 || scratch.source.family === 0) return null;
    scratch.takeSource();
    // A client over IPv4 at an IPv6 socket is known by its IPv4 address.
    const isMapped = scratch.source.family === 4 && this.#isIpv6;
    const known = isMapped ? this.#known.findSame(scratch) : null;
    return known ?? (this.#retired === null ? scratch : null);
  }

  #closeIfIdle(): void {
    const closed = this.#retired;
    if (closed === null || this.#closed || this.#known.size > 0) return;
    this.close();
    closed();
  }
}

function ignore(): void {}
