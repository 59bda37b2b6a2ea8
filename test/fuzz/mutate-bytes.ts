// Changes to bytes that know nothing of what they mean.

import { NUMBERS } from './dictionary.ts';
import type { SeededRandom } from './random.ts';

type Change = (bytes: Buffer, other: Buffer, random: SeededRandom) => Buffer;

const CHANGES: readonly Change[] = [flipBit, setByte, setNumber, truncate, extend, remove, repeat, splice];

/** Mutates bytes once. */
export function mutateBytes(bytes: Buffer, other: Buffer, random: SeededRandom): Buffer {
  return random.pick(CHANGES)(bytes, other, random);
}

/** ChannelData that claims a little less or more than there is; now and then, anything else. */
export function mutateChannelData(bytes: Buffer, other: Buffer, random: SeededRandom): Buffer {
  if (bytes.length < 4 || !random.oneIn(3)) return mutateBytes(bytes, other, random);
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(Math.min(0xffff, Math.max(0, bytes.length - 8 + random.below(16))), 2);
  return copy;
}

function flipBit(bytes: Buffer, _: Buffer, random: SeededRandom): Buffer {
  const copy = Buffer.from(bytes);
  const at = random.below(copy.length);
  if (copy.length > 0) copy.writeUInt8(copy.readUInt8(at) ^ (1 << random.below(8)), at);
  return copy;
}

function setByte(bytes: Buffer, _: Buffer, random: SeededRandom): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0)
    copy.writeUInt8(
      random.oneIn(2) ? random.below(256) : random.pick([0, 0x7f, 0x80, 0xff]),
      random.below(copy.length),
    );
  return copy;
}

function setNumber(bytes: Buffer, _: Buffer, random: SeededRandom): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 1) copy.writeUInt16BE(random.pick(NUMBERS), random.below(copy.length - 1));
  return copy;
}

function truncate(bytes: Buffer, _: Buffer, random: SeededRandom): Buffer {
  return Buffer.from(bytes.subarray(0, random.below(bytes.length + 1)));
}

function extend(bytes: Buffer, _: Buffer, random: SeededRandom): Buffer {
  return Buffer.concat([bytes, random.bytes(1 + random.below(40))]);
}

function remove(bytes: Buffer, _: Buffer, random: SeededRandom): Buffer {
  const [from, to] = range(bytes, random);
  return Buffer.concat([bytes.subarray(0, from), bytes.subarray(to)]);
}

function repeat(bytes: Buffer, _: Buffer, random: SeededRandom): Buffer {
  const [from, to] = range(bytes, random);
  return Buffer.concat([bytes.subarray(0, to), bytes.subarray(from)]);
}

function splice(bytes: Buffer, other: Buffer, random: SeededRandom): Buffer {
  const [from, to] = range(other, random);
  const at = random.below(bytes.length + 1);
  return Buffer.concat([bytes.subarray(0, at), other.subarray(from, to), bytes.subarray(at)]);
}

function range(bytes: Buffer, random: SeededRandom): [from: number, to: number] {
  const from = random.below(bytes.length + 1);
  return [from, Math.min(bytes.length, from + 1 + random.below(64))];
}
