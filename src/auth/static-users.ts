// The users of the configuration, with a password or a long-term key each. Keeps keys, never passwords. Knows no file
// formats; users may come and go while the server runs.

import { ConfigError } from '../errors.ts';
import { longTermKeyMd5, longTermKeySha256, userhash } from '../stun/keys.ts';
import { opaqueString } from '../stun/opaque-string.ts';
import { type Credential, NoCredential } from '../turn/env.ts';
import type { CredentialLookup, CredentialSource } from './credential-source.ts';
import { isUsableUsername, MAX_USERNAME_BYTES } from './username.ts';

/** A user as the operator names it: `key` is the MD5 long-term key as 32 hexadecimal digits. */
export type StaticUser =
  | { readonly name: string; readonly password: string }
  | { readonly name: string; readonly key: string };

/** What all static users share. */
export interface StaticUsersOptions {
  /** Prepared with OpaqueString: keys are made with it, and no other realm knows these users. */
  readonly realm: string;
  /** Allocations that one user may hold; 0 = no limit. */
  readonly allocationsPerUser: number;
}

interface Entry {
  readonly candidates: readonly [Credential];
  /** USERHASH as hexadecimal digits; null for a name that OpaqueString refuses: no client can hash it. */
  readonly userhash: string | null;
}

const MD5_KEY = /^[0-9a-f]{32}$/i;

/** The static users of one realm. */
export class StaticUsers implements CredentialSource {
  readonly #options: StaticUsersOptions;
  readonly #entries = new Map<string, Entry>();
  readonly #namesByUserhash = new Map<string, string>();
  /** Users of whom only the MD5 key is known. */
  #md5Only = 0;

  /** @throws ConfigError that names every user who cannot be taken */
  constructor(options: StaticUsersOptions, users: readonly StaticUser[]) {
    this.#options = options;
    const problems = users.flatMap((user) => this.#tryAdd(user) ?? []);
    if (problems.length > 0) throw new ConfigError(problems);
  }

  get isEmpty(): boolean {
    return this.#entries.size === 0;
  }

  get derivesSha256(): boolean {
    return this.#md5Only === 0;
  }

  get resolvesUserhashes(): boolean {
    return true;
  }

  /**
   * Adds a user, or replaces the one of that name.
   * @throws ConfigError that names the user when name, password or key cannot be used; nothing has changed then
   */
  add(user: StaticUser): void {
    const problem = this.#tryAdd(user);
    if (problem !== null) throw new ConfigError([problem]);
  }

  /** Removes a user. @returns false when there is none of that name */
  remove(name: string): boolean {
    const entry = this.#entries.get(name);
    if (entry === undefined) return false;
    this.#entries.delete(name);
    if (entry.userhash !== null) this.#namesByUserhash.delete(entry.userhash);
    if (entry.candidates[0].sha256Key === null) this.#md5Only--;
    return true;
  }

  find(username: string, realm: string): CredentialLookup {
    const entry = realm === this.#options.realm ? this.#entries.get(username) : undefined;
    return entry === undefined ? NoCredential.UNKNOWN_USER : entry.candidates;
  }

  usernameOf(hash: Buffer, realm: string): string | null {
    if (realm !== this.#options.realm) return null;
    return this.#namesByUserhash.get(hash.toString('hex')) ?? null;
  }

  /** Adds the user and returns null, or changes nothing and returns what is wrong. */
  #tryAdd(user: StaticUser): string | null {
    const shown = `auth.users: user ${JSON.stringify(user.name.slice(0, MAX_USERNAME_BYTES))}`;
    if (!isUsableUsername(user.name)) {
      return `${shown}: a name must be well-formed text of 1 to ${MAX_USERNAME_BYTES} bytes`;
    }
    const hash = this.#userhash(user.name);
    if (hash !== null && (this.#namesByUserhash.get(hash) ?? user.name) !== user.name) {
      return `${shown}: another user's name differs only in its Unicode form`;
    }
    const credential = this.#credential(user);
    if (typeof credential === 'string') return `${shown}: ${credential}`;
    this.remove(user.name);
    this.#entries.set(user.name, { candidates: [credential], userhash: hash });
    if (hash !== null) this.#namesByUserhash.set(hash, user.name);
    if (credential.sha256Key === null) this.#md5Only++;
    return null;
  }

  /** The user's credential, or what is wrong with the password or key, without repeating it (S55). */
  #credential(user: StaticUser): Credential | string {
    const { name } = user;
    const { realm, allocationsPerUser: quotaLimit } = this.#options;
    const shared = { username: name, realm, quotaKey: `static/${name}`, quotaLimit, realmLimit: 0 };
    if ('key' in user) {
      if (!MD5_KEY.test(user.key)) return 'the key must be 32 hexadecimal digits';
      return { ...shared, md5Key: Buffer.from(user.key, 'hex'), sha256Key: null };
    }
    // RFC 8489 §9.2.2: the password is prepared before hashing, and the profile refuses some.
    const password = opaqueString(user.password);
    if (password === null) return 'the password is empty or has a character that OpaqueString (RFC 8265) forbids';
    return {
      ...shared,
      md5Key: longTermKeyMd5(name, realm, password),
      sha256Key: longTermKeySha256(name, realm, password),
    };
  }

  #userhash(name: string): string | null {
    const prepared = opaqueString(name);
    return prepared === null ? null : userhash(prepared, this.#options.realm).toString('hex');
  }
}
