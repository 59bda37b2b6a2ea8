// ICMP errors as the kernel queues them for a socket (IP_RECVERR): which datagram each is about, and what it says.
// Knows no relays. Everything that is read here came from the network: only fixed fields are looked at.

import { TransportWords } from '../../stun/transport-address.ts';
import {
  CMSGHDR_SIZE,
  IOVEC_SIZE,
  IP_RECVERR,
  IPV6_RECVERR,
  MSG_DONTWAIT,
  MSG_ERRQUEUE,
  MSGHDR_CONTROL,
  MSGHDR_CONTROLLEN,
  MSGHDR_IOV,
  MSGHDR_IOVLEN,
  MSGHDR_NAME,
  MSGHDR_NAMELEN,
  MSGHDR_SIZE,
  SOCKADDR_ROOM,
  SOL_IP,
  SOL_IPV6,
} from './abi.ts';
import type { Arena } from './arena.ts';
import type { Libc } from './libc.ts';
import { readSockaddr } from './sockaddr.ts';

const CONTROL_ROOM = 256;

/** struct sock_extended_err: errno at 0 (u32), origin at 4, type at 5, code at 6, info at 8 (u32). */
const EXTENDED_ERROR_SIZE = 16;
const ORIGIN_ICMP = 2;
const ORIGIN_ICMP6 = 3;

/** Bytes of an arena that this takes. */
export const ERROR_QUEUE_SIZE = CONTROL_ROOM + 320;

/** The error that was read last. */
export class ErrorQueue {
  /** Whom the datagram was for: the embedded destination. */
  readonly peer: TransportWords = new TransportWords();
  /** Whether it is an ICMP error at all, and not one of this host's own. */
  isIcmp = false;
  type = 0;
  code = 0;
  /** The next hop's MTU where the error tells one, else 0. */
  info = 0;
  readonly #libc: Libc;
  readonly #arena: Arena;
  readonly #headerAt: number;
  readonly #header: Uint8Array;
  readonly #nameAt: number;
  readonly #controlAt: number;

  constructor(libc: Libc, arena: Arena) {
    this.#libc = libc;
    this.#arena = arena;
    this.#headerAt = arena.reserve(MSGHDR_SIZE);
    this.#header = arena.slice(this.#headerAt, MSGHDR_SIZE);
    this.#nameAt = arena.reserve(SOCKADDR_ROOM);
    this.#controlAt = arena.reserve(CONTROL_ROOM);
    const vector = arena.reserve(IOVEC_SIZE);
    // Of the datagram itself nothing is wanted: one byte of room, and the rest is cut off.
    arena.writePointer(vector, arena.reserve(8));
    arena.writeU64(vector + 8, 1);
    arena.writePointer(this.#headerAt + MSGHDR_NAME * 4, this.#nameAt);
    arena.writePointer(this.#headerAt + MSGHDR_IOV * 4, vector);
    arena.writePointer(this.#headerAt + MSGHDR_CONTROL * 4, this.#controlAt);
    arena.u32[(this.#headerAt >>> 2) + MSGHDR_IOVLEN] = 1;
  }

  /** Takes the next error off a socket's queue. @returns false when there is none */
  read(fd: number): boolean {
    const { u32 } = this.#arena;
    const word = this.#headerAt >>> 2;
    u32[word + MSGHDR_NAMELEN] = SOCKADDR_ROOM;
    u32[word + MSGHDR_CONTROLLEN] = CONTROL_ROOM;
    if (this.#libc.recvmsg(fd, this.#header, MSG_ERRQUEUE | MSG_DONTWAIT) < 0) return false;
    readSockaddr(this.#arena, this.#nameAt, this.peer);
    this.#parse(u32[word + MSGHDR_CONTROLLEN] as number);
    return true;
  }

  #parse(length: number): void {
    const { u32, bytes } = this.#arena;
    this.isIcmp = false;
    for (let at = this.#controlAt; at + CMSGHDR_SIZE + EXTENDED_ERROR_SIZE <= this.#controlAt + length; ) {
      const size = u32[at >>> 2] as number;
      const level = u32[(at + 8) >>> 2];
      const type = u32[(at + 12) >>> 2];
      const isError = (level === SOL_IP && type === IP_RECVERR) || (level === SOL_IPV6 && type === IPV6_RECVERR);
      if (isError) this.#take(bytes, at + CMSGHDR_SIZE);
      if (size < CMSGHDR_SIZE) return;
      at += (size + 7) & ~7;
    }
  }

  #take(bytes: Buffer, at: number): void {
    const origin = bytes[at + 4];
    this.isIcmp = origin === ORIGIN_ICMP || origin === ORIGIN_ICMP6;
    this.type = bytes[at + 5] as number;
    this.code = bytes[at + 6] as number;
    this.info = bytes.readUInt32LE(at + 8);
  }
}
