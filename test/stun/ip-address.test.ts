import { isIP, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { test } from 'tap';
import { AddressWords, hashWords, IpAddress, parseIp, readIpText, unmapped } from '../../src/stun/ip-address.ts';

const u32 = fc.nat(0xffffffff);
/** Words that are often zero, so that `::` runs of every length and place occur. */
const sparse = fc.oneof(fc.constantFrom(0, 1, 0xffff, 0x10000), u32);
const ipv6 = fc.tuple(sparse, sparse, sparse, sparse).map(([a, b, c, d]) => new IpAddress(6, a, b, c, d));
const ipv4 = u32.map((word) => new IpAddress(4, 0, 0, 0, word));
const anyIp = fc.oneof(ipv4, ipv6);
/** Texts that are nearly addresses. */
const nearly = fc.array(fc.constantFrom('0', '1', '25', '256', 'f', 'FFFF', ':', ':', '::', '.', '.', '%', 'g', ' '), {
  maxLength: 17,
});

function words(text: string): AddressWords | null {
  const into = new AddressWords();
  return readIpText(text, into) ? into : null;
}

/** The bits of a literal by the URL parser's serialisation, which has always eight hexadecimal groups or `::`. */
function bitsByUrl(text: string): bigint {
  const host = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const [head = '', tail] = host.split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return BigInt(`0x${groups.map((group) => group.padStart(4, '0')).join('')}`);
}

function bits(ip: IpAddress): bigint {
  const words = [ip.w0, ip.w1, ip.w2, ip.w3].map((word) => BigInt(word >>> 0));
  return words.reduce((all, word) => (all << 32n) | word, 0n);
}

test('an IPv4 literal lies in w3 in host order', async (t) => {
  const ip = parseIp('192.0.2.33');
  t.match(ip, { family: 4, w0: 0, w1: 0, w2: 0, w3: 0xc0000221 | 0 });
});

test('an IPv6 literal fills four words', async (t) => {
  t.match(parseIp('2001:db8::8a2e:370:7334'), { family: 6, w0: 0x20010db8, w1: 0, w2: 0x8a2e, w3: 0x03707334 });
  t.match(parseIp('64:ff9b::192.0.2.33'), { family: 6, w0: 0x0064ff9b, w1: 0, w2: 0, w3: 0xc0000221 | 0 });
  t.match(parseIp('::'), { family: 6, w0: 0, w1: 0, w2: 0, w3: 0 });
});

test('what is no plain literal is refused', async (t) => {
  const bad = [
    '',
    '1',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.4 ',
    ' 1.2.3.4',
    '0x7f.1',
    '127.1',
    '1.2.3.256',
    '1..2.3',
  ];
  bad.push(':', ':::', '1:', ':1', '1::2::3', '1:2:3:4:5:6:7', '1:2:3:4:5:6:7:8:9', '1:2:3:4:5:6:7:8::', '::12345');
  bad.push(
    '::1.2.3',
    '::1.2.3.4:5',
    '1:2:3:4:5:6:7:1.2.3.4',
    '::01.2.3.4',
    'fe80::1%eth0',
    '[::1]',
    '1.2.3.4%e',
    '1.2.3.4/8',
  );
  for (const text of bad) t.equal(parseIp(text), null, JSON.stringify(text));
});

test('a text is an address exactly when net.isIP says so', async (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        nearly.map((parts) => parts.join('')),
        fc.ipV4(),
        fc.ipV6(),
      ),
      (text) => {
        const wanted = text.includes('%') ? 0 : isIP(text);
        return (parseIp(text)?.family ?? 0) === wanted;
      },
    ),
    { numRuns: 20_000 },
  );
  t.pass();
});

test('the bits of a literal are those of the URL parser', async (t) => {
  fc.assert(
    fc.property(fc.ipV6(), (text) => bits(parseIp(text)!) === bitsByUrl(text)),
    { numRuns: 5000 },
  );
  fc.assert(fc.property(fc.ipV4(), (text) => bits(parseIp(text)!) === bitsByUrl(`::${text}`)));
  t.pass();
});

test('the text is the canonical text of RFC 5952', async (t) => {
  const canonical: [string, string][] = [
    ['2001:0DB8:0:0:0:0:0:1', '2001:db8::1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['::1', '::1'],
    ['1:0:0:0:0:0:0:0', '1::'],
    ['::ffff:c000:221', '::ffff:192.0.2.33'],
    ['255.255.255.255', '255.255.255.255'],
  ];
  for (const [text, wanted] of canonical) t.equal(parseIp(text)?.text, wanted);
  t.equal(`${parseIp('::1')}`, '::1', 'also when interpolated');
});

test('the text is what the platform prints', async (t) => {
  // The platform prints a quad in IPv4-compatible addresses (and ::ffff:0:0/96); RFC 5952 §5 asks for it by prefix.
  const plain = ipv6.filter((ip) => ip.w0 !== 0 || ip.w1 !== 0 || ip.w2 !== 0);
  fc.assert(
    fc.property(fc.oneof(plain, ipv4), (ip) => {
      const family = ip.family === 4 ? 'ipv4' : 'ipv6';
      return new SocketAddress({ address: ip.text, family }).address === ip.text;
    }),
    { numRuns: 5000 },
  );
  t.pass();
});

test('text and back is the same address', async (t) => {
  fc.assert(fc.property(anyIp, (ip) => parseIp(ip.text)!.equals(ip)));
  t.pass();
});

test('equality needs the family and every word', async (t) => {
  const ip = new IpAddress(6, 1, 2, 3, 4);
  t.ok(ip.equals(new IpAddress(6, 1, 2, 3, 4)));
  t.ok(ip.sameWords(6, 1, 2, 3, 4));
  const others: [number, number, number, number, number][] = [
    [6, 0, 2, 3, 4],
    [6, 1, 0, 3, 4],
    [6, 1, 2, 0, 4],
    [6, 1, 2, 3, 0],
    [4, 1, 2, 3, 4],
  ];
  for (const other of others) t.notOk(ip.sameWords(...other), other.join());
  t.notOk(parseIp('::7f00:1')!.equals(parseIp('127.0.0.1')!));
});

test('words are int32 whatever the caller computed, and whatever is read', async (t) => {
  const expected = { w0: -1, w1: -0x80000000, w2: -2, w3: 0x7fffffff };
  t.match(new IpAddress(6, 0xffffffff, 0x80000000, -2, 0x7fffffff), expected);
  t.match(parseIp('ffff:ffff:8000:0:ffff:fffe:7fff:ffff'), expected);
  t.match(words('ffff:ffff:8000:0:ffff:fffe:7fff:ffff'), expected);
  t.match(words('255.255.255.255'), { w3: -1 });
});

test('only ::ffff:0:0/96 is unmapped', async (t) => {
  t.ok(unmapped(parseIp('::ffff:127.0.0.1')!).equals(parseIp('127.0.0.1')!));
  for (const text of ['127.0.0.1', '::127.0.0.1', '::ffff:0:127.0.0.1', '64:ff9b::127.0.0.1', '1::ffff:7f00:1']) {
    const ip = parseIp(text)!;
    t.equal(unmapped(ip), ip, text);
  }
});

test('STUN-11 a mapped sender is read as IPv4', async (t) => {
  t.match(words('::ffff:192.0.2.33'), { family: 4, w0: 0, w1: 0, w2: 0, w3: 0xc0000221 | 0 });
  t.match(words('::ffff:c000:221'), { family: 4, w2: 0, w3: 0xc0000221 | 0 });
});

test('the zone of an IPv6 sender is cut off', async (t) => {
  t.match(words('fe80::1%eth0'), { family: 6, w0: 0xfe800000 | 0, w3: 1 });
  t.equal(words('127.0.0.1%eth0'), null);
  t.equal(words('%eth0'), null);
});

test('reading a sender leaves nothing of the one before', async (t) => {
  const into = new AddressWords();
  t.ok(readIpText('1:2:3:4:5:6:7:8', into));
  t.ok(readIpText('::', into));
  t.strictSame({ ...into }, { family: 6, w0: 0, w1: 0, w2: 0, w3: 0 });
  t.notOk(readIpText('1:2:3:4:5:6:7:8:9', into));
  t.equal(into.family, 0, 'a refused text leaves no address');
});

test('the sender reader and the parser agree', async (t) => {
  fc.assert(
    fc.property(
      fc.oneof(
        fc.ipV4(),
        fc.ipV6(),
        anyIp.map((ip) => ip.text),
      ),
      (text) => {
        const read = words(text)!;
        return unmapped(parseIp(text)!).sameWords(read.family, read.w0, read.w1, read.w2, read.w3);
      },
    ),
  );
  t.pass();
});

test('the hash spreads neighbouring addresses over a table', async (t) => {
  for (const shift of [0, 8, 16]) {
    const buckets = new Set<number>();
    for (let host = 0; host < 1024; host++)
      buckets.add(hashWords(0, 0, 0, (0x0a000000 + (host << shift)) >>> 0) & 1023);
    t.ok(buckets.size > 550, `${buckets.size} of about 647 buckets with stride 2^${shift}`);
  }
  t.equal(hashWords(1, 2, 3, 4) | 0, hashWords(1, 2, 3, 4), 'an int32');
  const one = [hashWords(1, 0, 0, 0), hashWords(0, 1, 0, 0), hashWords(0, 0, 1, 0), hashWords(0, 0, 0, 1)];
  t.equal(new Set(one).size, 4, 'every word counts in its place');
});
