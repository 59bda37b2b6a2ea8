// Fuzzes ranges of peers as operators write them: an address, a prefix, or `first-last`. Judged by big numbers.

import { isIP } from 'node:net';
import { lastOf, parsePeerRange } from '../../../src/net/peer-range.ts';
import type { IpAddress } from '../../../src/stun/ip-address.ts';
import type { Cidr } from '../../../src/turn/peers/cidr.ts';
import { ipBytes } from '../../support/wire-address.ts';
import { mutateText } from '../mutate-text.ts';
import { expect, type Notice, type Target } from '../target.ts';
import { ADDRESS_LANGUAGE, ADDRESSES } from './ip-address.ts';

/** parsePeerRange. */
export const peerRangeTarget: Target = {
  name: 'peer-range',
  code: [],
  seeds: () => {
    const ends = [...ADDRESSES, '10.0.0.0', '10.255.255.255', 'ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'];
    const texts = ends.flatMap((first) => [first, `${first}/8`, ...ends.map((last) => `${first}-${last}`)]);
    return texts.map((text) => Buffer.from(text));
  },
  mutate: (input, other, random) => {
    const language = { ...ADDRESS_LANGUAGE, tokens: [...ADDRESS_LANGUAGE.tokens, '-', '0-', '-255'] };
    return mutateText(input, other, language, random);
  },
  run,
};

interface Interval {
  readonly family: number;
  readonly first: bigint;
  readonly last: bigint;
}

function run(input: Buffer, notice: Notice): number {
  const text = input.toString('utf8');
  const ranges = parsePeerRange(text);
  if (!text.includes('-')) {
    notice(`no dash ${'error' in ranges}`);
    return 1;
  }
  const expected = reference(text);
  if ('error' in ranges) {
    notice(ranges.error.replace(/"(?:[^"\\]|\\.)*"/g, '_'));
    expect(expected === null, `refused: ${ranges.error}`);
    return 1;
  }
  expect(expected !== null, `accepted as ${ranges.join(' ')}`);
  notice(`${expected.family} ${ranges.length >> 3} ${(expected.last - expected.first).toString(2).length >> 2}`);
  checkCover(ranges, expected);
  return 1;
}

// The prefixes follow each other without a gap, from the first address to the last, and no two of them are one.
function checkCover(ranges: readonly Cidr[], { family, first, last }: Interval): void {
  let next = first;
  for (const [index, range] of ranges.entries()) {
    expect(range.base.family === family, `${range} is of another family`);
    expect(numberOf(range.base) === next, `${range} does not follow`);
    next = numberOf(lastOf(range)) + 1n;
    const before = ranges[index - 1];
    const areHalves = before?.length === range.length && numberOf(before.base) % (sizeOf(before) * 2n) === 0n;
    expect(!areHalves, `${before} and ${range} are one prefix`);
  }
  expect(next === last + 1n, 'the prefixes end elsewhere');
}

function sizeOf({ base, length }: Cidr): bigint {
  return 1n << BigInt((base.family === 4 ? 32 : 128) - length);
}

function numberOf({ family, w0, w1, w2, w3 }: IpAddress): bigint {
  const words = family === 4 ? [w3] : [w0, w1, w2, w3];
  return words.reduce((value, word) => (value << 32n) | BigInt(word >>> 0), 0n);
}

function reference(text: string): Interval | null {
  const dash = text.indexOf('-');
  const [from, to] = [text.slice(0, dash), text.slice(dash + 1)];
  const family = isIP(from);
  if (family === 0 || isIP(to) !== family || text.includes('%')) return null;
  const [first, last] = [from, to].map((end) => BigInt(`0x${ipBytes(end).toString('hex')}`)) as [bigint, bigint];
  if (first > last) return null;
  // A range inside ::ffff:0:0/96 is the IPv4 range that it maps, but for the whole of it.
  const areMapped = family === 6 && first >> 32n === 0xffffn && last >> 32n === 0xffffn;
  const isWhole = last - first === 0xffffffffn;
  if (!areMapped || isWhole) return { family, first, last };
  return { family: 4, first: first & 0xffffffffn, last: last & 0xffffffffn };
}
