// The structures of one sendmmsg call, and the call: messages, their parts and the length of a run's segments. Sees to it
// that one refused message costs the others nothing.

import {
  CMSGHDR_SIZE,
  EAGAIN,
  EINTR,
  EINVAL,
  EIO,
  EMSGSIZE,
  ENOBUFS,
  ENOMEM,
  IOVEC_SIZE,
  IP_TOS,
  IPV6_TCLASS,
  MMSGHDR_SIZE,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSGHDR_CONTROL,
  MSGHDR_CONTROLLEN,
  MSGHDR_IOV,
  MSGHDR_IOVLEN,
  MSGHDR_NAME,
  MSGHDR_NAMELEN,
  SOCKADDR_IN6_SIZE,
  SOCKADDR_ROOM,
  SOL_IP,
  SOL_IPV6,
  SOL_UDP,
  UDP_SEGMENT,
} from './abi.ts';
import type { Arena } from './arena.ts';
import type { Libc } from './libc.ts';
import type { Outlet } from './outlet.ts';

// As many as the queue has entries; each has up to three parts.
const MESSAGES = 256;
const PARTS = MESSAGES * 3;

// The kernel's own bounds of a run (UDP_MAX_SEGMENTS was 64 until Linux 6.9).
const MAX_SEGMENTS = 64;
const MAX_RUN = 65_507 - 20;

/** A control message of up to 8 bytes: CMSG_SPACE(2) and CMSG_SPACE(4) alike. A message has two at most. */
const CONTROL_SIZE = CMSGHDR_SIZE + 8;
const CONTROL_ROOM = 2 * CONTROL_SIZE;

const WORDS = MMSGHDR_SIZE >>> 2;
const FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL;

/** Bytes of an arena that a batch takes. */
export const MESSAGE_BATCH_SIZE = MESSAGES * (MMSGHDR_SIZE + SOCKADDR_ROOM + CONTROL_ROOM) + PARTS * IOVEC_SIZE + 512;

/** Messages of one socket on their way into one call. */
export class MessageBatch {
  readonly #libc: Libc;
  readonly #arena: Arena;
  readonly #headers: number;
  readonly #names: number;
  readonly #controls: number;
  readonly #vectors: number;
  readonly #zerosAt: number;
  readonly #memory: Uint8Array;
  readonly #scratch: Uint8Array;
  readonly #scratchAt: number;
  readonly #scratchVectors: number;
  /** The length of the segments of each message that is a run, else 0. */
  readonly #segmentOf = new Int32Array(MESSAGES);
  /** The first part of each message. */
  readonly #firstParts = new Int32Array(MESSAGES);
  #messages = 0;
  #parts = 0;
  // The run that the last message is: its first length, its last one, all of them.
  #segment = 0;
  #last = 0;
  #segments = 0;
  #bytes = 0;
  #trafficClass = 0;

  constructor(libc: Libc, arena: Arena) {
    this.#libc = libc;
    this.#arena = arena;
    this.#headers = arena.reserve(MESSAGES * MMSGHDR_SIZE);
    this.#names = arena.reserve(MESSAGES * SOCKADDR_ROOM);
    this.#controls = arena.reserve(MESSAGES * CONTROL_ROOM);
    this.#vectors = arena.reserve(PARTS * IOVEC_SIZE);
    this.#zerosAt = arena.reserve(8);
    this.#scratchAt = arena.reserve(MMSGHDR_SIZE);
    this.#scratchVectors = arena.reserve(3 * IOVEC_SIZE);
    this.#memory = arena.slice(this.#headers, MESSAGES * MMSGHDR_SIZE);
    this.#scratch = arena.slice(this.#scratchAt, MMSGHDR_SIZE);
    for (let message = 0; message < MESSAGES; message++) this.#layOut(message);
  }

  /** Where the sockaddr of the last message lies. */
  get lastName(): number {
    return this.#names + (this.#messages - 1) * SOCKADDR_ROOM;
  }

  /**
   * Begins a message.
   * @param trafficClass DSCP and ECN as one byte
   * @returns where its sockaddr of `nameLength` bytes is to be written
   */
  begin(nameLength: number, bytes: number, trafficClass: number): number {
    const message = this.#messages++;
    const word = this.#word(message);
    const { u32 } = this.#arena;
    u32[word + MSGHDR_NAMELEN] = nameLength;
    this.#arena.writePointer((word + MSGHDR_IOV) << 2, this.#vectors + this.#parts * IOVEC_SIZE);
    u32[word + MSGHDR_IOVLEN] = 0;
    u32[word + MSGHDR_CONTROLLEN] = 0;
    this.#segmentOf[message] = 0;
    this.#firstParts[message] = this.#parts;
    this.#trafficClass = trafficClass;
    if (trafficClass !== 0) this.#setTrafficClass(message, nameLength, trafficClass);
    this.#segment = bytes;
    this.#last = bytes;
    this.#segments = 1;
    this.#bytes = bytes;
    return this.#names + message * SOCKADDR_ROOM;
  }

  /** Whether a datagram of this length may follow in the last message: all are equal but for a shorter last one. */
  runTakes(bytes: number, trafficClass: number): boolean {
    return (
      this.#messages > 0 &&
      this.#trafficClass === trafficClass &&
      this.#last === this.#segment &&
      bytes <= this.#segment &&
      this.#segments < MAX_SEGMENTS &&
      this.#bytes + bytes <= MAX_RUN
    );
  }

  /** Adds a datagram to the last message: a run from now on. */
  extend(bytes: number): void {
    this.#segments++;
    this.#last = bytes;
    this.#bytes += bytes;
    if (this.#segments > 2) return;
    const message = this.#messages - 1;
    this.#segmentOf[message] = this.#segment;
    this.#control(message, SOL_UDP, UDP_SEGMENT, 2, this.#segment);
  }

  /** Adds `[start, start + length)` of the arena to the last message. */
  part(start: number, length: number): void {
    const vector = this.#vectors + this.#parts++ * IOVEC_SIZE;
    this.#arena.writePointer(vector, start);
    this.#arena.u32[(vector >>> 2) + 2] = length;
    const word = this.#word(this.#messages - 1) + MSGHDR_IOVLEN;
    this.#arena.u32[word] = (this.#arena.u32[word] as number) + 1;
  }

  /** Adds up to 8 zero bytes. */
  zeros(length: number): void {
    this.part(this.#zerosAt, length);
  }

  /** Sends all messages on a socket and begins anew. */
  send(outlet: Outlet): void {
    const count = this.#messages;
    if (count === 0) return;
    let sent = this.#libc.sendmmsg(outlet.fd, this.#memory, count, FLAGS);
    while (sent < count) sent = this.#goOn(outlet, sent, count);
    this.#messages = 0;
    this.#parts = 0;
  }

  // The call ended early: it tells why only when it ends at once, so it is made again from there on.
  #goOn(outlet: Outlet, sent: number, count: number): number {
    let next = Math.max(sent, 0);
    if (sent >= 0) {
      const more = this.#libc.sendmmsg(outlet.fd, this.#memory.subarray(next * MMSGHDR_SIZE), count - next, FLAGS);
      if (more > 0) return next + more;
    }
    const errno = this.#libc.errno();
    if (errno === EINTR) return this.#retry(outlet, next, count);
    // The socket's buffer is full, or the system has no memory: what comes behind would fare no better.
    if (errno === EAGAIN || errno === ENOBUFS || errno === ENOMEM) {
      for (; next < count; next++) outlet.refused(errno, this.#datagramsOf(next));
      return count;
    }
    if (isRefusedAsRun(errno) && this.#isRun(next)) return this.#sendApart(outlet, next, errno);
    // An error may belong to an earlier datagram, and another peer: this one gets a second try.
    if (outlet.hasErrorsOfOthers && this.#retry(outlet, next, count) > next) return next + 1;
    outlet.refused(this.#libc.errno(), this.#datagramsOf(next));
    return next + 1;
  }

  #retry(outlet: Outlet, message: number, count: number): number {
    const one = this.#memory.subarray(message * MMSGHDR_SIZE);
    const sent = this.#libc.sendmmsg(outlet.fd, one, count > message ? 1 : 0, FLAGS);
    return sent > 0 ? message + sent : message;
  }

  // A run that the kernel does not take, for its length or for want of the device's help, leaves datagram by datagram.
  #sendApart(outlet: Outlet, message: number, errno: number): number {
    outlet.runRefused(errno === EIO);
    const { u32 } = this.#arena;
    const word = this.#word(message);
    const segment = this.#segmentOf[message] as number;
    const first = this.#vectors + (this.#firstParts[message] as number) * IOVEC_SIZE;
    const parts = u32[word + MSGHDR_IOVLEN] as number;
    let bytes = 0;
    let begin = 0;
    for (let part = 0; part < parts; part++) {
      bytes += u32[(first >>> 2) + part * 4 + 2] as number;
      if (bytes < segment && part < parts - 1) continue;
      this.#sendParts(outlet, message, first + begin * IOVEC_SIZE, part + 1 - begin);
      begin = part + 1;
      bytes = 0;
    }
    return message + 1;
  }

  #sendParts(outlet: Outlet, message: number, vectors: number, parts: number): void {
    const arena = this.#arena;
    const word = this.#scratchAt >>> 2;
    for (let part = 0; part < parts * IOVEC_SIZE; part += 4) {
      arena.u32[(this.#scratchVectors + part) >>> 2] = arena.u32[(vectors + part) >>> 2] as number;
    }
    arena.writePointer(this.#scratchAt + MSGHDR_NAME * 4, this.#names + message * SOCKADDR_ROOM);
    arena.u32[word + MSGHDR_NAMELEN] = arena.u32[this.#word(message) + MSGHDR_NAMELEN] as number;
    arena.writePointer(this.#scratchAt + MSGHDR_IOV * 4, this.#scratchVectors);
    arena.u32[word + MSGHDR_IOVLEN] = parts;
    // Of its control messages the segment's length is the last: without it, what is left is the traffic class.
    const controlLength = arena.u32[this.#word(message) + MSGHDR_CONTROLLEN] as number;
    arena.writePointer(this.#scratchAt + MSGHDR_CONTROL * 4, this.#controls + message * CONTROL_ROOM);
    arena.u32[word + MSGHDR_CONTROLLEN] = controlLength - CONTROL_SIZE;
    if (this.#libc.sendmmsg(outlet.fd, this.#scratch, 1, FLAGS) === 1) return;
    if (outlet.hasErrorsOfOthers && this.#libc.sendmmsg(outlet.fd, this.#scratch, 1, FLAGS) === 1) return;
    outlet.refused(this.#libc.errno(), 1);
  }

  #isRun(message: number): boolean {
    return this.#segmentOf[message] !== 0;
  }

  // Of a message that was not sent: parts of a run are counted as datagrams, near enough for a counter.
  #datagramsOf(message: number): number {
    return this.#isRun(message) ? (this.#arena.u32[this.#word(message) + MSGHDR_IOVLEN] as number) : 1;
  }

  #layOut(message: number): void {
    const arena = this.#arena;
    const header = this.#headers + message * MMSGHDR_SIZE;
    arena.writePointer(header + MSGHDR_NAME * 4, this.#names + message * SOCKADDR_ROOM);
    arena.writePointer(header + MSGHDR_CONTROL * 4, this.#controls + message * CONTROL_ROOM);
  }

  #setTrafficClass(message: number, nameLength: number, trafficClass: number): void {
    if (nameLength === SOCKADDR_IN6_SIZE) this.#control(message, SOL_IPV6, IPV6_TCLASS, 4, trafficClass);
    else this.#control(message, SOL_IP, IP_TOS, 4, trafficClass);
  }

  // Adds a control message behind those that the message has.
  #control(message: number, level: number, type: number, length: number, value: number): void {
    const { u32 } = this.#arena;
    const word = this.#word(message) + MSGHDR_CONTROLLEN;
    const used = u32[word] as number;
    const control = this.#controls + message * CONTROL_ROOM + used;
    this.#arena.writeU64(control, CMSGHDR_SIZE + length);
    u32[(control >>> 2) + 2] = level;
    u32[(control >>> 2) + 3] = type;
    u32[(control >>> 2) + 4] = value;
    u32[word] = used + CONTROL_SIZE;
  }

  #word(message: number): number {
    return (this.#headers >>> 2) + message * WORDS;
  }
}

// Too long for the path as segments, or not to be segmented at all; any other error says nothing about runs.
function isRefusedAsRun(errno: number): boolean {
  return errno === EIO || errno === EMSGSIZE || errno === EINVAL;
}
