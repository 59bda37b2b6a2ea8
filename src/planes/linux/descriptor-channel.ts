// Passes descriptors between two processes over a pair of AF_UNIX sockets (SCM_RIGHTS), each with a short message that
// says what they are. Never blocks and never polls: whoever sends tells the other side by other means that there is
// something to receive. Every descriptor that arrives has one owner: the caller, or this file, which closes it.

import {
  AF_UNIX,
  CMSGHDR_SIZE,
  IOVEC_SIZE,
  MSG_CMSG_CLOEXEC,
  MSG_CTRUNC,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_TRUNC,
  MSGHDR_CONTROL,
  MSGHDR_CONTROLLEN,
  MSGHDR_FLAGS,
  MSGHDR_IOV,
  MSGHDR_IOVLEN,
  MSGHDR_SIZE,
  SCM_RIGHTS,
  SOCK_CLOEXEC,
  SOCK_NONBLOCK,
  SOCK_SEQPACKET,
  SOL_SOCKET,
} from './abi.ts';
import { Arena } from './arena.ts';
import type { Libc } from './libc.ts';
import { checked, errnoName, SystemCallError } from './system-error.ts';

/** Bytes of a message; none at all would look like the end of the channel. */
const MAX_MESSAGE = 1024;

/** Descriptors with one message. */
export const MAX_DESCRIPTORS = 64;

const CONTROL_SIZE = CMSGHDR_SIZE + 4 * MAX_DESCRIPTORS;

/** What comes of a full queue, of a peer that has gone, and of too many descriptors on their way. */
const NOT_NOW = new Set(['EAGAIN', 'EPIPE', 'ECONNRESET', 'ENOTCONN', 'ETOOMANYREFS', 'ENOBUFS', 'ENOMEM']);

/** What one message brought. */
export interface ReceivedDescriptors {
  readonly message: Buffer;
  /** Belong to the receiver from now on. */
  readonly fds: readonly number[];
  /**
   * Not all of it came: this process has no descriptors left, or the sender broke the limits. What did come is closed,
   * so `fds` is empty; `message` is what there was room for.
   */
  readonly truncated: boolean;
}

/** Both ends of a channel, in the process that made it. */
export interface DescriptorPair {
  readonly near: DescriptorChannel;
  /** The other end, for a child's stdio; the parent closes it once the child runs. Both ends are closed at exec otherwise. */
  readonly far: DescriptorChannel;
}

/** Opens a channel. @throws SystemCallError */
export function openPair(libc: Libc): DescriptorPair {
  const pair = new Uint8Array(new ArrayBuffer(8));
  const type = SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC;
  checked(libc, 'socketpair', libc.socketpair(AF_UNIX, type, 0, pair));
  const fds = new DataView(pair.buffer);
  return {
    near: new DescriptorChannel(libc, fds.getInt32(0, true)),
    far: new DescriptorChannel(libc, fds.getInt32(4, true)),
  };
}

/** One end of a channel. */
export class DescriptorChannel {
  /** Belongs to this object. */
  readonly fd: number;
  readonly #libc: Libc;
  readonly #arena: Arena;
  readonly #header: number;
  readonly #iov: number;
  readonly #control: number;
  readonly #message: number;
  #closed: boolean;

  /** @param fd one end of {@link openPair}, perhaps inherited */
  constructor(libc: Libc, fd: number) {
    this.fd = fd;
    this.#libc = libc;
    this.#arena = new Arena(libc, 2048);
    this.#header = this.#arena.reserve(MSGHDR_SIZE);
    this.#iov = this.#arena.reserve(IOVEC_SIZE);
    this.#control = this.#arena.reserve(CONTROL_SIZE);
    this.#message = this.#arena.reserve(MAX_MESSAGE);
    this.#closed = false;
  }

  /**
   * Sends a message of 1..1024 bytes and duplicates of up to {@link MAX_DESCRIPTORS} descriptors; the caller's stay open
   * and its own.
   * @returns false when the queue is full or the other side has gone: nothing was sent
   * @throws RangeError beyond the limits, and SystemCallError for a descriptor that is none
   */
  send(message: Uint8Array, fds: readonly number[]): boolean {
    if (message.length === 0 || message.length > MAX_MESSAGE)
      throw new RangeError(`a message of ${message.length} bytes`);
    if (fds.length > MAX_DESCRIPTORS) throw new RangeError(`${fds.length} descriptors in one message`);
    if (this.#closed) return false;
    this.#arena.bytes.set(message, this.#message);
    this.#layOut(message.length, this.#writeRights(fds));
    const header = this.#arena.slice(this.#header, MSGHDR_SIZE);
    if (this.#libc.sendmsg(this.fd, header, MSG_DONTWAIT | MSG_NOSIGNAL) >= 0) return true;
    const errno = this.#libc.errno();
    if (NOT_NOW.has(errnoName(errno))) return false;
    throw new SystemCallError('sendmsg', errno);
  }

  /**
   * Receives one message, without waiting.
   * @returns null when there is none, now or (because the other side has gone) ever again
   * @throws SystemCallError for a channel that is none
   */
  receive(): ReceivedDescriptors | null {
    if (this.#closed) return null;
    this.#layOut(MAX_MESSAGE, CONTROL_SIZE);
    const header = this.#arena.slice(this.#header, MSGHDR_SIZE);
    const length = this.#libc.recvmsg(this.fd, header, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    if (length < 0) return this.#refusal(this.#libc.errno());
    const fds = this.#readRights();
    const truncated = (this.#word(MSGHDR_FLAGS) & (MSG_TRUNC | MSG_CTRUNC)) !== 0;
    if (truncated || length === 0) for (const fd of fds) this.#libc.close(fd);
    if (length === 0) return null;
    const message = Buffer.from(this.#arena.bytes.subarray(this.#message, this.#message + length));
    return { message, fds: truncated ? [] : fds, truncated };
  }

  /** Closes this end; descriptors in messages that nobody received are closed with it. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#libc.close(this.fd);
  }

  #refusal(errno: number): null {
    if (NOT_NOW.has(errnoName(errno))) return null;
    throw new SystemCallError('recvmsg', errno);
  }

  #layOut(messageLength: number, controlLength: number): void {
    const arena = this.#arena;
    arena.writePointer(this.#iov, this.#message);
    arena.writeU64(this.#iov + 8, messageLength);
    arena.bytes.fill(0, this.#header, this.#header + MSGHDR_SIZE);
    arena.writePointer(this.#header + 4 * MSGHDR_IOV, this.#iov);
    arena.writeU64(this.#header + 4 * MSGHDR_IOVLEN, 1);
    if (controlLength > 0) arena.writePointer(this.#header + 4 * MSGHDR_CONTROL, this.#control);
    arena.writeU64(this.#header + 4 * MSGHDR_CONTROLLEN, controlLength);
  }

  /** @returns the length of the control data */
  #writeRights(fds: readonly number[]): number {
    if (fds.length === 0) return 0;
    const { i32 } = this.#arena;
    const at = this.#control >>> 2;
    const length = CMSGHDR_SIZE + 4 * fds.length;
    this.#arena.writeU64(this.#control, length);
    i32[at + 2] = SOL_SOCKET;
    i32[at + 3] = SCM_RIGHTS;
    i32.set(fds, at + 4);
    // The next header would lie at a multiple of 8: that is where the kernel looks for an end.
    return (length + 7) & ~7;
  }

  #readRights(): number[] {
    const { i32, u32 } = this.#arena;
    const fds: number[] = [];
    const end = this.#control + this.#word(MSGHDR_CONTROLLEN);
    let at = this.#control;
    while (at + CMSGHDR_SIZE <= end) {
      const length = u32[at >>> 2] as number;
      if (length < CMSGHDR_SIZE) break;
      const isRights = i32[(at >>> 2) + 2] === SOL_SOCKET && i32[(at >>> 2) + 3] === SCM_RIGHTS;
      for (let fd = at + CMSGHDR_SIZE; isRights && fd < at + length; fd += 4) fds.push(i32[fd >>> 2] as number);
      at += (length + 7) & ~7;
    }
    return fds;
  }

  /** A word of the message header. */
  #word(index: number): number {
    return this.#arena.u32[(this.#header >>> 2) + index] as number;
  }
}
