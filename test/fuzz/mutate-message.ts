// Changes to STUN messages: the header and attributes are told apart as far as they can be, and mostly put together
// again so that a parser gets past its first checks.

import { attr, attribute, COOKIE, message } from '../support/wire.ts';
import { MESSAGE_TYPES, NUMBERS, TYPES, VALUES } from './dictionary.ts';
import { mutateBytes } from './mutate-bytes.ts';
import type { SeededRandom } from './random.ts';

/** A message as far as it can be told apart. */
export interface Parts {
  readonly header: Buffer;
  /** Attributes with headers and padding; the last may be cut short. */
  readonly attributes: readonly Buffer[];
}

const HEADER = 20;

// With endings put on, the length must still fit 16 bits.
const MAX_REBUILT = 60_000;

/** Takes a message apart; whatever its lengths say, no byte is lost. */
export function splitMessage(bytes: Buffer): Parts {
  const attributes: Buffer[] = [];
  for (let at = HEADER; at < bytes.length; ) {
    const length = at + 4 <= bytes.length ? 4 + Math.ceil(bytes.readUInt16BE(at + 2) / 4) * 4 : bytes.length - at;
    attributes.push(bytes.subarray(at, at + length));
    at += length;
  }
  return { header: Buffer.from(bytes.subarray(0, HEADER)), attributes };
}

/** Mutates a message a few times and then, mostly, makes its lengths right again. */
export function mutateMessage(bytes: Buffer, other: Buffer, random: SeededRandom): Buffer {
  let mutated = bytes;
  const times = 1 + random.below(4);
  for (let i = 0; i < times; i++)
    mutated = random.oneIn(4) ? mutateBytes(mutated, other, random) : mutateParts(mutated, other, random);
  if (random.oneIn(8)) mutated = withFingerprint(mutated);
  return random.oneIn(6) ? mutated : withTrueLength(mutated);
}

/** The message with a length field that tells its length, padded to 32 bits. */
export function withTrueLength(bytes: Buffer): Buffer {
  if (bytes.length < HEADER) return bytes;
  const copy = Buffer.concat([bytes, Buffer.alloc((4 - (bytes.length % 4)) % 4)]);
  copy.writeUInt16BE((copy.length - HEADER) & 0xfffc, 2);
  return copy;
}

/** The message with a true FINGERPRINT as its last attribute. */
export function withFingerprint(bytes: Buffer): Buffer {
  return bytes.length < HEADER ? bytes : rebuild(bytes, {});
}

/** How {@link rebuild} is to end a message. */
export interface Ending {
  readonly credentials?: readonly (readonly [number, Buffer | string | ((tid: Buffer) => Buffer)])[];
  readonly key?: Buffer;
  readonly integrity?: 'sha1' | 'sha256' | 'both';
  readonly after?: readonly (readonly [number, Buffer])[];
  /** Default: true. */
  readonly fingerprint?: boolean;
}

/** The message with its own endings cut off and others put on. Shorter than a header, it becomes a Binding request. */
export function rebuild(
  bytes: Buffer,
  { credentials = [], key, integrity, after = [], fingerprint = true }: Ending,
): Buffer {
  if (bytes.length > MAX_REBUILT) return bytes;
  const { header, attributes } = splitMessage(
    bytes.length < HEADER ? message({ type: 1, tid: Buffer.alloc(12) }) : bytes,
  );
  const own = attributes.filter((one) => one.length >= 4 && !isEnding(one.readUInt16BE(0))).map(typeAndValue);
  return message({
    type: header.readUInt16BE(0),
    tid: header.subarray(8),
    cookie: header.readUInt32BE(4),
    attrs: [...own, ...credentials],
    ...(key === undefined ? {} : { key }),
    ...(integrity === undefined ? {} : { integrity }),
    after,
    fingerprint,
  });
}

function isEnding(type: number): boolean {
  return type === attr.messageIntegrity || type === attr.messageIntegritySha256 || type === attr.fingerprint;
}

function typeAndValue(bytes: Buffer): [number, Buffer] {
  return [bytes.readUInt16BE(0), bytes.subarray(4, 4 + bytes.readUInt16BE(2))];
}

type PartsChange = (parts: Parts, other: Parts, random: SeededRandom) => Parts;

const CHANGES: readonly PartsChange[] = [
  ({ header, attributes }, _, random) => ({ header: withNumber(header, 0, random.pick(MESSAGE_TYPES)), attributes }),
  ({ header, attributes }, _, random) => ({ header: withNumber(header, 2, random.pick(NUMBERS)), attributes }),
  ({ header, attributes }, _, random) => ({ header: withCookie(header, random), attributes }),
  ({ header, attributes }, _, random) => ({ header, attributes: insert(attributes, madeUp(random), random) }),
  ({ header, attributes }, _, random) => ({ header, attributes: insert(attributes, madeUp(random), random) }),
  ({ header, attributes }, other, random) => ({ header, attributes: insert(attributes, oneOf(other, random), random) }),
  (parts, _, random) => ({ ...parts, attributes: insert(parts.attributes, oneOf(parts, random), random) }),
  (parts, _, random) => ({ ...parts, attributes: change(parts.attributes, random, () => []) }),
  (parts, _, random) => ({ ...parts, attributes: change(parts.attributes, random, (one) => [retyped(one, random)]) }),
  (parts, _, random) => ({ ...parts, attributes: change(parts.attributes, random, (one) => [revalued(one, random)]) }),
  (parts, _, random) => ({ ...parts, attributes: change(parts.attributes, random, (one) => [lying(one, random)]) }),
  (parts, _, random) => ({ ...parts, attributes: change(parts.attributes, random, (one) => [dirty(one)]) }),
  (parts, _, random) => ({ ...parts, attributes: shuffled(parts.attributes, random) }),
  (parts, _, random) => ({ ...parts, attributes: [...parts.attributes, ...many(random)] }),
];

function mutateParts(bytes: Buffer, other: Buffer, random: SeededRandom): Buffer {
  const { header, attributes } = random.pick(CHANGES)(splitMessage(bytes), splitMessage(other), random);
  return Buffer.concat([header, ...attributes]);
}

function withNumber(bytes: Buffer, at: number, number: number): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length >= at + 2) copy.writeUInt16BE(number, at);
  return copy;
}

function withCookie(header: Buffer, random: SeededRandom): Buffer {
  const copy = Buffer.from(header);
  if (copy.length === HEADER) copy.writeUInt32BE(random.oneIn(4) ? random.uint32() : COOKIE, 4);
  return copy;
}

function oneOf({ attributes }: Parts, random: SeededRandom): Buffer {
  return attributes.length === 0 ? madeUp(random) : random.pick(attributes);
}

function madeUp(random: SeededRandom): Buffer {
  const value = random.oneIn(3) ? random.bytes(random.below(random.oneIn(8) ? 800 : 33)) : random.pick(VALUES);
  return attribute(random.pick(TYPES), value);
}

function insert(attributes: readonly Buffer[], one: Buffer, random: SeededRandom): Buffer[] {
  const at = random.below(attributes.length + 1);
  return [...attributes.slice(0, at), one, ...attributes.slice(at)];
}

function change(attributes: readonly Buffer[], random: SeededRandom, to: (one: Buffer) => Buffer[]): Buffer[] {
  const at = random.below(attributes.length);
  return attributes.flatMap((one, index) => (index === at ? to(one) : [one]));
}

function retyped(one: Buffer, random: SeededRandom): Buffer {
  return withNumber(one, 0, random.pick(TYPES));
}

function revalued(one: Buffer, random: SeededRandom): Buffer {
  return one.length < 4 ? one : attribute(one.readUInt16BE(0), random.pick(VALUES));
}

function lying(one: Buffer, random: SeededRandom): Buffer {
  return withNumber(one, 2, random.oneIn(2) ? random.pick(NUMBERS) : random.below(16));
}

// Padding that is not zero: a receiver must ignore it (RFC 8489 §14).
function dirty(one: Buffer): Buffer {
  if (one.length < 4) return one;
  const copy = Buffer.from(one);
  return copy.fill(0x20, Math.min(copy.length, 4 + copy.readUInt16BE(2)));
}

function shuffled(attributes: readonly Buffer[], random: SeededRandom): Buffer[] {
  const left = [...attributes];
  const result: Buffer[] = [];
  while (left.length > 0) result.push(...left.splice(random.below(left.length), 1));
  return result;
}

function many(random: SeededRandom): Buffer[] {
  const first = random.oneIn(2) ? 0x0012 : 0x0041 + random.below(0x7000);
  const step = random.below(2);
  const value = random.pick(VALUES);
  return Array.from({ length: random.pick([2, 31, 32, 33, 40, 300]) }, (_, index) =>
    attribute(first + index * step, value),
  );
}
