// IP addresses, and the values of address attributes, for wire.ts. Leans on the URL parser rather than on src/.

import { isIPv4 } from 'node:net';

/** The bytes of an address: 4 or 16. */
export function ipBytes(ip: string): Buffer {
  if (isIPv4(ip)) return Buffer.from(ip.split('.').map(Number));
  const [head = '', tail] = new URL(`http://[${ip}]`).hostname.slice(1, -1).split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const groups = [...left, ...Array<string>(8 - left.length - right.length).fill('0'), ...right];
  return Buffer.from(groups.map((group) => group.padStart(4, '0')).join(''), 'hex');
}

/** The text of 4 or 16 address bytes; IPv6 as the URL standard prints it (`::ffff:102:304`). */
export function ipText(bytes: Buffer): string {
  if (bytes.length === 4) return bytes.join('.');
  const groups = bytes.toString('hex').match(/.{4}/g) ?? [];
  return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
}

/** The value of MAPPED-ADDRESS and its like (RFC 8489 §14.1). */
export function plainAddress(ip: string, port: number): Buffer {
  const bytes = ipBytes(ip);
  return Buffer.concat([Buffer.from([0, bytes.length === 4 ? 1 : 2, port >> 8, port & 0xff]), bytes]);
}

/** The value of an XOR address attribute (RFC 8489 §14.2). */
export function xorAddress(ip: string, port: number, tid: Buffer): Buffer {
  return xorMask(plainAddress(ip, port), tid);
}

/** Port and address, each xored with cookie || transaction ID from its start (RFC 8489 §14.2); its own inverse. */
export function xorMask(value: Buffer, tid: Buffer): Buffer {
  const mask = Buffer.concat([Buffer.from('2112a442', 'hex'), tid]);
  return Buffer.from(
    value.map((byte, at) => (at < 2 ? byte : byte ^ (mask[at < 4 ? at - 2 : (at - 4) % mask.length] ?? 0))),
  );
}

/** `192.0.2.1:3478` or `[2001:db8::1]:3478` for the value of an address attribute that is not xored. */
export function addressText(value: Buffer): string {
  const [zero, family] = value;
  const form = `${zero}/${family}/${value.length}`;
  if (form !== '0/1/8' && form !== '0/2/20') throw new Error(`address ${value.toString('hex')}`);
  const ip = ipText(value.subarray(4));
  return `${family === 1 ? ip : `[${ip}]`}:${value.readUInt16BE(2)}`;
}
