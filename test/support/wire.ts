// The ruler of the tests: builds and reads STUN messages and ChannelData from the RFCs' figures alone. Knows nothing of
// src/, and is checked against foreign vectors in wire.test.ts. Plain rather than fast: it copies, concatenates, throws.
// Ready attributes are in wire-attributes.ts, address values in wire-address.ts.

import { createHmac, randomBytes } from 'node:crypto';
import { addressText, xorMask } from './wire-address.ts';

export const COOKIE = 0x2112a442;

/** Attribute types that tests name often (RFC 8489 §18.3, RFC 8656 §18). */
export const attr = {
  mappedAddress: 0x0001,
  username: 0x0006,
  messageIntegrity: 0x0008,
  errorCode: 0x0009,
  unknownAttributes: 0x000a,
  channelNumber: 0x000c,
  lifetime: 0x000d,
  xorPeerAddress: 0x0012,
  data: 0x0013,
  realm: 0x0014,
  nonce: 0x0015,
  xorRelayedAddress: 0x0016,
  requestedAddressFamily: 0x0017,
  evenPort: 0x0018,
  requestedTransport: 0x0019,
  dontFragment: 0x001a,
  messageIntegritySha256: 0x001c,
  passwordAlgorithm: 0x001d,
  userhash: 0x001e,
  xorMappedAddress: 0x0020,
  reservationToken: 0x0022,
  additionalAddressFamily: 0x8000,
  addressErrorCode: 0x8001,
  passwordAlgorithms: 0x8002,
  icmp: 0x8004,
  software: 0x8022,
  alternateServer: 0x8023,
  fingerprint: 0x8028,
} as const;

/** An attribute to write: its type and its value as hex, bytes, or a function of the transaction ID. */
export type AttributeInput = readonly [type: number, value: string | Buffer | ((tid: Buffer) => Buffer)];

export type IntegrityKind = 'sha1' | 'sha256' | 'both';

export interface MessageInput {
  /** The whole 16-bit message type, e.g. 0x0003 for an Allocate request. */
  readonly type: number;
  /** 12 bytes; random if absent. */
  readonly tid?: Buffer | string;
  readonly attrs?: readonly AttributeInput[];
  /** Signs the message: MESSAGE-INTEGRITY unless `integrity` says otherwise. */
  readonly key?: Buffer;
  readonly integrity?: IntegrityKind;
  /** Truncates the HMAC of MESSAGE-INTEGRITY-SHA256 to so many bytes. */
  readonly sha256Length?: number;
  /** Attributes between integrity and FINGERPRINT, which a receiver must ignore. */
  readonly after?: readonly AttributeInput[];
  readonly fingerprint?: boolean;
  /** The byte that fills padding; 0 unless a vector wants another. */
  readonly padding?: number;
  /** Lies: what the finished header claims instead of the truth. */
  readonly length?: number;
  readonly cookie?: number;
}

/** Builds a message (RFC 8489 §5): header, attributes, integrity, `after`, FINGERPRINT. */
export function message(input: MessageInput): Buffer {
  const tid = toBuffer(input.tid ?? randomBytes(12));
  const padding = input.padding ?? 0;
  const header = Buffer.alloc(8);
  header.writeUInt16BE(input.type, 0);
  header.writeUInt32BE(input.cookie ?? COOKIE, 4);
  let body = Buffer.concat([header, tid]);
  const append = ([type, value]: AttributeInput) => {
    body = Buffer.concat([body, attribute(type, typeof value === 'function' ? value(tid) : toBuffer(value), padding)]);
  };
  for (const one of input.attrs ?? []) append(one);
  if (input.key !== undefined) {
    const kind = input.integrity ?? 'sha1';
    if (kind !== 'sha256') append([attr.messageIntegrity, hmac('sha1', input.key, body, 24)]);
    if (kind !== 'sha1') {
      const length = input.sha256Length ?? 32;
      const mac = hmac('sha256', input.key, body, 4 + length).subarray(0, length);
      append([attr.messageIntegritySha256, mac]);
    }
  }
  for (const one of input.after ?? []) append(one);
  if (input.fingerprint === true) append([attr.fingerprint, fingerprint(body)]);
  body.writeUInt16BE(input.length ?? body.length - 20, 2);
  return body;
}

/** One attribute with its padding (RFC 8489 §14). */
export function attribute(type: number, value: Buffer, padding = 0): Buffer {
  const header = Buffer.alloc(4);
  header.writeUInt16BE(type, 0);
  header.writeUInt16BE(value.length, 2);
  return Buffer.concat([header, value, Buffer.alloc((4 - (value.length % 4)) % 4, padding)]);
}

// The HMAC over everything so far with the length field set as if the attribute, `attributeLength` bytes with its
// header, were there (RFC 8489 §14.5).
function hmac(algorithm: 'sha1' | 'sha256', key: Buffer, soFar: Buffer, attributeLength: number): Buffer {
  return createHmac(algorithm, key)
    .update(withLength(soFar, soFar.length - 20 + attributeLength))
    .digest();
}

// CRC-32 of everything so far, the length field counting FINGERPRINT already, xored with "STUN" (RFC 8489 §14.7).
function fingerprint(soFar: Buffer): Buffer {
  const value = Buffer.alloc(4);
  value.writeUInt32BE((crc32(withLength(soFar, soFar.length - 20 + 8)) ^ 0x5354554e) >>> 0);
  return value;
}

function withLength(bytes: Buffer, length: number): Buffer {
  const copy = Buffer.from(bytes);
  copy.writeUInt16BE(length, 2);
  return copy;
}

// CRC-32 of ITU V.42, bit by bit: nothing shared with zlib.
function crc32(bytes: Buffer): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  }
  return (crc ^ 0xffffffff) >>> 0;
}

function toBuffer(value: Buffer | string): Buffer {
  if (typeof value !== 'string') return value;
  if (!/^([0-9a-f]{2})*$/i.test(value)) throw new Error(`not hex: ${value}`);
  return Buffer.from(value, 'hex');
}

/** A message type from method and class (0 request, 1 indication, 2 success, 3 error). */
export function typeOf(method: number, cls: number): number {
  const bits = method.toString(2).padStart(12, '0');
  const [c1 = '0', c0 = '0'] = cls.toString(2).padStart(2, '0');
  return Number.parseInt(bits.slice(0, 5) + c1 + bits.slice(5, 8) + c0 + bits.slice(8), 2);
}

/** A message taken apart. Its readers return undefined for an absent attribute and throw on a malformed one. */
export class Decoded {
  readonly bytes: Buffer;
  readonly type: number;
  readonly method: number;
  /** 0 request, 1 indication, 2 success, 3 error. */
  readonly cls: number;
  readonly cookie: number;
  readonly tid: Buffer;
  /** All attributes in their order, values without padding. */
  readonly attrs: readonly (readonly [type: number, value: Buffer])[];

  constructor(bytes: Buffer, attrs: readonly (readonly [number, Buffer])[]) {
    this.bytes = bytes;
    this.type = bytes.readUInt16BE(0);
    const bits = this.type.toString(2).padStart(14, '0');
    this.method = Number.parseInt(bits.slice(0, 5) + bits.slice(6, 9) + bits.slice(10), 2);
    this.cls = Number.parseInt(bits.charAt(5) + bits.charAt(9), 2);
    this.cookie = bytes.readUInt32BE(4);
    this.tid = bytes.subarray(8, 20);
    this.attrs = attrs;
  }

  /** The attribute types in their order. */
  get types(): number[] {
    return this.attrs.map(([type]) => type);
  }

  has(type: number): boolean {
    return this.types.includes(type);
  }

  /** The value of the first attribute of this type. */
  get(type: number): Buffer | undefined {
    return this.all(type)[0];
  }

  all(type: number): Buffer[] {
    return this.attrs.filter(([one]) => one === type).map(([, value]) => value);
  }

  text(type: number): string | undefined {
    return this.get(type)?.toString('utf8');
  }

  uint32(type: number): number | undefined {
    const value = this.get(type);
    if (value !== undefined && value.length !== 4) throw new Error(`attribute ${type} is not 4 bytes long`);
    return value?.readUInt32BE(0);
  }

  /** The first address of this type as `192.0.2.1:3478` or `[2001:db8::1]:3478`. */
  xorAddress(type: number): string | undefined {
    return this.xorAddresses(type)[0];
  }

  xorAddresses(type: number): string[] {
    return this.all(type).map((value) => addressText(xorMask(value, this.tid)));
  }

  /** The same for the attributes that are not xored: MAPPED-ADDRESS, ALTERNATE-SERVER and so on. */
  plainAddress(type: number): string | undefined {
    const value = this.get(type);
    return value === undefined ? undefined : addressText(value);
  }

  /** The number in ERROR-CODE, e.g. 401. */
  get errorCode(): number | undefined {
    const value = this.get(attr.errorCode);
    if (value === undefined) return undefined;
    const [zero0, zero1, hundreds = 0, number = 0] = value;
    const ok = zero0 === 0 && zero1 === 0 && hundreds >= 3 && hundreds <= 6 && number <= 99;
    if (!ok || value.length < 4) throw new Error(`ERROR-CODE is ${value.toString('hex')}`);
    return hundreds * 100 + number;
  }

  get reason(): string | undefined {
    return this.get(attr.errorCode)?.subarray(4).toString('utf8');
  }

  get unknownAttributes(): number[] {
    const hex = this.get(attr.unknownAttributes)?.toString('hex') ?? '';
    return (hex.match(/.{4}/g) ?? []).map((type) => Number.parseInt(type, 16));
  }

  /** Whether MESSAGE-INTEGRITY (or, by `kind`, MESSAGE-INTEGRITY-SHA256) is there and right under `key`. */
  integrityOk(key: Buffer, kind: 'sha1' | 'sha256' = 'sha1'): boolean {
    const type = kind === 'sha1' ? attr.messageIntegrity : attr.messageIntegritySha256;
    const value = this.get(type);
    if (value === undefined) return false;
    const expected = hmac(kind, key, this.#before(type), 4 + value.length);
    return kind === 'sha1'
      ? value.equals(expected)
      : value.length >= 16 && value.equals(expected.subarray(0, value.length));
  }

  /** Whether FINGERPRINT is there, last, and right. */
  fingerprintOk(): boolean {
    const value = this.get(attr.fingerprint);
    return (
      value?.equals(fingerprint(this.#before(attr.fingerprint))) === true && this.types.at(-1) === attr.fingerprint
    );
  }

  // The bytes before the first attribute of this type.
  #before(type: number): Buffer {
    const earlier = this.attrs.slice(0, this.types.indexOf(type));
    return this.bytes.subarray(
      0,
      earlier.reduce((end, [, value]) => end + 4 + Math.ceil(value.length / 4) * 4, 20),
    );
  }
}

/** Takes a message apart; throws when it is not exactly one well-formed message. The cookie is for the caller to judge. */
export function decode(bytes: Buffer): Decoded {
  if (bytes.length < 20) throw new Error(`${bytes.length} bytes are no message`);
  if (bytes.readUInt16BE(0) > 0x3fff) throw new Error('the top two bits are not zero');
  const length = bytes.readUInt16BE(2);
  if (length % 4 !== 0 || length !== bytes.length - 20) throw new Error(`length ${length} of ${bytes.length} bytes`);
  const attrs: [number, Buffer][] = [];
  for (let at = 20; at < bytes.length; ) {
    const valueEnd = at + 4 + bytes.readUInt16BE(at + 2);
    if (valueEnd > bytes.length) throw new Error(`the attribute at ${at} overruns the message`);
    attrs.push([bytes.readUInt16BE(at), bytes.subarray(at + 4, valueEnd)]);
    at = Math.ceil(valueEnd / 4) * 4;
  }
  return new Decoded(bytes, attrs);
}

/** A ChannelData message (RFC 8656 §12.4); `pad` fills it up to 32 bits as on streams; `length` may lie. */
export function channelData(
  channel: number,
  payload: string | Buffer,
  options: { readonly pad?: boolean; readonly length?: number } = {},
): Buffer {
  const bytes = Buffer.from(payload);
  const length = options.length ?? bytes.length;
  const header = Buffer.from([channel >> 8, channel & 0xff, length >> 8, length & 0xff]);
  const padding = options.pad === true ? (4 - (bytes.length % 4)) % 4 : 0;
  return Buffer.concat([header, bytes, Buffer.alloc(padding)]);
}

/** Takes a ChannelData message apart; `rest` is what follows the payload: padding on streams. */
export function decodeChannelData(bytes: Buffer): { channel: number; payload: Buffer; rest: Buffer } {
  const end = 4 + bytes.readUInt16BE(2);
  if (end > bytes.length) throw new Error(`ChannelData of ${end} bytes in ${bytes.length}`);
  return { channel: bytes.readUInt16BE(0), payload: bytes.subarray(4, end), rest: bytes.subarray(end) };
}

/** The length of the first unit of a stream, or 0 while it is incomplete (RFC 8489 §6.2.2, RFC 8656 §12.5). */
export function unitLength(stream: Buffer): number {
  if (stream.length < 4) return 0;
  const claimed = stream.readUInt16BE(2);
  const length = stream.readUInt8(0) < 0x40 ? 20 + claimed : 4 + Math.ceil(claimed / 4) * 4;
  return length <= stream.length ? length : 0;
}
