import fc from 'fast-check';
import { test } from 'tap';
import { FrameStatus, MAX_FRAME_LENGTH, StreamFramer } from '../../src/stun/stream-framer.ts';
import { SeededRandom } from '../fuzz/random.ts';
import { anyMessage } from '../support/arbitraries.ts';
import { readVectors } from '../support/vectors.ts';
import { channelData, message } from '../support/wire.ts';
import { data, xorPeerAddress } from '../support/wire-attributes.ts';

const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex');

/** Every vector that can lie in a stream, ChannelData with its padding. */
const units: Buffer[] = readVectors()
  .filter(({ kind, name, checks }) => (kind === 'stun' && checks?.lengthFieldOk) || name === 'derived-channeldata-tcp')
  .map((vector) => hex(vector.hex ?? ''));
units.push(channelData(0x4001, ''), channelData(0x4fff, 'a', { pad: true }), channelData(0x7fff, 'abcd'));

interface Cut {
  readonly frames: string[];
  readonly fatal: boolean;
  readonly pending: number;
}

/** Pushes chunks, each in a buffer of its own that is overwritten afterwards as a socket's would be. */
function cut(chunks: readonly Buffer[], framer = new StreamFramer()): Cut {
  const frames: string[] = [];
  for (const chunk of chunks) {
    const own = Buffer.from(chunk);
    framer.push(own);
    let status = framer.next();
    for (; status === FrameStatus.FRAME; status = framer.next())
      frames.push(framer.buffer.toString('hex', framer.start, framer.end));
    own.fill(0xee);
    if (status === FrameStatus.FATAL) return { frames, fatal: true, pending: framer.pending };
  }
  return { frames, fatal: false, pending: framer.pending };
}

function whole(frames: readonly Buffer[]): Cut {
  return { frames: frames.map((frame) => frame.toString('hex')), fatal: false, pending: 0 };
}

function chunksOf(stream: Buffer, size: number): Buffer[] {
  const chunks: Buffer[] = [];
  for (let at = 0; at < stream.length; at += size) chunks.push(stream.subarray(at, at + size));
  return chunks;
}

test('there are vectors to cut', async (t) => {
  t.ok(units.length >= 30, `${units.length}`);
});

test('TRN-04 every vector is framed at every split', async (t) => {
  for (const unit of units) {
    const expected = JSON.stringify(whole([unit]));
    const wrong: number[] = [];
    for (let at = 0; at <= unit.length; at++)
      if (JSON.stringify(cut([unit.subarray(0, at), unit.subarray(at)])) !== expected) wrong.push(at);
    t.strictSame(wrong, [], unit.toString('hex', 0, 4));
  }
});

test('TRN-04 a mixture is framed at every pair of splits', async (t) => {
  const mixture = [channelData(0x4001, 'hello', { pad: true }), message({ type: 1 }), channelData(0x4002, '')];
  const stream = Buffer.concat(mixture);
  const expected = JSON.stringify(whole(mixture));
  const wrong: string[] = [];
  for (let a = 0; a <= stream.length; a++) {
    for (let b = a; b <= stream.length; b++) {
      const chunks = [stream.subarray(0, a), stream.subarray(a, b), stream.subarray(b)];
      if (JSON.stringify(cut(chunks)) !== expected) wrong.push(`${a},${b}`);
    }
  }
  t.strictSame(wrong, []);
});

test('TRN-04 all vectors are framed in any chunk size, and coalesced', async (t) => {
  const many = [...units, ...units];
  const stream = Buffer.concat(many);
  const expected = JSON.stringify(whole(many));
  for (const size of [1, 2, 3, 4, 5, 7, 8, 19, 20, 21, 64, 255, 256, 257, 1000, stream.length])
    t.equal(JSON.stringify(cut(chunksOf(stream, size))), expected, `${size} bytes at a time`);
});

test('TRN-04 fifty requests in one chunk are taken from it without a copy', async (t) => {
  const requests = Array.from({ length: 50 }, () => message({ type: 1 }));
  const framer = new StreamFramer();
  const chunk = Buffer.concat(requests);
  framer.push(chunk);
  let inPlace = 0;
  while (framer.next() === FrameStatus.FRAME) if (framer.buffer === chunk) inPlace++;
  t.equal(inPlace, 50);
});

test('TRN-03 any frames are cut the same at any splits', async (t) => {
  const frame = fc.oneof(
    // Beyond 0x3ff the first byte is not one of STUN's on a shared port.
    anyMessage.map((parts) => message({ ...parts, type: parts.type & 0x3ff })),
    fc
      .tuple(fc.integer({ min: 0x4000, max: 0x7fff }), fc.uint8Array({ maxLength: 50 }))
      .map(([channel, payload]) => channelData(channel, Buffer.from(payload), { pad: true })),
  );
  const splits = fc.array(fc.nat(600), { maxLength: 12 });
  fc.assert(
    fc.property(fc.array(frame, { maxLength: 8 }), splits, (frames, at) => {
      const stream = Buffer.concat(frames);
      const cuts = [0, ...at.map((one) => Math.min(one, stream.length)).sort((a, b) => a - b), stream.length];
      const chunks = cuts.slice(1).map((end, index) => stream.subarray(cuts[index], end));
      return JSON.stringify(cut(chunks)) === JSON.stringify(whole(frames));
    }),
    { numRuns: 500 },
  );
  t.pass();
});

test('S11 ten thousand random splits give the same frames as one piece', async (t) => {
  const stream = Buffer.concat([...units, message({ type: 0x0016, attrs: [data(Buffer.alloc(3000, 7))] })]);
  const expected = JSON.stringify(cut([stream]));
  let wrong = 0;
  for (let round = 0; round < 10_000; round++) {
    const chunks: Buffer[] = [];
    for (let at = 0; at < stream.length; ) {
      const end = at + 1 + Math.floor(Math.random() ** 3 * 1500);
      chunks.push(stream.subarray(at, end));
      at = end;
    }
    if (JSON.stringify(cut(chunks)) !== expected) wrong++;
  }
  t.equal(wrong, 0);
});

test('TRN-05 BAD-35 a STUN message of 65,552 bytes is one frame', async (t) => {
  const big = message({ type: 0x0016, attrs: [xorPeerAddress('192.0.2.1', 1), data(Buffer.alloc(0xfffc - 16, 7))] });
  t.equal(big.length, 65_552);
  t.equal(MAX_FRAME_LENGTH, 65_552);
  const stream = [big, message({ type: 1 })];
  for (const size of [100, 1460, 16_384, 65_536, 70_000])
    t.equal(JSON.stringify(cut(chunksOf(Buffer.concat(stream), size))), JSON.stringify(whole(stream)), `${size}`);
});

test('TRN-05 BAD-34 ChannelData of 65,535 bytes is one frame of 65,540', async (t) => {
  const big = channelData(0x4001, Buffer.alloc(0xffff, 7), { pad: true });
  t.equal(big.length, 65_540);
  const stream = [big, message({ type: 1 })];
  for (const size of [99, 1460, 16_384, 65_535, 65_536, 65_539, 65_540, 70_000])
    t.equal(JSON.stringify(cut(chunksOf(Buffer.concat(stream), size))), JSON.stringify(whole(stream)), `${size}`);
});

test('BAD-35 what is kept of an unfinished frame grows with what came, not with what it claims', async (t) => {
  for (const header of [hex('0003fffc2112a442'), hex('4001ffff')]) {
    const framer = new StreamFramer();
    framer.push(header);
    t.equal(framer.next(), FrameStatus.MORE);
    t.equal(framer.pending, header.length);
    const before = process.memoryUsage().arrayBuffers;
    const framers = Array.from({ length: 1000 }, () => new StreamFramer());
    for (const one of framers) {
      one.push(header);
      one.next();
    }
    const perFramer = (process.memoryUsage().arrayBuffers - before) / framers.length;
    t.ok(perFramer <= 1024, `${perFramer} bytes each`);
    t.equal(framers.length, 1000);
  }
});

test('nothing is kept after a whole frame', async (t) => {
  const framer = new StreamFramer();
  t.equal(cut(chunksOf(message({ type: 1 }), 7), framer).pending, 0);
  t.equal(framer.buffer.length, 0, 'nor the frame itself');
});

test('a frame from several chunks is not overwritten by the next one', async (t) => {
  const framer = new StreamFramer();
  const first = channelData(0x4001, 'first...');
  const second = channelData(0x4001, 'second..');
  framer.push(first.subarray(0, 5));
  framer.next();
  framer.push(Buffer.concat([first.subarray(5), second.subarray(0, 5)]));
  t.equal(framer.next(), FrameStatus.FRAME);
  const kept = framer.buffer.subarray(framer.start, framer.end);
  t.equal(framer.next(), FrameStatus.MORE);
  framer.push(second.subarray(5));
  t.equal(framer.next(), FrameStatus.FRAME);
  t.ok(kept.equals(first), 'the first may still be on its way into a socket');
});

test('TRN-08 BAD-36 what no frame begins with is fatal at its first byte', async (t) => {
  for (let byte = 0; byte < 256; byte++) {
    const fatal = byte >= 0x80 || (byte >= 4 && byte < 0x40);
    t.equal(cut([Buffer.from([byte])]).fatal, fatal, `0x${byte.toString(16)}`);
  }
});

test('TRN-08 BAD-36 noise is fatal after what came before it', async (t) => {
  const good = [message({ type: 1 }), channelData(0x4001, 'abcd')];
  const noises = [
    hex('16030100a5010000a1'),
    Buffer.alloc(65_536),
    hex('0001 0000 2112a443 000000000000000000000000'),
    hex('0001 0003 2112a442'),
    hex('0001 0001'),
    hex('ffffffff'),
  ];
  for (const noise of noises) {
    const stream = Buffer.concat([...good, noise]);
    for (const size of [1, 3, 8, stream.length])
      t.strictSame(cut(chunksOf(stream, size)), { ...whole(good), fatal: true }, noise.toString('hex', 0, 9));
  }
});

test('BAD-04 a length that is no multiple of 4 is fatal at once', async (t) => {
  t.ok(cut([hex('00010003')]).fatal);
  t.notOk(cut([hex('00010004')]).fatal);
});

test('after FATAL the framer stays fatal', async (t) => {
  const framer = new StreamFramer();
  t.ok(cut([hex('ff')], framer).fatal);
  t.equal(framer.next(), FrameStatus.FATAL);
  framer.push(message({ type: 1 }));
  t.equal(framer.next(), FrameStatus.FATAL);
  t.strictSame(cut([message({ type: 1 })], framer), { frames: [], fatal: true, pending: 0 });
});

test('any bytes in any chunks end in frames, in need of more, or fatal', async (t) => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 10 }), (chunks) => {
      const bytes = chunks.map((chunk) => Buffer.from(chunk));
      const pieces = cut(bytes);
      const at1 = cut(chunksOf(Buffer.concat(bytes), 1));
      return JSON.stringify(pieces) === JSON.stringify(at1);
    }),
    { numRuns: 1000 },
  );
  t.pass();
});

test('S11 10,000 random splits of a stream give the same frames, one byte at a time and all at once', async (t) => {
  const random = new SeededRandom(11);
  const frames = [
    ...Array.from({ length: 12 }, (_, index) =>
      message({ type: 0x0001, attrs: [[0x8022, Buffer.alloc(index * 7, index)]] }),
    ),
    ...Array.from({ length: 12 }, (_, index) =>
      channelData(0x4000 + index, Buffer.alloc(index * 13, index), { pad: true }),
    ),
  ];
  const stream = Buffer.concat(frames);
  const expected = frames.map((frame) => frame.toString('hex')).join();
  const framesOf = (sizes: () => number): string => {
    const framer = new StreamFramer();
    const found: string[] = [];
    for (let at = 0; at < stream.length; ) {
      const end = Math.min(stream.length, at + sizes());
      framer.push(Buffer.from(stream.subarray(at, end)));
      for (at = end; framer.next() === FrameStatus.FRAME; )
        found.push(framer.buffer.toString('hex', framer.start, framer.end));
    }
    return found.join();
  };
  t.equal(
    framesOf(() => 1),
    expected,
  );
  t.equal(
    framesOf(() => stream.length),
    expected,
  );
  let different = 0;
  for (let split = 0; split < 10_000; split++) {
    const longest = 1 + random.below(random.oneIn(2) ? 40 : 2000);
    if (framesOf(() => 1 + random.below(longest)) !== expected) different++;
  }
  t.equal(different, 0);
});
