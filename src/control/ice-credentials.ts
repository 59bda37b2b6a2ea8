// Time-limited credentials for apps: an `iceServers` entry under a shared secret (draft-uberti-behave-turn-rest-00).
// Owns the form of the usernames that turnd gives out, and the bounds of what may be asked for.

import { randomBytes } from 'node:crypto';
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
  /** Who is counted by the quota; null = nobody, or with a label somebody new. */
  readonly userId: string | null;
  /** Which app, or which part of it, asks: it is put in front of the user id, `label/user`. Null = none. */
  readonly label: string | null;
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

/** What was made, in parts. */
export interface MadeCredentials {
  readonly username: string;
  readonly password: string;
  readonly stunUrls: readonly string[];
  /** `turn:` over UDP, over TCP, then `turns:`. */
  readonly turnUrls: readonly string[];
  /** Unix seconds. */
  readonly expiry: number;
}

/** USERNAME has fewer than 509 bytes (RFC 8489 §14.3). */
const MAX_NAME_BYTES = 508;
/** A year: what lives longer is no time-limited credential. */
export const MAX_TTL_SECONDS = 31_536_000;
const MAX_LABEL_BYTES = 64;
/** 72 random bits: nobody else has this user id. */
const FRESH_ID_BYTES = 9;

/** A user id that nobody has: for credentials that are each counted, and revoked, by themselves. */
export function freshUserId(): string {
  return randomBytes(FRESH_ID_BYTES).toString('base64url');
}

/**
 * Makes credentials: the `stun:` URLs first, then those that need them.
 * @param now Unix milliseconds
 * @throws AdminError invalid for a wish that cannot be met, not-found without a secret
 */
export function makeCredentials(source: IceSource, wish: CredentialsWish, now: number): IceCredentials {
  const { username, password, stunUrls, turnUrls, expiry } = makeParts(source, wish, now);
  const entry = { urls: turnUrls, username, credential: password };
  return { iceServers: [...(stunUrls.length === 0 ? [] : [{ urls: stunUrls }]), entry], expiresAt: expiry * 1000 };
}

/** As {@link makeCredentials}, not yet put into the form of a browser. */
export function makeParts(source: IceSource, wish: CredentialsWish, now: number): MadeCredentials {
  const { ttlSeconds, host } = wish;
  if (!Number.isInteger(ttlSeconds) || ttlSeconds < 1 || ttlSeconds > MAX_TTL_SECONDS)
    throw new AdminError('invalid', 'the time to live must be from 1 second to a year');
  if (host !== null) checkHost(host);
  const [secret] = source.secrets;
  if (secret === undefined)
    throw new AdminError('not-found', 'there is no shared secret: add one with "turnctl secret add" or auth.secrets');
  const { username, expiry } = nameOf(Math.floor(now / 1000) + ttlSeconds, userPart(wish), source);
  const urls = host === null ? source.urls : source.urls.map((url) => withHost(url, host));
  return {
    username,
    password: restPassword(secret, username),
    stunUrls: urls.filter((url) => url.startsWith('stun')),
    turnUrls: urls.filter((url) => !url.startsWith('stun')),
    expiry,
  };
}

function userPart({ label, userId }: CredentialsWish): string | null {
  if (userId !== null && !isClean(userId))
    throw new AdminError('invalid', `the user ${quote(userId)} is empty or has a character that is not allowed`);
  if (label === null) return userId;
  if (!isClean(label) || label.includes('/') || Buffer.byteLength(label) > MAX_LABEL_BYTES) {
    const rule = `is empty, longer than ${MAX_LABEL_BYTES} bytes or has a character that is not allowed (a slash is not)`;
    throw new AdminError('invalid', `the label ${quote(label)} ${rule}`);
  }
  return `${label}/${userId ?? freshUserId()}`;
}

function isClean(text: string): boolean {
  return text !== '' && opaqueString(text) === text && !text.includes('\ufffd');
}

// What was revoked is not given out again: who asks in the same second gets a second more.
function nameOf(first: number, user: string | null, { separator, isRevoked }: IceSource) {
  for (let expiry = first; ; expiry++) {
    const username = user === null ? String(expiry) : `${expiry}${separator}${user}`;
    if (Buffer.byteLength(username) > MAX_NAME_BYTES)
      throw new AdminError('invalid', `the user is too long: with the time it has more than ${MAX_NAME_BYTES} bytes`);
    if (!isRevoked(username)) return { username, expiry };
  }
}

function checkHost(host: string): void {
  if (/^\[?[0-9a-z_.:-]{1,253}\]?$/i.test(host)) return;
  throw new AdminError('invalid', `${quote(host)} is neither a host name nor an IP address`);
}
