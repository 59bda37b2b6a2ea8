// A store that tells of every change made through it, before whoever makes it hears that it is done. So every
// process has been told when the command that made it returns.

import type { Store, UserId } from './store.ts';

/** Called after a change: of one user, or of anything else (null). */
export type StoreChanged = (user: UserId | null) => Promise<void>;

/** The same store, with `changed` called after each change. */
export function notifyingStore(store: Store, changed: StoreChanged): Store {
  const telling =
    <A extends readonly unknown[], R>(act: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      const result = await act(...given);
      await changed(null);
      return result;
    };
  return {
    kind: store.kind,
    name: store.name,
    findUser: (id) => store.findUser(id),
    ping: () => store.ping(),
    snapshot: () => store.snapshot(),
    listUsers: (query) => store.listUsers(query),
    listOauthKeys: () => store.listOauthKeys(),
    listAdmins: () => store.listAdmins(),
    close: () => store.close(),
    putUser: async (user) => {
      await store.putUser(user);
      await changed(user);
    },
    removeUser: async (id) => {
      const isGone = await store.removeUser(id);
      await changed(id);
      return isGone;
    },
    putSecret: telling((secret) => store.putSecret(secret)),
    removeSecret: telling((realm, value) => store.removeSecret(realm, value)),
    putPeerRule: telling((rule) => store.putPeerRule(rule)),
    removePeerRule: telling((rule) => store.removePeerRule(rule)),
    setRealmOption: telling((realm, option, value) => store.setRealmOption(realm, option, value)),
    putOrigin: telling((origin) => store.putOrigin(origin)),
    removeOrigin: telling((origin) => store.removeOrigin(origin)),
    putOauthKey: telling((key) => store.putOauthKey(key)),
    removeOauthKey: telling((kid) => store.removeOauthKey(kid)),
    putAdmin: telling((admin) => store.putAdmin(admin)),
    removeAdmin: telling((name) => store.removeAdmin(name)),
  };
}
