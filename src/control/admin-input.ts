// What names, passwords, secrets, ranges and numbers may be before they are stored: those that a client could prove, and
// that coturn's tables take. Each function returns the value as it is stored or throws an AdminError; none repeats a secret.

import { escapeText } from '../escape-text.ts';
import { parsePeerRange } from '../net/peer-range.ts';
import type { RealmOption, StoredPeerRule } from '../store/store.ts';
import { opaqueString } from '../stun/opaque-string.ts';
import { AdminError } from './administration.ts';

/** USERNAME has fewer than 509 bytes (RFC 8489 §14.3). */
const MAX_NAME_BYTES = 508;
/** REALM has fewer than 128 characters (RFC 8489 §14.9), as coturn's columns. */
const MAX_REALM_CHARACTERS = 127;
const MAX_PASSWORD_BYTES = 1024;
/** Of coturn's column. */
const MAX_SECRET_BYTES = 256;
const MAX_ORIGIN_CHARACTERS = 127;
/** Of coturn's columns. */
const MAX_KEY_ID_CHARACTERS = 128;
const MAX_OAUTH_KEY_CHARACTERS = 256;
/** coturn reads options as a C int. */
export const MAX_OPTION = 2_147_483_647;
/** A year. */
const MAX_GRACE_SECONDS = 31_536_000;
/** Enough that a slip of the pen names no other secret. */
const MIN_ID_DIGITS = 4;

const FORBIDDEN = 'has a character that is not allowed (control, invisible, unassigned or private; RFC 8265)';

/** A name that a new user may have. */
export function newUserName(name: string): string {
  if (name === '') throw invalid('the user name is empty');
  if (Buffer.byteLength(name) > MAX_NAME_BYTES)
    throw invalid(`the user name is longer than ${MAX_NAME_BYTES} bytes (RFC 8489)`);
  const prepared = opaqueString(name);
  // Undecodable bytes turn into U+FFFD: two names would look alike.
  if (prepared === null || name.includes('\ufffd')) throw invalid(`the user name ${quote(name)} ${FORBIDDEN}`);
  if (prepared !== name)
    throw invalid(`the user name ${quote(name)} is not as clients send it (RFC 8265): write ${quote(prepared)}`);
  return name;
}

/** The name of a user who may be there: whatever a database holds can be shown and removed. */
export function userName(name: string): string {
  if (name === '') throw invalid('the user name is empty');
  return name;
}

/** A realm, prepared. */
export function realmName(realm: string): string {
  if (realm === '') throw invalid('the realm is empty');
  const prepared = opaqueString(realm);
  if (prepared === null) throw invalid(`the realm ${quote(realm)} ${FORBIDDEN}`);
  if (prepared.length > MAX_REALM_CHARACTERS)
    throw invalid(`the realm is longer than ${MAX_REALM_CHARACTERS} characters (RFC 8489)`);
  return prepared;
}

/** A password, prepared. */
export function newPassword(password: string): string {
  if (password === '') throw invalid('the password is empty');
  if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES)
    throw invalid(`the password is longer than ${MAX_PASSWORD_BYTES} bytes`);
  const prepared = opaqueString(password);
  if (prepared === null) throw invalid(`the password ${FORBIDDEN}`);
  return prepared;
}

/** A shared secret: applications take its bytes as they are. */
export function newSecret(value: string): string {
  if (value === '') throw invalid('the secret is empty');
  if (Buffer.byteLength(value) > MAX_SECRET_BYTES) throw invalid(`the secret is longer than ${MAX_SECRET_BYTES} bytes`);
  if (/[\p{Cc}\p{Cs}\ufffd]/u.test(value)) throw invalid('the secret has a control character or is not UTF-8');
  return value;
}

/** The beginning of the id of a secret. */
export function secretId(id: string): string {
  if (!/^[0-9a-f]{1,12}$/i.test(id)) throw invalid('the id of a secret has up to 12 hexadecimal digits');
  if (id.length < MIN_ID_DIGITS) throw invalid(`give at least ${MIN_ID_DIGITS} digits of the id of a secret`);
  return id.toLowerCase();
}

/** The ID of a new OAuth key: clients send it as their user name (RFC 7635 §4). */
export function keyId(kid: string): string {
  if (kid === '') throw invalid('the ID of the key is empty');
  if (kid.length > MAX_KEY_ID_CHARACTERS)
    throw invalid(`the ID of the key is longer than ${MAX_KEY_ID_CHARACTERS} characters`);
  const prepared = opaqueString(kid);
  if (prepared === null || kid.includes('\ufffd')) throw invalid(`the ID ${quote(kid)} ${FORBIDDEN}`);
  if (prepared !== kid)
    throw invalid(`the ID ${quote(kid)} is not as clients send it (RFC 8265): write ${quote(prepared)}`);
  return kid;
}

/** How tokens may be encrypted (RFC 7635 §6.2), and how many bytes the key has then. */
export const OAUTH_ALGORITHMS = Object.freeze({ A256GCM: 32, A128GCM: 16 });

/** One of {@link OAUTH_ALGORITHMS}. */
export function oauthAlgorithm(text: string): keyof typeof OAUTH_ALGORITHMS {
  if (text === 'A256GCM' || text === 'A128GCM') return text;
  throw invalid(`the algorithm must be ${Object.keys(OAUTH_ALGORITHMS).join(' or ')}`);
}

/** An OAuth key in Base64. A longer one is taken: coturn, and its own examples, cut it. */
export function oauthKey(text: string, algorithm: keyof typeof OAUTH_ALGORITHMS): string {
  if (text.length > MAX_OAUTH_KEY_CHARACTERS)
    throw invalid(`the key is longer than ${MAX_OAUTH_KEY_CHARACTERS} characters`);
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text))
    throw invalid('the key is not Base64 with its padding');
  const bytes = OAUTH_ALGORITHMS[algorithm];
  if (Buffer.from(text, 'base64').length < bytes)
    throw invalid(`the key is too short: ${algorithm} needs ${bytes} bytes, in Base64`);
  return text;
}

/** Seconds for which an old secret goes on. */
export function graceSeconds(seconds: number): number {
  if (Number.isInteger(seconds) && seconds >= 0 && seconds <= MAX_GRACE_SECONDS) return seconds;
  throw invalid('the grace time must be from 0 seconds to a year');
}

/** A rule about peers whose range is one. */
export function peerRule({ realm, kind, range }: StoredPeerRule): StoredPeerRule {
  const parsed = parsePeerRange(range);
  if ('error' in parsed) throw invalid(escapeText(parsed.error));
  return { realm: realm === '' ? '' : realmName(realm), kind, range };
}

/** Whether two texts mean the same addresses; one that is no range is like nothing but itself. */
export function isSameRange(left: string, right: string): boolean {
  return canonicalRange(left) === canonicalRange(right);
}

function canonicalRange(range: string): string {
  const parsed = parsePeerRange(range);
  return 'error' in parsed ? range : parsed.join(' ');
}

/** A value of a realm's option; null takes it away. */
export function optionValue(option: RealmOption, value: number | null): number | null {
  if (value === null) return null;
  if (Number.isInteger(value) && value >= 0 && value <= MAX_OPTION) return value;
  throw invalid(`${option} must be a whole number from 0 (no limit) to ${MAX_OPTION}`);
}

/** An origin of web pages. */
export function originText(origin: string): string {
  if (origin === '') throw invalid('the origin is empty');
  if (origin.length > MAX_ORIGIN_CHARACTERS)
    throw invalid(`the origin is longer than ${MAX_ORIGIN_CHARACTERS} characters`);
  if (/[\s\p{Cc}\p{Cs}]/u.test(origin)) throw invalid(`the origin ${quote(origin)} has a space or control character`);
  return origin;
}

/** A name of foreign origin, safe in a sentence for a terminal. */
export function quote(text: string): string {
  return `"${escapeText(text)}"`;
}

function invalid(message: string): AdminError {
  return new AdminError('invalid', message);
}
