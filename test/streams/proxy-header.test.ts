// The header of the PROXY protocol: vectors of the specification, each rule that can be broken, and every cut.

import { test } from 'tap';
import { ProxyHeader } from '../../src/streams/proxy-header.ts';
import { HeaderStatus } from '../../src/streams/proxy-header-reading.ts';
import { readVectors } from '../support/vectors.ts';

const SIGNATURE = '0d0a0d0a000d0a515549540a';
const ENDS4 = 'c6336407c000020ad4310d96';
const ENDS6 = '20010db800000000000000000000000120010db8000000000000000000000002d4310d96';
const REST = Buffer.from('000100002112a442', 'hex');

interface Outcome {
  readonly status: HeaderStatus;
  /** `source > destination`; empty: the connection's own. */
  readonly ends: string;
  readonly rest: string;
}

function push(chunks: readonly Buffer[]): Outcome {
  const header = new ProxyHeader();
  for (const [index, chunk] of chunks.entries()) {
    const status = header.push(chunk);
    if (status === HeaderStatus.MORE) continue;
    if (status === HeaderStatus.INVALID) return { status, ends: '', rest: '' };
    const { addresses, rest } = header;
    const ends = addresses === null ? '' : `${addresses.source.copyAddress().text} > ${addresses.local.text}`;
    return { status, ends, rest: Buffer.concat([rest, ...chunks.slice(index + 1)]).toString('hex') };
  }
  return { status: HeaderStatus.MORE, ends: '', rest: '' };
}

function read(bytes: Buffer): Outcome {
  return push([bytes]);
}

function done(ends: string, rest: Buffer = REST): Outcome {
  return { status: HeaderStatus.DONE, ends, rest: rest.toString('hex') };
}

function block(head: string, body = '', length = body.length / 2): Buffer {
  return Buffer.from(`${SIGNATURE}${head}${length.toString(16).padStart(4, '0')}${body}`, 'hex');
}

const status = (bytes: Buffer | string): HeaderStatus => read(Buffer.from(bytes)).status;
const KNOWN4 = '198.51.100.7:54321 > 192.0.2.10:3478';
const KNOWN6 = '[2001:db8::1]:54321 > [2001:db8::2]:3478';

test('PROXY-05 PROXY-11 PROXY-14 PROXY-18 the vectors are read, and what follows them is left', async (t) => {
  const vectors = readVectors().filter(({ kind, name }) => kind === 'proxy' && !name.includes('udp'));
  t.equal(vectors.length, 7);
  for (const { name, hex = '' } of vectors) {
    const ends = name.includes('tcp6') ? KNOWN6 : name.includes('tcp4') ? KNOWN4 : '';
    t.same(read(Buffer.concat([Buffer.from(hex, 'hex'), REST])), done(ends), name);
  }
});

test('PROXY-04 PROXY-18 every cut of a header in two, and byte by byte, gives the same', async (t) => {
  for (const { name, kind, hex = '' } of readVectors()) {
    if (kind !== 'proxy') continue;
    const bytes = Buffer.concat([Buffer.from(hex, 'hex'), REST]);
    const whole = read(bytes);
    for (let at = 1; at < bytes.length; at++) {
      t.same(push([bytes.subarray(0, at), bytes.subarray(at)]), whole, `${name} at ${at}`);
    }
    t.same(push(Array.from(bytes, (byte) => Buffer.of(byte))), whole, `${name} byte by byte`);
  }
});

test('PROXY-03 a header that has not ended is waited for, and never takes what is behind it', async (t) => {
  const line = Buffer.from('PROXY TCP4 198.51.100.7 192.0.2.10 54321 3478\r\n');
  for (const whole of [line, block('2111', ENDS4), block('2000', '00'.repeat(12))]) {
    for (let end = 0; end < whole.length; end++) t.equal(status(whole.subarray(0, end)), HeaderStatus.MORE, `${end}`);
    t.equal(read(Buffer.concat([whole, whole])).rest, whole.toString('hex'));
  }
});

const BAD_LINES: Readonly<Record<string, string>> = {
  'another protocol': 'GET / HTTP/1.1\r\n',
  'lower case': 'proxy TCP4 198.51.100.7 192.0.2.10 54321 3478\r\n',
  'no family': 'PROXY 198.51.100.7 192.0.2.10 54321 3478\r\n',
  'an unknown family': 'PROXY TCP5 198.51.100.7 192.0.2.10 54321 3478\r\n',
  UDP: 'PROXY UDP4 198.51.100.7 192.0.2.10 54321 3478\r\n',
  'two spaces': 'PROXY TCP4  198.51.100.7 192.0.2.10 54321 3478\r\n',
  'a tab': 'PROXY TCP4\t198.51.100.7 192.0.2.10 54321 3478\r\n',
  'a space at the end': 'PROXY TCP4 198.51.100.7 192.0.2.10 54321 3478 \r\n',
  'a word too many': 'PROXY TCP4 198.51.100.7 192.0.2.10 54321 3478 x\r\n',
  'a port too few': 'PROXY TCP4 198.51.100.7 192.0.2.10 54321\r\n',
  'a port with a leading zero': 'PROXY TCP4 198.51.100.7 192.0.2.10 054321 3478\r\n',
  'port 65536': 'PROXY TCP4 198.51.100.7 192.0.2.10 65536 3478\r\n',
  'a port of 65536 there': 'PROXY TCP4 198.51.100.7 192.0.2.10 1 65536\r\n',
  'a negative port': 'PROXY TCP4 198.51.100.7 192.0.2.10 -1 3478\r\n',
  'a leading zero in an address': 'PROXY TCP4 01.2.3.4 192.0.2.10 54321 3478\r\n',
  'IPv6 as TCP4': 'PROXY TCP4 ::1 ::1 54321 3478\r\n',
  'IPv4 as TCP6': 'PROXY TCP6 198.51.100.7 192.0.2.10 54321 3478\r\n',
  'a zone': 'PROXY TCP6 fe80::1%eth0 fe80::2 54321 3478\r\n',
  'a name': 'PROXY TCP4 localhost 192.0.2.10 54321 3478\r\n',
  'nothing but the family': 'PROXY TCP4\r\n',
  'UNKNOWN with a letter more': 'PROXY UNKNOWNS\r\n',
};

test('PROXY-05 BAD-45 a line that breaks a rule of version 1 is refused', async (t) => {
  for (const [name, line] of Object.entries(BAD_LINES)) t.equal(status(line), HeaderStatus.INVALID, name);
  const ports = 'PROXY TCP4 198.51.100.7 192.0.2.10 0 65535\r\n';
  t.same(read(Buffer.from(ports)).ends, '198.51.100.7:0 > 192.0.2.10:65535', 'the lowest port and the highest');
});

test('PROXY-06 BAD-45 CRLF ends the line within 107 bytes; neither stands alone', async (t) => {
  const unknown = (length: number): Buffer => Buffer.from(`${'PROXY UNKNOWN '.padEnd(length - 2, 'x')}\r\n`);
  t.equal(status(unknown(107)), HeaderStatus.DONE);
  t.equal(status(unknown(108)), HeaderStatus.INVALID);
  t.equal(status(unknown(108).subarray(0, 107)), HeaderStatus.INVALID, 'its CR is the 107th byte');
  t.equal(status(unknown(200).subarray(0, 106)), HeaderStatus.MORE);
  t.equal(status(unknown(200).subarray(0, 107)), HeaderStatus.INVALID);
  t.equal(status('PROXY TCP4 198.51.100.7 192.0.2.10 54321 3478\n'), HeaderStatus.INVALID, 'LF alone');
  t.equal(status('PROXY UNKNOWN a\rb\r\n'), HeaderStatus.INVALID, 'CR alone');
});

test('PROXY-07 UNKNOWN means the addresses of the connection, whatever the line says', async (t) => {
  for (const line of ['PROXY UNKNOWN\r\n', 'PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n', 'PROXY UNKNOWN \u00ff\r\n']) {
    t.same(read(Buffer.concat([Buffer.from(line, 'latin1'), REST])), done(''), JSON.stringify(line));
  }
});

test('PROXY-08 BAD-45 version 2 has its whole signature, and no other version', async (t) => {
  for (const head of ['3111', '1111', '0111', 'f111']) t.equal(status(block(head, ENDS4)), HeaderStatus.INVALID, head);
  const whole = block('2111', ENDS4);
  for (let at = 0; at < 12; at++) {
    const broken = Buffer.from(whole);
    broken.writeUInt8(broken.readUInt8(at) ^ 1, at);
    t.equal(status(broken), HeaderStatus.INVALID, `byte ${at}`);
  }
});

test('PROXY-09 LOCAL means the addresses of the connection, and its block is skipped unread', async (t) => {
  for (const body of ['', '00'.repeat(12), 'ff'.repeat(13)]) {
    for (const family of ['00', '11', '99']) {
      t.same(read(Buffer.concat([block(`20${family}`, body), REST])), done(''), `${family} ${body.length / 2}`);
    }
  }
});

test('PROXY-10 BAD-45 every other command is refused', async (t) => {
  for (let command = 2; command < 16; command++) {
    t.equal(status(block(`2${command.toString(16)}11`, ENDS4)), HeaderStatus.INVALID, `${command}`);
  }
});

test('PROXY-11 PROXY-17 of all families and transports, streams and what is unspecified are taken', async (t) => {
  const taken: number[] = [];
  for (let family = 0; family < 256; family++) {
    const head = `21${family.toString(16).padStart(2, '0')}`;
    if (status(block(head, '00'.repeat(216))) === HeaderStatus.DONE) taken.push(family);
  }
  t.same(taken, [0x00, 0x11, 0x21, 0x31]);
  t.same(read(Buffer.concat([block('2100'), REST])), done(''), 'unspecified: the addresses of the connection');
  t.same(read(Buffer.concat([block('2131', '2f'.repeat(216)), REST])), done(''), 'Unix: as if unspecified');
});

test('PROXY-12 the block ends where its length says; unknown TLVs are skipped', async (t) => {
  // NOOP of 2 bytes, ALPN h2, an empty SNI, 0xEA as AWS sends it.
  const tlvs = '0400020000' + '0100026832' + '020000' + 'ea00050176706365';
  t.same(read(Buffer.concat([block('2111', ENDS4 + tlvs), REST])), done(KNOWN4));
  t.same(read(Buffer.concat([block('2121', ENDS6 + tlvs), REST])), done(KNOWN6));
  const noop = (length: number): string =>
    `04${(length - 31).toString(16).padStart(4, '0')}${'00'.repeat(length - 31)}`;
  t.same(read(Buffer.concat([block('2111', ENDS4 + noop(4096)), REST])), done(KNOWN4), '4096 bytes are read');
  t.equal(status(block('2111', '', 4081)), HeaderStatus.INVALID, 'one more is refused before it comes');
});

test('PROXY-13 BAD-45 a block too short for its addresses, or for its TLVs, is refused', async (t) => {
  t.equal(status(block('2111', ENDS4.slice(2))), HeaderStatus.INVALID, '11 bytes for IPv4');
  t.equal(status(block('2121', ENDS6.slice(2))), HeaderStatus.INVALID, '35 bytes for IPv6');
  t.equal(status(block('2131', '2f'.repeat(215))), HeaderStatus.INVALID, '215 bytes for Unix');
  for (const tlv of ['04', '0400', '040001', '0400020000040002', '04ffff00']) {
    t.equal(status(block('2111', ENDS4 + tlv)), HeaderStatus.INVALID, tlv);
  }
});

test('PROXY-14 BAD-45 a checksum that is wrong, or not 4 bytes long, is refused', async (t) => {
  const { hex = '' } = readVectors().find(({ name }) => name === 'proxy-v2-tcp4-crc32c')!;
  const whole = Buffer.from(hex, 'hex');
  t.equal(status(whole), HeaderStatus.DONE);
  // Behind the length: a flip before may also be refused for what it says.
  for (let at = 16; at < 28; at++) {
    const broken = Buffer.from(whole);
    broken.writeUInt8(broken.readUInt8(at) ^ 0x10, at);
    t.equal(status(broken), HeaderStatus.INVALID, `a flipped bit of byte ${at}`);
  }
  t.equal(status(block('2111', `${ENDS4}030003fbee4c`)), HeaderStatus.INVALID, '3 bytes');
  t.equal(status(block('2111', `${ENDS4}0300050000000000`)), HeaderStatus.INVALID, '5 bytes');
});

test('STUN-11 an IPv4 client of a dual-stack proxy has an IPv4 address', async (t) => {
  const line = Buffer.from('PROXY TCP6 ::ffff:198.51.100.7 ::ffff:192.0.2.10 54321 3478\r\n');
  t.same(read(line).ends, KNOWN4);
  const mapped = '00000000000000000000ffff';
  t.same(read(block('2121', `${mapped}c6336407${mapped}c000020ad4310d96`)).ends, KNOWN4);
});
