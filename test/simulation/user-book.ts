// Who may use the simulated server: the real credential sources over a store that fails, and beside them a plain record
// of what was true when, by which requests are judged.

import { SourcedCredentials } from '../../src/auth/credentials.ts';
import { LimitedCredentials } from '../../src/auth/realm-limits.ts';
import { NO_REALMS, type RealmTableData } from '../../src/auth/realm-table.ts';
import { RestSecrets } from '../../src/auth/rest-secrets.ts';
import { StaticUsers } from '../../src/auth/static-users.ts';
import { StoreUsers } from '../../src/auth/store-users.ts';
import { StoreHealth } from '../../src/store/store-health.ts';
import type { Credentials } from '../../src/turn/env.ts';
import { REALM } from '../support/lab.ts';
import { longTermKey } from '../support/wire-attributes.ts';
import { FaultyStore } from './faulty-store.ts';
import { History } from './history.ts';
import type { Prng } from './prng.ts';
import type { Signature } from './requests.ts';
import { isRestName, isValidAt, restKey } from './rest-names.ts';
import type { Timeline } from './timeline.ts';

/** A realm that comes and goes. */
export const OTHER_REALM = 'other.example';

/** Whom allocations are counted against. */
export type Holder = Pick<Signature, 'user' | 'realm'>;

/** Whether a signature is to be accepted; doubtful: who judges may not have heard of a change yet. */
export type Standing = 'good' | 'bad' | 'doubtful';

/** When a request came in, and whose the five-tuple was. */
export interface Arrival {
  /** Monotonic milliseconds. */
  readonly at: number;
  /** Of the live allocation; null: there is none. */
  readonly owner: { readonly user: string; readonly realm: string; readonly key: Buffer } | null;
}

// What is announced reaches every process within so many milliseconds; what workers keep is void after a second.
const ANNOUNCED = 500;
const KEPT = 1200;
// What others change in the store is noticed so late, or, while it does not answer, this late.
const UNANNOUNCED = 8000;
const STALE = 3_610_000;

const HOLDERS = [
  { user: 'alice', realm: REALM },
  { user: 'bob', realm: REALM },
  { user: 'stella', realm: REALM },
  { user: 'bob', realm: OTHER_REALM },
] as const;

/** All users, secrets, realms and limits. */
export class UserBook {
  /** What main or a single process asks. */
  readonly credentials: Credentials;
  readonly store: FaultyStore;
  readonly #timeline: Timeline;
  readonly #random: Prng;
  readonly #announce: () => void;
  readonly #statics: StaticUsers;
  readonly #secrets: RestSecrets;
  readonly #stored: StoreUsers;
  readonly #limited: LimitedCredentials;
  readonly #keys = new Map<string, History<Buffer | null>>();
  readonly #restSecrets = new History<readonly string[]>(['secret 0']);
  readonly #isServed = new History(true);
  readonly #limits: History<number>;
  /** When users were changed that nobody was told of, since the last time that somebody was. */
  readonly #unannounced = new Map<string, number[]>();
  #version = 0;

  /** @param announce tells every process that what it knows is void */
  constructor(timeline: Timeline, random: Prng, limit: number, announce: () => void) {
    this.#timeline = timeline;
    this.#random = random;
    this.#announce = announce;
    this.#limits = new History(limit);
    this.store = new FaultyStore(timeline, random);
    this.#statics = new StaticUsers({ realm: REALM, allocationsPerUser: 0 }, []);
    this.#secrets = new RestSecrets({ separator: ':', allocationsPerRestUser: 0 }, ['secret 0'], timeline);
    const after = (milliseconds: number, act: () => void): (() => void) =>
      timeline.after(milliseconds, () => {
        timeline.stirred = true;
        act();
      });
    const health = new StoreHealth({ probe: () => this.store.ping(), after, lost: () => {}, back: () => {} });
    const given = { store: this.store, health, clock: timeline, allocationsPerUser: 0, isOwn: true, after };
    this.#stored = new StoreUsers(given);
    this.#limited = new LimitedCredentials(new SourcedCredentials([this.#statics, this.#secrets, this.#stored]));
    this.credentials = this.#limited;
    for (const { user, realm } of HOLDERS) this.#setPassword(user, realm, true);
    this.#setLimit(limit);
  }

  /** What the processes are told of realms. */
  get realms(): RealmTableData {
    return { ...NO_REALMS, realms: this.#isServed.current ? [OTHER_REALM] : [] };
  }

  /** The most allocations that a user of a realm may have been allowed since `from`. */
  mostAllowed(realm: string, from: number): number {
    if (realm !== REALM) return Number.POSITIVE_INFINITY;
    return Math.max(...this.#limits.since(this.#timeline.before(from, KEPT + ANNOUNCED)));
  }

  /** Whether two names are counted as one: time-limited names by the user in them. */
  isSameHolder(one: Holder, other: Holder): boolean {
    return one.realm === other.realm && (one.user === other.user || (isRestName(one.user) && isRestName(other.user)));
  }

  /** The key of somebody who knows the password (or the shared secret); null where there is none now. */
  keyOf(user: string, realm: string): Buffer | null {
    if (isRestName(user)) return restKey(user, this.#restSecrets.current.at(-1) ?? '');
    return this.#keys.get(`${realm}\n${user}`)?.current ?? null;
  }

  /** Judges a signature that came in at `arrival` and is answered now. */
  judge({ user, realm, key }: Signature, { at, owner }: Arrival): Standing {
    // An allocation's owner needs no look-up (RFC 8656 §5): by the keys of then, whatever has become of the user.
    if (owner !== null && owner.user === user && owner.realm === realm) return owner.key.equals(key) ? 'good' : 'bad';
    const from = this.#timeline.before(at, ANNOUNCED);
    const isKnown = this.#knows(user, realm, key, at);
    const served = realm === REALM || owner?.realm === realm ? [true] : this.#isServed.since(from);
    const standings = new Set(isKnown.flatMap((known) => served.map((isServed) => known && isServed)));
    if (standings.size === 2) return 'doubtful';
    return standings.has(true) ? 'good' : 'bad';
  }

  /** Whether the answer may have been that nobody can say now. */
  mayBeUnavailable({ user, realm }: Signature, { at, owner }: Arrival, standing: Standing): boolean {
    if (owner !== null && owner.user === user && owner.realm === realm) return false;
    if ((user === 'alice' || isRestName(user)) && standing === 'good') return false; // the store is not asked
    return this.store.wasIll(at);
  }

  // All that may be the answer, to each who asks.
  #knows(user: string, realm: string, key: Buffer, at: number): readonly boolean[] {
    if (isRestName(user)) return this.#knowsRest(user, key, at);
    const history = this.#keys.get(`${realm}\n${user}`);
    if (history === undefined) return [false];
    const earliest = this.#timeline.before(at, this.store.wasIll(at) ? STALE : UNANNOUNCED);
    const late = this.#unannounced.get(`${realm}\n${user}`)?.find((when) => when >= earliest) ?? at;
    const from = Math.min(late - 1, this.#timeline.before(at, ANNOUNCED));
    return history.since(from).map((each) => each?.equals(key) === true);
  }

  // The only deadline by the wall clock.
  #knowsRest(user: string, key: Buffer, at: number): readonly boolean[] {
    const secrets = this.#restSecrets.since(this.#timeline.before(at, ANNOUNCED));
    const isRight = secrets.map((each) => each.some((secret) => restKey(user, secret).equals(key)));
    const valid = this.#timeline
      .wallSince(this.#timeline.before(at, KEPT))
      .flatMap(({ from, to }) => [isValidAt(user, from), isValidAt(user, to)]);
    return isRight.flatMap((right) => valid.map((isValid) => right && isValid));
  }

  /** Something changes: the store's mood, a user, the secrets, a realm, a limit. */
  change(): string {
    const random = this.#random;
    return random.weighted<() => string>([
      [30, () => this.#changeMood()],
      [20, () => this.#changeUser()],
      [10, () => this.#rotate()],
      [10, () => this.#toggleRealm()],
      [10, () => this.#setLimit(random.pick([0, 3, 6, 9, 9, 12]))],
    ])();
  }

  /** The store answers from now on. */
  mend(): void {
    this.store.mood = 'well';
  }

  #changeMood(): string {
    this.store.mood = this.store.mood === 'well' ? this.#random.pick(['slow', 'failing', 'hanging'] as const) : 'well';
    return `the store is ${this.store.mood}`;
  }

  #changeUser(): string {
    const { user, realm } = this.#random.pick(HOLDERS);
    const announced = user === 'alice' || this.#random.chance(0.5);
    const gone = this.keyOf(user, realm) !== null && this.#random.chance(0.2);
    this.#setPassword(user, realm, announced, gone);
    return `${user} of ${realm} ${gone ? 'is gone' : 'has another password'}${announced ? '' : ', which nobody is told'}`;
  }

  #setPassword(user: string, realm: string, announced: boolean, gone = false): void {
    const password = `password ${this.#version++}`;
    const md5Key = longTermKey(user, realm, password);
    const id = `${realm}\n${user}`;
    const now = this.#timeline.now();
    const known = this.#keys.get(id);
    if (known === undefined) this.#keys.set(id, new History<Buffer | null>(md5Key));
    else known.set(now, gone ? null : md5Key);
    if (user === 'alice') {
      if (gone) this.#statics.remove(user);
      else this.#statics.add({ name: user, password });
    } else if (gone) this.store.users.delete(id);
    else this.store.users.set(id, { realm, name: user, md5Key, sha256Key: null });
    const unannounced = this.#unannounced.get(id) ?? [];
    this.#unannounced.set(id, announced ? [] : [...unannounced, now]);
    if (!announced) return;
    this.#stored.forget(user, realm);
    this.#announce();
  }

  #rotate(): string {
    const secrets = [...this.#restSecrets.current.slice(-1), `secret ${this.#version++}`];
    this.#restSecrets.set(this.#timeline.now(), secrets);
    this.#secrets.setSecrets(secrets);
    this.#announce();
    return 'secrets rotate';
  }

  #toggleRealm(): string {
    const isServed = !this.#isServed.current;
    this.#isServed.set(this.#timeline.now(), isServed);
    this.#announce();
    return `${OTHER_REALM} is ${isServed ? 'served' : 'gone'}`;
  }

  #setLimit(limit: number): string {
    this.#limits.set(this.#timeline.now(), limit === 0 ? Number.POSITIVE_INFINITY : limit);
    this.#limited.setLimits([{ realm: REALM, userQuota: limit, totalQuota: null }]);
    this.#announce();
    return `a user may have ${limit} allocations`;
  }
}
