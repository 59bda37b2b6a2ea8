// Time-limited credentials for apps: an `iceServers` entry under a shared secret (draft-uberti-behave-turn-rest-00).

import { withHost } from '../config/ice-servers.ts';
import { restPassword } from '../stun/keys.ts';
import { opaqueString } from '../stun/opaque-string.ts';
import { quote } from './admin-input.ts';
import { AdminError } from './administration.ts';
import type { IceSource } from './server-control.ts';

/** One entry of RTCConfiguration.iceServers. */
export interface IceServer {
  readonly urls: readonly string[];
  readonly username?: string;
  readonly credential?: string;
}

/** What somebody wants credentials for. */
export interface CredentialsWish {
  /** Who is counted by the quota; null = nobody. */
  readonly userId: string | null;
  readonly ttlSeconds: number;
  /** Host name or address to put into the URLs; null = the server's own. */
  readonly host: string | null;
  /** Null = the default one. */
  readonly realm: string | null;
}

/** Credentials, ready for a browser. */
export interface IceCredentials {
  readonly iceServers: readonly IceServer[];
  /** Unix milliseconds. */
  readonly expiresAt: number;
}

/** USERNAME has fewer than 509 bytes (RFC 8489 §14.3). */
const MAX_NAME_BYTES = 508;
/** A year: what lives longer is no time-limited credential. */
const MAX_TTL_SECONDS = 31_536_000;

/**
 * Makes credentials: the `stun:` URLs first, then those that need them.
 * @param now Unix milliseconds
 * @throws AdminError invalid for a wish that cannot be met, not-found without a secret
 */
export function makeCredentials(source: IceSource, wish: CredentialsWish, now: number): IceCredentials {
  const { userId, ttlSeconds, host } = wish;
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > MAX_TTL_SECONDS)
    throw new AdminError('invalid', 'the time to live must be from 1 second to a year');
  if (host !== null) checkHost(host);
  if (source.secret === null)
    throw new AdminError('not-found', 'there is no shared secret: add one with "turnctl secret add" or auth.secrets');
  const expiry = Math.floor(now / 1000) + ttlSeconds;
  const username = nameOf(expiry, userId, source.separator);
  const urls = host === null ? source.urls : source.urls.map((url) => withHost(url, host));
  const stun = urls.filter((url) => url.startsWith('stun'));
  const turn = urls.filter((url) => !url.startsWith('stun'));
  const entry = { urls: turn, username, credential: restPassword(source.secret, username) };
  return { iceServers: [...(stun.length === 0 ? [] : [{ urls: stun }]), entry], expiresAt: expiry * 1000 };
}

function nameOf(expiry: number, userId: string | null, separator: string): string {
  if (userId === null) return String(expiry);
  if (userId === '' || opaqueString(userId) !== userId || userId.includes('\ufffd'))
    throw new AdminError('invalid', `the user ${quote(userId)} is empty or has a character that is not allowed`);
  const name = `${expiry}${separator}${userId}`;
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw new AdminError('invalid', `the user is too long: with the time it has more than ${MAX_NAME_BYTES} bytes`);
  return name;
}

function checkHost(host: string): void {
  if (/^\[?[0-9a-z_.:-]{1,253}\]?$/i.test(host)) return;
  throw new AdminError('invalid', `${quote(host)} is neither a host name nor an IP address`);
}
