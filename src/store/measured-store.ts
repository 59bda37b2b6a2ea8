// A store whose calls are timed and whose failures are counted by kind. Knows neither what the calls are for nor who reads
// the numbers.

import { StoreError, type StoreFault } from '../errors.ts';
import { countOne } from '../turn/counters.ts';
import { Histogram } from '../turn/histogram.ts';
import type { Store } from './store.ts';

/** Counts since the start. */
export class StoreCounters {
  /** Seconds that each call took, whether it failed or not. */
  readonly calls = new Histogram();
  readonly faults = new Map<StoreFault, number>();
}

/** The same store, whose calls are counted. @param now monotonic milliseconds */
export function measuredStore(store: Store, counters: StoreCounters, now: () => number): Store {
  const measured =
    <A extends readonly unknown[], R>(call: (...given: A) => Promise<R>) =>
    async (...given: A): Promise<R> => {
      const since = now();
      try {
        return await call(...given);
      } catch (error) {
        countOne(counters.faults, error instanceof StoreError ? error.fault : 'failed');
        throw error;
      } finally {
        counters.calls.observe((now() - since) / 1000);
      }
    };
  return {
    kind: store.kind,
    name: store.name,
    close: () => store.close(),
    findUser: measured((id) => store.findUser(id)),
    ping: measured(() => store.ping()),
    snapshot: measured(() => store.snapshot()),
    listUsers: measured((query) => store.listUsers(query)),
    putUser: measured((user) => store.putUser(user)),
    removeUser: measured((id) => store.removeUser(id)),
    putSecret: measured((secret) => store.putSecret(secret)),
    removeSecret: measured((realm, value) => store.removeSecret(realm, value)),
    putPeerRule: measured((rule) => store.putPeerRule(rule)),
    removePeerRule: measured((rule) => store.removePeerRule(rule)),
    setRealmOption: measured((realm, option, value) => store.setRealmOption(realm, option, value)),
    putOrigin: measured((origin) => store.putOrigin(origin)),
    removeOrigin: measured((origin) => store.removeOrigin(origin)),
    listOauthKeys: measured(() => store.listOauthKeys()),
    putOauthKey: measured((key) => store.putOauthKey(key)),
    removeOauthKey: measured((kid) => store.removeOauthKey(kid)),
    listAdmins: measured(() => store.listAdmins()),
    putAdmin: measured((admin) => store.putAdmin(admin)),
    removeAdmin: measured((name) => store.removeAdmin(name)),
  };
}
