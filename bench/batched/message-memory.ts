// The memory of the batched generator: what its system calls read and write, laid out once. Knows structures, not what
// they are for.

import {
  CMSGHDR_SIZE,
  IOVEC_SIZE,
  MMSGHDR_LEN,
  MMSGHDR_SIZE,
  MSGHDR_CONTROL,
  MSGHDR_CONTROLLEN,
  MSGHDR_IOV,
  MSGHDR_IOVLEN,
  SOCKADDR_ROOM,
  SOL_UDP,
  UDP_SEGMENT,
} from '../../src/planes/linux/abi.ts';
import { Arena } from '../../src/planes/linux/arena.ts';
import type { Libc } from '../../src/planes/linux/libc.ts';
import { CHANNEL_HEADER_LENGTH, FIRST_CHANNEL, writeChannelHeader } from '../../src/stun/channel-data.ts';

/** Messages in one call, at most. */
export const BATCH = 64;
/** Ready sockets that one look reports, at most: few, so that sending is not kept waiting. */
export const EVENTS = 64;

const HALF_SLOT = 4;
const WORD_SHIFT = 2;
const ARENA_SLACK = 64 * 1024;
const SMALLEST_SLOT = 2048;

/** Datagrams to be received: message headers, and where the payload of each lands. */
export interface Inbox {
  /** What recvmmsg takes. */
  readonly messages: Uint8Array;
  /** The length that the kernel wrote for message i is `u32[lengthWord + 16 i]`. */
  readonly lengthWord: number;
  /** Message i begins at `first + slot × i`. */
  readonly first: number;
}

/** One datagram many times, ready to be sent. */
export interface Outbox {
  /** What sendmmsg takes: {@link BATCH} headers of the same datagram. */
  readonly messages: Uint8Array;
}

/** Everything that the generator's calls point to. */
export class MessageMemory {
  readonly arena: Arena;
  /** Doubles over the arena. */
  readonly f64: Float64Array;
  readonly events: Uint8Array;
  readonly eventsAt: number;
  /** Datagrams of a client: its payload lies where a peer's does, the ChannelData header before it. */
  readonly clientInbox: Inbox;
  readonly peerInbox: Inbox;
  readonly slot: number;
  /** Where the payload of the packet that is sent begins: a multiple of 8. */
  readonly payloadAt: number;
  readonly clientOutbox: Outbox;
  readonly peerOutbox: Outbox;
  /** Room for one request: its bytes, and the header whose length is at {@link requestLengthAt}. */
  readonly requestAt: number;
  readonly requestRoom = 1024;
  readonly request: Uint8Array;
  readonly #requestVector: number;
  /** Scratch: an address, its length, the value of an option, a struct timespec. */
  readonly addressAt: number;
  readonly address: Uint8Array;
  readonly length: Uint8Array;
  readonly lengthAt: number;
  readonly value: Uint8Array;
  readonly valueAt: number;
  readonly time: Uint8Array;
  readonly timeAt: number;
  readonly #gsoBurst: number;

  /** @param gsoBurst datagrams in one message (UDP GSO), or 1 for messages of their own */
  constructor(libc: Libc, payload: number, gsoBurst: number) {
    this.#gsoBurst = gsoBurst;
    this.slot = Math.max(SMALLEST_SLOT, (payload + HALF_SLOT * 2 + 63) & ~63);
    // A whole number of doubles, whatever the payload.
    const room = (payload + 7) & ~7;
    const arena = new Arena(libc, BATCH * (this.slot + 8 * MMSGHDR_SIZE) + room + ARENA_SLACK);
    this.arena = arena;
    this.f64 = new Float64Array(arena.bytes.buffer);
    const eventsSize = EVENTS * libc.epollLayout.size;
    this.eventsAt = arena.reserve(eventsSize);
    this.events = arena.slice(this.eventsAt, eventsSize);
    const data = arena.reserve(BATCH * this.slot);
    this.clientInbox = this.#layInbox(data + HALF_SLOT);
    this.peerInbox = this.#layInbox(data + 2 * HALF_SLOT);
    this.payloadAt = arena.reserve(2 * HALF_SLOT + payload) + 2 * HALF_SLOT;
    const packet = this.payloadAt - CHANNEL_HEADER_LENGTH;
    arena.bytes.fill(0xa5, this.payloadAt, this.payloadAt + payload);
    writeChannelHeader(arena.bytes, packet, FIRST_CHANNEL, payload);
    this.clientOutbox = this.#layOutbox(packet, CHANNEL_HEADER_LENGTH + payload);
    this.peerOutbox = this.#layOutbox(this.payloadAt, payload);
    this.requestAt = arena.reserve(this.requestRoom);
    this.#requestVector = this.#layVectors(this.requestAt, 0, 1);
    this.request = this.#layMessages(1, this.#requestVector, 0, 1);
    this.addressAt = arena.reserve(SOCKADDR_ROOM);
    this.address = arena.slice(this.addressAt, SOCKADDR_ROOM);
    this.lengthAt = arena.reserve(4);
    this.length = arena.slice(this.lengthAt, 4);
    this.valueAt = arena.reserve(64);
    this.value = arena.slice(this.valueAt, 64);
    this.timeAt = arena.reserve(16);
    this.time = arena.slice(this.timeAt, 16);
  }

  /** Puts `bytes` where {@link request} points. */
  setRequest(bytes: Uint8Array): void {
    this.arena.bytes.set(bytes, this.requestAt);
    this.arena.writeU64(this.#requestVector + 8, bytes.length);
  }

  #layInbox(first: number): Inbox {
    const vectors = this.arena.reserve(BATCH * IOVEC_SIZE);
    for (let i = 0; i < BATCH; i++) {
      this.arena.writePointer(vectors + i * IOVEC_SIZE, first + i * this.slot);
      this.arena.writeU64(vectors + i * IOVEC_SIZE + 8, this.slot - 2 * HALF_SLOT);
    }
    const messages = this.#layMessages(BATCH, vectors, IOVEC_SIZE, 1);
    return { messages, lengthWord: (messages.byteOffset >>> WORD_SHIFT) + MMSGHDR_LEN, first };
  }

  #layOutbox(at: number, length: number): Outbox {
    const burst = this.#gsoBurst;
    const messages = this.#layMessages(BATCH, this.#layVectors(at, length, burst), 0, burst);
    if (burst > 1) this.#addSegmentSize(messages, length);
    return { messages };
  }

  // Several vectors of the same bytes: the segments of one GSO message.
  #layVectors(at: number, length: number, count: number): number {
    const vectors = this.arena.reserve(count * IOVEC_SIZE);
    for (let i = 0; i < count; i++) {
      this.arena.writePointer(vectors + i * IOVEC_SIZE, at);
      this.arena.writeU64(vectors + i * IOVEC_SIZE + 8, length);
    }
    return vectors;
  }

  #layMessages(count: number, vectors: number, stride: number, vectorsEach: number): Uint8Array {
    const at = this.arena.reserve(count * MMSGHDR_SIZE);
    for (let i = 0; i < count; i++) {
      const header = at + i * MMSGHDR_SIZE;
      this.arena.writePointer(header + MSGHDR_IOV * 4, vectors + i * stride);
      this.arena.writeU64(header + MSGHDR_IOVLEN * 4, vectorsEach);
    }
    return this.arena.slice(at, count * MMSGHDR_SIZE);
  }

  #addSegmentSize(messages: Uint8Array, length: number): void {
    const { arena } = this;
    const control = arena.reserve(CMSGHDR_SIZE + 8);
    arena.writeU64(control, CMSGHDR_SIZE + 2);
    arena.u32[(control + 8) >>> WORD_SHIFT] = SOL_UDP;
    arena.u32[(control + 12) >>> WORD_SHIFT] = UDP_SEGMENT;
    arena.u16[(control + CMSGHDR_SIZE) >>> 1] = length;
    for (let at = messages.byteOffset; at < messages.byteOffset + messages.length; at += MMSGHDR_SIZE) {
      arena.writePointer(at + MSGHDR_CONTROL * 4, control);
      arena.writeU64(at + MSGHDR_CONTROLLEN * 4, CMSGHDR_SIZE + 8);
    }
  }
}
