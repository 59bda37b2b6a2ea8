// What floods are made of. Bytes from wire.ts; every datagram is at least as long as a STUN header, so that the flood may
// write a transaction of its own into it.

import { createHash, randomBytes } from 'node:crypto';
import { channelData, message } from '../support/wire.ts';
import { data, nonce, realm, requestedTransport, username, xorPeerAddress } from '../support/wire-attributes.ts';

/** The kinds of junk. */
export const JUNK = {
  invalidChannelData: (index: number): Buffer =>
    channelData(0x4000 + index, Buffer.alloc(100, index), { length: index % 2 === 0 ? 35_510 : 96 }),
  send: (index: number): Buffer =>
    message({ type: 0x0016, attrs: [xorPeerAddress(`9.9.9.${index}`, 9999), data(Buffer.alloc(100, index))] }),
  media: (index: number): Buffer => Buffer.alloc(160, index),
  stun: (index: number): Buffer => message({ type: 0x0003, attrs: [[index * 257, randomBytes(index * 3)]] }),
  binding: (): Buffer => message({ type: 0x0001 }),
  allocate: (): Buffer => message({ type: 0x0003, attrs: [requestedTransport()] }),
  forged: (index: number): Buffer =>
    message({
      type: 0x0003,
      attrs: [requestedTransport(), username('alice'), realm('turnd'), nonce('n'.repeat(24))],
      key: createHash('md5').update(`${index}`).digest(),
    }),
} as const;

export type JunkKind = keyof typeof JUNK;

/** One datagram of a kind. */
export function junk(kind: JunkKind, index: number): Buffer {
  return JUNK[kind](index);
}
