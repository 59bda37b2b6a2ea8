// The addresses that a relay must not reach, as the IANA's special-purpose registries and the clouds' manuals have them,
// and the ordinary ones beside them. Knows nothing of src/.

import { isIPv4 } from 'node:net';
import { ipBytes, ipText } from '../support/wire-address.ts';

/** First and last address of each range. */
const RANGES: readonly (readonly [first: string, last: string])[] = [
  ['0.0.0.0', '0.255.255.255'],
  ['10.0.0.0', '10.255.255.255'],
  ['100.64.0.0', '100.127.255.255'],
  ['127.0.0.0', '127.255.255.255'],
  ['169.254.0.0', '169.254.255.255'],
  ['172.16.0.0', '172.31.255.255'],
  ['192.0.0.0', '192.0.0.255'],
  ['192.0.2.0', '192.0.2.255'],
  ['192.31.196.0', '192.31.196.255'],
  ['192.52.193.0', '192.52.193.255'],
  ['192.88.99.0', '192.88.99.255'],
  ['192.168.0.0', '192.168.255.255'],
  ['192.175.48.0', '192.175.48.255'],
  ['198.18.0.0', '198.19.255.255'],
  ['198.51.100.0', '198.51.100.255'],
  ['203.0.113.0', '203.0.113.255'],
  ['224.0.0.0', '239.255.255.255'],
  ['240.0.0.0', '255.255.255.255'],
  ['::', '::ffff:ffff'],
  ['::ffff:0:0', '::ffff:ffff:ffff'],
  ['::ffff:0:0:0', '::ffff:0:ffff:ffff'],
  ['64:ff9b::', '64:ff9b::ffff:ffff'],
  ['64:ff9b:1::', '64:ff9b:1:ffff:ffff:ffff:ffff:ffff'],
  ['100::', '100::ffff:ffff:ffff:ffff'],
  ['100:0:0:1::', '100::1:ffff:ffff:ffff:ffff'],
  ['2001::', '2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001::', '2001:0:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2001:2::', '2001:2:0:ffff:ffff:ffff:ffff:ffff'],
  ['2001:db8::', '2001:db8:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2002::', '2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['2620:4f:8000::', '2620:4f:8000:ffff:ffff:ffff:ffff:ffff'],
  ['3fff::', '3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['5f00::', '5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fc00::', 'fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fe80::', 'febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['fec0::', 'feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
  ['ff00::', 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff'],
];

/** Metadata and other services that clouds have inside, and the addresses that stand for a whole family. */
const KNOWN: readonly string[] = [
  '169.254.169.254',
  '169.254.170.2',
  '169.254.0.23',
  '100.100.100.200',
  '192.0.0.192',
  '168.63.129.16',
  '127.0.0.1',
  '::1',
  'fd00:ec2::254',
  'fd20:ce::254',
  '2001:1::2',
];

/** A stranger beside each of the ranges: over-blocking is a fault too. */
export const NEIGHBOURS: readonly string[] = [
  ...['1.0.0.0', '9.255.255.255', '11.0.0.0', '100.63.255.255', '100.128.0.0', '126.255.255.255', '128.0.0.0'],
  ...['169.253.255.255', '169.255.0.0', '172.15.255.255', '172.32.0.0', '191.255.255.255', '192.0.1.0', '192.0.1.255'],
  ...['192.0.3.0', '192.31.195.255', '192.31.197.0', '192.52.192.255', '192.52.194.0', '192.88.98.255', '192.88.100.0'],
  ...['192.167.255.255', '192.169.0.0', '192.175.47.255', '192.175.49.0', '198.17.255.255', '198.20.0.0'],
  ...['198.51.99.255', '198.51.101.0', '203.0.112.255', '203.0.114.0', '223.255.255.255', '168.63.129.15'],
  ...['168.63.129.17', '2000::1', '2001:200::', '2001:db7:ffff::1', '2001:db9::', '2003::1', '2620:4f:7fff::1'],
  ...['2620:4f:8001::', '3ffe:ffff::1', '3fff:1000::', '2001:4860:4860::8888', '2606:4700:4700::1111'],
];

/** Every writing of an IPv4 address in IPv6 that some host or translator reads. */
const ENCODINGS: readonly (readonly [name: string, encode: (hex: string, inverted: string) => string])[] = [
  ['compatible', (hex) => `${'0'.repeat(24)}${hex}`],
  ['mapped', (hex) => `${'0'.repeat(20)}ffff${hex}`],
  ['translated', (hex) => `${'0'.repeat(16)}ffff0000${hex}`],
  ['nat64', (hex) => `0064ff9b${'0'.repeat(16)}${hex}`],
  ['local nat64 /96', (hex) => `0064ff9b0001${'0'.repeat(12)}${hex}`],
  ['local nat64 /48', (hex) => `0064ff9b0001${hex.slice(0, 4)}00${hex.slice(4)}${'0'.repeat(10)}`],
  ['6to4', (hex) => `2002${hex}${'0'.repeat(16)}0001`.padEnd(32, '0')],
  ['teredo server', (hex) => `20010000${hex}${'0'.repeat(8)}f7f7f7f7`],
  ['teredo client', (_, inverted) => `20010000${'09090909'}${'0'.repeat(8)}${inverted}`],
  ['isatap', (hex) => `2a001234567800000000${'5efe'}${hex}`],
  ['isatap, universal', (hex) => `2a001234567800000200${'5efe'}${hex}`],
];

/** The address in the middle of a range. */
function middle(first: string, last: string): string {
  const [from, to] = [ipBytes(first), ipBytes(last)];
  const sum = BigInt(`0x${from.toString('hex')}`) + BigInt(`0x${to.toString('hex')}`);
  return ipText(Buffer.from((sum / 2n).toString(16).padStart(from.length * 2, '0'), 'hex'));
}

/** A random address of a range. */
function within(first: string, last: string, random: () => number): string {
  const [from, to] = [ipBytes(first), ipBytes(last)];
  const width = BigInt(`0x${to.toString('hex')}`) - BigInt(`0x${from.toString('hex')}`) + 1n;
  let draw = 0n;
  for (let at = 0; at < 16; at++) draw = draw * 256n + BigInt(Math.floor(random() * 256));
  const value = BigInt(`0x${from.toString('hex')}`) + (draw % width);
  return ipText(Buffer.from(value.toString(16).padStart(from.length * 2, '0'), 'hex'));
}

/** First, middle and last of every range, and the known services. */
export function forbidden(): string[] {
  const ends = RANGES.flatMap(([first, last]) => [first, middle(first, last), last]);
  return [...new Set([...ends, ...KNOWN].map(canonical))];
}

/** Some addresses of every range, drawn by chance: what a range scan would try. */
export function scanned(count: number, random: () => number): string[] {
  return RANGES.flatMap(([first, last]) => Array.from({ length: count }, () => within(first, last, random)));
}

/** Every forbidden IPv4 address in every writing. */
export function encoded(): { readonly ip: string; readonly name: string }[] {
  return forbidden()
    .filter((ip) => isIPv4(ip))
    .flatMap((ip) =>
      ENCODINGS.map(([name, encode]) => ({ name: `${ip} ${name}`, ip: encodedAs(encode, ipBytes(ip)) })),
    );
}

function encodedAs(encode: (hex: string, inverted: string) => string, bytes: Buffer): string {
  const inverted = Buffer.from(bytes.map((byte) => byte ^ 0xff));
  return ipText(Buffer.from(encode(bytes.toString('hex'), inverted.toString('hex')), 'hex'));
}

/** An address as a capture would print it. */
export function canonical(ip: string): string {
  return ipText(ipBytes(ip));
}
