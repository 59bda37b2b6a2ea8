// Reads rows of the tables. What cannot be read (a NULL name, `max-bps` of "abc", half a key) is skipped, and nothing
// else is lost with it. Knows no database.

import type {
  RealmOption,
  RealmOptions,
  StoredAdmin,
  StoredOauthKey,
  StoredOrigin,
  StoredPeerRule,
  StoredRealm,
  StoredSecret,
  StoredUser,
  UserId,
} from '../store.ts';
import type { SqlRow } from './sql-connection.ts';

/** coturn's names of a realm's options. */
export const OPTION_NAMES: Readonly<Record<RealmOption, string>> = Object.freeze({
  maxBps: 'max-bps',
  totalQuota: 'total-quota',
  userQuota: 'user-quota',
});

/** A user with its keys: the SHA-256 key only when it was made with the MD5 key that is there. */
export function readUser(row: SqlRow): StoredUser | null {
  const id = readUserId(row);
  const md5Key = readKey(row['hmackey'], 16);
  if (id === null || md5Key === null) return null;
  const made = readKey(row['md5key'], 16);
  const isCurrent = made?.equals(md5Key) ?? false;
  return { ...id, md5Key, sha256Key: isCurrent ? readKey(row['sha256key'], 32) : null };
}

export function readUserId(row: SqlRow): UserId | null {
  const [realm, name] = [readText(row['realm']), readText(row['name'])];
  return realm === null || name === null ? null : { realm, name };
}

export function readSecret(row: SqlRow): Omit<StoredSecret, 'expiresAt'> | null {
  const [realm, value] = [readText(row['realm']), readText(row['value'])];
  return realm === null || value === null ? null : { realm, value };
}

export function readPeerRule(row: SqlRow, kind: StoredPeerRule['kind']): StoredPeerRule | null {
  const [realm, range] = [readText(row['realm']), readText(row['ip_range'])];
  return realm === null || range === null ? null : { realm, kind, range };
}

export function readOrigin(row: SqlRow): StoredOrigin | null {
  const [origin, realm] = [readText(row['origin']), readText(row['realm'])];
  return origin === null || realm === null ? null : { origin, realm };
}

export function readOauthKey(row: SqlRow): StoredOauthKey | null {
  const [kid, ikmKey] = [readText(row['kid']), readText(row['ikm_key'])];
  const [timestamp, lifetime] = [readNumber(row['timestamp']), readNumber(row['lifetime'])];
  if (kid === null || ikmKey === null || timestamp === null || lifetime === null) return null;
  const [asRsAlg, realm] = [readText(row['as_rs_alg']) ?? '', readText(row['realm']) ?? ''];
  return { kid, ikmKey, timestamp, lifetime, asRsAlg, realm };
}

export function readAdmin(row: SqlRow): StoredAdmin | null {
  const [name, password] = [readText(row['name']), readText(row['password'])];
  return name === null || password === null ? null : { name, realm: readText(row['realm']) ?? '', password };
}

/** Gathers the options of each realm. */
export function readRealms(rows: readonly SqlRow[]): readonly StoredRealm[] {
  const realms = new Map<string, RealmOptions>();
  for (const row of rows) {
    const realm = readText(row['realm']);
    const option = readOption(row['opt']);
    const value = readNumber(row['value']);
    if (realm === null || option === null || value === null) continue;
    const options = realms.get(realm) ?? { maxBps: null, totalQuota: null, userQuota: null };
    realms.set(realm, { ...options, [option]: value });
  }
  return [...realms].map(([realm, options]) => ({ realm, ...options }));
}

/** What `read` makes of each row, without those of which it makes nothing. */
export function readAll<T>(rows: readonly SqlRow[], read: (row: SqlRow) => T | null): readonly T[] {
  return rows.map(read).filter((value) => value !== null);
}

/** A whole number that is not negative. Drivers give numbers, strings (`bigint`) or bigints. */
export function readNumber(value: unknown): number | null {
  if (!/^\s*\d+\s*$/.test(String(value))) return null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : null;
}

/** Columns with a binary collation may come as bytes. */
function readText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  return Buffer.isBuffer(value) ? value.toString('utf8') : null;
}

/** Hex of either case; PostgreSQL pads char(128) with spaces. */
function readKey(value: unknown, bytes: number): Buffer | null {
  const hex = readText(value)?.trim() ?? '';
  return hex.length === bytes * 2 && /^[0-9a-f]*$/i.test(hex) ? Buffer.from(hex, 'hex') : null;
}

function readOption(value: unknown): RealmOption | null {
  const found = Object.entries(OPTION_NAMES).find(([, name]) => name === readText(value));
  return (found?.[0] as RealmOption | undefined) ?? null;
}
