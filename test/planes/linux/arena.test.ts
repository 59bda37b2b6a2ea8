import { test } from 'tap';
import { Arena } from '../../../src/planes/linux/arena.ts';
import { findLibc } from '../../support/linux-libc.ts';

const { libc, skip } = await findLibc();

test('structures are set apart by cache lines, and all are 0', { skip }, async (t) => {
  const arena = new Arena(libc, 256);
  t.same([arena.reserve(1), arena.reserve(64), arena.reserve(65)], [0, 64, 128]);
  t.ok(arena.bytes.every((byte) => byte === 0));
});

test('a layout beyond the end throws, and to the very end does not', { skip }, async (t) => {
  const arena = new Arena(libc, 100);
  t.equal(arena.reserve(64), 0);
  t.equal(arena.reserve(36), 64);
  t.throws(() => arena.reserve(1), RangeError);
  t.throws(() => new Arena(libc, 100).reserve(101), RangeError);
});

test('a slice is the memory itself, and only it', { skip }, async (t) => {
  const arena = new Arena(libc, 256);
  const slice = arena.slice(64, 8);
  t.equal(slice.length, 8);
  slice[0] = 7;
  t.equal(arena.bytes[64], 7);
  t.throws(() => arena.slice(250, 8), RangeError);
});

test('a pointer is the address of its target in memory', { skip }, async (t) => {
  const arena = new Arena(libc, 4096);
  arena.writePointer(8, 1028);
  t.equal(arena.bytes.readBigUInt64LE(8), BigInt(libc.addressOf(arena.slice(1028, 4))));
  arena.writePointer(8, 0);
  t.equal(arena.bytes.readBigUInt64LE(8), BigInt(libc.addressOf(arena.bytes)));
});

/** A libc that gives memories these addresses, in the order in which it is asked about them. */
function placing(...script: readonly number[]): typeof libc {
  const known = new Map<ArrayBufferLike, number>();
  return {
    ...libc,
    addressOf: ({ buffer }) => {
      const address = known.get(buffer) ?? (script[known.size] as number);
      known.set(buffer, address);
      return address;
    },
  };
}

test('memory that lies across a multiple of 4 GiB is not taken', { skip }, async (t) => {
  const lucky = new Arena(placing(0x7f_ffff_f000, 0x80_1234_5000), 4096);
  lucky.writePointer(0, 4000);
  t.equal(lucky.bytes.readBigUInt64LE(0), 0x7f_ffff_ffa0n, 'up to the very end');
  const unlucky = new Arena(placing(0x7f_ffff_f001, 0x80_1234_5000), 4096);
  unlucky.writePointer(0, 0x100);
  t.equal(unlucky.bytes.readBigUInt64LE(0), 0x80_1234_5100n, 'or else another one is');
});

test('a number is written with 64 bits', { skip }, async (t) => {
  const arena = new Arena(libc, 64);
  arena.bytes.fill(0xff);
  arena.writeU64(16, 0xffff_fffe);
  t.equal(arena.bytes.readBigUInt64LE(16), 0xffff_fffen);
});
