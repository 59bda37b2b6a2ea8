// Fuzzes parseMessage and every reader: judged by wire.ts, with bytes of two kinds around the message and with none, so
// that a look beyond its ends shows.

import { Attribute } from '../../../src/stun/attributes.ts';
import { checkIntegrity } from '../../../src/stun/integrity.ts';
import { ABSENT, MessageView, ParseStatus, parseMessage } from '../../../src/stun/message-view.ts';
import * as readers from '../../../src/stun/readers.ts';
import { TransportWords } from '../../../src/stun/transport-address.ts';
import { readVectors } from '../../support/vectors.ts';
import { attr, COOKIE, type Decoded, decode, message } from '../../support/wire.ts';
import { data, lifetime, requestedTransport, xorPeerAddress } from '../../support/wire-attributes.ts';
import { mutateMessage } from '../mutate-message.ts';
import { expect, type Notice, type Target } from '../target.ts';

const KEY = Buffer.alloc(16, 1);
const TYPES: readonly Attribute[] = Object.values(Attribute);
const OFFER = Buffer.from('0002000000010000', 'hex');
const ROOM = 64;

// ADDITIONAL-ADDRESS-FAMILY as coturn's draft numbered it.
const OLD_ADDITIONAL = 0x8032;

/** The parser and the readers. */
export const messageTarget: Target = {
  name: 'message',
  code: ['/src/stun/'],
  seeds: messageSeeds,
  mutate: mutateMessage,
  run,
};

/** Messages of the vectors, and some of our own. */
export function messageSeeds(): Buffer[] {
  const tid = '0102030405060708090a0b0c';
  const peers = [xorPeerAddress('93.184.216.34', 5000), xorPeerAddress('2606:2800:220:1::1', 5000)];
  return [
    ...readVectors().flatMap(({ kind, hex }) => (kind.startsWith('stun') ? [Buffer.from(hex ?? '', 'hex')] : [])),
    message({ type: 0x0008, tid, attrs: [...peers, lifetime(5)], key: KEY, integrity: 'both', fingerprint: true }),
    message({ type: 0x0016, tid, attrs: [...peers, data('abc')], padding: 0x20 }),
    message({ type: 0x0003, tid, attrs: [requestedTransport()], key: KEY, after: [lifetime(9)], fingerprint: true }),
    ...malformedSeeds(tid),
  ];
}

// One for each way not to be a message (BAD-01 to BAD-13).
function malformedSeeds(tid: string): Buffer[] {
  const fingerprint: readonly [number, string] = [attr.fingerprint, '00000000'];
  return [
    message({ type: 0x8001, tid }),
    message({ type: 0x0001, tid, cookie: COOKIE ^ 1 }),
    message({ type: 0x0001, tid, length: 4 }),
    Buffer.concat([message({ type: 0x0001, tid, length: 8 }), Buffer.from('000600ff41414141', 'hex')]),
    message({ type: 0x0001, tid, attrs: [fingerprint] }),
    message({ type: 0x0001, tid, attrs: [fingerprint, lifetime(5)] }),
    message({ type: 0x0001, tid, attrs: [[attr.fingerprint, '0000000000000000']] }),
    Buffer.from('0001', 'hex'),
  ];
}

function run(input: Buffer, notice: Notice): number {
  const before = Buffer.concat([Buffer.alloc(ROOM), input, Buffer.alloc(ROOM)]);
  const after = Buffer.concat([Buffer.alloc(ROOM, 0xff), input, Buffer.alloc(ROOM, 0xff)]);
  const copy = Buffer.from(before);
  const view = new MessageView();
  const status = parseMessage(before, ROOM, ROOM + input.length, view);
  noticeForm(status, view, notice);
  compare(status, view, input);
  const seen = look(before, ROOM, ROOM + input.length);
  expect(before.equals(copy), 'received bytes were changed');
  expect(look(after, ROOM, ROOM + input.length) === seen, 'depends on bytes around the message');
  expect(look(Buffer.from(input), 0, input.length) === seen, 'depends on where the message lies');
  return 1;
}

// Everything that can be read of a message, as text.
function look(buffer: Buffer, start: number, end: number): string {
  const view = new MessageView();
  const status = parseMessage(buffer, start, end, view);
  if (status !== ParseStatus.OK) return `${status}`;
  const offsets = presentTypes(view).map((type) => view.find(type) - start);
  const bytes = presentTypes(view).map((type) => readers.copyBytes(view, type)?.toString('hex'));
  const texts = presentTypes(view).map((type) => readers.copyText(view, type));
  const unknown = view.unknown.subarray(0, view.unknownCount);
  return [...read(view), ...offsets, ...bytes, ...texts, view.effectiveEnd - start, ...unknown].join();
}

// A few bits of the result: which attributes there are, alone and with the type, and what the readers make of them.
function noticeForm(status: ParseStatus, view: MessageView, notice: Notice): void {
  notice(`status ${status}`);
  if (status !== ParseStatus.OK) return;
  for (const type of presentTypes(view)) notice(`type ${view.type & 0xfff} has ${type}`);
  for (const [index, value] of read(view).entries()) notice(`reader ${index} ${formOf(value)}`);
  notice(`integrity ${view.integrityOffset > 0} ${view.integritySha256Offset > 0} ${view.fingerprintOffset > 0}`);
  notice(`unknown ${view.unknownCount}`);
}

function formOf(value: unknown): string {
  if (typeof value === 'number') return value < 0 ? `${value}` : 'number';
  return typeof value === 'string' && value !== 'malformed' && value !== '' ? 'text' : String(value);
}

function presentTypes(view: MessageView): Attribute[] {
  return TYPES.filter((type) => view.has(type));
}

function read(view: MessageView): unknown[] {
  const words = new TransportWords();
  const address = (type: Attribute): string | null => {
    const at = view.find(type);
    if (at === ABSENT) return null;
    return readers.readXorAddress(view, at, words) ? words.copyAddress().text : 'malformed';
  };
  return [
    readers.readLifetime(view),
    readers.readChannelNumber(view),
    readers.readRequestedTransport(view),
    readers.readAddressFamily(view, Attribute.REQUESTED_ADDRESS_FAMILY),
    readers.readAddressFamily(view, Attribute.ADDITIONAL_ADDRESS_FAMILY),
    readers.readEvenPort(view),
    readers.readChangeRequest(view),
    readers.copyReservationToken(view),
    readers.readErrorCode(view),
    readers.readPasswordAlgorithm(view),
    readers.valueEquals(view, Attribute.PASSWORD_ALGORITHMS, OFFER),
    checkIntegrity(view, Attribute.MESSAGE_INTEGRITY, KEY),
    checkIntegrity(view, Attribute.MESSAGE_INTEGRITY_SHA256, KEY),
    ...[Attribute.XOR_PEER_ADDRESS, Attribute.XOR_MAPPED_ADDRESS, Attribute.XOR_RELAYED_ADDRESS].map(address),
  ];
}

// What wire.ts says of the same bytes.
function compare(status: ParseStatus, view: MessageView, bytes: Buffer): void {
  const reference = decoded(bytes);
  const ok = reference !== null && reference.cookie === COOKIE && isFingerprintFine(reference);
  expect(ok === (status === ParseStatus.OK), `status ${status}, and wire.ts says ${ok ? 'well-formed' : 'malformed'}`);
  if (reference === null || status !== ParseStatus.OK) return;
  const counting = countingAttributes(reference);
  expect(view.method === reference.method && view.messageClass === reference.cls, 'method or class');
  for (const type of TYPES) {
    const expected = counting
      .filter(([one]) => one === type || (isAdditional(type) && one === OLD_ADDITIONAL))
      .map(([, value]) => value.toString('hex'));
    const first = readers.copyBytes(view, type)?.toString('hex');
    expect(first === expected[0], `attribute ${type}: ${first} instead of ${expected[0]}`);
  }
  const peers = counting.filter(([type]) => type === attr.xorPeerAddress).length;
  expect(count(view, Attribute.XOR_PEER_ADDRESS) === peers, `not ${peers} XOR-PEER-ADDRESS`);
}

function isAdditional(type: number): boolean {
  return type === attr.additionalAddressFamily;
}

function decoded(bytes: Buffer): Decoded | null {
  try {
    return decode(bytes);
  } catch {
    return null;
  }
}

function isFingerprintFine(reference: Decoded): boolean {
  const isAlone = reference.types.indexOf(attr.fingerprint) === reference.attrs.length - 1;
  return !reference.has(attr.fingerprint) || (isAlone && reference.fingerprintOk());
}

// The attributes that a receiver may look at: up to the integrity attributes, and FINGERPRINT (RFC 8489 §14.5, §14.6).
function countingAttributes({ attrs }: Decoded): (readonly [number, Buffer])[] {
  const counting: (readonly [number, Buffer])[] = [];
  let sha1 = false;
  let sha256 = false;
  for (const one of attrs) {
    const [type] = one;
    const counts = type === attr.fingerprint || (type === attr.messageIntegritySha256 ? !sha256 : !sha1 && !sha256);
    if (counts) counting.push(one);
    sha1 ||= type === attr.messageIntegrity;
    sha256 ||= type === attr.messageIntegritySha256;
  }
  return counting;
}

function count(view: MessageView, type: Attribute): number {
  let found = 0;
  for (let at = view.find(type); at !== ABSENT; at = view.findNext(type, at)) found++;
  return found;
}
