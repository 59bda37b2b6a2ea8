// Writes a STUN message into a buffer that the caller owns. Appends only; padding is zeroed, so that no byte of an
// earlier message can leak; the length field is patched in place. Knows layouts, not policies.

import { Attribute } from './attributes.ts';
import { computeIntegrity, INTEGRITY_LENGTH, INTEGRITY_SHA256_LENGTH, type IntegrityAttribute } from './integrity.ts';
import type { IpAddress } from './ip-address.ts';
import { fingerprintOf, padded } from './message-view.ts';
import { HEADER_LENGTH, MAGIC_COOKIE } from './methods.ts';
import { FAMILY_CODE_IPV4, FAMILY_CODE_IPV6 } from './readers.ts';
import type { TransportWords } from './transport-address.ts';
import { readWord, writeWord } from './words.ts';

/**
 * Appends one message to a buffer: {@link begin}, attributes, then integrity and FINGERPRINT last.
 * {@link end} is always the offset after the last byte written. Writing beyond the buffer throws a RangeError:
 * size it for the largest message.
 */
export class MessageWriter {
  buffer: Buffer = Buffer.alloc(0);
  start = 0;
  end = 0;

  /** Starts a message at `start` with the transaction ID found at `transactionIdOffset` of `source`. */
  begin(buffer: Buffer, start: number, type: number, source: Buffer, transactionIdOffset: number): void {
    if (start + HEADER_LENGTH > buffer.length) throw new RangeError('STUN message exceeds its buffer');
    // Read whole before anything is written: the request may lie in the same buffer. Not by copy(), which makes a view
    // of the source for every message.
    const id0 = readWord(source, transactionIdOffset);
    const id1 = readWord(source, transactionIdOffset + 4);
    const id2 = readWord(source, transactionIdOffset + 8);
    this.buffer = buffer;
    this.start = start;
    buffer.writeUInt16BE(type, start);
    writeWord(buffer, start + 4, MAGIC_COOKIE);
    writeWord(buffer, start + 8, id0);
    writeWord(buffer, start + 12, id1);
    writeWord(buffer, start + 16, id2);
    this.#setEnd(start + HEADER_LENGTH);
  }

  /** Appends an attribute with these bytes as its value. */
  bytes(type: Attribute, value: Uint8Array): void {
    const at = this.#open(type, value.length);
    this.buffer.set(value, at);
  }

  /** Appends a text attribute in UTF-8. */
  text(type: Attribute, value: string): void {
    const at = this.#open(type, Buffer.byteLength(value, 'utf8'));
    this.buffer.write(value, at, 'utf8');
  }

  /** Appends an attribute whose value is one 32-bit number. */
  uint32(type: Attribute, value: number): void {
    const at = this.#open(type, 4);
    this.buffer.writeUInt32BE(value, at);
  }

  /** Appends an XOR address attribute (RFC 8489 §14.2). */
  xorAddress(type: Attribute, ip: IpAddress, port: number): void {
    this.#xorWords(type, ip.family, ip.w0, ip.w1, ip.w2, ip.w3, port);
  }

  /** Appends an address attribute that is not masked, as ALTERNATE-SERVER (RFC 8489 §14.1, §14.15). */
  plainAddress(type: Attribute, { family, w0, w1, w2, w3 }: IpAddress, port: number): void {
    const at = this.#open(type, family === 4 ? 8 : 20);
    this.buffer[at] = 0;
    this.buffer[at + 1] = family === 4 ? FAMILY_CODE_IPV4 : FAMILY_CODE_IPV6;
    this.buffer.writeUInt16BE(port, at + 2);
    const words = family === 4 ? [w3] : [w0, w1, w2, w3];
    for (const [index, word] of words.entries()) writeWord(this.buffer, at + 4 + index * 4, word);
  }

  /** The same from a scratch address: for the packet path. */
  xorWords(type: Attribute, words: TransportWords): void {
    this.#xorWords(type, words.family, words.w0, words.w1, words.w2, words.w3, words.port);
  }

  /** Appends ICMP: type and code after 16 reserved bits, then the error data (RFC 8656 §18.13). */
  icmp(type: number, code: number, data: number): void {
    const at = this.#open(Attribute.ICMP, 8);
    writeWord(this.buffer, at, ((type & 0xff) << 8) | (code & 0xff));
    writeWord(this.buffer, at + 4, data);
  }

  /** Appends ERROR-CODE; an empty reason saves amplification (RFC 8489 §14.8). */
  errorCode(code: number, reason: string): void {
    const at = this.#open(Attribute.ERROR_CODE, 4 + Buffer.byteLength(reason, 'utf8'));
    this.buffer.writeUInt16BE(0, at);
    this.buffer[at + 2] = Math.trunc(code / 100);
    this.buffer[at + 3] = code % 100;
    this.buffer.write(reason, at + 4, 'utf8');
  }

  /** Appends ADDRESS-ERROR-CODE for a family (RFC 8656 §18.12). */
  addressErrorCode(family: 4 | 6, code: number, reason: string): void {
    const at = this.#open(Attribute.ADDRESS_ERROR_CODE, 4 + Buffer.byteLength(reason, 'utf8'));
    this.buffer[at] = family === 4 ? FAMILY_CODE_IPV4 : FAMILY_CODE_IPV6;
    this.buffer[at + 1] = 0;
    this.buffer[at + 2] = Math.trunc(code / 100);
    this.buffer[at + 3] = code % 100;
    this.buffer.write(reason, at + 4, 'utf8');
  }

  /** Appends UNKNOWN-ATTRIBUTES: 16-bit types, padded with zeros (RFC 8489 §14.13). */
  unknownAttributes(types: readonly number[]): void {
    const at = this.#open(Attribute.UNKNOWN_ATTRIBUTES, types.length * 2);
    for (const [index, type] of types.entries()) this.buffer.writeUInt16BE(type, at + index * 2);
  }

  /** Appends only the header of a DATA attribute whose value the caller sends behind it; returns the padding due. */
  dataHeader(length: number): number {
    const at = this.end;
    this.buffer.writeUInt16BE(Attribute.DATA, at);
    this.buffer.writeUInt16BE(length, at + 2);
    this.end = at + 4;
    this.buffer.writeUInt16BE(this.end - this.start - HEADER_LENGTH + padded(length), this.start + 2);
    return padded(length) - length;
  }

  /** Appends MESSAGE-INTEGRITY or MESSAGE-INTEGRITY-SHA256 over everything so far. */
  integrity(attribute: IntegrityAttribute, key: Buffer): void {
    const offset = this.end;
    const mac = computeIntegrity(attribute, key, this.buffer, this.start, offset);
    const at = this.#open(
      attribute,
      attribute === Attribute.MESSAGE_INTEGRITY ? INTEGRITY_LENGTH : INTEGRITY_SHA256_LENGTH,
    );
    mac.copy(this.buffer, at);
  }

  /** Appends FINGERPRINT: must be the last (RFC 8489 §14.7). */
  fingerprint(): void {
    const offset = this.end;
    const at = this.#open(Attribute.FINGERPRINT, 4);
    this.buffer.writeUInt32BE(fingerprintOf(this.buffer, this.start, offset), at);
  }

  // Writes an attribute header and zeroed padding; returns where the value goes.
  #open(type: number, length: number): number {
    const { buffer, end } = this;
    const valueEnd = end + 4 + length;
    const next = end + 4 + padded(length);
    if (next > buffer.length) throw new RangeError('STUN message exceeds its buffer');
    buffer.writeUInt16BE(type, end);
    buffer.writeUInt16BE(length, end + 2);
    for (let i = valueEnd; i < next; i++) buffer[i] = 0;
    this.#setEnd(next);
    return end + 4;
  }

  #setEnd(end: number): void {
    this.end = end;
    this.buffer.writeUInt16BE(end - this.start - HEADER_LENGTH, this.start + 2);
  }

  #xorWords(type: number, family: number, w0: number, w1: number, w2: number, w3: number, port: number): void {
    const { buffer, start } = this;
    const at = this.#open(type, family === 4 ? 8 : 20);
    buffer[at] = 0;
    buffer[at + 1] = family === 4 ? FAMILY_CODE_IPV4 : FAMILY_CODE_IPV6;
    buffer.writeUInt16BE(port ^ (MAGIC_COOKIE >>> 16), at + 2);
    if (family === 4) {
      writeWord(buffer, at + 4, w3 ^ MAGIC_COOKIE);
      return;
    }
    writeWord(buffer, at + 4, w0 ^ MAGIC_COOKIE);
    writeWord(buffer, at + 8, w1 ^ readWord(buffer, start + 8));
    writeWord(buffer, at + 12, w2 ^ readWord(buffer, start + 12));
    writeWord(buffer, at + 16, w3 ^ readWord(buffer, start + 16));
  }
}
