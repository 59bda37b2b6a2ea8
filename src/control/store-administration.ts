// Administration of one store: judges what it is given, derives keys, and puts the faults of the store into words for the
// operator. Knows neither who asks nor how the store keeps things.

import { createHash } from 'node:crypto';
import type {
  RealmOption,
  Store,
  StoredOrigin,
  StoredPeerRule,
  StoredSecret,
  StoredUser,
  StoreSnapshot,
  UserId,
  UserQuery,
} from '../store/store.ts';
import { longTermKeyMd5, longTermKeySha256 } from '../stun/keys.ts';
import {
  graceSeconds,
  isSameRange,
  newPassword,
  newSecret,
  newUserName,
  optionValue,
  originText,
  peerRule,
  quote,
  realmName,
  secretId,
  userName,
} from './admin-input.ts';
import {
  AdminError,
  type Administration,
  type OauthKeyChange,
  type OauthKeyView,
  type OauthKeyWish,
  type RealmView,
  type SecretView,
  type UserView,
} from './administration.ts';
import { OauthKeyAdministration } from './oauth-key-administration.ts';
import { askStore } from './store-call.ts';

/** What the administration of a store is made with. */
export interface StoreAdministrationOptions {
  readonly store: Store;
  readonly defaultRealm: string;
  /** Unix milliseconds. */
  readonly now: () => number;
  /** A secret that nobody can guess. */
  readonly makeSecret: () => string;
  /** Whether the configuration file has this user: it would stand before the one of the store. */
  readonly isConfigured?: (id: UserId) => boolean;
}

/** Digits of a hash that name a secret. */
const ID_DIGITS = 12;

/** What a secret is called by where it must not be shown. */
export function idOfSecret(value: string): string {
  return createHash('sha256').update(value, 'utf8').digest('hex').slice(0, ID_DIGITS);
}

/** Administration of a store. */
export class StoreAdministration implements Administration {
  readonly defaultRealm: string;
  readonly storeName: string;
  readonly #options: StoreAdministrationOptions;
  readonly #store: Store;
  readonly #oauthKeys: OauthKeyAdministration;

  constructor(options: StoreAdministrationOptions) {
    this.#options = options;
    this.#store = options.store;
    this.#oauthKeys = new OauthKeyAdministration(options);
    this.defaultRealm = options.defaultRealm;
    this.storeName = options.store.name;
  }

  async listUsers({ realm, after, limit }: UserQuery): Promise<readonly UserId[]> {
    if (!Number.isInteger(limit) || limit < 1) throw new AdminError('invalid', 'limit must be 1 or more');
    return this.#ask(this.#store.listUsers({ realm: realm === null ? null : realmName(realm), after, limit }));
  }

  async showUser(id: UserId): Promise<UserView> {
    return viewOfUser(await this.#userThere(id));
  }

  async addUser({ realm, name }: UserId, password: string): Promise<UserView> {
    const id = { realm: realmName(realm), name: newUserName(name) };
    const user = makeUser(id, newPassword(password));
    if (this.#options.isConfigured?.(id))
      throw new AdminError('conflict', `user ${quote(name)} is in the configuration file: change or remove it there`);
    if ((await this.#ask(this.#store.findUser(id))) !== null)
      throw new AdminError('conflict', `user ${quote(name)} is there already in realm ${quote(id.realm)}`);
    await this.#ask(this.#store.putUser(user));
    return viewOfUser(user);
  }

  async setPassword(id: UserId, password: string): Promise<UserView> {
    const prepared = newPassword(password);
    const { realm, name } = await this.#userThere(id);
    const user = makeUser({ realm, name }, prepared);
    await this.#ask(this.#store.putUser(user));
    return viewOfUser(user);
  }

  async removeUser(id: UserId): Promise<void> {
    const named = { realm: realmName(id.realm), name: userName(id.name) };
    if (!(await this.#ask(this.#store.removeUser(named)))) throw this.#noUser(named);
  }

  async listSecrets(realm: string | null, reveal: boolean): Promise<readonly SecretView[]> {
    const { secrets } = await this.#snapshot();
    const wanted = realm === null ? null : realmName(realm);
    const listed = secrets.filter((secret) => wanted === null || secret.realm === wanted);
    return listed.map((secret) => viewOfSecret(secret, reveal));
  }

  async addSecret(realm: string, value: string | null): Promise<SecretView> {
    const added = this.#newSecret(realm, value);
    const there = (await this.#secretsOf(added.realm)).find((secret) => secret.value === added.value);
    // One that is to end is wanted again; so it stays.
    if (there?.expiresAt === null) throw secretConflict(added);
    await this.#ask(this.#store.putSecret(added));
    return viewOfSecret(added, true);
  }

  async rotateSecret(realm: string, value: string | null, grace: number): Promise<SecretView> {
    const end = this.#options.now() + graceSeconds(grace) * 1000;
    const added = this.#newSecret(realm, value);
    const all = await this.#secretsOf(added.realm);
    const live = all.filter(({ expiresAt }) => expiresAt === null || expiresAt > this.#options.now());
    if (live.length === 0)
      throw new AdminError('not-found', `realm ${quote(added.realm)} has no secret to rotate: add one`);
    if (live.some((secret) => secret.value === added.value)) throw secretConflict(added);
    // The new one first: whatever fails after it, clients are served.
    await this.#ask(this.#store.putSecret(added));
    const old = all.filter((secret) => secret.value !== added.value);
    for (const secret of old) await this.#retire(secret, grace === 0 ? null : end, live.includes(secret));
    return viewOfSecret(added, true);
  }

  async removeSecret(realm: string, id: string): Promise<SecretView> {
    const prepared = realmName(realm);
    const start = secretId(id);
    const meant = (await this.#secretsOf(prepared)).filter(({ value }) => idOfSecret(value).startsWith(start));
    const [secret, another] = meant;
    if (secret === undefined)
      throw new AdminError('not-found', `there is no secret ${start} in realm ${quote(prepared)}`);
    if (another !== undefined) throw new AdminError('invalid', `several secrets begin with ${start}: give more digits`);
    await this.#ask(this.#store.removeSecret(prepared, secret.value));
    return viewOfSecret(secret, false);
  }

  async listPeerRules(realm: string | null): Promise<readonly StoredPeerRule[]> {
    const { peerRules } = await this.#snapshot();
    const wanted = realm === null || realm === '' ? realm : realmName(realm);
    return peerRules.filter((rule) => wanted === null || rule.realm === wanted);
  }

  async addPeerRule(rule: StoredPeerRule): Promise<void> {
    await this.#ask(this.#store.putPeerRule(peerRule(rule)));
  }

  async removePeerRule(rule: StoredPeerRule): Promise<void> {
    const there = await this.listPeerRules(rule.realm);
    const sameKind = there.filter(({ kind }) => kind === rule.kind);
    const meant =
      sameKind.find(({ range }) => range === rule.range) ??
      sameKind.find(({ range }) => isSameRange(range, rule.range));
    if (meant === undefined || !(await this.#ask(this.#store.removePeerRule(meant)))) throw noRule(rule);
  }

  async listRealms(): Promise<readonly RealmView[]> {
    const { realms, origins } = await this.#snapshot();
    const names = new Set([this.defaultRealm, ...[...realms, ...origins].map(({ realm }) => realm)]);
    return [...names].sort().map((realm) => {
      const options = realms.find((stored) => stored.realm === realm);
      const { maxBps = null, totalQuota = null, userQuota = null } = options ?? {};
      const own = origins.filter((origin) => origin.realm === realm).map(({ origin }) => origin);
      return { realm, maxBps, totalQuota, userQuota, origins: own.sort() };
    });
  }

  async setRealmOption(realm: string, option: RealmOption, value: number | null): Promise<void> {
    const checked = optionValue(option, value);
    await this.#ask(this.#store.setRealmOption(realmName(realm), option, checked));
  }

  async addOrigin({ origin, realm }: StoredOrigin): Promise<void> {
    const added = { origin: originText(origin), realm: realmName(realm) };
    const there = (await this.#snapshot()).origins.find((stored) => stored.origin === added.origin);
    if (there !== undefined && there.realm !== added.realm)
      throw new AdminError(
        'conflict',
        `origin ${quote(origin)} belongs to realm ${quote(there.realm)}: remove it first`,
      );
    await this.#ask(this.#store.putOrigin(added));
  }

  async removeOrigin(origin: string): Promise<void> {
    if (origin === '') throw new AdminError('invalid', 'the origin is empty');
    if (!(await this.#ask(this.#store.removeOrigin(origin))))
      throw new AdminError('not-found', `there is no origin ${quote(origin)}`);
  }

  listOauthKeys(realm: string | null): Promise<readonly OauthKeyView[]> {
    return this.#oauthKeys.list(realm);
  }

  showOauthKey(kid: string, reveal: boolean): Promise<OauthKeyView> {
    return this.#oauthKeys.show(kid, reveal);
  }

  addOauthKey(wish: OauthKeyWish): Promise<OauthKeyView> {
    return this.#oauthKeys.add(wish);
  }

  changeOauthKey(kid: string, change: OauthKeyChange): Promise<OauthKeyView> {
    return this.#oauthKeys.change(kid, change);
  }

  removeOauthKey(kid: string): Promise<OauthKeyView> {
    return this.#oauthKeys.remove(kid);
  }

  async #userThere(id: UserId): Promise<StoredUser> {
    const named = { realm: realmName(id.realm), name: userName(id.name) };
    const user = await this.#ask(this.#store.findUser(named));
    if (user === null) throw this.#noUser(named);
    return user;
  }

  #noUser(id: UserId): AdminError {
    const text = `there is no user ${quote(id.name)} in realm ${quote(id.realm)}`;
    const isConfigured = this.#options.isConfigured?.(id) === true;
    return isConfigured
      ? new AdminError('conflict', `user ${quote(id.name)} is in the configuration file: change or remove it there`)
      : new AdminError('not-found', text);
  }

  #newSecret(realm: string, value: string | null): StoredSecret {
    return { realm: realmName(realm), value: newSecret(value ?? this.#options.makeSecret()), expiresAt: null };
  }

  // Those that have ended already go with those that end at once.
  async #retire(secret: StoredSecret, end: number | null, isLive: boolean): Promise<void> {
    if (end === null || !isLive) {
      await this.#ask(this.#store.removeSecret(secret.realm, secret.value));
    } else if (secret.expiresAt === null || secret.expiresAt > end) {
      await this.#ask(this.#store.putSecret({ ...secret, expiresAt: end }));
    }
  }

  async #secretsOf(realm: string): Promise<readonly StoredSecret[]> {
    return (await this.#snapshot()).secrets.filter((secret) => secret.realm === realm);
  }

  #snapshot(): Promise<StoreSnapshot> {
    return this.#ask(this.#store.snapshot());
  }

  #ask<T>(answer: Promise<T>): Promise<T> {
    return askStore(this.#store, answer);
  }
}

function makeUser({ realm, name }: UserId, password: string): StoredUser {
  const md5Key = longTermKeyMd5(name, realm, password);
  return { realm, name, md5Key, sha256Key: longTermKeySha256(name, realm, password) };
}

function viewOfUser({ realm, name, sha256Key }: StoredUser): UserView {
  return { realm, name, sha256: sha256Key !== null };
}

function viewOfSecret({ realm, value, expiresAt }: StoredSecret, reveal: boolean): SecretView {
  const view = { realm, id: idOfSecret(value), expiresAt };
  return reveal ? { ...view, value } : view;
}

function secretConflict({ realm, value }: StoredSecret): AdminError {
  return new AdminError('conflict', `secret ${idOfSecret(value)} is there already in realm ${quote(realm)}`);
}

function noRule({ realm, kind, range }: StoredPeerRule): AdminError {
  const where = realm === '' ? 'for all realms' : `in realm ${quote(realm)}`;
  return new AdminError('not-found', `there is no rule ${kind} ${quote(range)} ${where}`);
}
