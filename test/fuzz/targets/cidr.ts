// Fuzzes the range parser: judged by net.isIP and big numbers.

import { isIP } from 'node:net';
import { IpAddress } from '../../../src/stun/ip-address.ts';
import { Cidr, parseCidr } from '../../../src/turn/peers/cidr.ts';
import { ipBytes } from '../../support/wire-address.ts';
import { mutateText } from '../mutate-text.ts';
import { expect, type Notice, type Target } from '../target.ts';
import { ADDRESS_LANGUAGE, ADDRESSES } from './ip-address.ts';

const LENGTHS = ['', '/0', '/1', '/8', '/12', '/24', '/31', '/32', '/64', '/95', '/96', '/97', '/104', '/127', '/128'];

/** parseCidr and Cidr.contains. */
export const cidrTarget: Target = {
  name: 'cidr',
  code: [],
  seeds: () =>
    [...ADDRESSES, '10.0.0.0', '::ffff:0:0', 'ff00::'].flatMap((text) =>
      LENGTHS.map((length) => Buffer.from(text + length)),
    ),
  mutate: (input, other, random) => mutateText(input, other, ADDRESS_LANGUAGE, random),
  run,
};

/** A range as numbers, IPv4 in the low 32 bits. */
interface Range {
  readonly family: number;
  readonly base: bigint;
  readonly length: number;
}

function run(input: Buffer, notice: Notice): number {
  const text = input.toString('utf8');
  const expected = reference(text);
  const cidr = parseCidr(text);
  notice(
    expected === null
      ? `${Math.min(text.split('/').length, 3)} ${isIP(text.split('/')[0] ?? '')}`
      : `${expected.family}/${expected.length}`,
  );
  if (!(cidr instanceof Cidr)) {
    expect(expected === null, `refused: ${cidr.error}`);
    return 1;
  }
  expect(expected !== null, `accepted as ${cidr}`);
  expect(cidr.base.family === expected.family && cidr.length === expected.length, `is ${cidr}`);
  const size = 1n << BigInt((expected.family === 4 ? 32 : 128) - expected.length);
  const { base, family } = expected;
  for (const inside of [base, base + size / 2n, base + size - 1n])
    expect(contains(cidr, family, inside), `${inside} is not in it`);
  for (const outside of [base - 1n, base + size]) expect(!contains(cidr, family, outside), `${outside} is in it`);
  return 1;
}

function contains(cidr: Cidr, family: number, value: bigint): boolean {
  if (value < 0n || value >> (family === 4 ? 32n : 128n) > 0n) return false;
  const word = (shift: bigint): number => Number((value >> shift) & 0xffffffffn);
  const ip =
    family === 4 ? new IpAddress(4, 0, 0, 0, word(0n)) : new IpAddress(6, word(96n), word(64n), word(32n), word(0n));
  return cidr.contains(ip);
}

function reference(text: string): Range | null {
  const [address = '', length, ...more] = text.split('/');
  const family = isIP(address);
  const width = family === 4 ? 32 : 128;
  if (family === 0 || address.includes('%') || more.length > 0) return null;
  if (length !== undefined && (String(Number(length)) !== length || !(Number(length) >= 0 && Number(length) <= width)))
    return null;
  if (length !== undefined && !Number.isInteger(Number(length))) return null;
  const base = BigInt(`0x${ipBytes(address).toString('hex')}`);
  const bits = length === undefined ? width : Number(length);
  if (base % (1n << BigInt(width - bits)) !== 0n) return null;
  // A range inside ::ffff:0:0/96 is the IPv4 range that it maps.
  const mapped = family === 6 && bits > 96 && base >> 32n === 0xffffn;
  return mapped ? { family: 4, base: base & 0xffffffffn, length: bits - 96 } : { family, base, length: bits };
}
