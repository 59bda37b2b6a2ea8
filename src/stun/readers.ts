// Typed readers of attribute values. Each tells absent from malformed; strings and copies are made only here and only
// when asked for. What a value means is the handlers' business.

import { Attribute } from './attributes.ts';
import { PasswordAlgorithm } from './keys.ts';
import { ABSENT, type MessageView } from './message-view.ts';
import { MAGIC_COOKIE } from './methods.ts';
import type { TransportWords } from './transport-address.ts';
import { readWord } from './words.ts';

/** The attribute is there, but its length or form is wrong. */
export const MALFORMED = -2;

/** Address family codes on the wire (RFC 8489 §14.1). */
export const FAMILY_CODE_IPV4 = 0x01;
export const FAMILY_CODE_IPV6 = 0x02;

// Offset of the value of an attribute that has exactly this length.
function readFixed(view: MessageView, type: Attribute, length: number): number {
  const offset = view.find(type);
  if (offset === ABSENT) return ABSENT;
  return view.lengthAt(offset) === length ? offset : MALFORMED;
}

/** LIFETIME in seconds (RFC 8656 §18.2), {@link ABSENT} or {@link MALFORMED}. */
export function readLifetime(view: MessageView): number {
  const offset = readFixed(view, Attribute.LIFETIME, 4);
  return offset < 0 ? offset : view.buffer.readUInt32BE(offset);
}

/** CHANNEL-NUMBER; the 16 RFFU bits are ignored (RFC 8656 §18.1). */
export function readChannelNumber(view: MessageView): number {
  const offset = readFixed(view, Attribute.CHANNEL_NUMBER, 4);
  return offset < 0 ? offset : view.buffer.readUInt16BE(offset);
}

/** The protocol number in REQUESTED-TRANSPORT; RFFU is ignored (RFC 8656 §18.8). */
export function readRequestedTransport(view: MessageView): number {
  const offset = readFixed(view, Attribute.REQUESTED_TRANSPORT, 4);
  return offset < 0 ? offset : (view.buffer[offset] as number);
}

/** The family code in REQUESTED- or ADDITIONAL-ADDRESS-FAMILY (RFC 8656 §18.6, §18.11): any byte. */
export function readAddressFamily(
  view: MessageView,
  type: typeof Attribute.REQUESTED_ADDRESS_FAMILY | typeof Attribute.ADDITIONAL_ADDRESS_FAMILY,
): number {
  const offset = readFixed(view, type, 4);
  return offset < 0 ? offset : (view.buffer[offset] as number);
}

/** The R bit of EVEN-PORT: 1 or 0 (RFC 8656 §18.7). */
export function readEvenPort(view: MessageView): number {
  const offset = readFixed(view, Attribute.EVEN_PORT, 1);
  return offset < 0 ? offset : (view.buffer[offset] as number) >>> 7;
}

/** CHANGE-REQUEST flags (RFC 5780 §7.2). */
export function readChangeRequest(view: MessageView): number {
  const offset = readFixed(view, Attribute.CHANGE_REQUEST, 4);
  return offset < 0 ? offset : view.buffer.readUInt32BE(offset);
}

/** RESERVATION-TOKEN as 16 hex digits; null if absent, '' if not 8 bytes long (RFC 8656 §18.10). */
export function copyReservationToken(view: MessageView): string | null {
  const offset = readFixed(view, Attribute.RESERVATION_TOKEN, 8);
  if (offset === ABSENT) return null;
  return offset === MALFORMED ? '' : view.buffer.toString('hex', offset, offset + 8);
}

/**
 * Reads the XOR address whose value is at `offset` into `into`; false, and nothing changed, if family or
 * length are wrong.
 *
 * ```
 * XOR-x-ADDRESS = 0(8) family(8) port^0x2112(16) address^(cookie || transaction-id)(32 | 128)
 * ```
 * (RFC 8489 §14.2)
 */
export function readXorAddress(view: MessageView, offset: number, into: TransportWords): boolean {
  const { buffer, start } = view;
  const length = view.lengthAt(offset);
  if (length !== 8 && length !== 20) return false;
  const family = buffer[offset + 1];
  if (family !== (length === 8 ? FAMILY_CODE_IPV4 : FAMILY_CODE_IPV6)) return false;
  into.port = buffer.readUInt16BE(offset + 2) ^ (MAGIC_COOKIE >>> 16);
  if (length === 8) {
    into.family = 4;
    into.w0 = 0;
    into.w1 = 0;
    into.w2 = 0;
    into.w3 = readWord(buffer, offset + 4) ^ MAGIC_COOKIE;
    return true;
  }
  into.family = 6;
  into.w0 = readWord(buffer, offset + 4) ^ MAGIC_COOKIE;
  into.w1 = readWord(buffer, offset + 8) ^ readWord(buffer, start + 8);
  into.w2 = readWord(buffer, offset + 12) ^ readWord(buffer, start + 12);
  into.w3 = readWord(buffer, offset + 16) ^ readWord(buffer, start + 16);
  return true;
}

/** A copy of the value of the first attribute of this type, or null if it is absent. */
export function copyBytes(view: MessageView, type: Attribute): Buffer | null {
  const offset = view.find(type);
  if (offset === ABSENT) return null;
  return Buffer.from(view.buffer.subarray(offset, offset + view.lengthAt(offset)));
}

/**
 * The value of a text attribute as it would be written between quotes, or null if it is absent. Trailing NULs are
 * stripped (RFC 8489 §9.2.2). Bytes that are not UTF-8 become U+FFFD, which no stored name contains.
 */
export function copyText(view: MessageView, type: Attribute): string | null {
  const offset = view.find(type);
  return offset === ABSENT ? null : copyTextAt(view, offset);
}

/** The text of the attribute whose value is at `offset`, as {@link copyText} has it. */
export function copyTextAt(view: MessageView, offset: number): string {
  let end = offset + view.lengthAt(offset);
  while (end > offset && view.buffer[end - 1] === 0) end--;
  return view.buffer.toString('utf8', offset, end);
}

/** Whether the attribute's value is exactly `bytes`. */
export function valueEquals(view: MessageView, type: Attribute, bytes: Buffer): boolean {
  const offset = view.find(type);
  if (offset === ABSENT) return false;
  return view.buffer.compare(bytes, 0, bytes.length, offset, offset + view.lengthAt(offset)) === 0;
}

/**
 * The algorithm number in PASSWORD-ALGORITHM, {@link ABSENT}, or {@link MALFORMED} for an algorithm that we do not
 * know, and for parameters: the ones that we know take none (RFC 8489 §14.12, §18.5.1).
 */
export function readPasswordAlgorithm(view: MessageView): number {
  const offset = view.find(Attribute.PASSWORD_ALGORITHM);
  if (offset === ABSENT) return ABSENT;
  if (view.lengthAt(offset) !== 4 || view.buffer.readUInt16BE(offset + 2) !== 0) return MALFORMED;
  const algorithm = view.buffer.readUInt16BE(offset);
  return algorithm === PasswordAlgorithm.MD5 || algorithm === PasswordAlgorithm.SHA_256 ? algorithm : MALFORMED;
}

/** ERROR-CODE as a number, e.g. 401; {@link ABSENT} or {@link MALFORMED} (RFC 8489 §14.8). For clients. */
export function readErrorCode(view: MessageView): number {
  const offset = view.find(Attribute.ERROR_CODE);
  if (offset === ABSENT) return ABSENT;
  if (view.lengthAt(offset) < 4) return MALFORMED;
  const hundreds = (view.buffer[offset + 2] as number) & 7;
  const number = view.buffer[offset + 3] as number;
  return hundreds < 3 || hundreds > 6 || number > 99 ? MALFORMED : hundreds * 100 + number;
}
