// Administration of the OAuth keys of a store (RFC 7635), as coturn keeps them. It judges and shows them; no token is read
// here, nor anywhere else in turnd.

import { randomBytes } from 'node:crypto';
import type { Store, StoredOauthKey } from '../store/store.ts';
import { keyId, OAUTH_ALGORITHMS, oauthAlgorithm, oauthKey, quote, realmName } from './admin-input.ts';
import { AdminError, type OauthKeyChange, type OauthKeyView, type OauthKeyWish } from './administration.ts';
import { askStore } from './store-call.ts';

/** What it is made with. */
export interface OauthKeyAdministrationOptions {
  readonly store: Store;
  readonly defaultRealm: string;
  /** Unix milliseconds. */
  readonly now: () => number;
}

/** coturn's column is a C int. */
const MAX_LIFETIME_SECONDS = 2_147_483_647;
/** The last moment that has a date: a database may hold any number. */
const LAST_MOMENT = 8_640_000_000_000_000;

/** Every operation may reject with an AdminError, and with nothing else. */
export class OauthKeyAdministration {
  readonly #options: OauthKeyAdministrationOptions;

  constructor(options: OauthKeyAdministrationOptions) {
    this.#options = options;
  }

  async list(realm: string | null): Promise<readonly OauthKeyView[]> {
    const wanted = realm === null ? null : realmName(realm);
    const keys = (await this.#all()).filter((key) => wanted === null || key.realm === wanted);
    return keys.map((key) => viewOf(key, false)).sort((a, b) => (a.kid < b.kid ? -1 : 1));
  }

  async show(kid: string, reveal: boolean): Promise<OauthKeyView> {
    return viewOf(await this.#there(kid), reveal);
  }

  async add({ kid, realm, algorithm, key, expiresAt }: OauthKeyWish): Promise<OauthKeyView> {
    const asRsAlg = oauthAlgorithm(algorithm);
    const timestamp = Math.floor(this.#options.now() / 1000);
    const added = {
      kid: keyId(kid),
      ikmKey: oauthKey(key ?? randomBytes(OAUTH_ALGORITHMS[asRsAlg]).toString('base64'), asRsAlg),
      timestamp,
      lifetime: lifetimeOf(timestamp, expiresAt),
      asRsAlg,
      realm: realmName(realm ?? this.#options.defaultRealm),
    };
    if ((await this.#all()).some((there) => there.kid === added.kid))
      throw new AdminError('conflict', `OAuth key ${quote(kid)} is there already: a new key needs an ID of its own`);
    await this.#put(added);
    return viewOf(added, true);
  }

  async change(kid: string, { realm, expiresAt }: OauthKeyChange): Promise<OauthKeyView> {
    const prepared = realm === undefined ? undefined : realmName(realm);
    const there = await this.#there(kid);
    const changed = {
      ...there,
      realm: prepared ?? there.realm,
      lifetime: expiresAt === undefined ? there.lifetime : lifetimeOf(there.timestamp, expiresAt),
    };
    await this.#put(changed);
    return viewOf(changed, false);
  }

  async remove(kid: string): Promise<OauthKeyView> {
    const there = await this.#there(kid);
    if (!(await askStore(this.#options.store, this.#options.store.removeOauthKey(kid)))) throw noKey(kid);
    return viewOf(there, false);
  }

  async #there(kid: string): Promise<StoredOauthKey> {
    if (kid === '') throw new AdminError('invalid', 'the ID of the key is empty');
    const key = (await this.#all()).find((there) => there.kid === kid);
    if (key === undefined) throw noKey(kid);
    return key;
  }

  #all(): Promise<readonly StoredOauthKey[]> {
    return askStore(this.#options.store, this.#options.store.listOauthKeys());
  }

  #put(key: StoredOauthKey): Promise<void> {
    return askStore(this.#options.store, this.#options.store.putOauthKey(key));
  }
}

/** Seconds from the start of a key to its end; 0 = for ever. */
function lifetimeOf(timestamp: number, expiresAt: number | null): number {
  if (expiresAt === null) return 0;
  const seconds = Math.floor(expiresAt / 1000) - timestamp;
  if (seconds >= 1 && seconds <= MAX_LIFETIME_SECONDS) return seconds;
  throw new AdminError('invalid', 'the end of a key must be later than its start, by 68 years at most');
}

function viewOf({ kid, ikmKey, timestamp, lifetime, asRsAlg, realm }: StoredOauthKey, reveal: boolean): OauthKeyView {
  const startsAt = timestamp === 0 ? null : momentOf(timestamp);
  const expiresAt = lifetime === 0 ? null : momentOf(timestamp + lifetime);
  const view = { kid, realm, algorithm: asRsAlg, startsAt, expiresAt };
  return reveal ? { ...view, key: ikmKey } : view;
}

function momentOf(seconds: number): number {
  return Math.min(seconds * 1000, LAST_MOMENT);
}

function noKey(kid: string): AdminError {
  return new AdminError('not-found', `there is no OAuth key ${quote(kid)}`);
}
