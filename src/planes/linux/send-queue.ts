// Datagrams that are due: collected over a round, grouped by socket, and handed to the kernel with one call a socket.
// Equal datagrams in a row for one destination become one run (UDP GSO). Payloads are not copied: the queue is flushed
// before the slots that they lie in are used again. Knows no clients and no peers.

import { AF_INET6, MSG_DONTWAIT, MSG_NOSIGNAL, SOCKADDR_IN_SIZE, SOCKADDR_IN6_SIZE, SOCKADDR_ROOM } from './abi.ts';
import type { Arena } from './arena.ts';
import type { Libc } from './libc.ts';
import { MESSAGE_BATCH_SIZE, MessageBatch } from './message-batch.ts';
import type { Outlet } from './outlet.ts';
import { HEAD_ROOM, type ReceiveRing } from './receive-ring.ts';

/** Datagrams that may be due at once. */
export const QUEUE_ENTRIES = 256;

// Bytes of messages that do not lie in the arena: responses, and what stream clients send.
const COPY_ROOM = 256 * 1024;

/** Bytes of an arena that a queue takes. */
export const QUEUE_SIZE = QUEUE_ENTRIES * HEAD_ROOM + COPY_ROOM + MESSAGE_BATCH_SIZE + 640;

const NONE = -1;
const SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL;

/** A destination as the raw words of its sockaddr: what the kernel reported, or what an address was made into. */
export interface Destination {
  /** Family and port: the first word of the sockaddr. */
  readonly head: number;
  /** The address: of IPv4 in the first. */
  readonly a0: number;
  readonly a1: number;
  readonly a2: number;
  readonly a3: number;
}

/** The queue of a plane. */
export class SendQueue {
  /**
   * DSCP and ECN of the datagram that is being handled, as one byte: what is relayed because of it leaves with the same
   * (RFC 8656 §14). 0 while there is none, so what comes from a stream leaves with 0 (§15).
   */
  trafficClass = 0;
  /** Told when a datagram becomes due and none was: somebody must {@link flush} before long. */
  onFirst: () => void = () => {};
  readonly #libc: Libc;
  readonly #arena: Arena;
  readonly #ring: ReceiveRing;
  readonly #nameAt: number;
  readonly #name: Uint8Array;
  readonly #batch: MessageBatch;
  /** Heads of relayed messages, one for each entry. */
  readonly #heads: readonly Buffer[];
  readonly #headsAt: number;
  readonly #copiesAt: number;
  #copied = 0;
  #count = 0;
  // An entry: the next of its socket, its destination, and up to three parts.
  readonly #next = new Int32Array(QUEUE_ENTRIES);
  readonly #head = new Int32Array(QUEUE_ENTRIES);
  readonly #addresses = new Int32Array(QUEUE_ENTRIES * 4);
  readonly #headLength = new Int32Array(QUEUE_ENTRIES);
  readonly #start = new Int32Array(QUEUE_ENTRIES);
  readonly #length = new Int32Array(QUEUE_ENTRIES);
  readonly #padding = new Int32Array(QUEUE_ENTRIES);
  readonly #dontFragment = new Uint8Array(QUEUE_ENTRIES);
  readonly #trafficClass = new Uint8Array(QUEUE_ENTRIES);
  /** The sockets that have entries. Never emptied by its length: that would make the next one allocate. */
  readonly #touched: (Outlet | null)[] = Array.from({ length: QUEUE_ENTRIES }, () => null);
  #touchedCount = 0;

  constructor(libc: Libc, arena: Arena, ring: ReceiveRing) {
    this.#libc = libc;
    this.#arena = arena;
    this.#ring = ring;
    this.#nameAt = arena.reserve(SOCKADDR_ROOM);
    this.#name = arena.slice(this.#nameAt, SOCKADDR_ROOM);
    this.#headsAt = arena.reserve(QUEUE_ENTRIES * HEAD_ROOM);
    this.#copiesAt = arena.reserve(COPY_ROOM);
    this.#heads = Array.from({ length: QUEUE_ENTRIES }, (_, entry) => {
      const start = this.#headsAt + entry * HEAD_ROOM;
      return arena.bytes.subarray(start, start + HEAD_ROOM);
    });
    this.#batch = new MessageBatch(libc, arena);
  }

  /** Datagrams that are due. */
  get size(): number {
    return this.#count;
  }

  /** Where the head of the next datagram is written: valid for the next {@link push}. */
  head(): Buffer {
    if (this.#count === QUEUE_ENTRIES) this.flush();
    return this.#heads[this.#count] as Buffer; // below the length: flushed when full
  }

  /**
   * Adds a datagram: `headLength` bytes of {@link head}, the payload `buffer[start, end)` and `padding` (0..3) zero
   * bytes. A payload outside of the arena is copied; one inside stays where it is.
   */
  push(
    outlet: Outlet,
    to: Destination,
    headLength: number,
    buffer: Buffer,
    start: number,
    end: number,
    padding: number,
    dontFragment: boolean,
  ): void {
    const isBorrowed = buffer === this.#arena.bytes;
    const length = end - start;
    // Before anything is copied: a flush makes the room for copies free. With a head there is an entry free already.
    if (this.#count === QUEUE_ENTRIES) this.flush();
    const at = isBorrowed ? start : this.#copy(buffer, start, end, headLength);
    const entry = this.#count;
    if (entry === 0) this.onFirst();
    this.#count = entry + 1;
    this.#next[entry] = NONE;
    this.#head[entry] = to.head;
    const address = entry << 2;
    this.#addresses[address] = to.a0;
    this.#addresses[address + 1] = to.a1;
    this.#addresses[address + 2] = to.a2;
    this.#addresses[address + 3] = to.a3;
    this.#headLength[entry] = headLength;
    this.#start[entry] = at;
    this.#length[entry] = length;
    this.#padding[entry] = padding;
    this.#dontFragment[entry] = dontFragment ? 1 : 0;
    this.#trafficClass[entry] = this.trafficClass;
    if (outlet.firstDue < 0) {
      outlet.firstDue = entry;
      this.#touched[this.#touchedCount++] = outlet;
    } else {
      this.#next[outlet.lastDue] = entry;
    }
    outlet.lastDue = entry;
  }

  /** Hands everything to the kernel. What it does not take is counted and gone: media is perishable. */
  flush(): void {
    const touched = this.#touched;
    for (let index = 0; index < this.#touchedCount; index++) {
      this.#flushOutlet(touched[index] as Outlet); // below the count
      touched[index] = null;
    }
    this.#touchedCount = 0;
    this.#count = 0;
    this.#copied = 0;
  }

  #flushOutlet(outlet: Outlet): void {
    const batch = this.#batch;
    const mayMerge = outlet.mayMerge;
    let entry = outlet.firstDue;
    outlet.firstDue = NONE;
    if ((this.#next[entry] as number) < 0 && this.#sendAlone(outlet, entry)) return;
    while (entry >= 0) {
      if (this.#dontFragment[entry] === 1) {
        batch.send(outlet);
        this.#fill(entry, false);
        outlet.setDontFragment(true);
        batch.send(outlet);
        outlet.setDontFragment(false);
      } else {
        this.#fill(entry, mayMerge);
      }
      entry = this.#next[entry] as number;
    }
    batch.send(outlet);
  }

  // One payload for one peer: what a relay socket has to send most of the time. sendto is cheaper than a batch of one
  // (75 of 1,160 ns). What it refuses is tried again as a batch, which knows what to make of errors.
  #sendAlone(outlet: Outlet, entry: number): boolean {
    const isPlain = this.#headLength[entry] === 0 && this.#padding[entry] === 0 && this.#trafficClass[entry] === 0;
    if (!isPlain || this.#dontFragment[entry] === 1) return false;
    const payload = this.#ring.payloadFrom(this.#start[entry] as number);
    if (payload === null) return false;
    const size = this.#writeName(entry, this.#nameAt >>> 2);
    return this.#libc.sendto(outlet.fd, payload, this.#length[entry] as number, SEND_FLAGS, this.#name, size) >= 0;
  }

  #fill(entry: number, mayMerge: boolean): void {
    const batch = this.#batch;
    const headLength = this.#headLength[entry] as number;
    const length = this.#length[entry] as number;
    const padding = this.#padding[entry] as number;
    const total = headLength + length + padding;
    const trafficClass = this.#trafficClass[entry] as number;
    const merges = mayMerge && total > 0 && batch.runTakes(total, trafficClass) && this.#isSameAsBefore(entry);
    if (merges) batch.extend(total);
    else this.#begin(entry, total, trafficClass);
    if (headLength > 0) batch.part(this.#headsAt + entry * HEAD_ROOM, headLength);
    if (length > 0) batch.part(this.#start[entry] as number, length);
    if (padding > 0) batch.zeros(padding);
  }

  // The destination of the datagram before is still in its message.
  #isSameAsBefore(entry: number): boolean {
    const { i32 } = this.#arena;
    const word = this.#batch.lastName >>> 2;
    if (i32[word] !== this.#head[entry]) return false;
    const address = entry << 2;
    if (!isIpv6(this.#head[entry] as number)) return i32[word + 1] === this.#addresses[address];
    return (
      i32[word + 2] === this.#addresses[address] &&
      i32[word + 3] === this.#addresses[address + 1] &&
      i32[word + 4] === this.#addresses[address + 2] &&
      i32[word + 5] === this.#addresses[address + 3]
    );
  }

  #begin(entry: number, total: number, trafficClass: number): void {
    const nameLength = isIpv6(this.#head[entry] as number) ? SOCKADDR_IN6_SIZE : SOCKADDR_IN_SIZE;
    this.#writeName(entry, this.#batch.begin(nameLength, total, trafficClass) >>> 2);
  }

  /** Writes the destination as a sockaddr. @returns its size */
  #writeName(entry: number, word: number): number {
    const { i32 } = this.#arena;
    const address = entry << 2;
    i32[word] = this.#head[entry] as number;
    if (!isIpv6(this.#head[entry] as number)) {
      i32[word + 1] = this.#addresses[address] as number;
      return SOCKADDR_IN_SIZE;
    }
    i32[word + 1] = 0;
    i32[word + 2] = this.#addresses[address] as number;
    i32[word + 3] = this.#addresses[address + 1] as number;
    i32[word + 4] = this.#addresses[address + 2] as number;
    i32[word + 5] = this.#addresses[address + 3] as number;
    i32[word + 6] = 0;
    return SOCKADDR_IN6_SIZE;
  }

  // The head of the next datagram may be written already: a flush for want of room must not lose it.
  #copy(buffer: Buffer, start: number, end: number, headLength: number): number {
    if (this.#copied + end - start > COPY_ROOM) this.#flushKeepingHead(headLength);
    const at = this.#copiesAt + this.#copied;
    this.#arena.bytes.set(buffer.subarray(start, end), at);
    this.#copied += (end - start + 63) & ~63;
    return at;
  }

  #flushKeepingHead(headLength: number): void {
    const entry = this.#count;
    this.flush();
    if (headLength === 0 || entry === 0) return;
    const from = this.#headsAt + entry * HEAD_ROOM;
    this.#arena.bytes.copyWithin(this.#headsAt, from, from + headLength);
  }
}

function isIpv6(head: number): boolean {
  return (head & 0xffff) === AF_INET6;
}
