// The users of a store as a source of credentials. What was found is kept: fresh for some seconds, and beyond that for
// as long as the store does not answer, so that those who are known go on being served while it is away (R10-R12).

import { StoreError } from '../errors.ts';
import type { Store, StoredUser } from '../store/store.ts';
import type { StoreHealth } from '../store/store-health.ts';
import type { Awaitable, Clock, Credential } from '../turn/env.ts';
import { NoCredential } from '../turn/env.ts';
import type { CredentialLookup, CredentialSource } from './credential-source.ts';
import { RecentMap } from './recent-map.ts';
import { isUsableUsername } from './username.ts';

/** What {@link StoreUsers} needs. */
export interface StoreUsersOptions {
  readonly store: Pick<Store, 'findUser'>;
  readonly health: Pick<StoreHealth, 'isAnswering' | 'failed'>;
  readonly clock: Clock;
  /** Allocations that one user may hold; 0 = no limit. */
  readonly allocationsPerUser: number;
  /** Whether only turnd writes to it: then both keys of every user are known. */
  readonly isOwn: boolean;
  /** Calls once, in so many milliseconds; returns how to prevent it. */
  readonly after: (milliseconds: number, act: () => void) => () => void;
}

interface Known {
  readonly lookup: CredentialLookup;
  /** Monotonic milliseconds. */
  checkedAt: number;
}

const NOTHING: Known = { lookup: 'unavailable', checkedAt: Number.NEGATIVE_INFINITY };

/** How long what was found counts without asking again: with the second that workers keep it, others' changes take 5. */
const FRESH_MS = 4000;
/** How long a user may be served whom the store cannot be asked about. */
const STALE_MS = 3_600_000;
/** How long a slow store is waited for where an older answer is at hand. */
const PATIENCE_MS = 500;
/** Twice as many at most. Apart, so that names that somebody tries out do not push the known ones out. */
const KNOWN_USERS = 16_384;
const KNOWN_STRANGERS = 4096;
/** Questions on their way at once: each keeps a request waiting. */
const MAX_ON_THE_WAY = 1000;

/** Users of a store. Never rejects. */
export class StoreUsers implements CredentialSource {
  readonly #options: StoreUsersOptions;
  readonly #users = new RecentMap<string, Known>(KNOWN_USERS);
  readonly #strangers = new RecentMap<string, Known>(KNOWN_STRANGERS);
  #limit: number;
  #onTheWay = new Map<string, Promise<CredentialLookup>>();
  /** Monotonic milliseconds: what was found before has to be asked for again. */
  #freshSince = Number.NEGATIVE_INFINITY;

  constructor(options: StoreUsersOptions) {
    this.#options = options;
    this.#limit = options.allocationsPerUser;
  }

  /** Anybody may be added to a store at any time. */
  get isEmpty(): boolean {
    return false;
  }

  /** coturn's tools make users with an MD5 key alone. */
  get derivesSha256(): boolean {
    return this.#options.isOwn;
  }

  get resolvesUserhashes(): boolean {
    return false;
  }

  find(username: string, realm: string): Awaitable<CredentialLookup> {
    if (!isUsableUsername(username)) return NoCredential.UNKNOWN_USER;
    // A prepared realm holds no control characters, so this key is unambiguous.
    const key = `${realm}\n${username}`;
    const known = this.#latest(key);
    if (this.#isFresh(known)) return known.lookup;
    const fallback = this.#isUsable(known) ? known.lookup : 'unavailable';
    if (!this.#options.health.isAnswering) return fallback;
    const asked = this.#ask(key, username, realm);
    if (asked === null) return fallback;
    return fallback === 'unavailable' ? asked : this.#patiently(asked, fallback);
  }

  usernameOf(): null {
    return null;
  }

  /** Another limit for each user, from the next look-up on. */
  setLimit(allocationsPerUser: number): void {
    this.#limit = allocationsPerUser;
    this.invalidate();
  }

  /** The store has changed: everything has to be asked for again before it counts. */
  invalidate(): void {
    this.#freshSince = this.#options.clock.now();
    // What is on its way may be what was there before.
    this.#onTheWay = new Map();
  }

  /** A user is gone or another: nothing that is known of it may be used, whatever the store does. */
  forget(username: string, realm: string): void {
    const key = `${realm}\n${username}`;
    for (const map of [this.#users, this.#strangers]) {
      const known = map.get(key);
      if (known !== undefined) known.checkedAt = Number.NEGATIVE_INFINITY;
    }
    this.#onTheWay.delete(key);
  }

  /** What was found last: a user may have become a stranger, or the other way round. */
  #latest(key: string): Known {
    const user = this.#users.get(key) ?? NOTHING;
    const stranger = this.#strangers.get(key) ?? NOTHING;
    return stranger.checkedAt > user.checkedAt ? stranger : user;
  }

  #isFresh({ checkedAt }: Known): boolean {
    return checkedAt > this.#freshSince && this.#options.clock.now() - checkedAt < FRESH_MS;
  }

  #isUsable({ checkedAt }: Known): boolean {
    return this.#options.clock.now() - checkedAt < STALE_MS;
  }

  /** Asks the store, at most once at a time for the same name; null when too many wait. */
  #ask(key: string, username: string, realm: string): Promise<CredentialLookup> | null {
    const onTheWay = this.#onTheWay;
    const asked = onTheWay.get(key);
    if (asked !== undefined) return asked;
    if (onTheWay.size >= MAX_ON_THE_WAY) return null;
    const answer = this.#query(username, realm).then((lookup) => {
      // After a change this is what was asked at another time: it is not to be kept.
      if (onTheWay.get(key) === answer) {
        onTheWay.delete(key);
        if (onTheWay === this.#onTheWay && lookup !== 'unavailable') this.#keep(key, lookup);
      }
      return lookup;
    });
    onTheWay.set(key, answer);
    return answer;
  }

  async #query(name: string, realm: string): Promise<CredentialLookup> {
    const { store, health } = this.#options;
    try {
      const user = await store.findUser({ realm, name });
      return user === null ? NoCredential.UNKNOWN_USER : [credentialOf(user, this.#limit)];
    } catch (error) {
      // What a store says of one question must not cut off all who ask after it.
      if (!(error instanceof StoreError && error.fault === 'failed')) health.failed(error);
      return 'unavailable';
    }
  }

  #keep(key: string, lookup: CredentialLookup): void {
    const map = typeof lookup === 'string' ? this.#strangers : this.#users;
    map.set(key, { lookup, checkedAt: this.#options.clock.now() });
  }

  #patiently(asked: Promise<CredentialLookup>, fallback: CredentialLookup): Promise<CredentialLookup> {
    return new Promise((resolve) => {
      const stop = this.#options.after(PATIENCE_MS, () => resolve(fallback));
      void asked.then((lookup) => {
        stop();
        resolve(lookup === 'unavailable' ? fallback : lookup);
      });
    });
  }
}

function credentialOf(user: StoredUser, quotaLimit: number): Credential {
  const { name, realm, md5Key, sha256Key } = user;
  return { md5Key, sha256Key, username: name, realm, quotaKey: `store/${name}`, quotaLimit, realmLimit: 0 };
}
