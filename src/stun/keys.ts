// Long-term keys, USERHASH and the REST password: hashes of names and passwords. Knows no store and no clock.

import { createHash, createHmac } from 'node:crypto';

/** PASSWORD-ALGORITHM numbers (RFC 8489 §18.5). */
export const PasswordAlgorithm = {
  MD5: 0x0001,
  SHA_256: 0x0002,
} as const;
export type PasswordAlgorithm = (typeof PasswordAlgorithm)[keyof typeof PasswordAlgorithm];

/**
 * The MD5 long-term key (HA1): 16 bytes of MD5(username ":" realm ":" password). `realm` and `password` must have
 * been prepared with OpaqueString (RFC 8489 §9.2.2, §18.5.1.1).
 */
export function longTermKeyMd5(username: string, realm: string, password: string): Buffer {
  return createHash('md5').update(`${username}:${realm}:${password}`, 'utf8').digest();
}

/** The SHA-256 long-term key: 32 bytes over the same text (RFC 8489 §18.5.1.2). */
export function longTermKeySha256(username: string, realm: string, password: string): Buffer {
  return createHash('sha256').update(`${username}:${realm}:${password}`, 'utf8').digest();
}

/** USERHASH: 32 bytes of SHA-256(username ":" realm), both prepared with OpaqueString (RFC 8489 §14.4). */
export function userhash(username: string, realm: string): Buffer {
  return createHash('sha256').update(`${username}:${realm}`, 'utf8').digest();
}

/**
 * The password of a time-limited username: the base64 text of HMAC-SHA1(secret, username)
 * (draft-uberti-behave-turn-rest-00 §2.2).
 */
export function restPassword(secret: string, username: string): string {
  return createHmac('sha1', secret).update(username, 'utf8').digest('base64');
}
