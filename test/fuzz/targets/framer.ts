// Fuzzes the stream framer: however a stream is split, the frames and the place where it turns fatal are the same, and
// are those that wire.ts finds.
//
// input = splits(8) { position(16) } stream

import { FrameStatus, MAX_FRAME_LENGTH, StreamFramer } from '../../../src/stun/stream-framer.ts';
import { channelData, unitLength } from '../../support/wire.ts';
import { mutateChannelData } from '../mutate-bytes.ts';
import { mutateMessage } from '../mutate-message.ts';
import type { SeededRandom } from '../random.ts';
import { expect, type Notice, type Target } from '../target.ts';
import { messageSeeds } from './message.ts';

/** The framer, split by split. */
export const framerTarget: Target = { name: 'framer', code: ['/src/stun/stream-framer'], seeds, mutate, run };

interface Stream {
  readonly splits: readonly number[];
  readonly bytes: Buffer;
}

interface Cut {
  readonly frames: readonly Buffer[];
  readonly fatal: boolean;
  /** Bytes that were kept of an unfinished frame. */
  readonly pending: number;
}

function seeds(): Buffer[] {
  const frames = [...messageSeeds(), channelData(0x4000, 'abcde', { pad: true }), channelData(0x7fff, '')];
  const all = Buffer.concat(frames);
  const alone = frames.map((bytes) => encode({ splits: [bytes.length >> 1], bytes }));
  const fatal = ['80000000', 'c0', '1603010200', '000100032112a442', '000100002112a443', '474554202f'];
  const broken = fatal.map((hex) => encode({ splits: [3], bytes: Buffer.from(hex, 'hex') }));
  return [...broken, ...alone, encode({ splits: [1, 100, 101, 500], bytes: all }), encode({ splits: [], bytes: all })];
}

function encode({ splits, bytes }: Stream): Buffer {
  const head = Buffer.alloc(1 + splits.length * 2);
  head.writeUInt8(splits.length);
  for (const [index, position] of splits.entries()) head.writeUInt16BE(position, 1 + index * 2);
  return Buffer.concat([head, bytes]);
}

function decode(input: Buffer): Stream {
  const count = Math.min(input[0] ?? 0, (input.length - 1) >> 1);
  const splits: number[] = [];
  for (let index = 0; index < count; index++) splits.push(input.readUInt16BE(1 + index * 2));
  return { splits, bytes: input.subarray(1 + splits.length * 2) };
}

function mutate(input: Buffer, other: Buffer, random: SeededRandom): Buffer {
  const { splits, bytes } = decode(input);
  const donor = decode(other).bytes;
  if (random.oneIn(4)) return encode({ splits: madeUp(bytes.length, random), bytes });
  const [head, rest] = firstUnit(bytes);
  const isMessage = (head[0] ?? 0) < 0x40 && !random.oneIn(3);
  const changed = isMessage ? mutateMessage(head, donor, random) : mutateChannelData(head, donor, random);
  const coalesced = random.oneIn(3) ? [changed, rest, donor] : [changed, rest];
  const joined = random.oneIn(3) ? [firstUnit(donor)[0], ...coalesced] : coalesced;
  return encode({ splits, bytes: Buffer.concat(joined).subarray(0, MAX_FRAME_LENGTH + 8192) });
}

function madeUp(length: number, random: SeededRandom): number[] {
  return Array.from({ length: random.below(12) }, () => random.below(Math.min(length, 0xffff) + 1));
}

function firstUnit(bytes: Buffer): [unit: Buffer, rest: Buffer] {
  const length = unitLength(bytes) || bytes.length;
  return [bytes.subarray(0, length), bytes.subarray(length)];
}

function run(input: Buffer, notice: Notice): number {
  const { splits, bytes } = decode(input);
  const whole = cut([bytes]);
  const positions = [0, ...splits.map((one) => Math.min(one, bytes.length)).sort((a, b) => a - b), bytes.length];
  same(cut(positions.slice(1).map((end, index) => bytes.subarray(positions[index], end))), whole, 'split');
  const short = bytes.subarray(0, 512);
  same(cut(Array.from(short, (byte) => Buffer.from([byte]))), cut([short]), 'byte by byte');
  compare(whole, bytes);
  notice(
    `${Math.min(whole.frames.length, 20)} frames, fatal ${whole.fatal}, pending ${whole.pending.toString(2).length}`,
  );
  for (const frame of whole.frames) notice(`frame ${(frame[0] ?? 0) >> 4} ${frame.length.toString(2).length}`);
  if (whole.fatal) notice(`fatal at ${(bytes[end(whole)] ?? 0) >> 2}`);
  return 3;
}

// Each chunk lies in a buffer of its own, which is overwritten afterwards as a socket's would be.
function cut(chunks: readonly Buffer[]): Cut {
  const framer = new StreamFramer();
  const frames: Buffer[] = [];
  for (const chunk of chunks) {
    const own = Buffer.from(chunk);
    framer.push(own);
    let status = framer.next();
    for (; status === FrameStatus.FRAME; status = framer.next()) {
      expect(framer.end - framer.start <= MAX_FRAME_LENGTH, 'a frame is too long');
      frames.push(Buffer.from(framer.buffer.subarray(framer.start, framer.end)));
    }
    own.fill(0xee);
    if (status === FrameStatus.FATAL) return { frames, fatal: true, pending: framer.pending };
  }
  return { frames, fatal: false, pending: framer.pending };
}

function same(actual: Cut, expected: Cut, how: string): void {
  expect(actual.fatal === expected.fatal, `${how}: fatal ${actual.fatal}`);
  expect(actual.pending === expected.pending, `${how}: ${actual.pending} bytes pending`);
  const frames = (one: Cut): string => one.frames.map((frame) => frame.toString('hex')).join();
  expect(frames(actual) === frames(expected), `${how}: other frames`);
}

// The frames are the stream's beginning, each as long as wire.ts says, and what is left is no frame.
function compare(whole: Cut, bytes: Buffer): void {
  expect(Buffer.concat(whole.frames).equals(bytes.subarray(0, end(whole))), 'frames are not the stream');
  for (const frame of whole.frames) expect(unitLength(frame) === frame.length, `a frame of ${frame.length} bytes`);
  const rest = bytes.subarray(end(whole));
  if (whole.fatal) expect(whole.pending === 0 && isFatal(rest), 'fatal without reason');
  else expect(whole.pending === rest.length && unitLength(rest) === 0 && !isFatal(rest), 'a frame was not found');
}

function end({ frames }: Cut): number {
  return frames.reduce((sum, frame) => sum + frame.length, 0);
}

// Neither ChannelData nor the beginning of a message with the magic cookie (RFC 8489 §5, RFC 8656 §12).
function isFatal(rest: Buffer): boolean {
  const first = rest[0] ?? 0;
  if (first >= 0x40) return first >= 0x80;
  if (first > 3 || (rest.length >= 4 && rest.readUInt16BE(2) % 4 !== 0)) return true;
  return rest.length >= 8 && rest.readUInt32BE(4) !== 0x2112a442;
}
