// Ready attributes for `message({ attrs })` of wire.ts, one function per attribute, and the keys to sign with. Like
// wire.ts it knows nothing of src/.

import { createHash } from 'node:crypto';
import { type AttributeInput, attr } from './wire.ts';
import { xorAddress } from './wire-address.ts';

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

const text = (type: number, value: string | Buffer): AttributeInput => [type, Buffer.from(value)];
const xor =
  (type: number) =>
  (ip: string, port: number): AttributeInput => [type, (tid) => xorAddress(ip, port, tid)];

export const username = (value: string | Buffer): AttributeInput => text(attr.username, value);
export const realm = (value: string | Buffer): AttributeInput => text(attr.realm, value);
export const nonce = (value: string | Buffer): AttributeInput => text(attr.nonce, value);
export const software = (value: string | Buffer): AttributeInput => text(attr.software, value);
export const data = (value: string | Buffer): AttributeInput => text(attr.data, value);
export const lifetime = (seconds: number): AttributeInput => [attr.lifetime, uint32(seconds)];
export const evenPort = (reserve: boolean): AttributeInput => [attr.evenPort, Buffer.from([reserve ? 0x80 : 0])];
export const dontFragment = (): AttributeInput => [attr.dontFragment, ''];
export const requestedTransport = (protocol = 17): AttributeInput => [
  attr.requestedTransport,
  Buffer.from([protocol, 0, 0, 0]),
];
export const requestedAddressFamily = (family: 4 | 6): AttributeInput => [
  attr.requestedAddressFamily,
  family === 4 ? '01000000' : '02000000',
];
export const additionalAddressFamily = (): AttributeInput => [attr.additionalAddressFamily, '02000000'];
export const reservationToken = (token: Buffer | string): AttributeInput => [attr.reservationToken, token];
export const channelNumber = (channel: number): AttributeInput => [attr.channelNumber, uint32(channel * 0x10000)];
/** XOR addresses take the transaction ID of the message that they are put into. */
export const xorPeerAddress: (ip: string, port: number) => AttributeInput = xor(attr.xorPeerAddress);
export const xorMappedAddress: (ip: string, port: number) => AttributeInput = xor(attr.xorMappedAddress);
export const xorRelayedAddress: (ip: string, port: number) => AttributeInput = xor(attr.xorRelayedAddress);
export const userhash = (name: string, realmText: string): AttributeInput => [
  attr.userhash,
  createHash('sha256').update(`${name}:${realmText}`).digest(),
];
/** 1 is MD5, 2 is SHA-256. */
export const passwordAlgorithm = (algorithm: number): AttributeInput => [
  attr.passwordAlgorithm,
  uint32(algorithm * 0x10000),
];
export const passwordAlgorithms = (...algorithms: readonly number[]): AttributeInput => [
  attr.passwordAlgorithms,
  Buffer.concat(algorithms.map((algorithm) => uint32(algorithm * 0x10000))),
];

/** The long-term key of already prepared texts (RFC 8489 §9.2.2). */
export function longTermKey(name: string, realmText: string, password: string, hash: 'md5' | 'sha256' = 'md5'): Buffer {
  return createHash(hash).update(`${name}:${realmText}:${password}`).digest();
}
