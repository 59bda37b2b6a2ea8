// Messages for property tests: well-formed ones as parts, and nearly well-formed ones as bytes. Knows nothing of src/.

import fc from 'fast-check';
import { attr, message } from './wire.ts';

const known = fc.constantFrom(...Object.values(attr));
const value = fc.uint8Array({ maxLength: 40 }).map((bytes) => Buffer.from(bytes));

/** An attribute: a known type or any other, and any value. */
export const anyAttribute: fc.Arbitrary<readonly [number, Buffer]> = fc.tuple(
  fc.oneof(known, fc.nat(0xffff)).filter((type) => type !== attr.fingerprint),
  value,
);

/** A message's parts; the bytes are `message(parts)`. */
export const anyMessage = fc.record({
  type: fc.nat(0x3fff),
  tid: fc.uint8Array({ minLength: 12, maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
  attrs: fc.array(anyAttribute, { maxLength: 8 }),
  fingerprint: fc.boolean(),
  padding: fc.nat(0xff),
});

/** A message in which some bytes have been changed and whose end may be cut off. */
export const brokenMessage: fc.Arbitrary<Buffer> = fc
  .tuple(anyMessage, fc.array(fc.tuple(fc.nat(200), fc.nat(0xff)), { maxLength: 3 }), fc.nat(40), fc.boolean())
  .map(([parts, changes, cut, repairLength]) => {
    const whole = message(parts);
    const bytes = Buffer.from(whole.subarray(0, Math.max(0, whole.length - Math.max(0, cut - 20))));
    for (const [at, byte] of changes) if (at < bytes.length) bytes[at] = byte;
    if (repairLength && bytes.length >= 20) bytes.writeUInt16BE(bytes.length - 20, 2);
    return bytes;
  });

/** Anything that may come in a datagram: noise, broken messages, and whole ones. */
export const anyDatagram: fc.Arbitrary<Buffer> = fc.oneof(
  fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes)),
  brokenMessage,
  anyMessage.map((parts) => message(parts)),
);
