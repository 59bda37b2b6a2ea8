// The peers that every turnd refuses by default, as they are specified, and the ways to write an IPv4 address as an IPv6
// one. Read by whoever tests that none of them is reached.

import { IpAddress, parseIp } from '../../src/stun/ip-address.ts';

/** The list as it is specified: first address, last address, class. */
export const CLOSED: readonly (readonly [string, string, 'H' | 'A' | 'D'])[] = [
  ['0.0.0.0', '0.255.255.255', 'H'],
  ['10.0.0.0', '10.255.255.255', 'A'],
  ['100.64.0.0', '100.127.255.255', 'A'],
  ['127.0.0.0', '127.255.255.255', 'H'],
  ['169.254.0.0', '169.254.255.255', 'H'],
  ['172.16.0.0', '172.31.255.255', 'A'],
  ['192.0.0.0', '192.0.0.255', 'D'],
  ['192.0.2.0', '192.0.2.255', 'D'],
  ['192.31.196.0', '192.31.196.255', 'D'],
  ['192.52.193.0', '192.52.193.255', 'D'],
  ['192.88.99.0', '192.88.99.255', 'D'],
  ['192.168.0.0', '192.168.255.255', 'A'],
  ['192.175.48.0', '192.175.48.255', 'D'],
  ['198.18.0.0', '198.19.255.255', 'A'],
  ['198.51.100.0', '198.51.100.255', 'D'],
  ['203.0.113.0', '203.0.113.255', 'D'],
  ['224.0.0.0', '239.255.255.255', 'H'],
  ['240.0.0.0', '255.255.255.255', 'H'],
  ['168.63.129.16', '168.63.129.16', 'D'],
  ['::', '::', 'H'],
  ['::1', '::1', 'H'],
  ['::', '::ffff:ffff', 'H'],
  ['::ffff:0:0', '::ffff:ffff:ffff', 'H'],
  ['::ffff:0:0:0', '::ffff:0:ffff:ffff', 'H'],
  ['64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff', 'D'],
  ['64:ff9b::', '64:ff9b::ffff:ffff', 'D'],
  ['100::', '100::ffff:ffff:ffff:ffff', 'D'],
  ['100:0:0:1::', '100::1:ffff:ffff:ffff:ffff', 'D'],
  ['2001::', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff', 'H'],
  ['2001:1::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff', 'D'],
  ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff', 'D'],
  ['2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'H'],
  ['2620:4f:8000::', '2620:4f:8000:ffff:ffff:ffff:ffff:ffff', 'D'],
  ['3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff', 'D'],
  ['5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'D'],
  ['fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'A'],
  ['fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'H'],
  ['fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'H'],
  ['ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 'H'],
];

/** Where clouds answer, in networks of the list. */
export const METADATA: readonly string[] = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.0.23',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  'fd00:ec2::254',
  'fd20:ce::254',
  '2001:1::2',
];

/** An address of a literal. */
export function ip(text: string): IpAddress {
  const parsed = parseIp(text);
  if (parsed === null) throw new Error(`no address: ${text}`);
  return parsed;
}

/** An address as one number. */
export function toBits(text: string): bigint {
  const { w0, w1, w2, w3 } = ip(text);
  return [w0, w1, w2, w3].reduce((all, word) => (all << 32n) | BigInt(word >>> 0), 0n);
}

/** The address of a number. */
export function fromBits(family: 4 | 6, bits: bigint): IpAddress {
  const word = (index: bigint) => Number((bits >> (32n * index)) & 0xffffffffn);
  return new IpAddress(family, word(3n), word(2n), word(1n), word(0n));
}

/** First, last, middle and the neighbours of both ends inside the range. */
export function samples(first: string, last: string): IpAddress[] {
  const [low, high] = [toBits(first), toBits(last)];
  const wanted = [low, low + 1n, (low + high) / 2n, high - 1n, high].filter((bits) => bits >= low && bits <= high);
  return wanted.map((bits) => fromBits(ip(first).family, bits));
}

function hex(word: number): string {
  return `${(word >>> 16).toString(16)}:${(word & 0xffff).toString(16)}`;
}

/** Every IPv6 spelling of an IPv4 address that some host or translator turns back into it. */
export function encodings(v4: IpAddress): Record<string, string> {
  const low = hex(v4.w3);
  const octets = [24, 16, 8, 0].map((shift) => ((v4.w3 >>> shift) & 0xff).toString(16).padStart(2, '0'));
  const [a, b, c, d] = octets;
  return {
    mapped: `::ffff:${low}`,
    compatible: `::${low}`,
    translated: `::ffff:0:${low}`,
    nat64: `64:ff9b::${low}`,
    'nat64 local /96': `64:ff9b:1::${low}`,
    'nat64 local /64': `64:ff9b:1:0:00${a}:${b}${c}:${d}00:0`,
    'nat64 local /56': `64:ff9b:1:00${a}:00${b}:${c}${d}:0:0`,
    'nat64 local /48': `64:ff9b:1:${a}${b}:00${c}:${d}00:0:0`,
    '6to4': `2002:${low}::1`,
    'Teredo server': `2001:0:${low}:0:63bf:f7f7:f7f7`,
    'Teredo client': `2001:0:808:808:0:63bf:${hex(~v4.w3)}`,
    ISATAP: `2a00:1450::5efe:${low}`,
    'ISATAP universal': `2a00:1450::200:5efe:${low}`,
    'ISATAP link-local': `fe80::5efe:${low}`,
  };
}
