// MESSAGE-INTEGRITY and MESSAGE-INTEGRITY-SHA256: computing and checking. Never changes the received bytes: the
// header is copied, its length patched, and the rest is hashed where it lies.

import { timingSafeEqual } from 'node:crypto';
import { Attribute } from './attributes.ts';
import { hmac } from './hmac.ts';
import { ABSENT, type MessageView } from './message-view.ts';
import { HEADER_LENGTH } from './methods.ts';

/** HMAC-SHA1 bytes in MESSAGE-INTEGRITY (RFC 8489 §14.5). */
export const INTEGRITY_LENGTH = 20;

/** HMAC-SHA256 bytes in MESSAGE-INTEGRITY-SHA256; TURN allows no truncation (RFC 8489 §14.6, §9.2). */
export const INTEGRITY_SHA256_LENGTH = 32;

/** Which of the two integrity attributes. */
export type IntegrityAttribute = typeof Attribute.MESSAGE_INTEGRITY | typeof Attribute.MESSAGE_INTEGRITY_SHA256;

/**
 * The HMAC over the message up to the integrity attribute whose header is at `offset`, with the length field
 * adjusted to end with that attribute (RFC 8489 §14.5).
 */
export function computeIntegrity(
  attribute: IntegrityAttribute,
  key: Buffer,
  buffer: Buffer,
  start: number,
  offset: number,
): Buffer {
  const sha256 = attribute === Attribute.MESSAGE_INTEGRITY_SHA256;
  const header = Buffer.from(buffer.subarray(start, start + HEADER_LENGTH));
  header.writeUInt16BE(offset - start - HEADER_LENGTH + 4 + macLength(attribute), 2);
  return hmac(sha256 ? 'sha256' : 'sha1', key, header, buffer, start + HEADER_LENGTH, offset);
}

/** Whether the message carries either integrity attribute. */
export function hasIntegrity(view: MessageView): boolean {
  return view.integrityOffset !== ABSENT || view.integritySha256Offset !== ABSENT;
}

/**
 * Checks the message's MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256 under `key`, in constant time.
 * A value of the wrong length is wrong, and so is an absent attribute.
 */
export function checkIntegrity(view: MessageView, attribute: IntegrityAttribute, key: Buffer): boolean {
  const sha256 = attribute === Attribute.MESSAGE_INTEGRITY_SHA256;
  const offset = sha256 ? view.integritySha256Offset : view.integrityOffset;
  if (offset === ABSENT) return false;
  // Asked before the HMAC is made: a short attribute may begin so late that the length which the HMAC covers, with a whole
  // attribute, does not fit its 16 bits.
  const length = view.buffer.readUInt16BE(offset + 2);
  if (length !== macLength(attribute)) return false;
  const mac = computeIntegrity(attribute, key, view.buffer, view.start, offset);
  return timingSafeEqual(mac, view.buffer.subarray(offset + 4, offset + 4 + length));
}

function macLength(attribute: IntegrityAttribute): number {
  return attribute === Attribute.MESSAGE_INTEGRITY_SHA256 ? INTEGRITY_SHA256_LENGTH : INTEGRITY_LENGTH;
}
