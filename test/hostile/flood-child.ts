// A flood as a process of its own: datagrams with forged sources, as whole IP packets in batches of system calls, at a
// given rate. Prints how many it sent, and in how long. Its wish comes as JSON in the first argument.

import { AF_INET, MMSGHDR_SIZE, MSGHDR_IOV, MSGHDR_IOVLEN } from '../../src/planes/linux/abi.ts';
import { Arena } from '../../src/planes/linux/arena.ts';
import { loadLibc } from '../../src/planes/linux/libc.ts';
import { packetV4 } from '../support/ip-packet.ts';
import type { FloodWish } from './flood.ts';
import { junk } from './junk.ts';

const BATCH = 32;
const SLOT = 512;
const SOCK_RAW = 3;
const IPPROTO_RAW = 255;
const SOURCE_AT = 12;
const SOURCE_PORT_AT = 20;
const TARGET_PORT_AT = 22;
const TRANSACTION_AT = 28 + 16;
const NAP_NS = 200_000;

// Neighbouring numbers give sources in different networks.
const SCATTER = 0x9e3779b1;

const wish: FloodWish = JSON.parse(process.argv[2] ?? '{}');
const libc = await loadLibc();
const arena = new Arena(libc, BATCH * (SLOT + MMSGHDR_SIZE + 64) + 4096);
const fd = libc.socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
if (fd < 0) throw new Error('a raw socket takes root');

const headers = arena.reserve(BATCH * MMSGHDR_SIZE);
const packets = arena.reserve(BATCH * SLOT);
const name = arena.reserve(16);
const nap = arena.reserve(16);
arena.bytes.writeUInt16LE(AF_INET, name);
for (const [index, part] of wish.target.split('.').entries()) arena.bytes[name + 4 + index] = Number(part);

/** Lays one packet out; the kernel fills in the checksum of the header. */
function layOut(index: number): void {
  const payload = junk(wish.kind, index);
  const packet = packetV4({ target: wish.target, sourcePort: 1, targetPort: 1, payload });
  const at = packets + index * SLOT;
  packet.copy(arena.bytes, at);
  const iov = arena.reserve(16);
  const header = headers + index * MMSGHDR_SIZE;
  arena.writePointer(iov, at);
  arena.writeU64(iov + 8, packet.length);
  arena.writePointer(header, name);
  arena.bytes.writeUInt32LE(16, header + 8);
  arena.writePointer(header + 4 * MSGHDR_IOV, iov);
  arena.writeU64(header + 4 * MSGHDR_IOVLEN, 1);
}

/** Makes the packet in a slot the n-th: from another source, to the next port, of another transaction. */
function vary(index: number, n: number): void {
  const at = packets + index * SLOT;
  const { bytes } = arena;
  const host = wish.sources === 1 ? 0 : (Math.imul(n, SCATTER) >>> 0) % wish.sources;
  bytes.writeUInt32BE(wish.firstSource + host, at + SOURCE_AT);
  bytes.writeUInt16BE(1024 + (n % 64_000), at + SOURCE_PORT_AT);
  bytes.writeUInt16BE(wish.ports[n % wish.ports.length] ?? 3478, at + TARGET_PORT_AT);
  bytes.writeUInt32BE(n, at + TRANSACTION_AT);
}

function sleep(): void {
  arena.writeU64(nap, 0);
  arena.writeU64(nap + 8, NAP_NS);
  libc.nanosleep(arena.slice(nap, 16), null);
}

function flood(): number {
  const messages = arena.slice(headers, BATCH * MMSGHDR_SIZE);
  const startedAt = performance.now();
  let sent = 0;
  while (sent < wish.count) {
    const due = wish.rate === 0 ? wish.count : (wish.rate * (performance.now() - startedAt)) / 1000;
    if (sent + BATCH > due && due < wish.count) {
      sleep();
      continue;
    }
    for (let index = 0; index < BATCH; index++) vary(index, sent + index);
    const taken = libc.sendmmsg(fd, messages, BATCH, 0);
    sent += Math.max(taken, 0);
  }
  return (performance.now() - startedAt) / 1000;
}

for (let index = 0; index < BATCH; index++) layOut(index);
const seconds = flood();
console.log(JSON.stringify({ sent: wish.count, seconds }));
