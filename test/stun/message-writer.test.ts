import fc from 'fast-check';
import { test } from 'tap';
import { Attribute, slotOf } from '../../src/stun/attributes.ts';
import { parseIp } from '../../src/stun/ip-address.ts';
import { MessageWriter } from '../../src/stun/message-writer.ts';
import { TransportWords } from '../../src/stun/transport-address.ts';
import { anyMessage } from '../support/arbitraries.ts';
import { readVectors, type Vector, vectorNamed } from '../support/vectors.ts';
import { attr, decode, message } from '../support/wire.ts';
import * as make from '../support/wire-attributes.ts';

const START = 11;
const tid = Buffer.from('0102030405060708090a0b0c', 'hex');

/** Writes a message into the middle of a dirty buffer; checks that nothing around it changed. */
function written(type: number, write: (writer: MessageWriter) => void, id: Buffer = tid): Buffer {
  const buffer = Buffer.alloc(70_000, 0xee);
  const writer = new MessageWriter();
  writer.begin(buffer, START, type, id, 0);
  write(writer);
  const around = Buffer.concat([buffer.subarray(0, START), buffer.subarray(writer.end)]);
  if (around.some((byte) => byte !== 0xee)) throw new Error('wrote outside of the message');
  return buffer.subarray(START, writer.end);
}

function hexOf(type: number, write: (writer: MessageWriter) => void, id?: Buffer): string {
  return written(type, write, id).toString('hex');
}

/** Zeroes the padding of a vector, which some of the RFC's fill with blanks, and signs it anew. */
function withZeroPadding({ hex = '', keyHex = '', checks }: Vector): string {
  const { type, tid: id, attrs } = decode(Buffer.from(hex, 'hex'));
  const own: number[] = [attr.messageIntegrity, attr.messageIntegritySha256, attr.fingerprint];
  const both = checks?.messageIntegrity === true && checks.messageIntegritySha256 === true;
  return message({
    type,
    tid: id,
    attrs: attrs.filter(([one]) => !own.includes(one)),
    ...(keyHex === '' ? {} : { key: Buffer.from(keyHex, 'hex') }),
    integrity: both ? 'both' : checks?.messageIntegritySha256 === true ? 'sha256' : 'sha1',
    fingerprint: checks?.fingerprint === true,
  }).toString('hex');
}

const writable = readVectors().filter(
  ({ kind, checks, name }) => kind === 'stun' && checks?.lengthFieldOk && !name.includes('truncated'),
);

for (const vector of writable) {
  test(`${vector.name} is written byte for byte`, async (t) => {
    const { type, tid: id, attrs } = decode(Buffer.from(vector.hex ?? '', 'hex'));
    const key = Buffer.from(vector.keyHex ?? '', 'hex');
    const bytes = hexOf(
      type,
      (writer) => {
        for (const [one, value] of attrs) writeAttribute(writer, one, value, key);
      },
      id,
    );
    t.equal(bytes, vector.paddingByte === '20' ? withZeroPadding(vector) : vector.hex);
  });
}

function writeAttribute(writer: MessageWriter, type: number, value: Buffer, key: Buffer): void {
  if (type === Attribute.MESSAGE_INTEGRITY || type === Attribute.MESSAGE_INTEGRITY_SHA256) writer.integrity(type, key);
  else if (type === Attribute.FINGERPRINT) writer.fingerprint();
  else writer.bytes(type as Attribute, value);
}

test('STUN-09 STUN-10 addresses are written as the vectors have them', async (t) => {
  const id = Buffer.from('b7e7a701bc34d686fa87dfae', 'hex');
  for (const [name, at, to] of [
    ['rfc5769-2.2-ipv4-response', 72, 96],
    ['rfc5769-2.3-ipv6-response', 72, 120],
  ] as const) {
    const { hex, mappedAddress = '', mappedPort = 0 } = vectorNamed(name);
    const ip = parseIp(mappedAddress)!;
    const bytes = hexOf(0x0101, (writer) => writer.xorAddress(Attribute.XOR_MAPPED_ADDRESS, ip, mappedPort), id);
    t.equal(bytes.slice(40), hex.slice(at, to));
    const words = new TransportWords();
    words.setTo(ip, mappedPort);
    t.equal(
      hexOf(0x0101, (writer) => writer.xorWords(Attribute.XOR_MAPPED_ADDRESS, words), id),
      bytes,
    );
  }
});

test('a 420 is written as the vector has it', async (t) => {
  const { hex } = vectorNamed('derived-binding-420');
  const bytes = hexOf(
    0x0111,
    (writer) => {
      writer.errorCode(420, 'Unknown Attribute');
      writer.unknownAttributes([0x7777]);
    },
    Buffer.from('0102030405060708090a0b03', 'hex'),
  );
  t.equal(bytes, hex);
});

test('STUN-15 a list of unknown attributes is padded with zeros', async (t) => {
  t.equal(hexOf(0x0111, (writer) => writer.unknownAttributes([0x7777])).slice(40), '000a000277770000');
  t.equal(hexOf(0x0111, (writer) => writer.unknownAttributes([0x7777, 0x7778])).slice(40), '000a000477777778');
  t.equal(hexOf(0x0111, (writer) => writer.unknownAttributes([])).slice(40), '000a0000');
});

test('a dual Allocate success is written as the vectors have it', async (t) => {
  const dual = vectorNamed('derived-allocate-success-dual');
  const key = Buffer.from(dual.keyHex ?? '', 'hex');
  const id = Buffer.from('0102030405060708090a0b07', 'hex');
  const common = (writer: MessageWriter) => {
    writer.uint32(Attribute.LIFETIME, 600);
    writer.xorAddress(Attribute.XOR_MAPPED_ADDRESS, parseIp('192.0.2.1')!, 7000);
  };
  const relayed = (writer: MessageWriter, ip: string, port: number) =>
    writer.xorAddress(Attribute.XOR_RELAYED_ADDRESS, parseIp(ip)!, port);
  const bytes = hexOf(
    0x0103,
    (writer) => {
      relayed(writer, '192.0.2.15', 50000);
      relayed(writer, '2001:db8::1', 50001);
      common(writer);
      writer.integrity(Attribute.MESSAGE_INTEGRITY_SHA256, key);
    },
    id,
  );
  t.equal(bytes, dual.hex);
  const partial = hexOf(
    0x0103,
    (writer) => {
      relayed(writer, '192.0.2.15', 50000);
      common(writer);
      writer.addressErrorCode(6, 440, 'Address Family not Supported');
      writer.integrity(Attribute.MESSAGE_INTEGRITY_SHA256, key);
    },
    id,
  );
  t.equal(partial, vectorNamed('derived-allocate-success-partial').hex);
});

test('TURN-71 an ICMP error is written as the vector has it', async (t) => {
  const { hex, icmp } = vectorNamed('derived-data-indication-icmp');
  if (icmp === undefined) throw new Error('no ICMP in the vector');
  t.equal(hexOf(0x0017, (writer) => writer.icmp(icmp.type, icmp.code, icmp.mtu)).slice(40), hex.slice(64));
  t.equal(hexOf(0x0017, (writer) => writer.icmp(255, 254, 0xffff_ffff)).slice(40), '800400080000fffeffffffff');
});

test('an ADDRESS-ERROR-CODE names its family', async (t) => {
  t.equal(hexOf(0x0103, (writer) => writer.addressErrorCode(4, 508, '')).slice(40), '8001000401000508');
});

test('TURN-65 a data indication is written as the vector has it, the payload sent behind it', async (t) => {
  const buffer = Buffer.alloc(64, 0xee);
  const writer = new MessageWriter();
  writer.begin(buffer, 0, 0x0017, Buffer.from('0102030405060708090a0b0f', 'hex'), 0);
  writer.xorAddress(Attribute.XOR_PEER_ADDRESS, parseIp('192.0.2.150')!, 32102);
  const padding = writer.dataHeader(5);
  t.equal(padding, 3);
  const bytes = Buffer.concat([buffer.subarray(0, writer.end), Buffer.from('hello'), Buffer.alloc(padding)]);
  t.equal(bytes.toString('hex'), vectorNamed('derived-data-indication-v4').hex);
  for (const [length, due] of [
    [0, 0],
    [1, 3],
    [2, 2],
    [4, 0],
    [65_000, 0],
  ] as const) {
    writer.begin(buffer, 0, 0x0017, tid, 0);
    t.equal(writer.dataHeader(length), due);
    t.equal(buffer.readUInt16BE(2), 4 + length + due, `${length}`);
    t.equal(buffer.readUInt16BE(22), length);
  }
});

test('STUN-07 the transaction ID is copied from where the request has it', async (t) => {
  const request = message({ type: 1, tid });
  const buffer = Buffer.alloc(40, 0xee);
  const writer = new MessageWriter();
  writer.begin(buffer, 4, 0x0101, request, 8);
  t.equal(buffer.toString('hex', 0, writer.end), `eeeeeeee010100002112a442${tid.toString('hex')}`);
});

test('a response may be written over the request, wherever it overlaps', async (t) => {
  const expected = message({ type: 0x0101, tid }).toString('hex');
  for (let at = 0; at <= 60; at++) {
    const buffer = Buffer.concat([Buffer.alloc(30), message({ type: 1, tid }), Buffer.alloc(30)]);
    const writer = new MessageWriter();
    writer.begin(buffer, at, 0x0101, buffer, 38);
    t.equal(buffer.toString('hex', at, writer.end), expected, `${at - 30} bytes on`);
  }
});

test('STUN-21 padding is zero whatever the buffer held', async (t) => {
  for (const text of ['', 'a', 'ab', 'abc', 'abcd', 'é', 'マト']) {
    const expected = message({ type: 1, tid, attrs: [make.software(text)] }).toString('hex');
    t.equal(
      hexOf(1, (writer) => writer.text(Attribute.SOFTWARE, text)),
      expected,
    );
  }
});

test('STUN-27 error codes and reasons are written in their bits', async (t) => {
  for (const [code, hex] of [
    [300, '0300'],
    [401, '0401'],
    [438, '0426'],
    [508, '0508'],
    [699, '0663'],
  ] as const) {
    t.equal(hexOf(0x0111, (writer) => writer.errorCode(code, '')).slice(40), `000900040000${hex}`);
    const read = decode(written(0x0111, (writer) => writer.errorCode(code, 'Müde')));
    t.match(read, { errorCode: code, reason: 'Müde' });
  }
});

test('a message that does not fit is refused, and nothing is written beyond the buffer', async (t) => {
  const buffer = Buffer.alloc(64, 0xee).subarray(0, 32);
  const beyond = Buffer.from(buffer.buffer, buffer.byteOffset + 32, 32);
  const writer = new MessageWriter();
  const begin = () => writer.begin(buffer, 0, 1, tid, 0);
  t.throws(() => writer.begin(buffer, 13, 1, tid, 0), RangeError);
  const tooLong: (() => void)[] = [
    () => writer.bytes(Attribute.DATA, Buffer.alloc(9)),
    () => writer.text(Attribute.SOFTWARE, 'a'.repeat(9)),
    () => writer.errorCode(400, 'abcde'),
    () => writer.addressErrorCode(6, 440, 'abcde'),
    () => writer.unknownAttributes([1, 2, 3, 4, 5]),
    () => writer.integrity(Attribute.MESSAGE_INTEGRITY, tid),
    () => writer.xorAddress(Attribute.XOR_PEER_ADDRESS, parseIp('::1')!, 1),
  ];
  for (const write of tooLong) {
    begin();
    t.throws(write, RangeError, write.toString());
    t.equal(writer.end, 20, 'nothing was begun');
  }
  begin();
  writer.bytes(Attribute.DATA, Buffer.alloc(8));
  t.equal(writer.end, 32, 'filled to the last byte');
  t.throws(() => writer.uint32(Attribute.LIFETIME, 1), RangeError);
  t.throws(() => writer.fingerprint(), RangeError);
  t.throws(() => writer.dataHeader(0), RangeError);
  t.ok(beyond.every((byte) => byte === 0xee));
});

test('any message is written as the independent encoder writes it', async (t) => {
  const parts = fc.record({
    parts: anyMessage,
    signature: fc.constantFrom('none', 'sha1', 'sha256', 'both'),
    key: fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes)),
  });
  fc.assert(
    fc.property(parts, ({ parts: { type, tid: id, attrs, fingerprint }, signature, key }) => {
      const known = attrs.filter(([one]) => slotOf(one) >= 0);
      const signed = signature === 'none' ? {} : { key, integrity: signature };
      const expected = message({ type, tid: id, attrs: known, ...signed, fingerprint });
      const bytes = written(
        type,
        (writer) => {
          for (const [one, value] of known) writer.bytes(one as Attribute, value);
          if (signature === 'sha1' || signature === 'both') writer.integrity(Attribute.MESSAGE_INTEGRITY, key);
          if (signature === 'sha256' || signature === 'both') writer.integrity(Attribute.MESSAGE_INTEGRITY_SHA256, key);
          if (fingerprint) writer.fingerprint();
        },
        id,
      );
      return bytes.equals(expected);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('any address is written as the independent encoder writes it', async (t) => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), fc.nat(0xffff), (ip, port) => {
      const expected = message({ type: 0x0103, tid, attrs: [make.xorRelayedAddress(ip, port)] });
      const bytes = written(0x0103, (writer) => writer.xorAddress(Attribute.XOR_RELAYED_ADDRESS, parseIp(ip)!, port));
      return bytes.equals(expected);
    }),
  );
  t.pass();
});
