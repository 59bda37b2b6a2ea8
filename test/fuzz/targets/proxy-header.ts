// Fuzzes the reader of PROXY headers: however a stream is cut, the outcome is the same, nothing is read beyond the
// header, and a header that names a client is one of the two forms, which a regular expression and net.isIP judge.
//
// input = position(8) stream

import { isIPv4, isIPv6 } from 'node:net';
import { ProxyHeader } from '../../../src/streams/proxy-header.ts';
import { HeaderStatus } from '../../../src/streams/proxy-header-reading.ts';
import { readVectors } from '../../support/vectors.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import { expect, type Notice, type Target } from '../target.ts';

const LARGEST = 4096;
const LINES = [
  'PROXY TCP4 198.51.100.7 192.0.2.10 54321 3478\r\n',
  'PROXY TCP6 2001:db8::1 ::ffff:192.0.2.10 0 65535\r\nrest',
  'PROXY UNKNOWN anything at all\r\n',
];

/** ProxyHeader. */
export const proxyHeaderTarget: Target = {
  name: 'proxy-header',
  code: ['/src/streams/proxy-header', '/src/streams/crc32c'],
  seeds: () =>
    [
      ...readVectors().flatMap(({ kind, hex = '' }) => (kind === 'proxy' ? [Buffer.from(hex, 'hex')] : [])),
      ...LINES.map((line) => Buffer.from(line)),
    ].flatMap((bytes) => [0, 13, 20].map((at) => Buffer.concat([Buffer.of(at), bytes]))),
  mutate: mutateBytes,
  run,
};

interface Outcome {
  readonly status: HeaderStatus;
  readonly ends: string;
  /** Bytes of the header. */
  readonly length: number;
}

function run(input: Buffer, notice: Notice): number {
  const bytes = input.subarray(1, 1 + LARGEST + 64);
  const at = Math.min(input[0] ?? 0, bytes.length);
  const whole = read([bytes]);
  same(read([bytes.subarray(0, at), bytes.subarray(at)]), whole, `cut at ${at}`);
  if (bytes.length < 256) same(read(Array.from(bytes, (byte) => Buffer.of(byte))), whole, 'byte by byte');
  if (whole.status === HeaderStatus.DONE) same(read([bytes.subarray(0, whole.length)]), whole, 'without the rest');
  expect(whole.status !== HeaderStatus.MORE || bytes.length < LARGEST, 'waits for more than the largest header');
  if (whole.ends !== '' && bytes[0] === 0x50) expect(isLine(bytes.toString('latin1', 0, whole.length)), 'is no line');
  notice(`${whole.status} ${bytes[0] === 0x50} ${bytes[12]} ${bytes[13]} ${whole.length.toString(2).length}`);
  return 3;
}

function read(chunks: readonly Buffer[]): Outcome {
  const header = new ProxyHeader();
  let length = 0;
  for (const chunk of chunks) {
    // A socket's buffer is overwritten afterwards.
    const own = Buffer.from(chunk);
    const status = header.push(own);
    const { addresses, rest } = header;
    length += chunk.length - rest.length;
    own.fill(0xee);
    if (status === HeaderStatus.MORE) continue;
    const ends = addresses === null ? '' : `${addresses.source.copyAddress().text} ${addresses.local.text}`;
    return { status, ends, length: status === HeaderStatus.DONE ? length : 0 };
  }
  return { status: HeaderStatus.MORE, ends: '', length: 0 };
}

function same(actual: Outcome, expected: Outcome, how: string): void {
  expect(JSON.stringify(actual) === JSON.stringify(expected), `${how}: ${JSON.stringify(actual)}`);
}

function isLine(line: string): boolean {
  const [, family, source = '', destination = '', ...ports] =
    /^PROXY TCP([46]) ([^ ]+) ([^ ]+) (0|[1-9][0-9]*) (0|[1-9][0-9]*)\r\n$/.exec(line) ?? [];
  const isIp = family === '4' ? isIPv4 : isIPv6;
  return line.length <= 107 && isIp(source) && isIp(destination) && ports.every((port) => Number(port) <= 65_535);
}
