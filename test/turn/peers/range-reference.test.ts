// S29: ranges of addresses against a reference that knows nothing but integers, a million pairs of a range and an address
// for each way in which a range can be written: as a prefix, and from one address to another, aligned or not.

import { test } from 'tap';
import { parsePeerRange } from '../../../src/net/peer-range.ts';
import { IpAddress } from '../../../src/stun/ip-address.ts';
import { Cidr, PrefixTable, parseCidr } from '../../../src/turn/peers/cidr.ts';
import { Prng } from '../../simulation/prng.ts';

const RANGES = 2000;
const ADDRESSES = 500;
const SEED = 29;

interface Interval {
  readonly family: 4 | 6;
  readonly first: bigint;
  readonly last: bigint;
}

function toIp(family: 4 | 6, value: bigint): IpAddress {
  const word = (index: bigint): number => Number((value >> (32n * index)) & 0xffffffffn);
  return new IpAddress(family, word(3n), word(2n), word(1n), word(0n));
}

const max = (width: bigint): bigint => (1n << width) - 1n;
const widthOf = (family: 4 | 6): bigint => (family === 4 ? 32n : 128n);

/** A number of at most so many bits, small ones as likely as large ones. */
function bits(prng: Prng, width: bigint): bigint {
  let value = 0n;
  for (let word = 0n; word < width; word += 32n) value = (value << 32n) | BigInt(prng.int(0x1_0000_0000));
  return value >> BigInt(prng.int(Number(width)));
}

// What begins in ::ffff:0:0/96 is read as IPv4: the business of other tests.
function interval(prng: Prng): Interval {
  for (;;) {
    const family = prng.int(2) === 0 ? 4 : 6;
    const width = widthOf(family);
    const first = prng.int(2) === 0 ? bits(prng, width) : max(width) - bits(prng, width);
    const end = first + bits(prng, width);
    if (family === 4 || first >> 32n !== 0xffffn) return { family, first, last: end > max(width) ? max(width) : end };
  }
}

function prefix(prng: Prng): { range: Interval; length: number } {
  for (;;) {
    const family = prng.int(2) === 0 ? 4 : 6;
    const width = widthOf(family);
    const length = prng.int(Number(width) + 1);
    const free = width - BigInt(length);
    const first = ((prng.int(2) === 0 ? bits(prng, width) : max(width) - bits(prng, width)) >> free) << free;
    if (family === 4 || first >> 32n !== 0xffffn) {
      return { range: { family, first, last: first + (1n << free) - 1n }, length };
    }
  }
}

/** Addresses at both ends, in the middle, near and far, and of the other family. */
function address(prng: Prng, { family, first, last }: Interval): { family: 4 | 6; value: bigint } {
  const limit = max(widthOf(family)) + 1n;
  const near = BigInt(prng.int(7) - 3);
  switch (prng.int(6)) {
    case 0:
      return { family, value: (first + near + limit) % limit };
    case 1:
      return { family, value: (last + near + limit) % limit };
    case 2:
      return { family, value: first + (last - first) / BigInt(1 + prng.int(9)) };
    case 3:
      return { family, value: (first + bits(prng, widthOf(family))) % limit };
    case 4:
      return { family, value: bits(prng, widthOf(family)) };
    default:
      return family === 4 ? { family: 6, value: first } : { family: 4, value: first & 0xffffffffn };
  }
}

/** Compares all; how many pairs there were, how many of them held, and the first that differ. */
function compare(make: (prng: Prng) => { range: Interval; holds: (ip: IpAddress) => boolean }) {
  const prng = new Prng(SEED);
  const differ: string[] = [];
  let pairs = 0;
  let held = 0;
  for (let made = 0; made < RANGES; made++) {
    const { range, holds } = make(prng);
    for (let tries = 0; tries < ADDRESSES; tries++, pairs++) {
      const { family, value } = address(prng, range);
      const expected = family === range.family && value >= range.first && value <= range.last;
      if (expected) held++;
      if (holds(toIp(family, value)) === expected) continue;
      differ.push(`${toIp(family, value)} in ${toIp(range.family, range.first)}-${toIp(range.family, range.last)}`);
    }
  }
  return { pairs, held, differ: differ.slice(0, 5) };
}

test('S29 a million pairs of a prefix and an address: no difference to the reference', async (t) => {
  const { pairs, held, differ } = compare((prng) => {
    const { range, length } = prefix(prng);
    const cidr = parseCidr(`${toIp(range.family, range.first)}/${length}`);
    if (!(cidr instanceof Cidr)) throw new Error(cidr.error);
    return { range, holds: (ip) => cidr.contains(ip) };
  });
  t.same(differ, []);
  t.equal(pairs, 1_000_000);
  t.ok(held > 200_000 && held < 800_000, `${held} held`);
});

test('S29 a million pairs of a range from address to address and an address, as a policy looks it up', async (t) => {
  const { pairs, held, differ } = compare((prng) => {
    const range = interval(prng);
    const prefixes = parsePeerRange(`${toIp(range.family, range.first)}-${toIp(range.family, range.last)}`);
    if ('error' in prefixes) throw new Error(prefixes.error);
    const table = new PrefixTable(prefixes.map((cidr) => ({ cidr, value: true })));
    return { range, holds: (ip) => table.find(ip) === true };
  });
  t.same(differ, []);
  t.equal(pairs, 1_000_000);
  t.ok(held > 200_000 && held < 800_000, `${held} held`);
});
