// ChannelData: the 4-byte framing of relayed payloads (RFC 8656 §12.4). Pure numbers; who may use a channel is the
// engine's business.
//
// ChannelData = number(16) length(16) data(length) [padding to 32 bits: on streams only]

import { readHalf } from './words.ts';

/** Bytes before the payload. */
export const CHANNEL_HEADER_LENGTH = 4;

/** Channel numbers that may be bound (RFC 8656 §12). */
export const FIRST_CHANNEL = 0x4000;
export const LAST_CHANNEL = 0x4fff;

/** The last number that RFC 5766 §11.2 let a client bind: for old clients, by option. */
export const LAST_CHANNEL_RFC5766 = 0x7ffe;

/** No payload: the length field contradicts the bytes received. */
export const BAD_CHANNEL_DATA = -1;

/**
 * Where the payload of the ChannelData message in `buffer[start, end)` ends, or {@link BAD_CHANNEL_DATA} if it claims
 * more than there is (RFC 8656 §12.6: discard). Bytes after the payload are padding and ignored.
 */
export function channelPayloadEnd(buffer: Buffer, start: number, end: number): number {
  const payload = start + CHANNEL_HEADER_LENGTH;
  if (payload > end) return BAD_CHANNEL_DATA;
  const payloadEnd = payload + readHalf(buffer, start + 2);
  return payloadEnd > end ? BAD_CHANNEL_DATA : payloadEnd;
}

/** Writes a ChannelData header at `offset` and returns the offset after it. */
export function writeChannelHeader(buffer: Buffer, offset: number, channel: number, length: number): number {
  buffer[offset] = channel >>> 8;
  buffer[offset + 1] = channel & 0xff;
  buffer[offset + 2] = length >>> 8;
  buffer[offset + 3] = length & 0xff;
  return offset + CHANNEL_HEADER_LENGTH;
}
