// Fuzzes the readers: attributes of any type, length, padding and order in a message that is otherwise right, and every
// reader asked for every type. Judged by the figures of the RFCs, written down here a second time.
//
// input = padding(8) tid-seed(8) { type(16) length(8) value(length) }

import { Attribute } from '../../../src/stun/attributes.ts';
import { ABSENT, MessageView, ParseStatus, parseMessage } from '../../../src/stun/message-view.ts';
import * as readers from '../../../src/stun/readers.ts';
import { TransportWords } from '../../../src/stun/transport-address.ts';
import { message } from '../../support/wire.ts';
import { addressText, xorMask } from '../../support/wire-address.ts';
import { TYPES, VALUES } from '../dictionary.ts';
import { mutateBytes } from '../mutate-bytes.ts';
import type { SeededRandom } from '../random.ts';
import { expect, type Notice, type Target } from '../target.ts';

/** The readers, attribute by attribute. */
export const attributesTarget: Target = {
  name: 'attributes',
  code: ['/src/stun/readers', '/src/stun/message-view'],
  seeds,
  mutate,
  run,
};

interface Value {
  readonly type: number;
  readonly bytes: Buffer;
}

const KNOWN: readonly Attribute[] = Object.values(Attribute);
const MAX_ATTRIBUTES = 60;
/** What ends a message or is judged by other targets. */
const ENDINGS: readonly number[] = [
  Attribute.MESSAGE_INTEGRITY,
  Attribute.MESSAGE_INTEGRITY_SHA256,
  Attribute.FINGERPRINT,
];
/** ADDITIONAL-ADDRESS-FAMILY as coturn's draft numbered it. */
const OLD_ADDITIONAL = 0x8032;

function seeds(): Buffer[] {
  const lengths = [0, 1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 19, 20, 21, 24];
  const byType = KNOWN.map((type) =>
    lengths.map((length) => ({ type, bytes: Buffer.alloc(length, length === 8 ? 1 : 2) })),
  );
  const byValue = KNOWN.map((type) => VALUES.slice(0, MAX_ATTRIBUTES).map((bytes) => ({ type, bytes })));
  return [...byType, ...byValue]
    .flatMap((list) => list.map((one) => encode([one])))
    .filter((_, index) => index % 3 === 0);
}

function encode(values: readonly Value[], head: readonly number[] = [0, 1]): Buffer {
  const parts = values.map(({ type, bytes }) => {
    const value = bytes.subarray(0, 0xff);
    return Buffer.concat([Buffer.from([type >> 8, type & 0xff, value.length]), value]);
  });
  return Buffer.concat([Buffer.from(head), ...parts]);
}

function decode(input: Buffer): Value[] {
  const values: Value[] = [];
  for (let at = 2; at + 3 <= input.length && values.length < MAX_ATTRIBUTES; ) {
    const end = Math.min(input.length, at + 3 + (input[at + 2] ?? 0));
    values.push({ type: input.readUInt16BE(at), bytes: input.subarray(at + 3, end) });
    at = end;
  }
  return values.filter(({ type }) => !ENDINGS.includes(type));
}

function mutate(input: Buffer, other: Buffer, random: SeededRandom): Buffer {
  if (random.oneIn(6)) return mutateBytes(input, other, random);
  const values = decode(input);
  const at = random.below(values.length + 1);
  const donor = random.oneIn(3) ? decode(other) : [];
  const fresh = { type: random.pick(random.oneIn(3) ? TYPES : KNOWN), bytes: anyValue(random) };
  const rest = random.oneIn(3) ? values.slice(at + 1) : values.slice(at);
  const changed = [...values.slice(0, at), fresh, ...donor.slice(0, random.below(donor.length + 1)), ...rest];
  return encode(random.oneIn(3) ? changed.reverse() : changed, [random.below(256), random.below(256)]);
}

function anyValue(random: SeededRandom): Buffer {
  if (random.oneIn(2)) return random.pick(VALUES);
  const bytes = random.bytes(random.below(random.oneIn(5) ? 200 : 25));
  if (bytes.length > 1 && random.oneIn(2)) bytes.writeUInt8(random.pick([0, 1, 2, 3, 255]), 1);
  return bytes;
}

function run(input: Buffer, notice: Notice): number {
  const values = decode(input);
  const tid = Buffer.alloc(12, input[1] ?? 0);
  const attrs = values.map(({ type, bytes }) => [type, bytes] as const);
  const bytes = message({ type: 0x0003, tid, attrs, padding: input[0] ?? 0 });
  const view = new MessageView();
  expect(parseMessage(bytes, 0, bytes.length, view) === ParseStatus.OK, 'a well-formed message is refused');
  for (const type of KNOWN) checkType(view, type, valuesOf(values, type), tid, notice);
  checkUnknown(view, values);
  return 1;
}

function valuesOf(values: readonly Value[], type: number): Buffer[] {
  const names = type === Attribute.ADDITIONAL_ADDRESS_FAMILY ? [type, OLD_ADDITIONAL] : [type];
  return values.filter((one) => names.includes(one.type)).map(({ bytes }) => bytes);
}

function checkType(view: MessageView, type: Attribute, all: readonly Buffer[], tid: Buffer, notice: Notice): void {
  const [first] = all;
  expect(view.has(type) === (first !== undefined), `attribute ${type}: there is ${view.has(type)}`);
  const copy = readers.copyBytes(view, type);
  expect(first === undefined ? copy === null : copy?.equals(first) === true, `attribute ${type} has another value`);
  const text = readers.copyText(view, type);
  expect(
    text === (first === undefined ? null : withoutNuls(first).toString('utf8')),
    `attribute ${type}: text ${text}`,
  );
  if (first === undefined) return;
  expect(readers.valueEquals(view, type, first), 'a value is not itself');
  expect(!readers.valueEquals(view, type, Buffer.concat([first, Buffer.alloc(1)])), 'a value equals a longer one');
  checkAddress(view, type, first, tid, notice);
  checkNumber(view, type, first, notice);
}

function withoutNuls(bytes: Buffer): Buffer {
  let end = bytes.length;
  while (end > 0 && bytes[end - 1] === 0) end--;
  return bytes.subarray(0, end);
}

// Any attribute may be asked for as an address: family and length decide (RFC 8489 §14.2), the first byte does not.
function checkAddress(view: MessageView, type: Attribute, value: Buffer, tid: Buffer, notice: Notice): void {
  const words = new TransportWords();
  const isRead = readers.readXorAddress(view, view.find(type), words);
  const family = value[1];
  const isAddress = (value.length === 8 && family === 1) || (value.length === 20 && family === 2);
  notice(`address ${value.length} ${family === undefined ? -1 : Math.min(family, 3)} ${isRead}`);
  expect(isRead === isAddress, `${value.toString('hex')} is ${isRead ? '' : 'not '}read as an address`);
  if (!isRead) return expect(words.family === 0 && words.port === 0, 'a refused address leaves something');
  const plain = Buffer.from(xorMask(value, tid));
  plain.writeUInt8(0, 0);
  expect(
    words.copyAddress().text === addressText(plain).replace(/\[|\]/g, (one) => one),
    `is ${words.copyAddress().text}`,
  );
}

function checkNumber(view: MessageView, type: Attribute, value: Buffer, notice: Notice): void {
  const reader = READERS.get(type);
  if (reader === undefined) return;
  const [read, expected] = [reader.read(view), reader.expected(value)];
  notice(`${type} ${value.length} ${typeof read === 'number' && read >= 0 ? 'number' : read}`);
  expect(read === expected, `attribute ${type}: ${value.toString('hex')} is ${read} instead of ${expected}`);
}

interface NumberReader {
  readonly read: (view: MessageView) => unknown;
  readonly expected: (value: Buffer) => unknown;
}

const MALFORMED = -2;

function fixed(length: number, of: (value: Buffer) => unknown, otherwise: unknown = MALFORMED) {
  return (value: Buffer): unknown => (value.length === length ? of(value) : otherwise);
}

const FAMILY = fixed(4, (value) => value[0]);
const READERS: ReadonlyMap<number, NumberReader> = new Map<number, NumberReader>([
  [
    Attribute.LIFETIME,
    { read: readers.readLifetime, expected: fixed(4, (value) => Number(`0x${value.toString('hex')}`)) },
  ],
  [Attribute.CHANNEL_NUMBER, { read: readers.readChannelNumber, expected: fixed(4, (value) => value.readUInt16BE(0)) }],
  [Attribute.REQUESTED_TRANSPORT, { read: readers.readRequestedTransport, expected: FAMILY }],
  [
    Attribute.REQUESTED_ADDRESS_FAMILY,
    { read: (view) => readers.readAddressFamily(view, Attribute.REQUESTED_ADDRESS_FAMILY), expected: FAMILY },
  ],
  [
    Attribute.ADDITIONAL_ADDRESS_FAMILY,
    { read: (view) => readers.readAddressFamily(view, Attribute.ADDITIONAL_ADDRESS_FAMILY), expected: FAMILY },
  ],
  [Attribute.EVEN_PORT, { read: readers.readEvenPort, expected: fixed(1, (value) => Number((value[0] ?? 0) >= 0x80)) }],
  [
    Attribute.CHANGE_REQUEST,
    { read: readers.readChangeRequest, expected: fixed(4, (value) => Number(`0x${value.toString('hex')}`)) },
  ],
  [
    Attribute.RESERVATION_TOKEN,
    { read: readers.copyReservationToken, expected: fixed(8, (value) => value.toString('hex'), '') },
  ],
  [Attribute.PASSWORD_ALGORITHM, { read: readers.readPasswordAlgorithm, expected: fixed(4, algorithm) }],
  [Attribute.ERROR_CODE, { read: readers.readErrorCode, expected: errorCode }],
]);

function algorithm(value: Buffer): number {
  const hex = value.toString('hex');
  if (hex === '00010000') return 1;
  return hex === '00020000' ? 2 : MALFORMED;
}

function errorCode(value: Buffer): number {
  if (value.length < 4) return MALFORMED;
  const [hundreds, number] = [(value[2] ?? 0) % 8, value[3] ?? 0];
  return hundreds >= 3 && hundreds <= 6 && number <= 99 ? hundreds * 100 + number : MALFORMED;
}

// What must not be ignored and is not known: each type once, in order, and no more than a 420 can list.
function checkUnknown(view: MessageView, values: readonly Value[]): void {
  const isUnknown = ({ type }: Value): boolean => type < 0x8000 && !KNOWN.some((known) => known === type);
  const expected = [...new Set(values.filter(isUnknown).map(({ type }) => type))].slice(0, 32);
  const listed = [...view.unknown.subarray(0, view.unknownCount)];
  expect(listed.join() === expected.join(), `unknown attributes are ${listed} instead of ${expected}`);
  for (const type of KNOWN) {
    let count = 0;
    for (let at = view.find(type); at !== ABSENT && count <= MAX_ATTRIBUTES; at = view.findNext(type, at)) count++;
    const all = values.filter((one) => one.type === type).length;
    const isRenumbered = valuesOf(values, type).length !== all;
    expect(isRenumbered || count === all, `attribute ${type} is found ${count} times instead of ${all}`);
  }
}
