// Fuzzes the address parsers: judged by net.isIP and the URL parser.

import { isIP } from 'node:net';
import { AddressWords, parseIp, readIpText } from '../../../src/stun/ip-address.ts';
import { ipBytes } from '../../support/wire-address.ts';
import { type Language, mutateText } from '../mutate-text.ts';
import { expect, type Notice, type Target } from '../target.ts';

const TOKENS: readonly string[] = [
  ...['::', ':', '.', '/', '%', '0', '00', '01', '1', '255', '256', '127.0.0.1', 'ffff', 'FFFF', '::ffff:', 'g', '/0'],
  ...[
    '/32',
    '/128',
    '/129',
    '/33',
    '/00',
    '/-1',
    '%eth0',
    '[',
    ']',
    ' ',
    '\n',
    '0x7f',
    '1e3',
    '::ffff:0:0/96',
    '64:ff9b::',
  ],
];

/** How addresses and ranges are written. */
export const ADDRESS_LANGUAGE: Language = { tokens: TOKENS, maxLength: 100 };

/** Addresses of every form. */
export const ADDRESSES: readonly string[] = [
  ...[
    '0.0.0.0',
    '192.0.2.1',
    '255.255.255.255',
    '::',
    '::1',
    '2001:db8::1',
    '1:2:3:4:5:6:7:8',
    '1::8',
    '::2:3:4:5:6:7:8',
  ],
  ...['1:2:3:4:5:6:7::', '::ffff:192.0.2.1', '64:ff9b::192.0.2.1', '1:2:3:4:5:6:1.2.3.4', 'fe80::1%eth0', '::1.2.3.4'],
];

/** parseIp and readIpText. */
export const ipAddressTarget: Target = {
  name: 'ip-address',
  code: [],
  seeds: () => ADDRESSES.map((text) => Buffer.from(text)),
  mutate: (input, other, random) => mutateText(input, other, ADDRESS_LANGUAGE, random),
  run,
};

function run(input: Buffer, notice: Notice): number {
  const text = input.toString('utf8');
  const family = isIP(text);
  const zoned = text.includes('%');
  const ip = parseIp(text);
  const [groups, quads] = [text.split(':').length, text.split('.').length].map((count) => Math.min(count, 10));
  notice(`IPv${family} ${zoned} ${groups} ${quads} ${text.includes('::')}`);
  expect((ip?.family ?? 0) === (zoned ? 0 : family), `family ${ip?.family}, and net.isIP says ${family}`);
  if (ip !== null) {
    const bytes = Buffer.alloc(16);
    for (const [index, word] of [ip.w0, ip.w1, ip.w2, ip.w3].entries()) bytes.writeInt32BE(word | 0, index * 4);
    const own = ip.family === 4 ? bytes.subarray(12) : bytes;
    expect(own.equals(ipBytes(text)), `${own.toString('hex')} instead of ${ipBytes(text).toString('hex')}`);
    expect(parseIp(ip.text)?.equals(ip) === true, `${ip.text} is another address`);
  }
  const words = new AddressWords();
  const read = readIpText(text, words);
  expect(read === (family !== 0) || zoned, `readIpText says ${read}`);
  expect(read === (words.family !== 0), 'a refused text leaves a family');
  return 1;
}
