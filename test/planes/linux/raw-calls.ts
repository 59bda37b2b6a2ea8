// What the tests of the Linux plane do with descriptors: reading a datagram, counting and judging what is open.

import { readdirSync, readFileSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import * as abi from '../../../src/planes/linux/abi.ts';
import { Arena } from '../../../src/planes/linux/arena.ts';
import type { Libc } from '../../../src/planes/linux/libc.ts';

const O_NONBLOCK = 0o4000;
const O_CLOEXEC = 0o2000000;

/** How many descriptors this process has open, the one that looks included. */
export function countDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Whether a descriptor is closed at exec, and never blocks. */
export function flagsOf(fd: number): { readonly closedAtExec: boolean; readonly nonBlocking: boolean } {
  const flags = Number.parseInt(
    /^flags:\s*(\d+)$/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'utf8'))?.[1] ?? '',
    8,
  );
  return { closedAtExec: (flags & O_CLOEXEC) !== 0, nonBlocking: (flags & O_NONBLOCK) !== 0 };
}

/** A message header over a buffer and control data, as sendmsg and recvmsg take it. */
function messageHeader(arena: Arena, length: number, controlLength: number): { header: number; payload: number } {
  const header = arena.reserve(abi.MSGHDR_SIZE);
  const iov = arena.reserve(abi.IOVEC_SIZE);
  const payload = arena.reserve(length);
  const control = arena.reserve(controlLength);
  arena.writePointer(iov, payload);
  arena.writeU64(iov + 8, length);
  arena.writePointer(header + 4 * abi.MSGHDR_IOV, iov);
  arena.writeU64(header + 4 * abi.MSGHDR_IOVLEN, 1);
  if (controlLength > 0) arena.writePointer(header + 4 * abi.MSGHDR_CONTROL, control);
  arena.writeU64(header + 4 * abi.MSGHDR_CONTROLLEN, controlLength);
  return { header, payload };
}

/** The next datagram of a socket as text, or null when none waits. */
export function readDatagram(libc: Libc, fd: number): string | null {
  const arena = new Arena(libc, 4096);
  const { header, payload } = messageHeader(arena, 2048, 0);
  const length = libc.recvmsg(fd, arena.slice(header, abi.MSGHDR_SIZE), abi.MSG_DONTWAIT);
  return length < 0 ? null : arena.bytes.toString('latin1', payload, payload + length);
}

/** Reads `count` datagrams, whichever of the sockets they wait in; the texts per socket. */
export async function readDatagrams(libc: Libc, fds: readonly number[], count: number): Promise<string[][]> {
  const read: string[][] = fds.map(() => []);
  let left = count;
  while (left > 0) {
    for (const [index, fd] of fds.entries()) {
      const text = readDatagram(libc, fd);
      if (text === null) continue;
      read[index]?.push(text);
      left--;
    }
    await nextTurn();
  }
  return read;
}

/** sendmsg with descriptors and without the limits of DescriptorChannel. */
export function sendRaw(libc: Libc, fd: number, message: Buffer, fds: readonly number[]): number {
  const arena = new Arena(libc, 8192);
  const length = abi.CMSGHDR_SIZE + 4 * fds.length;
  const { header, payload } = messageHeader(arena, message.length, (length + 7) & ~7);
  arena.bytes.set(message, payload);
  const control = (payload + message.length + 63) & ~63;
  arena.writeU64(control, length);
  arena.i32.set([abi.SOL_SOCKET, abi.SCM_RIGHTS, ...fds], (control >>> 2) + 2);
  return libc.sendmsg(fd, arena.slice(header, abi.MSGHDR_SIZE), abi.MSG_DONTWAIT);
}
