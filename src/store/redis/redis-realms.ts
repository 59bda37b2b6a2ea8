// What Redis keeps of realms: secrets, peer rules, options, and the origins that lead to them. Knows connections, owns
// none.

import type { Redis } from 'ioredis';
import type { RealmOption, StoredOrigin, StoredPeerRule, StoredRealm, StoredSecret, StoreSnapshot } from '../store.ts';
import {
  checkText,
  isKeepable,
  ORIGIN_KEYS,
  optionKey,
  parseRealmKey,
  peersKey,
  REALM_PATTERN,
  type RealmKey,
  secretEndsKey,
  secretsKey,
} from './redis-keys.ts';
import type { CallProgress } from './redis-link.ts';
import { answersOf, askEach, fieldsOf, listKeys, textsOf } from './redis-scan.ts';

/** Everything but users, OAuth keys and admins. */
export async function readSnapshot(client: Redis, progress: CallProgress): Promise<StoreSnapshot> {
  const [realmKeys, originKeys] = await Promise.all([
    listKeys(client, REALM_PATTERN, progress),
    listKeys(client, ORIGIN_KEYS.pattern, progress),
  ]);
  const keys = realmKeys.map(parseRealmKey);
  const known = keys.filter((key) => key !== null);
  const [secrets, peerRules, realms, origins] = await Promise.all([
    readSecrets(client, known),
    readPeerRules(client, known),
    readOptions(client, known),
    readOrigins(client, originKeys),
  ]);
  return { secrets, peerRules, realms, origins };
}

async function readSecrets(client: Redis, keys: readonly RealmKey[]): Promise<StoredSecret[]> {
  const sets = keys.filter(({ kind }) => kind.holds === 'secrets');
  const answers = await askEach(client, sets, (commands, { key }) => commands.smembers(key));
  const ends = await askEach(client, sets, (commands, { key }) => commands.hgetall(secretEndsKey(key)));
  return sets.flatMap(({ realm }, index) => {
    const fields = fieldsOf(ends[index]);
    const values = textsOf(answers[index]).sort();
    return values.map((value) => ({ realm, value, expiresAt: parseNumber(fields.get(value)) }));
  });
}

async function readPeerRules(client: Redis, keys: readonly RealmKey[]): Promise<StoredPeerRule[]> {
  const sets = keys.filter(({ kind }) => kind.holds === 'peers');
  const answers = await askEach(client, sets, (commands, { key }) => commands.smembers(key));
  return sets.flatMap(({ realm, kind }, index) => {
    if (kind.holds !== 'peers') return [];
    const ranges = textsOf(answers[index]).sort();
    return ranges.map((range) => ({ realm, kind: kind.kind, range }));
  });
}

async function readOptions(client: Redis, keys: readonly RealmKey[]): Promise<StoredRealm[]> {
  const values = keys.filter(({ kind }) => kind.holds === 'option');
  const answers = await askEach(client, values, (commands, { key }) => commands.get(key));
  const realms = new Map<string, StoredRealm>();
  for (const [index, { realm, kind }] of values.entries()) {
    const value = parseNumber(answers[index]);
    if (kind.holds !== 'option' || value === null) continue;
    const known = realms.get(realm) ?? { realm, maxBps: null, totalQuota: null, userQuota: null };
    realms.set(realm, { ...known, [kind.option]: value });
  }
  return [...realms.values()];
}

async function readOrigins(client: Redis, keys: readonly string[]): Promise<StoredOrigin[]> {
  const answers = await askEach(client, keys, (commands, key) => commands.get(key));
  return keys.flatMap((key, index) => {
    const realm = answers[index];
    return typeof realm === 'string' ? [{ origin: ORIGIN_KEYS.name(key), realm }] : [];
  });
}

/** Null for what is no whole number of at most 2^53. */
export function parseNumber(value: unknown): number | null {
  if (typeof value !== 'string' || !/^[0-9]{1,16}$/.test(value)) return null;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : null;
}

/** Adds a secret or changes the end of the one that is there. */
export async function putSecret(client: Redis, { realm, value, expiresAt }: StoredSecret): Promise<void> {
  const key = secretsKey(realm);
  const commands = client.multi().sadd(key, checkText(value));
  if (expiresAt === null) commands.hdel(secretEndsKey(key), value);
  else commands.hset(secretEndsKey(key), value, String(expiresAt));
  await answersOf(commands);
}

/** @returns false when there is no such secret */
export async function removeSecret(client: Redis, realm: string, value: string): Promise<boolean> {
  if (!isKeepable(realm + value)) return false;
  const key = secretsKey(realm);
  const [removed] = await answersOf(client.multi().srem(key, value).hdel(secretEndsKey(key), value));
  return removed === 1;
}

/** Adds a rule; one that is there stays as it is. */
export async function putPeerRule(client: Redis, rule: StoredPeerRule): Promise<void> {
  await client.sadd(peersKey(rule.realm, rule.kind), checkText(rule.range));
}

/** @returns false when there is no such rule */
export async function removePeerRule(client: Redis, rule: StoredPeerRule): Promise<boolean> {
  if (!isKeepable(rule.realm + rule.range)) return false;
  return (await client.srem(peersKey(rule.realm, rule.kind), rule.range)) === 1;
}

/** An option of a realm, and its new value. */
export interface OptionChange {
  readonly realm: string;
  readonly option: RealmOption;
  readonly value: number | null;
}

/** Sets an option, or takes it away. */
export async function setRealmOption(client: Redis, { realm, option, value }: OptionChange): Promise<void> {
  const key = optionKey(realm, option);
  if (value === null) await client.del(key);
  else await client.set(key, String(value));
}

/** Leads an origin to a realm. */
export async function putOrigin(client: Redis, { origin, realm }: StoredOrigin): Promise<void> {
  await client.set(ORIGIN_KEYS.key(origin), checkText(realm));
}

/** @returns false when the origin leads nowhere */
export async function removeOrigin(client: Redis, origin: string): Promise<boolean> {
  if (!isKeepable(origin)) return false;
  return (await client.del(ORIGIN_KEYS.key(origin))) === 1;
}
