// Where datagrams arrive: slots that recvmmsg fills one after the other, over several sockets, until they are used up
// and everything that was made of them has been sent. Knows no sockets and no meaning of what arrives.

import {
  CMSGHDR_SIZE,
  IOVEC_SIZE,
  IP_TOS,
  IPV6_TCLASS,
  MMSGHDR_LEN,
  MMSGHDR_SIZE,
  MSG_DONTWAIT,
  MSG_TRUNC,
  MSGHDR_CONTROL,
  MSGHDR_CONTROLLEN,
  MSGHDR_FLAGS,
  MSGHDR_IOV,
  MSGHDR_IOVLEN,
  MSGHDR_NAME,
  MSGHDR_NAMELEN,
  SOCKADDR_ROOM,
  SOL_IP,
  SOL_IPV6,
  SOL_UDP,
  UDP_GRO,
} from './abi.ts';
import type { Arena } from './arena.ts';
import type { Libc } from './libc.ts';

/** Slots of a ring: as many datagrams wait in memory at most. */
export const RING_SLOTS = 64;

/** Free bytes in front of every datagram, in which the head of a relayed message can be written. */
export const HEAD_ROOM = 64;

// The largest datagram, or the largest run of datagrams that the kernel hands over as one (UDP GRO).
const DATAGRAM_ROOM = 65_536;

// No multiple of a page: or else the beginnings of all datagrams would compete for the same few lines of the cache.
const STRIDE = HEAD_ROOM + DATAGRAM_ROOM + 1088;

/** Two control messages of 24 bytes. */
const CONTROL_ROOM = 64;

// Where the payload of a ChannelData message begins.
const FRAME_HEADER = 4;

const WORDS = MMSGHDR_SIZE >>> 2;

/** Bytes of an arena that a ring takes. */
export const RING_SIZE = RING_SLOTS * (STRIDE + MMSGHDR_SIZE + IOVEC_SIZE + SOCKADDR_ROOM + CONTROL_ROOM) + 320;

/** The slots, and what the last call left in them. Slots are numbers from 0 on. */
export class ReceiveRing {
  /** Of the datagram that {@link readControl} looked at: the length of its segments, or 0 if it is one datagram. */
  segment = 0;
  /** Likewise: DSCP and ECN, as one byte. */
  trafficClass = 0;
  readonly #libc: Libc;
  readonly #arena: Arena;
  readonly #data: number;
  readonly #headers: number;
  readonly #names: number;
  readonly #controls: number;
  /** The headers from each slot on. */
  readonly #from: readonly Uint8Array[];
  /** Each slot from its payload on, were it ChannelData. */
  readonly #payloads: readonly Uint8Array[];
  #used = 0;

  constructor(libc: Libc, arena: Arena) {
    this.#libc = libc;
    this.#arena = arena;
    this.#data = arena.reserve(RING_SLOTS * STRIDE) + HEAD_ROOM;
    this.#headers = arena.reserve(RING_SLOTS * MMSGHDR_SIZE);
    this.#names = arena.reserve(RING_SLOTS * SOCKADDR_ROOM);
    this.#controls = arena.reserve(RING_SLOTS * CONTROL_ROOM);
    const vectors = arena.reserve(RING_SLOTS * IOVEC_SIZE);
    for (let slot = 0; slot < RING_SLOTS; slot++) this.#layOut(slot, vectors + slot * IOVEC_SIZE);
    this.#from = Array.from({ length: RING_SLOTS }, (_, slot) => {
      const start = this.#headers + slot * MMSGHDR_SIZE;
      return arena.slice(start, (RING_SLOTS - slot) * MMSGHDR_SIZE);
    });
    this.#payloads = Array.from({ length: RING_SLOTS }, (_, slot) =>
      arena.slice(this.dataAt(slot) + FRAME_HEADER, DATAGRAM_ROOM - FRAME_HEADER),
    );
  }

  /** Slots that are not used. */
  get free(): number {
    return RING_SLOTS - this.#used;
  }

  /** The slot that the next datagram goes to. */
  get next(): number {
    return this.#used;
  }

  /** Receives up to `most` datagrams (at most {@link free}) into the next slots. -1 on an error: errno tells. */
  receive(fd: number, most: number): number {
    const count = this.#libc.recvmmsg(fd, this.#from[this.#used] as Uint8Array, most, MSG_DONTWAIT, null);
    if (count > 0) this.#used += count;
    return count;
  }

  /** Makes all slots free: nothing that was received is needed any more. */
  reset(): void {
    const { u32 } = this.#arena;
    for (let slot = 0; slot < this.#used; slot++) {
      const word = this.#word(slot);
      u32[word + MSGHDR_NAMELEN] = SOCKADDR_ROOM;
      u32[word + MSGHDR_CONTROLLEN] = CONTROL_ROOM;
    }
    this.#used = 0;
  }

  /** Where a slot's datagram begins in the arena. */
  dataAt(slot: number): number {
    return this.#data + slot * STRIDE;
  }

  /** The memory from `start` on if that is where a slot's ChannelData has its payload, else null: made beforehand. */
  payloadFrom(start: number): Uint8Array | null {
    const offset = start - this.#data - FRAME_HEADER;
    return offset >= 0 && offset % STRIDE === 0 ? (this.#payloads[offset / STRIDE] ?? null) : null;
  }

  lengthOf(slot: number): number {
    return this.#arena.u32[this.#word(slot) + MMSGHDR_LEN] as number;
  }

  /** Where the sockaddr of a slot's sender lies in the arena. */
  nameAt(slot: number): number {
    return this.#names + slot * SOCKADDR_ROOM;
  }

  isTruncated(slot: number): boolean {
    return ((this.#arena.u32[this.#word(slot) + MSGHDR_FLAGS] as number) & MSG_TRUNC) !== 0;
  }

  /** Reads the control messages of a slot into {@link segment} and {@link trafficClass}. */
  readControl(slot: number): void {
    const { u32 } = this.#arena;
    const end = this.#controls + slot * CONTROL_ROOM + (u32[this.#word(slot) + MSGHDR_CONTROLLEN] as number);
    this.segment = 0;
    this.trafficClass = 0;
    for (let at = this.#controls + slot * CONTROL_ROOM; at + CMSGHDR_SIZE <= end; ) {
      const word = at >>> 2;
      const size = u32[word] as number;
      this.#take(u32[word + 2] as number, u32[word + 3] as number, u32[word + 4] as number);
      if (size < CMSGHDR_SIZE) return;
      at += (size + 7) & ~7;
    }
  }

  #take(level: number, type: number, value: number): void {
    if ((level === SOL_IP && type === IP_TOS) || (level === SOL_IPV6 && type === IPV6_TCLASS)) {
      this.trafficClass = value & 0xff;
    } else if (level === SOL_UDP && type === UDP_GRO) {
      this.segment = value;
    }
  }

  #layOut(slot: number, vector: number): void {
    const arena = this.#arena;
    const header = this.#headers + slot * MMSGHDR_SIZE;
    const word = this.#word(slot);
    arena.writePointer(vector, this.dataAt(slot));
    arena.writeU64(vector + 8, DATAGRAM_ROOM);
    arena.writePointer(header + MSGHDR_NAME * 4, this.nameAt(slot));
    arena.writePointer(header + MSGHDR_IOV * 4, vector);
    arena.writePointer(header + MSGHDR_CONTROL * 4, this.#controls + slot * CONTROL_ROOM);
    arena.u32[word + MSGHDR_NAMELEN] = SOCKADDR_ROOM;
    arena.u32[word + MSGHDR_IOVLEN] = 1;
    arena.u32[word + MSGHDR_CONTROLLEN] = CONTROL_ROOM;
  }

  #word(slot: number): number {
    return (this.#headers >>> 2) + slot * WORDS;
  }
}
