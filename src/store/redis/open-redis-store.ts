// The store on Redis: coturn's own keys, and turnd's beside them. Puts its parts together; what a key means is theirs.

import type { Redis } from 'ioredis';
import { StoreError } from '../../errors.ts';
import {
  type RealmOption,
  STORE_TIMEOUT_MS,
  type Store,
  type StoredAdmin,
  type StoredOauthKey,
  type StoredOrigin,
  type StoredPeerRule,
  type StoredSecret,
  type StoredUser,
  type StoreSnapshot,
  type UserId,
  type UserQuery,
} from '../store.ts';
import { nameOf, type ServerUrl } from '../store-url.ts';
import { loadRedisClass, RedisOpener } from './redis-client.ts';
import * as hashes from './redis-hashes.ts';
import { type RedisCall, RedisLink } from './redis-link.ts';
import * as realms from './redis-realms.ts';
import * as users from './redis-users.ts';

/**
 * Opens the store. Rejects with what somebody has to mend; a server that does not answer makes no error yet.
 * @throws StoreError
 */
export async function openRedisStore(url: ServerUrl): Promise<Store> {
  const opener = new RedisOpener(await loadRedisClass(nameOf(url)), url, STORE_TIMEOUT_MS);
  const store = new RedisStore(new RedisLink(opener, STORE_TIMEOUT_MS));
  try {
    await store.ping();
  } catch (error) {
    if (error instanceof StoreError && (error.fault === 'unreachable' || error.fault === 'timeout')) return store;
    await store.close();
    throw error;
  }
  return store;
}

class RedisStore implements Store {
  readonly kind = 'redis';
  readonly name: string;
  readonly #link: RedisLink;

  constructor(link: RedisLink) {
    this.name = link.name;
    this.#link = link;
  }

  findUser(id: UserId): Promise<StoredUser | null> {
    return this.#link.run((client) => users.findUser(client, id));
  }

  async ping(): Promise<void> {
    await this.#link.run((client) => client.ping());
  }

  snapshot(): Promise<StoreSnapshot> {
    return this.#link.run(realms.readSnapshot);
  }

  listUsers(query: UserQuery): Promise<readonly UserId[]> {
    return this.#link.run((client, progress) => users.listUsers(client, query, progress));
  }

  putUser(user: StoredUser): Promise<void> {
    return this.#change((client) => users.putUser(client, user));
  }

  removeUser(id: UserId): Promise<boolean> {
    return this.#change((client) => users.removeUser(client, id));
  }

  putSecret(secret: StoredSecret): Promise<void> {
    return this.#change((client) => realms.putSecret(client, secret));
  }

  removeSecret(realm: string, value: string): Promise<boolean> {
    return this.#change((client) => realms.removeSecret(client, realm, value));
  }

  putPeerRule(rule: StoredPeerRule): Promise<void> {
    return this.#change((client) => realms.putPeerRule(client, rule));
  }

  removePeerRule(rule: StoredPeerRule): Promise<boolean> {
    return this.#change((client) => realms.removePeerRule(client, rule));
  }

  setRealmOption(realm: string, option: RealmOption, value: number | null): Promise<void> {
    return this.#change((client) => realms.setRealmOption(client, { realm, option, value }));
  }

  putOrigin(origin: StoredOrigin): Promise<void> {
    return this.#change((client) => realms.putOrigin(client, origin));
  }

  removeOrigin(origin: string): Promise<boolean> {
    return this.#change((client) => realms.removeOrigin(client, origin));
  }

  listOauthKeys(): Promise<readonly StoredOauthKey[]> {
    return this.#link.run(hashes.listOauthKeys);
  }

  putOauthKey(key: StoredOauthKey): Promise<void> {
    return this.#change((client) => hashes.putOauthKey(client, key));
  }

  removeOauthKey(kid: string): Promise<boolean> {
    return this.#change((client) => hashes.removeOauthKey(client, kid));
  }

  listAdmins(): Promise<readonly StoredAdmin[]> {
    return this.#link.run(hashes.listAdmins);
  }

  putAdmin(admin: StoredAdmin): Promise<void> {
    return this.#change((client) => hashes.putAdmin(client, admin));
  }

  removeAdmin(name: string): Promise<boolean> {
    return this.#change((client) => hashes.removeAdmin(client, name));
  }

  close(): Promise<void> {
    return this.#link.close();
  }

  /** A change, and then a save to disk: Redis may do it an hour later by itself. */
  #change<T>(change: RedisCall<T>): Promise<T> {
    return this.#link.run(async (client, progress) => {
      const result = await change(client, progress);
      await save(client);
      return result;
    });
  }
}

/** coturn sends SAVE, which stops the server meanwhile, and asks as little whether it succeeded or is forbidden. */
async function save(client: Redis): Promise<void> {
  await client.bgsave('SCHEDULE').catch(() => {});
}
