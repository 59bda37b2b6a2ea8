// What must be true of everything that a client receives, by wire.ts.

import { attr, type Decoded, decode, decodeChannelData } from '../../support/wire.ts';
import { expect } from '../target.ts';

// Bits of a message type: of the class, set in both kinds of response, and of the method (RFC 8489 §5).
const RESPONSE = 0x0100;
const METHOD = 0x3eef;

// What an unauthenticated source over UDP may get for what it sent: the first challenge is 72 bytes for 20.
const MAX_AMPLIFICATION = 3.6;

/** What a client received, taken apart. */
export type Received =
  | { readonly kind: 'response' | 'data'; readonly message: Decoded }
  | { readonly kind: 'channel-data'; readonly payload: Buffer };

/** Takes apart what a client received; throws if it is not as the RFCs say. */
export function checkReceived(bytes: Buffer, stream: boolean): Received {
  if ((bytes[0] ?? 0) >= 0x40) return { kind: 'channel-data', payload: checkChannelData(bytes, stream) };
  const message = decode(bytes);
  expect(message.cookie === 0x2112a442, 'no cookie');
  checkPadding(message);
  if (message.has(attr.fingerprint)) expect(message.fingerprintOk(), 'FINGERPRINT is wrong');
  if ((message.type & RESPONSE) === 0) {
    expect(message.type === 0x0017, `message type ${message.type} to a client`);
    message.xorAddress(attr.xorPeerAddress);
    return { kind: 'data', message };
  }
  const isError = message.cls === 3;
  expect(isError === (message.errorCode !== undefined), 'ERROR-CODE is out of place');
  for (const type of [attr.xorMappedAddress, attr.xorRelayedAddress]) message.xorAddresses(type);
  return { kind: 'response', message };
}

function checkChannelData(bytes: Buffer, stream: boolean): Buffer {
  const { payload, rest } = decodeChannelData(bytes);
  expect(!stream || bytes.length % 4 === 0, 'ChannelData is not padded');
  expect(rest.length < (stream ? 4 : 1) && rest.every((byte) => byte === 0), 'ChannelData ends in other bytes');
  return payload;
}

// Padding bytes are zero: anything else may be of another session (SECURITY S8).
function checkPadding({ bytes, attrs }: Decoded): void {
  let at = 20;
  for (const [type, value] of attrs) {
    const end = at + 4 + value.length;
    at += 4 + Math.ceil(value.length / 4) * 4;
    expect(
      bytes.subarray(end, at).every((byte) => byte === 0),
      `the padding of attribute ${type} is not zero`,
    );
  }
}

/** Whether a response is to this message: a request of the same method and transaction. */
export function isResponseTo(response: Decoded, request: Buffer): boolean {
  if (request.length < 20 || (response.type & METHOD) !== request.readUInt16BE(0)) return false;
  return response.tid.equals(request.subarray(8, 20));
}

/** What a source that may be forged gets: no success but Binding's, and little. */
export function checkUnauthenticated(response: Decoded, request: Buffer, budgeted: boolean): void {
  expect(response.cls === 3 || response.method === 1, `success of method ${response.method} without credentials`);
  expect(!response.has(attr.messageIntegrity), 'signed for nobody');
  const factor = response.bytes.length / request.length;
  expect(!budgeted || factor <= MAX_AMPLIFICATION, `amplifies ${request.length} to ${response.bytes.length} bytes`);
}
