import fc from 'fast-check';
import { test } from 'tap';
import { parsePeerRange, subtractRanges } from '../../src/net/peer-range.ts';
import { IpAddress } from '../../src/stun/ip-address.ts';
import { Cidr, parseCidr } from '../../src/turn/peers/cidr.ts';

type Family = 4 | 6;

/** The independent reading: a range is two integers. */
interface Interval {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

function widthOf(family: Family): bigint {
  return family === 4 ? 32n : 128n;
}

function toIp(family: Family, value: bigint): IpAddress {
  const word = (index: bigint): number => Number((value >> (32n * index)) & 0xffffffffn);
  return new IpAddress(family, word(3n), word(2n), word(1n), word(0n));
}

function toNumber(ip: IpAddress): bigint {
  const words = ip.family === 4 ? [ip.w3] : [ip.w0, ip.w1, ip.w2, ip.w3];
  return words.reduce((sum, word) => (sum << 32n) | BigInt(word >>> 0), 0n);
}

function toInterval(cidr: Cidr): Interval {
  const { family } = cidr.base;
  const first = toNumber(cidr.base);
  return { family, first, last: first + (1n << (widthOf(family) - BigInt(cidr.length))) - 1n };
}

function textOf({ family, first, last }: Interval): string {
  return `${toIp(family, first)}-${toIp(family, last)}`;
}

function ranges(text: string): readonly Cidr[] {
  const parsed = parsePeerRange(text);
  if ('error' in parsed) throw new Error(parsed.error);
  return parsed;
}

function texts(text: string): string[] {
  return ranges(text).map(String);
}

function errorOf(text: string): string {
  const parsed = parsePeerRange(text);
  return 'error' in parsed ? parsed.error : `accepted as ${parsed.join(' ')}`;
}

function cidrs(...list: string[]): Cidr[] {
  return list.map((text) => {
    const cidr = parseCidr(text);
    if (cidr instanceof Cidr) return cidr;
    throw new Error(cidr.error);
  });
}

/** The fewest prefixes of an interval, by arithmetic: the largest aligned block that fits, again and again. */
function referencePrefixes({ family, first, last }: Interval): string[] {
  const found: string[] = [];
  const width = widthOf(family);
  for (let at = first; at <= last; ) {
    let bits = 0n;
    while (bits < width && at % (1n << (bits + 1n)) === 0n && at + (1n << (bits + 1n)) - 1n <= last) bits++;
    found.push(`${toIp(family, at)}/${width - bits}`);
    at += 1n << bits;
  }
  return found;
}

/** `deny` without `allow` as disjoint intervals that do not touch. */
function referenceDifference(family: Family, deny: readonly Interval[], allow: readonly Interval[]): Interval[] {
  const edges = [...deny, ...allow].flatMap(({ first, last }) => [first, last + 1n]);
  const cuts = [...new Set(edges)].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const found: Interval[] = [];
  for (const [index, first] of cuts.entries()) {
    const next = cuts[index + 1];
    if (next === undefined || !holds(deny, first) || holds(allow, first)) continue;
    const before = found.at(-1);
    if (before !== undefined && before.last + 1n === first) found[found.length - 1] = { ...before, last: next - 1n };
    else found.push({ family, first, last: next - 1n });
  }
  return found;
}

function holds(intervals: readonly Interval[], value: bigint): boolean {
  return intervals.some(({ first, last }) => first <= value && value <= last);
}

const family = fc.constantFrom<Family>(4, 6);

/** Ends near each other and far apart; not in ::ffff:0:0/96, which reads as IPv4. */
const interval: fc.Arbitrary<Interval> = fc
  .tuple(family, fc.bigInt(0n, (1n << 128n) - 1n), fc.bigInt(0n, (1n << 128n) - 1n), fc.nat(128))
  .map(([kind, a, b, shift]) => {
    const width = widthOf(kind);
    const start = BigInt.asUintN(Number(width), a);
    const length = BigInt.asUintN(Number(width), b) >> BigInt(shift);
    const end = start + length;
    const max = (1n << width) - 1n;
    return { family: kind, first: start, last: end > max ? max : end };
  })
  .filter(({ family: kind, first, last }) => kind === 4 || first >> 32n !== 0xffffn || last >> 32n !== 0xffffn);

/** Prefixes close together, so that they meet, nest and are neighbours. */
function prefixes(kind: Family): fc.Arbitrary<Cidr[]> {
  const width = Number(widthOf(kind));
  const one = fc.tuple(fc.nat(255), fc.integer({ min: width - 8, max: width })).map(([low, length]) => {
    const base = kind === 4 ? 0x0a000000n : 0x20010db8n << 96n;
    return new Cidr(toIp(kind, base | BigInt(low)), length);
  });
  const wide = fc
    .tuple(fc.bigInt(0n, (1n << 128n) - 1n), fc.nat(width))
    .map(([bits, length]) => new Cidr(toIp(kind, bits), length));
  return fc.array(fc.oneof({ weight: 4, arbitrary: one }, { weight: 1, arbitrary: wide }), { maxLength: 12 });
}

test('an address, a prefix and a range are read', async (t) => {
  t.same(texts('10.1.2.3'), ['10.1.2.3/32']);
  t.same(texts('2001:db8::1'), ['2001:db8::1/128']);
  t.same(texts('10.0.0.0/8'), ['10.0.0.0/8']);
  t.same(texts('10.0.0.0-10.255.255.255'), ['10.0.0.0/8']);
  t.same(texts('0.0.0.0-255.255.255.255'), ['0.0.0.0/0']);
  t.same(texts('::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'), ['::/0']);
  t.same(texts('192.0.2.1-192.0.2.6'), ['192.0.2.1/32', '192.0.2.2/31', '192.0.2.4/31', '192.0.2.6/32']);
  t.same(texts('192.0.2.7-192.0.2.7'), ['192.0.2.7/32']);
});

test('an IPv4-mapped range is IPv4, and the whole of the mapped form stays IPv6', async (t) => {
  t.same(texts('::ffff:192.0.2.2-::ffff:192.0.2.3'), ['192.0.2.2/31']);
  t.same(texts('::ffff:192.0.2.2'), ['192.0.2.2/32']);
  t.same(texts('::ffff:0.0.0.0-::ffff:255.255.255.255'), ['::ffff:0.0.0.0/96']);
  t.same(texts('::ffff:0:0/96'), ['::ffff:0.0.0.0/96']);
});

test('what is no range is refused with its reason', async (t) => {
  t.equal(errorOf('10.0.0.9-10.0.0.1'), '"10.0.0.9-10.0.0.1" begins after its end');
  t.equal(errorOf('10.0.0.1-2001:db8::1'), '"10.0.0.1-2001:db8::1" goes from one address family to the other');
  t.equal(errorOf('10.0.0.1-'), '"" is not an IP address');
  t.equal(errorOf('-10.0.0.1'), '"" is not an IP address');
  t.equal(errorOf('10.0.0.1-10.0.0.2-10.0.0.3'), '"10.0.0.2-10.0.0.3" is not an IP address');
  t.equal(errorOf('10.0.0.0/8-11.0.0.0/8'), '"10.0.0.0/8" is not an IP address');
  t.equal(errorOf('host.example'), '"host.example" is not an IP address or a CIDR range');
  t.match(errorOf('10.0.0.1/8'), /host bits set/);
  t.match(errorOf('10.0.0.1\u001b[2J-10.0.0.2'), /^"10\.0\.0\.1\\u001b\[2J" is not/, 'control characters are escaped');
});

test('a range is covered by the fewest prefixes, as arithmetic finds them', async (t) => {
  fc.assert(
    fc.property(interval, (range) => {
      t.same(texts(textOf(range)), referencePrefixes(range));
    }),
    { numRuns: 400 },
  );
});

test('what is allowed is taken out of what is denied, as arithmetic does it', async (t) => {
  const lists = family.chain((kind) => fc.tuple(fc.constant(kind), prefixes(kind), prefixes(kind)));
  fc.assert(
    fc.property(lists, ([kind, deny, allow]) => {
      const expected = referenceDifference(kind, deny.map(toInterval), allow.map(toInterval));
      t.same(subtractRanges(deny, allow).map(String), expected.flatMap(referencePrefixes));
    }),
    { numRuns: 600 },
  );
});

test('families do not touch each other', async (t) => {
  t.same(subtractRanges(cidrs('10.0.0.0/8'), cidrs('::/0')).map(String), ['10.0.0.0/8']);
  t.same(subtractRanges(cidrs('::/0', '10.0.0.0/8'), cidrs('0.0.0.0/0')).map(String), ['::/0']);
  t.same(subtractRanges(cidrs('10.0.0.0/8'), cidrs('10.0.0.0/9')).map(String), ['10.128.0.0/9']);
});

test('neighbours and repeats become one prefix', async (t) => {
  t.same(subtractRanges(cidrs('10.0.0.0/9', '10.128.0.0/9', '10.1.0.0/16'), []).map(String), ['10.0.0.0/8']);
  t.same(subtractRanges([], []), []);
});
