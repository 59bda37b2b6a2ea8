// A store that keeps everything in memory, for tests of what stands above stores. It fails when it is told to.

import { StoreError } from '../../src/errors.ts';
import type {
  RealmOptions,
  Store,
  StoredOauthKey,
  StoredOrigin,
  StoredPeerRule,
  StoredRealm,
  StoredSecret,
  StoredUser,
  UserId,
} from '../../src/store/store.ts';

/** A store in memory, and what tests do to it. */
export interface MemoryStore extends Store {
  readonly users: Map<string, StoredUser>;
  readonly secrets: StoredSecret[];
  readonly closed: boolean;
  /** Every call rejects with it from now on; null = works again. */
  fail(error: Error | null): void;
}

const NO_OPTIONS: RealmOptions = Object.freeze({ maxBps: null, totalQuota: null, userQuota: null });

/** A fault as drivers report them. */
export const STORE_DOWN = new StoreError('unreachable', 'sqlite:memory: nobody answers: start it');

/** Makes an empty one. */
export function memoryStore(): MemoryStore {
  const users = new Map<string, StoredUser>();
  const secrets: StoredSecret[] = [];
  const rules: StoredPeerRule[] = [];
  const realms = new Map<string, StoredRealm>();
  const origins = new Map<string, StoredOrigin>();
  const oauthKeys = new Map<string, StoredOauthKey>();
  let failure: Error | null = null;
  let closed = false;
  const keyOf = ({ realm, name }: UserId): string => JSON.stringify([realm, name]);
  const does = async <T>(what: () => T): Promise<T> => {
    if (failure !== null) throw failure;
    if (closed) throw new StoreError('failed', 'closed');
    return what();
  };
  const sameRule = (one: StoredPeerRule) => (other: StoredPeerRule) =>
    one.realm === other.realm && one.kind === other.kind && one.range === other.range;
  const takeOut = <T>(list: T[], isMeant: (entry: T) => boolean): boolean => {
    const at = list.findIndex(isMeant);
    if (at >= 0) list.splice(at, 1);
    return at >= 0;
  };
  const sortedUsers = (): StoredUser[] =>
    [...users.values()].sort((a, b) => compare(a.realm, b.realm) || compare(a.name, b.name));
  return {
    kind: 'sqlite',
    name: 'sqlite:memory',
    users,
    secrets,
    get closed() {
      return closed;
    },
    fail: (error) => {
      failure = error;
    },
    findUser: (id) => does(() => users.get(keyOf(id)) ?? null),
    ping: () => does(() => {}),
    snapshot: () =>
      does(() => ({
        secrets: [...secrets],
        peerRules: [...rules],
        realms: [...realms.values()],
        origins: [...origins.values()],
      })),
    listUsers: ({ realm, after, limit }) =>
      does(() => {
        const isAfter = (user: StoredUser): boolean =>
          after === null || (compare(user.realm, after.realm) || compare(user.name, after.name)) > 0;
        const wanted = sortedUsers().filter((user) => (realm === null || user.realm === realm) && isAfter(user));
        return wanted.slice(0, limit).map(({ realm, name }) => ({ realm, name }));
      }),
    putUser: (user) => does(() => void users.set(keyOf(user), user)),
    removeUser: (id) => does(() => users.delete(keyOf(id))),
    putSecret: (secret) =>
      does(() => {
        takeOut(secrets, ({ realm, value }) => realm === secret.realm && value === secret.value);
        secrets.push(secret);
      }),
    removeSecret: (realm, value) =>
      does(() => takeOut(secrets, (secret) => secret.realm === realm && secret.value === value)),
    putPeerRule: (rule) => does(() => void (rules.some(sameRule(rule)) || rules.push(rule))),
    removePeerRule: (rule) => does(() => takeOut(rules, sameRule(rule))),
    setRealmOption: (realm, option, value) =>
      does(() => void realms.set(realm, { ...NO_OPTIONS, ...realms.get(realm), realm, [option]: value })),
    putOrigin: (origin) => does(() => void origins.set(origin.origin, origin)),
    removeOrigin: (origin) => does(() => origins.delete(origin)),
    listOauthKeys: () => does(() => [...oauthKeys.values()]),
    putOauthKey: (key) => does(() => void oauthKeys.set(key.kid, key)),
    removeOauthKey: (kid) => does(() => oauthKeys.delete(kid)),
    listAdmins: () => does(() => []),
    putAdmin: () => does(() => {}),
    removeAdmin: () => does(() => false),
    close: async () => {
      closed = true;
    },
  };
}

function compare(left: string, right: string): number {
  return left < right ? -1 : Number(left > right);
}
