// OAuth keys and administrators, of which each is a hash in Redis. Knows connections, owns none.

import type { Redis } from 'ioredis';
import type { StoredAdmin, StoredOauthKey } from '../store.ts';
import { ADMIN_KEYS, checkText, isKeepable, type NamedKeys, OAUTH_KEYS } from './redis-keys.ts';
import type { CallProgress } from './redis-link.ts';
import { parseNumber } from './redis-realms.ts';
import { answersOf, askEach, fieldsOf, listKeys } from './redis-scan.ts';

/** The fields of one hash. */
type Fields = ReadonlyMap<string, string>;

/** Whom to ask, and for how long. */
interface ListCall {
  readonly client: Redis;
  readonly progress: CallProgress;
}

/** All OAuth keys, by key ID. */
export async function listOauthKeys(client: Redis, progress: CallProgress): Promise<readonly StoredOauthKey[]> {
  return listHashes({ client, progress }, OAUTH_KEYS, (kid, fields) => ({
    kid,
    ikmKey: fields.get('ikm_key') ?? '',
    timestamp: parseNumber(fields.get('timestamp')) ?? 0,
    lifetime: parseNumber(fields.get('lifetime')) ?? 0,
    asRsAlg: fields.get('as_rs_alg') ?? '',
    realm: fields.get('realm') ?? '',
  }));
}

/** Adds an OAuth key or replaces the one of that ID. */
export async function putOauthKey(client: Redis, key: StoredOauthKey): Promise<void> {
  const fields = {
    ikm_key: checkText(key.ikmKey),
    as_rs_alg: checkText(key.asRsAlg),
    timestamp: String(key.timestamp),
    lifetime: String(key.lifetime),
    realm: checkText(key.realm),
  };
  await client.hset(OAUTH_KEYS.key(key.kid), fields);
}

/** @returns false when there is none of that ID */
export async function removeOauthKey(client: Redis, kid: string): Promise<boolean> {
  if (!isKeepable(kid)) return false;
  return (await client.del(OAUTH_KEYS.key(kid))) === 1;
}

/** All administrators, by name. One without a password cannot log in to coturn, and is none. */
export async function listAdmins(client: Redis, progress: CallProgress): Promise<readonly StoredAdmin[]> {
  return listHashes({ client, progress }, ADMIN_KEYS, (name, fields) => {
    const password = fields.get('password');
    return password === undefined ? null : { name, realm: fields.get('realm') ?? '', password };
  });
}

/** Adds an administrator or replaces the one of that name. One of all realms has no field `realm`, as in coturn. */
export async function putAdmin(client: Redis, { name, realm, password }: StoredAdmin): Promise<void> {
  const key = ADMIN_KEYS.key(name);
  const commands = client.multi().hset(key, 'password', checkText(password));
  if (realm === '') commands.hdel(key, 'realm');
  else commands.hset(key, 'realm', checkText(realm));
  await answersOf(commands);
}

/** @returns false when there is none of that name */
export async function removeAdmin(client: Redis, name: string): Promise<boolean> {
  if (!isKeepable(name)) return false;
  return (await client.del(ADMIN_KEYS.key(name))) === 1;
}

async function listHashes<T>(
  { client, progress }: ListCall,
  names: NamedKeys,
  read: (name: string, fields: Fields) => T | null,
): Promise<T[]> {
  const keys = await listKeys(client, names.pattern, progress);
  const answers = await askEach(client, keys, (commands, key) => commands.hgetall(key));
  const things: T[] = [];
  for (const [index, key] of keys.entries()) {
    const fields = fieldsOf(answers[index]);
    // It went away after it was listed.
    if (fields.size === 0) continue;
    const thing = read(names.name(key), fields);
    if (thing !== null) things.push(thing);
  }
  return things;
}
