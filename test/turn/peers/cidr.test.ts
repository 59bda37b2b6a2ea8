import fc from 'fast-check';
import { test } from 'tap';
import { IpAddress, parseIp } from '../../../src/stun/ip-address.ts';
import { Cidr, PrefixTable, parseCidr } from '../../../src/turn/peers/cidr.ts';

function cidr(text: string): Cidr {
  const parsed = parseCidr(text);
  if (parsed instanceof Cidr) return parsed;
  throw new Error(parsed.error);
}

function errorOf(text: string): string {
  const parsed = parseCidr(text);
  return parsed instanceof Cidr ? `accepted as ${parsed}` : parsed.error;
}

/** The independent reading: addresses are 32 or 128 bit integers, a range is from its first to its last one. */
interface Range {
  family: 4 | 6;
  width: number;
  first: bigint;
  length: number;
}

function inRange(range: Range, family: 4 | 6, address: bigint): boolean {
  const size = 1n << BigInt(range.width - range.length);
  return family === range.family && address >= range.first && address < range.first + size;
}

function toIp(family: 4 | 6, value: bigint): IpAddress {
  const word = (index: bigint) => Number((value >> (32n * index)) & 0xffffffffn);
  return new IpAddress(family, word(3n), word(2n), word(1n), word(0n));
}

const family = fc.constantFrom<4 | 6>(4, 6);
const range: fc.Arbitrary<Range> = fc
  .tuple(family, fc.bigInt(0n, (1n << 128n) - 1n), fc.nat(128))
  .map(([family, bits, cut]) => {
    const width = family === 4 ? 32 : 128;
    const length = family === 4 ? cut % 33 : cut;
    const free = BigInt(width - length);
    return { family, width, first: ((bits >> BigInt(128 - width)) >> free) << free, length };
  });

test('a bare address is the range of that address', async (t) => {
  t.equal(`${cidr('192.0.2.1')}`, '192.0.2.1/32');
  t.equal(`${cidr('2001:db8::1')}`, '2001:db8::1/128');
});

test('a length of 0 holds a whole family and nothing of the other', async (t) => {
  t.ok(cidr('0.0.0.0/0').contains(parseIp('255.255.255.255')!));
  t.notOk(cidr('0.0.0.0/0').contains(parseIp('::')!));
  t.ok(cidr('::/0').contains(parseIp('ffff::1')!));
  t.notOk(cidr('::/0').contains(parseIp('1.2.3.4')!));
});

test('S32 host bits are an error that names the right network', async (t) => {
  t.equal(errorOf('10.1.2.3/8'), '"10.1.2.3/8" has host bits set; the network is 10.0.0.0/8');
  t.equal(errorOf('2001:db8::1/33'), '"2001:db8::1/33" has host bits set; the network is 2001:db8::/33');
  t.equal(
    errorOf('::ffff:10.0.0.1/104'),
    '"::ffff:10.0.0.1/104" has host bits set; the network is ::ffff:10.0.0.0/104',
  );
});

test('S32 what is no range is an error that quotes it', async (t) => {
  for (const text of [
    '',
    '/8',
    'example.com',
    '10.0.0/8',
    '10.0.0.0-10.0.0.9',
    '010.0.0.0/8',
    'fe80::%eth0/64',
    ' ::/0',
  ]) {
    t.equal(errorOf(text), `"${text}" is not an IP address or a CIDR range`);
  }
  for (const length of ['', '33', '-1', '08', '8 ', '+8', '1e1', '8/8', '255.0.0.0', '999']) {
    t.equal(errorOf(`10.0.0.0/${length}`), `"10.0.0.0/${length}" needs a prefix length from 0 to 32`);
  }
  t.match(errorOf('::/129'), 'from 0 to 128');
});

test('a range of mapped addresses is the IPv4 range, but the mapped prefix itself is not all of IPv4', async (t) => {
  t.equal(`${cidr('::ffff:10.0.0.0/104')}`, '10.0.0.0/8');
  t.equal(`${cidr('::ffff:192.0.2.1')}`, '192.0.2.1/32');
  t.notOk(cidr('::ffff:0:0/96').contains(parseIp('8.8.8.8')!));
  t.ok(cidr('::ffff:0:0/96').contains(parseIp('::ffff:8.8.8.8')!));
});

test('S29 10^5 pairs of other shapes, shrunk where they fail: no difference to an integer reference', async (t) => {
  const nearby = fc.bigInt(-3n, 3n);
  const anywhere = fc.bigInt(0n, (1n << 128n) - 1n);
  const checkOne = (wanted: Range, edge: boolean, offset: bigint, other: bigint) => {
    const made = cidr(`${toIp(wanted.family, wanted.first).text}/${wanted.length}`);
    const limit = 1n << BigInt(wanted.width);
    const size = limit >> BigInt(wanted.length);
    const near = (((wanted.first + (edge ? size : 0n) + offset) % limit) + limit) % limit;
    for (const address of [near, other % limit, wanted.first, wanted.first + size - 1n]) {
      const expected = inRange(wanted, wanted.family, address);
      if (made.contains(toIp(wanted.family, address)) !== expected) return false;
    }
    return true;
  };
  // Ranges that the text form would turn into IPv4 ones are the business of the test above.
  const plain = range.filter(({ family, first }) => family === 4 || first >> 32n !== 0xffffn);
  fc.assert(fc.property(plain, fc.boolean(), nearby, anywhere, checkOne), { numRuns: 25_000 });
  t.pass('4 addresses for each of 25,000 ranges');
});

test('a table gives the first entry that holds the address', async (t) => {
  const table = new PrefixTable([
    { cidr: cidr('10.1.0.0/16'), value: 'narrow' },
    { cidr: cidr('10.0.0.0/8'), value: 'wide' },
    { cidr: cidr('8.0.0.0/6'), value: 'wider' },
    { cidr: cidr('2001:db8::/32'), value: 'six' },
  ]);
  const wanted = { '10.1.2.3': 'narrow', '10.2.0.0': 'wide', '11.0.0.0': 'wider', '8.0.0.0': 'wider' };
  for (const [text, value] of Object.entries(wanted)) t.equal(table.find(parseIp(text)!), value, text);
  t.equal(table.find(parseIp('2001:db8::1')!), 'six');
  for (const text of ['7.255.255.255', '12.0.0.0', '2001:db9::', '::a01:203'])
    t.equal(table.find(parseIp(text)!), null);
});

test('a table finds what a walk over its ranges finds', async (t) => {
  fc.assert(
    fc.property(fc.array(range, { maxLength: 8 }), family, fc.bigInt(0n, (1n << 128n) - 1n), (ranges, family, bits) => {
      const entries = ranges.map((one) => ({ cidr: new Cidr(toIp(one.family, one.first), one.length), value: one }));
      const table = new PrefixTable(entries);
      const address = family === 4 ? bits & 0xffffffffn : bits;
      const samples = [address, ...ranges.filter((one) => one.family === family).map((one) => one.first)];
      return samples.every((value) => {
        const wanted = ranges.find((one) => inRange(one, family, value)) ?? null;
        return table.find(toIp(family, value)) === wanted;
      });
    }),
    { numRuns: 300 },
  );
  t.pass();
});
