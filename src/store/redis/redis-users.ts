// Users in Redis: coturn's MD5 key of each, and turnd's SHA-256 key beside it. Knows connections, owns none.

import type { Redis } from 'ioredis';
import type { StoredUser, UserId, UserQuery } from '../store.ts';
import { isKeepable, parseUserKey, sha256KeyOf, userKey, userPattern } from './redis-keys.ts';
import type { CallProgress } from './redis-link.ts';
import { answersOf, scanKeys } from './redis-scan.ts';

/** A key as coturn reads it: what follows the 32 digits does not count. Another text is no user, as in the SQL stores. */
const MD5_TEXT = /^[0-9a-f]{32}/i;
/** The MD5 key, to which it belongs, then the SHA-256 key. */
const SHA256_TEXT = /^([0-9a-f]{32}):([0-9a-f]{64})$/;

/** One round trip. GET tells a key of another type from none; MGET would not. */
export async function findUser(client: Redis, id: UserId): Promise<StoredUser | null> {
  if (!isKeepable(id.realm + id.name)) return null;
  const key = userKey(id);
  const [md5Text, sha256Text] = await Promise.all([client.get(key), client.get(sha256KeyOf(key))]);
  const digits = MD5_TEXT.exec(md5Text ?? '')?.[0].toLowerCase();
  if (digits === undefined) return null;
  const md5Key = Buffer.from(digits, 'hex');
  return { realm: id.realm, name: id.name, md5Key, sha256Key: parseSha256Key(sha256Text, digits) };
}

/** turnadmin changes the MD5 key alone: then the other one is that of an old password. */
function parseSha256Key(text: string | null, md5Digits: string): Buffer | null {
  const [, belongsTo, digits] = SHA256_TEXT.exec(text ?? '') ?? [];
  return belongsTo !== md5Digits || digits === undefined ? null : Buffer.from(digits, 'hex');
}

/** Adds a user or replaces the one of that name. */
export async function putUser(client: Redis, user: StoredUser): Promise<void> {
  const key = userKey(user);
  const md5Digits = user.md5Key.toString('hex');
  const commands = client.multi().set(key, md5Digits);
  if (user.sha256Key === null) commands.del(sha256KeyOf(key));
  else commands.set(sha256KeyOf(key), `${md5Digits}:${user.sha256Key.toString('hex')}`);
  await answersOf(commands);
}

/** @returns false when there is none of that name */
export async function removeUser(client: Redis, id: UserId): Promise<boolean> {
  if (!isKeepable(id.realm + id.name)) return false;
  const key = userKey(id);
  const [removed] = await answersOf(client.multi().del(key).del(sha256KeyOf(key)));
  return removed === 1;
}

/** The users that the query asks for, in its order. Redis keeps none: all are looked at, and few are kept. */
export async function listUsers(client: Redis, query: UserQuery, progress: CallProgress): Promise<readonly UserId[]> {
  const first = new FirstUsers(query.limit);
  await scanKeys(client, userPattern(query.realm), progress, (keys) => {
    for (const key of keys) {
      const id = parseUserKey(key);
      if (id !== null && isAskedFor(id, query)) first.add(id);
    }
  });
  return first.list();
}

function isAskedFor(id: UserId, { realm, after }: UserQuery): boolean {
  return (realm === null || id.realm === realm) && (after === null || compareUsers(id, after) > 0);
}

/** The first so many of whatever comes, each once. */
class FirstUsers {
  readonly #limit: number;
  #users: UserId[] = [];
  /** Nobody after this one is among the first. */
  #bound: UserId | null = null;

  constructor(limit: number) {
    this.#limit = limit;
  }

  add(user: UserId): void {
    if (this.#bound !== null && compareUsers(user, this.#bound) > 0) return;
    this.#users.push(user);
    if (this.#users.length < this.#limit * 2 + 1000) return;
    this.#users = this.list();
    if (this.#users.length === this.#limit) this.#bound = this.#users.at(-1) ?? null;
  }

  list(): UserId[] {
    const sorted = this.#users.sort(compareUsers);
    // SCAN may bring a key twice.
    return sorted.filter((user, at) => at === 0 || compareUsers(user, sorted[at - 1]!) !== 0).slice(0, this.#limit);
  }
}

function compareUsers(a: UserId, b: UserId): number {
  return compareTexts(a.realm, b.realm) || compareTexts(a.name, b.name);
}

/** By code point, which is the order of UTF-8 and not that of UTF-16. */
function compareTexts(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let at = 0; at < length; at++) {
    const [unitA, unitB] = [a.charCodeAt(at), b.charCodeAt(at)];
    if (unitA !== unitB) return rankOf(unitA) - rankOf(unitB);
  }
  return a.length - b.length;
}

/** Surrogates stand for the characters beyond U+FFFF: they come last. */
function rankOf(unit: number): number {
  return unit >= 0xd800 && unit <= 0xdfff ? unit + 0x10000 : unit;
}
