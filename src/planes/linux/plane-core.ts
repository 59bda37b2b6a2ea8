// What the sockets of a Linux plane share: memory, queues, the poller and counters. State only; how it turns is the
// event loop's business.

import { TransportWords } from '../../stun/transport-address.ts';
import type { PlaneCounters } from '../plane-counters.ts';
import { Arena } from './arena.ts';
import { ERROR_QUEUE_SIZE, ErrorQueue } from './error-queue.ts';
import type { Libc } from './libc.ts';
import { POLLER_SIZE, Poller } from './poller.ts';
import { ReceiveRing, RING_SIZE } from './receive-ring.ts';
import { QUEUE_SIZE, SendQueue } from './send-queue.ts';
import { SOCKETS_SIZE, Sockets } from './sockets.ts';

const CLOCK_SIZE = 192;

/** Bytes of the arena: most of it is never touched, since datagrams are rarely as large as they may be. */
const ARENA_SIZE = RING_SIZE + QUEUE_SIZE + POLLER_SIZE + SOCKETS_SIZE + ERROR_QUEUE_SIZE + CLOCK_SIZE + 4096;

/** What a plane is made with. */
export interface PlaneCoreOptions {
  readonly libc: Libc;
  readonly counters: PlaneCounters;
  /** Told what the engine threw: a bug, which must not end the process. */
  readonly report: (fault: unknown) => void;
}

/** The shared parts. */
export class PlaneCore {
  readonly libc: Libc;
  readonly counters: PlaneCounters;
  readonly report: (fault: unknown) => void;
  readonly arena: Arena;
  readonly ring: ReceiveRing;
  readonly queue: SendQueue;
  readonly poller: Poller;
  readonly sockets: Sockets;
  readonly errors: ErrorQueue;
  /** The scratch for sources of peers' datagrams. */
  readonly source: TransportWords = new TransportWords();
  /** Datagrams received since the start: how busy the plane is. */
  received = 0;
  /** Monotonic milliseconds, as the event loop read them last. */
  now = 0;

  /** @throws SystemCallError where the system refuses epoll */
  constructor({ libc, counters, report }: PlaneCoreOptions) {
    this.libc = libc;
    this.counters = counters;
    this.report = report;
    this.arena = new Arena(libc, ARENA_SIZE);
    this.ring = new ReceiveRing(libc, this.arena);
    this.queue = new SendQueue(libc, this.arena, this.ring);
    this.poller = new Poller(libc, this.arena);
    this.sockets = new Sockets(libc, this.arena);
    this.errors = new ErrorQueue(libc, this.arena);
  }

  /** Sees to it that the ring has room for `slots` datagrams: what was received before is sent first. */
  makeRoom(slots: number): void {
    if (this.ring.free >= slots) return;
    this.queue.flush();
    this.ring.reset();
  }
}
