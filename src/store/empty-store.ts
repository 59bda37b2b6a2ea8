// A store that holds nothing and keeps nothing: in place of a file that is not there yet, for who only looks.

import type { Store } from './store.ts';

const nothing = async (): Promise<void> => {};
const none = async (): Promise<readonly never[]> => [];
const absent = async (): Promise<null> => null;
const refused = async (): Promise<boolean> => false;

/** Makes one; `name` is what it stands for. */
export function emptyStore(name: string): Store {
  return {
    kind: 'sqlite',
    name,
    findUser: absent,
    ping: nothing,
    snapshot: async () => ({ secrets: [], peerRules: [], realms: [], origins: [] }),
    listUsers: none,
    putUser: nothing,
    removeUser: refused,
    putSecret: nothing,
    removeSecret: refused,
    putPeerRule: nothing,
    removePeerRule: refused,
    setRealmOption: nothing,
    putOrigin: nothing,
    removeOrigin: refused,
    listOauthKeys: none,
    putOauthKey: nothing,
    removeOauthKey: refused,
    listAdmins: none,
    putAdmin: nothing,
    removeAdmin: refused,
    close: nothing,
  };
}
