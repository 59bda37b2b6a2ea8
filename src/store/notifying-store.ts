// A store that tells of every change made through it, before whoever makes it hears that it is done. So every
// process has been told when the command that made it returns.

import type { Store, UserId } from './store.ts';

/** Called after a change: of one user, or of anything else (null). Never rejects. */
export type StoreChanged = (user: UserId | null) => Promise<void>;

/**
 * The same store, with `changed` called after each change. One that failed may have been made all the same: the answer was
 * lost.
 */
export function notifyingStore(store: Store, changed: StoreChanged): Store {
  const tellOf = (user: UserId | null, made: Promise<unknown>) =>
    made.then(
      () => changed(user),
      () => changed(user),
    );
  const telling =
    <A extends readonly unknown[], R>(act: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      const made = act(...given);
      await tellOf(null, made);
      return made;
    };
  const tellingOf =
    <U extends UserId, R>(act: (user: U) => Promise<R>) =>
    async (user: U): Promise<R> => {
      const made = act(user);
      await tellOf(user, made);
      return made;
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
    putUser: tellingOf((user) => store.putUser(user)),
    removeUser: tellingOf((id) => store.removeUser(id)),
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
