// Time-limited credentials under shared secrets (draft-uberti-behave-turn-rest-00): the application makes name and
// password, this source makes the same ones again. It keeps no users, only a bounded cache of derived keys.

import { longTermKeyMd5, longTermKeySha256, restPassword } from '../stun/keys.ts';
import { type Clock, type Credential, NoCredential } from '../turn/env.ts';
import type { CredentialLookup, CredentialSource } from './credential-source.ts';
import { RecentMap } from './recent-map.ts';
import { type RestUsername, readRestUsername } from './rest-username.ts';
import { isUsableUsername } from './username.ts';

/** How time-limited names are read and counted. */
export interface RestSecretsOptions {
  /** What stands between timestamp and user id: `:` usually. Not empty, without digits. */
  readonly separator: string;
  /** Allocations that one user id may hold; 0 = no limit. */
  readonly allocationsPerRestUser: number;
  /** Whether a username has been ended before its time; absent: none has. */
  readonly isRevoked?: (username: string) => boolean;
}

/** Secrets that count in one realm only. */
export interface RealmSecrets {
  readonly realm: string;
  readonly secrets: readonly string[];
}

// Twice as many names at most, each with two keys per secret: a few megabytes, whoever sends them.
const CACHED_NAMES = 2048;

/** Credentials under one or more shared secrets, all valid at once (draft §5.2: rotation). */
export class RestSecrets implements CredentialSource {
  readonly #options: RestSecretsOptions;
  readonly #clock: Clock;
  readonly #cache = new RecentMap<string, readonly Credential[]>(CACHED_NAMES);
  /** In all realms. */
  #secrets: readonly string[];
  #byRealm: ReadonlyMap<string, readonly string[]> = new Map();

  constructor(options: RestSecretsOptions, secrets: readonly string[], clock: Clock) {
    this.#options = options;
    this.#secrets = secrets;
    this.#clock = clock;
  }

  get isEmpty(): boolean {
    return this.#secrets.length === 0 && this.#byRealm.size === 0;
  }

  get derivesSha256(): boolean {
    return true;
  }

  /** Nobody can tell a name that was made elsewhere from its hash. */
  get resolvesUserhashes(): boolean {
    return false;
  }

  /** Replaces the secrets of all realms at once: credentials under those that are gone are refused from now on. */
  setSecrets(secrets: readonly string[]): void {
    this.#secrets = secrets;
    this.#forget();
  }

  /** Replaces the secrets of single realms, as {@link setSecrets} does those of all. */
  setRealmSecrets(realms: readonly RealmSecrets[]): void {
    this.#byRealm = new Map(realms.map(({ realm, secrets }) => [realm, secrets]));
    this.#forget();
  }

  /** The secrets that count in a realm. */
  secretsOf(realm: string): readonly string[] {
    return [...new Set([...this.#secrets, ...(this.#byRealm.get(realm) ?? [])])];
  }

  find(username: string, realm: string): CredentialLookup {
    if (this.isEmpty || !isUsableUsername(username)) return NoCredential.UNKNOWN_USER;
    const name = readRestUsername(username, this.#options.separator);
    if (name === null) return NoCredential.UNKNOWN_USER;
    // The only deadline by the wall clock: the application has set it by its own. Never cached.
    if (name.expiry * 1000 <= this.#clock.wallTime()) return NoCredential.EXPIRED;
    if (this.#options.isRevoked?.(username) === true) return NoCredential.EXPIRED;
    const candidates = this.#candidates(username, realm, name);
    return candidates.length === 0 ? NoCredential.UNKNOWN_USER : candidates;
  }

  usernameOf(): null {
    return null;
  }

  #forget(): void {
    this.#cache.clear();
  }

  #candidates(username: string, realm: string, name: RestUsername): readonly Credential[] {
    // A prepared realm holds no control characters, so this key is unambiguous.
    const cacheKey = `${realm}\n${username}`;
    const cached = this.#cache.get(cacheKey);
    if (cached !== undefined) return cached;
    const candidates = this.secretsOf(realm).map((secret) => this.#derive(secret, username, realm, name));
    this.#cache.set(cacheKey, candidates);
    return candidates;
  }

  #derive(secret: string, username: string, realm: string, { userId, expiry }: RestUsername): Credential {
    const password = restPassword(secret, username);
    return {
      md5Key: longTermKeyMd5(username, realm, password),
      sha256Key: longTermKeySha256(username, realm, password),
      username,
      realm,
      // The name changes with each credential, so the user id is what can be counted (SECURITY.md §3.3).
      quotaKey: userId === '' ? null : `rest/${userId}`,
      quotaLimit: userId === '' ? 0 : this.#options.allocationsPerRestUser,
      realmLimit: 0,
      expiresAt: expiry * 1000,
    };
  }
}
