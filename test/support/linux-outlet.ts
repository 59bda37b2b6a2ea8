// What a test of the send queue puts around it: outlets that note what they are told, datagrams that can be told apart,
// and a reading of the messages that are handed to the kernel.

import type { Libc } from '../../src/planes/linux/libc.ts';
import type { Outlet } from '../../src/planes/linux/outlet.ts';
import type { PlaneCore } from '../../src/planes/linux/plane-core.ts';
import { RING_SLOTS } from '../../src/planes/linux/receive-ring.ts';
import { judgingSends } from './linux-libc.ts';

/** A socket that notes what the queue tells it. */
export class NotingOutlet implements Outlet {
  readonly fd: number;
  firstDue = -1;
  lastDue = -1;
  mayMerge = true;
  readonly hasErrorsOfOthers: boolean;
  /** DF as it was set, in order. */
  readonly dontFragment: boolean[] = [];
  /** errno and datagrams. */
  readonly refusals: [errno: number, datagrams: number][] = [];
  readonly runRefusals: boolean[] = [];

  constructor(fd: number, hasErrorsOfOthers = true) {
    this.fd = fd;
    this.hasErrorsOfOthers = hasErrorsOfOthers;
  }

  setDontFragment(isSet: boolean): void {
    this.dontFragment.push(isSet);
  }

  refused(errno: number, datagrams: number): void {
    this.refusals.push([errno, datagrams]);
  }

  runRefused(isRoute: boolean): void {
    this.runRefusals.push(isRoute);
  }
}

/** A message as it is handed to the kernel. */
export interface Handed {
  readonly fd: number;
  /** The port that it is for. */
  readonly port: number;
  /** How many pieces of memory it is made of. */
  readonly parts: number;
  /** The length of its segments, or 0 if it is one datagram. */
  readonly segment: number;
  /** DSCP and ECN, or 0. */
  readonly trafficClass: number;
}

const SOL_UDP = 17;

/** A libc that notes each message in `handed`, and answers it with the errno that `verdict` gives, or sends it for 0. */
export function notingSends(libc: Libc, handed: Handed[], verdict: (message: Handed) => number = () => 0): Libc {
  return judgingSends(libc, (fd, header) => {
    const message = readMessage(libc, fd, header);
    handed.push(message);
    return verdict(message);
  });
}

// All structures of a batch lie in the memory of its headers.
function readMessage(libc: Libc, fd: number, header: Uint8Array): Handed {
  const memory = new DataView(header.buffer);
  const base = BigInt(libc.addressOf(new Uint8Array(header.buffer)));
  const at = header.byteOffset;
  const follow = (pointer: number): number => Number(memory.getBigUint64(at + pointer, true) - base);
  const control = follow(32);
  const end = control + memory.getUint32(at + 40, true);
  let segment = 0;
  let trafficClass = 0;
  for (let one = control; one < end; one += 24) {
    if (memory.getUint32(one + 8, true) === SOL_UDP) segment = memory.getUint16(one + 16, true);
    else trafficClass = memory.getUint32(one + 16, true);
  }
  const parts = memory.getUint32(at + 24, true);
  return { fd, port: memory.getUint16(follow(0) + 2), parts, segment, trafficClass };
}

/** Datagrams in the ring's memory, as if they had just been received: payloads that are not copied. */
export class Received {
  readonly #core: PlaneCore;
  readonly #end: number;
  #next: number;
  #count = 0;

  constructor(core: PlaneCore) {
    this.#core = core;
    this.#next = core.ring.dataAt(0);
    this.#end = core.ring.dataAt(RING_SLOTS - 1) + 65_536;
  }

  /** Puts a payload there. @returns where it begins in the arena */
  put(payload: Buffer): number {
    const at = this.#next;
    this.#next += payload.length;
    if (this.#next > this.#end) throw new Error('the test uses more memory than there is');
    payload.copy(this.#core.arena.bytes, at);
    return at;
  }

  /** A payload like no other of this object. */
  payload(length: number): Buffer {
    return unlikeOthers(this.#count++, length);
  }
}

/** Bytes that tell which datagram they belong to, wherever one looks. */
export function unlikeOthers(index: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  for (let at = 0; at < length; at++) bytes[at] = (index * 61 + at * 7 + (at >>> 8) * (index + 3)) & 0xff;
  return bytes;
}
