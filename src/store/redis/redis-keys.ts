// Owns the names of coturn's Redis keys and of those that turnd keeps beside them: builds them, takes them apart, and
// writes patterns that find them. Knows no connection.

import { StoreError } from '../../errors.ts';
import { escapeText } from '../../escape-text.ts';
import type { RealmOption, StoredPeerRule, UserId } from '../store.ts';

const REALM = 'turn/realm/';
const USER = '/user/';
const KEY = '/key';
const ORIGIN = 'turn/origin/';
const OAUTH = 'turn/oauth/kid/';
const ADMIN = 'turn/admin_user/';

/** What a set or a value of a realm holds. */
export type RealmKeyKind =
  | { readonly holds: 'secrets' }
  | { readonly holds: 'peers'; readonly kind: StoredPeerRule['kind'] }
  | { readonly holds: 'option'; readonly option: RealmOption };

/** A key of a realm, taken apart. */
export interface RealmKey {
  readonly key: string;
  readonly realm: string;
  readonly kind: RealmKeyKind;
}

const REALM_KEYS: Readonly<Record<string, RealmKeyKind>> = Object.freeze({
  secret: { holds: 'secrets' },
  'allowed-peer-ip': { holds: 'peers', kind: 'allow' },
  'denied-peer-ip': { holds: 'peers', kind: 'deny' },
  'max-bps': { holds: 'option', option: 'maxBps' },
  'total-quota': { holds: 'option', option: 'totalQuota' },
  'user-quota': { holds: 'option', option: 'userQuota' },
});

const OPTION_NAMES: Readonly<Record<RealmOption, string>> = Object.freeze({
  maxBps: 'max-bps',
  totalQuota: 'total-quota',
  userQuota: 'user-quota',
});

/**
 * Where coturn keeps the MD5 key of a user.
 * @throws StoreError for a name whose key would be another user's: a realm with `/user/` in it
 */
export function userKey(id: UserId): string {
  const key = `${REALM}${id.realm}${USER}${id.name}${KEY}`;
  const found = parseUserKey(key);
  if (found?.realm === id.realm && found.name === id.name) return checkText(key);
  throw new StoreError(
    'failed',
    `Redis cannot keep users of the realm "${escapeText(id.realm)}": with /user in it, the key of one user is that of another: use another realm or another kind of store`,
  );
}

/** Where turnd keeps the SHA-256 key of the user whose MD5 key is at `key`. */
export function sha256KeyOf(key: string): string {
  return `${key}-sha256`;
}

/** The user whose MD5 key is there; null = it is no such key. */
export function parseUserKey(key: string): UserId | null {
  if (!key.startsWith(REALM) || !key.endsWith(KEY)) return null;
  const middle = key.slice(REALM.length, -KEY.length);
  const at = middle.indexOf(USER);
  if (at < 0) return null;
  return { realm: middle.slice(0, at), name: middle.slice(at + USER.length) };
}

/** Finds the MD5 keys of the users of a realm, or of all (null), and perhaps more: {@link parseUserKey} tells. */
export function userPattern(realm: string | null): string {
  // One wildcard: each more costs the server time for each key.
  return realm === null ? `${REALM}*${KEY}` : `${REALM}${escapeGlob(realm)}${USER}*${KEY}`;
}

/** Where coturn keeps the secrets of a realm. */
export function secretsKey(realm: string): string {
  return checkText(`${REALM}${realm}/secret`);
}

/** Where turnd keeps when they end. */
export function secretEndsKey(secrets: string): string {
  return `${secrets}-end`;
}

/** Where coturn keeps the peers that a realm allows or denies. */
export function peersKey(realm: string, kind: StoredPeerRule['kind']): string {
  return checkText(`${REALM}${realm}/${kind === 'allow' ? 'allowed' : 'denied'}-peer-ip`);
}

/** Where coturn keeps an option of a realm. */
export function optionKey(realm: string, option: RealmOption): string {
  return checkText(`${REALM}${realm}/${OPTION_NAMES[option]}`);
}

/**
 * Finds every key that {@link parseRealmKey} knows. Their last two letters are et, ip, ps or ta; those of users' keys
 * are ey and 56, of statuses us, of secrets' ends nd: a million users do not come over the wire at each poll.
 */
export const REALM_PATTERN = `${REALM}*[eipt][tpsa]`;

/** What a realm keeps there; null = it is no such key. */
export function parseRealmKey(key: string): RealmKey | null {
  const at = key.lastIndexOf('/');
  if (!key.startsWith(REALM) || at < REALM.length) return null;
  const name = key.slice(at + 1);
  const kind = Object.hasOwn(REALM_KEYS, name) ? REALM_KEYS[name] : undefined;
  return kind === undefined ? null : { key, realm: key.slice(REALM.length, at), kind };
}

/** Keys of which each is one thing, named by the rest of the key. */
export class NamedKeys {
  readonly #prefix: string;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Finds all of them. */
  get pattern(): string {
    return `${this.#prefix}*`;
  }

  key(name: string): string {
    return checkText(this.#prefix + name);
  }

  name(key: string): string {
    return key.slice(this.#prefix.length);
  }
}

/** Origins. */
export const ORIGIN_KEYS = new NamedKeys(ORIGIN);
/** OAuth keys, by key ID. */
export const OAUTH_KEYS = new NamedKeys(OAUTH);
/** Administrators. */
export const ADMIN_KEYS = new NamedKeys(ADMIN);

/** Texts whose wildcards are letters. */
export function escapeGlob(text: string): string {
  return text.replace(/[*?[\]\\]/g, '\\$&');
}

// A lone surrogate would become U+FFFD, which may be somebody else's name; coturn would end the name at a NUL.
// biome-ignore lint/suspicious/noControlCharactersInRegex: NUL is what this line is about
const UNKEEPABLE = /[\u0000\p{Cs}]/u;

/** Whether a key or a value with this text can be there. */
export function isKeepable(text: string): boolean {
  return !UNKEEPABLE.test(text);
}

/**
 * The text.
 * @throws StoreError when Redis or coturn would take it for another
 */
export function checkText(text: string): string {
  if (isKeepable(text)) return text;
  throw new StoreError('failed', 'a text with a NUL or half a character cannot be kept: give valid text');
}
