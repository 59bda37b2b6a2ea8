// The measured loop: sends bursts on schedule, receives in between, and does nothing else, unless a step asks for renewals.
// One thread, no timers, no allocation per packet; Node's own loop stands still meanwhile.

import { MSG_DONTWAIT } from '../../src/planes/linux/abi.ts';
import type { Libc } from '../../src/planes/linux/libc.ts';
import { CHANNEL_HEADER_LENGTH } from '../../src/stun/channel-data.ts';
import { Histogram } from '../histogram.ts';
import { Direction, type LoadStep } from '../load-job.ts';
import type { Clock } from './clock.ts';
import { BATCH, EVENTS, type Inbox, type MessageMemory } from './message-memory.ts';
import type { Renewals } from './renewals.ts';

/** A soak that is later than this, in nanoseconds, leaves out what it has missed. */
const MOST_MADE_UP_NS = 3e6;

/** After this many packets the loop looks for incoming ones, however late it is. */
const PACKETS_PER_TURN = 64;
/** A packet that has not arrived when nothing has for this long is lost. */
const DRAIN_NS = 300e6;
const SECOND_NS = 1e9;
/** Stands for a peer where a client has its number. */
const PEER = -1;
/** The first byte of ChannelData is at least this, that of a STUN message below (RFC 8656 §12). */
const FIRST_CHANNEL_BYTE = 0x40;

/** What the loop works on. */
export interface TrafficParts {
  readonly libc: Libc;
  readonly memory: MessageMemory;
  readonly clock: Clock;
  readonly epoll: number;
  /** Descriptors by client; a client's events carry twice its index, its peer's one more. */
  readonly clientFds: Int32Array;
  readonly peerFds: Int32Array;
  readonly payload: number;
  readonly gso: boolean;
  /** The longest sleep, in nanoseconds; 0 never sleeps. */
  readonly rest: number;
  readonly renewals: Renewals;
}

/** Sends and receives for one step after the other. */
export class Traffic {
  readonly latency: Histogram = new Histogram();
  readonly lateness: Histogram = new Histogram();
  sent = 0;
  received = 0;
  readonly #parts: TrafficParts;
  readonly #sentAtWord: number;
  readonly #stepWord: number;
  #step = 0;

  constructor(parts: TrafficParts) {
    this.#parts = parts;
    // payload = sent-at(64, nanoseconds as a double) step(32) filler
    this.#sentAtWord = parts.memory.payloadAt >>> 3;
    this.#stepWord = (parts.memory.payloadAt + 8) >>> 2;
  }

  /** Requests so far that refreshed something. */
  get renewed(): number {
    return this.#parts.renewals.begun;
  }

  /** Packets of earlier steps that are still under way are not counted. */
  begin(): void {
    this.#step++;
    this.sent = 0;
    this.received = 0;
    this.latency.clear();
    this.lateness.clear();
    this.#parts.memory.arena.u32[this.#stepWord] = this.#step;
  }

  /**
   * Offers the load for `seconds`; what is late is made up for, what is due at the end is left out. Returns seconds.
   * A step that renews is a soak: what the machine stood still for is left out then, or else it would come as one burst.
   */
  run(step: LoadStep, seconds: number): number {
    const { clock, renewals } = this.#parts;
    const total = Math.round((step.rate / step.burst) * seconds);
    const interval = (SECOND_NS * step.burst) / step.rate;
    const perTurn = Math.max(1, Math.floor(PACKETS_PER_TURN / step.burst));
    let start = clock.now();
    const end = start + seconds * SECOND_NS;
    let [count, now] = [0, start];
    while (count < total && now < end) {
      const due = Math.min(total, Math.floor((now - start) / interval) + 1, count + perTurn);
      for (; count < due; count++) {
        now = clock.now();
        this.lateness.record(now - start - count * interval);
        this.#send(count, step, now);
      }
      const got = this.#receive();
      now = clock.now();
      if (step.renewals > 0) {
        renewals.tend(now, step.renewals);
        start += leftOut(now - start - count * interval);
      }
      if (got === 0 && this.#parts.rest > 0) this.#sleep(start + count * interval - now);
    }
    return (clock.now() - start) / SECOND_NS;
  }

  /** Receives until everything has arrived, or nothing does any more. */
  drain(): void {
    const { clock } = this.#parts;
    let last = clock.now();
    while (this.received < this.sent && clock.now() - last < DRAIN_NS) if (this.#receive() > 0) last = clock.now();
  }

  #send(n: number, { direction, burst }: LoadStep, now: number): void {
    const { memory, clientFds, peerFds } = this.#parts;
    memory.f64[this.#sentAtWord] = now;
    const toPeer = direction === Direction.CLIENT_TO_PEER || (direction === Direction.BOTH && (n & 1) === 0);
    const turn = direction === Direction.BOTH ? n >>> 1 : n;
    const fd = (toPeer ? clientFds : peerFds)[turn % clientFds.length] as number;
    const messages = toPeer ? memory.clientOutbox.messages : memory.peerOutbox.messages;
    if (this.#parts.gso) this.#transmit(fd, messages, 1, burst);
    else this.#transmit(fd, messages, burst, 1);
  }

  // A socket reports an error of an earlier packet once, then works again: one more try. What the kernel does not take
  // counts as not sent.
  #transmit(fd: number, messages: Uint8Array, count: number, packetsEach: number): void {
    const { libc } = this.#parts;
    let taken = libc.sendmmsg(fd, messages, count, MSG_DONTWAIT);
    if (taken < 0) taken = libc.sendmmsg(fd, messages, count, MSG_DONTWAIT);
    if (taken > 0) this.sent += taken * packetsEach;
  }

  /** Reads what the ready sockets hold; returns how many datagrams. */
  #receive(): number {
    const { libc, memory, epoll, clientFds, peerFds } = this.#parts;
    const { size, data } = libc.epollLayout;
    const ready = libc.epollWait(epoll, memory.events, EVENTS, 0);
    let datagrams = 0;
    for (let e = 0; e < ready; e++) {
      const tag = memory.arena.u32[(memory.eventsAt + e * size + data) >>> 2] as number;
      const isPeer = (tag & 1) === 1;
      const fd = (isPeer ? peerFds : clientFds)[tag >>> 1] as number;
      const inbox = isPeer ? memory.peerInbox : memory.clientInbox;
      datagrams += this.#readSocket(fd, inbox, isPeer ? PEER : tag >>> 1);
    }
    return datagrams;
  }

  #readSocket(fd: number, inbox: Inbox, client: number): number {
    const header = client === PEER ? 0 : CHANNEL_HEADER_LENGTH;
    const { libc, memory, clock, payload } = this.#parts;
    const { u32 } = memory.arena;
    const count = libc.recvmmsg(fd, inbox.messages, BATCH, MSG_DONTWAIT, null);
    if (count <= 0) return 0;
    const now = clock.now();
    for (let i = 0; i < count; i++) {
      const at = inbox.first + i * memory.slot + header;
      if (u32[inbox.lengthWord + i * 16] !== payload + header || u32[(at + 8) >>> 2] !== this.#step) {
        if (client !== PEER) this.#readOther(client, at - header, u32[inbox.lengthWord + i * 16] as number);
        continue;
      }
      this.received++;
      this.latency.record(now - (memory.f64[at >>> 3] as number));
    }
    return count;
  }

  // An answer, or a packet of an earlier step.
  #readOther(client: number, at: number, length: number): void {
    const { memory, renewals } = this.#parts;
    if ((memory.arena.bytes[at] as number) < FIRST_CHANNEL_BYTE) renewals.take(client, at, at + length);
  }

  #sleep(untilDue: number): void {
    const { libc, memory, rest } = this.#parts;
    const time = Math.min(rest, untilDue);
    if (time <= 0) return;
    memory.arena.writeU64(memory.timeAt, 0);
    memory.arena.writeU64(memory.timeAt + 8, Math.floor(time));
    libc.nanosleep(memory.time, null);
  }
}

// The lateness that is not made up for.
function leftOut(late: number): number {
  return late > MOST_MADE_UP_NS ? late : 0;
}
