import fc from 'fast-check';
import { test } from 'tap';
import { BAD_CHANNEL_DATA, channelPayloadEnd, writeChannelHeader } from '../../src/stun/channel-data.ts';
import { readVectors } from '../support/vectors.ts';
import { channelData, decodeChannelData } from '../support/wire.ts';

const vectors = readVectors().filter((vector) => vector.kind === 'channeldata');

/** The bytes in a larger buffer full of 0xff, so that whoever reads too far finds a length. */
function amidst(bytes: Buffer): { buffer: Buffer; start: number; end: number } {
  return {
    buffer: Buffer.concat([Buffer.alloc(5, 0xff), bytes, Buffer.alloc(9, 0xff)]),
    start: 5,
    end: 5 + bytes.length,
  };
}

function payloadOf(bytes: Buffer): string | null {
  const { buffer, start, end } = amidst(bytes);
  const payloadEnd = channelPayloadEnd(buffer, start, end);
  return payloadEnd === BAD_CHANNEL_DATA ? null : buffer.toString('utf8', start + 4, payloadEnd);
}

test('the vectors are there', async (t) => {
  t.equal(vectors.length, 3);
});

for (const vector of vectors) {
  test(`TURN-85 TURN-86 ${vector.name} is read and written`, async (t) => {
    const bytes = Buffer.from(vector.hex ?? '', 'hex');
    t.equal(payloadOf(bytes), vector.data);
    const header = Buffer.alloc(6, 0xee);
    const length = Buffer.byteLength(vector.data ?? '');
    t.equal(writeChannelHeader(header, 1, Number(vector.channel), length), 5);
    t.equal(header.toString('hex'), `ee${bytes.toString('hex', 0, 4)}ee`);
  });
}

test('TURN-87 BAD-32 a length beyond the datagram is refused', async (t) => {
  t.equal(payloadOf(Buffer.from('4001ffff666f6f626172', 'hex')), null);
  t.equal(payloadOf(channelData(0x4001, 'hello', { length: 6 })), null, 'one byte too many');
});

test('BAD-33 less than a header and its payload is refused', async (t) => {
  for (const hex of ['', '40', '4001', '400100', '40010001']) t.equal(payloadOf(Buffer.from(hex, 'hex')), null, hex);
});

test('BAD-33 a cut header at the very end of a buffer is not read beyond', async (t) => {
  for (let length = 0; length < 4; length++)
    t.equal(channelPayloadEnd(Buffer.alloc(8 + length, 0x40), 8, 8 + length), BAD_CHANNEL_DATA);
});

test('TURN-86 bytes behind the payload are ignored', async (t) => {
  t.equal(payloadOf(channelData(0x4001, 'hello world', { length: 5 })), 'hello');
});

test('any channel, length and offset is written as the independent encoder writes it', async (t) => {
  fc.assert(
    fc.property(fc.nat(0xffff), fc.nat(0xffff), fc.nat(8), (channel, length, offset) => {
      const buffer = Buffer.alloc(16);
      writeChannelHeader(buffer, offset, channel, length);
      return buffer.subarray(offset, offset + 4).equals(channelData(channel, '', { length }));
    }),
  );
  t.pass();
});

test('any bytes are read as the independent decoder reads them', async (t) => {
  const tail = fc.uint8Array({ maxLength: 12 });
  fc.assert(
    fc.property(fc.nat(14), tail, (length, rest) => {
      const bytes = Buffer.concat([Buffer.from([0x40, 1, 0, length]), rest]);
      const expected = length > rest.length ? null : decodeChannelData(bytes).payload.toString('utf8');
      return payloadOf(bytes) === expected;
    }),
  );
  t.pass();
});
