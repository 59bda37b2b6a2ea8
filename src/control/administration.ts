// What can be administered, in the words of the operator: the same whether it is done in a store at hand or by a running
// turnd. `turnctl` and the control API are written against it. Declares, does nothing.

import type { RealmOption, RealmOptions, StoredOrigin, StoredPeerRule, UserId, UserQuery } from '../store/store.ts';

/** A user as it is shown: never with a key. */
export interface UserView extends UserId {
  /** Whether the SHA-256 key is known (RFC 8489); else only MD5. */
  readonly sha256: boolean;
}

/** A secret as it is listed. */
export interface SecretView {
  readonly realm: string;
  /** The first 12 hexadecimal digits of its SHA-256: what it is called by where it must not be shown. */
  readonly id: string;
  /** The secret itself: only where it was asked for. */
  readonly value?: string;
  /** Unix milliseconds; null = it stays. */
  readonly expiresAt: number | null;
}

/** A realm as it is shown. */
export interface RealmView extends RealmOptions {
  readonly realm: string;
  readonly origins: readonly string[];
}

/** An OAuth key as it is shown (RFC 7635). */
export interface OauthKeyView {
  /** What tokens call it by. */
  readonly kid: string;
  readonly realm: string;
  /** How tokens under it are encrypted: `A256GCM`, `A128GCM`, or what coturn takes for the former. */
  readonly algorithm: string;
  /** Unix milliseconds; null = any time. */
  readonly startsAt: number | null;
  /** Unix milliseconds; null = it stays. */
  readonly expiresAt: number | null;
  /** The key itself in Base64: only where it was asked for. */
  readonly key?: string;
}

/** What somebody wants an OAuth key to be. */
export interface OauthKeyWish {
  readonly kid: string;
  /** Null: the default one. */
  readonly realm: string | null;
  readonly algorithm: string;
  /** Base64; null: a random one. */
  readonly key: string | null;
  /** Unix milliseconds; null = it stays. */
  readonly expiresAt: number | null;
}

/** What changes of an OAuth key; what is absent stays. The key itself does not change: another one has another ID. */
export interface OauthKeyChange {
  readonly realm?: string | undefined;
  readonly expiresAt?: number | null | undefined;
}

/** Why something was not done. */
export type AdminFault =
  /** What was given cannot be taken: the sentence says what and why. */
  | 'invalid'
  /** What was named is not there. */
  | 'not-found'
  /** It is there already, or is kept elsewhere (a user of the configuration file). */
  | 'conflict'
  /** The store cannot be asked now. */
  | 'unavailable';

/** An operation was refused. The message is one sentence for the operator, without secrets. */
export class AdminError extends Error {
  readonly fault: AdminFault;

  constructor(fault: AdminFault, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'AdminError';
    this.fault = fault;
  }
}

/** Administration of one store. Every operation may reject with an {@link AdminError}, and with nothing else. */
export interface Administration {
  /** The realm that is meant where none is named. */
  readonly defaultRealm: string;
  /** Which store it is: for people, without password. */
  readonly storeName: string;

  listUsers(query: UserQuery): Promise<readonly UserId[]>;
  /** @throws AdminError not-found */
  showUser(id: UserId): Promise<UserView>;
  /** @throws AdminError conflict when the name is taken, invalid for a name or password that no client could prove */
  addUser(id: UserId, password: string): Promise<UserView>;
  /** @throws AdminError not-found */
  setPassword(id: UserId, password: string): Promise<UserView>;
  /** @throws AdminError not-found */
  removeUser(id: UserId): Promise<void>;

  /** Of one realm, or of all for null. `reveal` gives the values too. */
  listSecrets(realm: string | null, reveal: boolean): Promise<readonly SecretView[]>;
  /** Adds the secret, or a new random one for null. The view has its value. */
  addSecret(realm: string, value: string | null): Promise<SecretView>;
  /** Adds a new one; those that are there end after `graceSeconds`. @throws AdminError not-found when there is none */
  rotateSecret(realm: string, value: string | null, graceSeconds: number): Promise<SecretView>;
  /** @param id of {@link SecretView}, or the beginning of one that no other begins with. @throws AdminError not-found */
  removeSecret(realm: string, id: string): Promise<SecretView>;

  listPeerRules(realm: string | null): Promise<readonly StoredPeerRule[]>;
  /** @throws AdminError invalid for a range that is none */
  addPeerRule(rule: StoredPeerRule): Promise<void>;
  /** @throws AdminError not-found */
  removePeerRule(rule: StoredPeerRule): Promise<void>;

  /** The default realm and all that have options or origins. */
  listRealms(): Promise<readonly RealmView[]>;
  setRealmOption(realm: string, option: RealmOption, value: number | null): Promise<void>;
  addOrigin(origin: StoredOrigin): Promise<void>;
  /** @throws AdminError not-found */
  removeOrigin(origin: string): Promise<void>;

  /** Of one realm, or of all for null. Never with the keys themselves. */
  listOauthKeys(realm: string | null): Promise<readonly OauthKeyView[]>;
  /** `reveal` gives the key itself too. @throws AdminError not-found */
  showOauthKey(kid: string, reveal: boolean): Promise<OauthKeyView>;
  /** The view has the key itself. @throws AdminError conflict when the ID is taken */
  addOauthKey(wish: OauthKeyWish): Promise<OauthKeyView>;
  /** @throws AdminError not-found */
  changeOauthKey(kid: string, change: OauthKeyChange): Promise<OauthKeyView>;
  /** @throws AdminError not-found */
  removeOauthKey(kid: string): Promise<OauthKeyView>;
}
