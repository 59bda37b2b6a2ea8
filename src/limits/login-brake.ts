// The brake on trying out passwords (SECURITY.md S20): failed logins per source and user, and per source in all. Only
// failures use anything up, so whoever knows the password never notices it elsewhere. Fixed memory, shared by the processes
// of a server; nothing is kept per source or name.
//
// - One source, one user: `rate` a second after a first burst, all sources of its /24 (/48) together eight times that.
// - One source, many users ("spraying"): eight times the rate in all. Users who have logged in from there within the hour
//   are not held back by what others do: for them the first rule alone counts.
// - One user, many sources: nothing. A limit per user would let anybody lock the user out; the log tells.

import { hashWords } from '../stun/ip-address.ts';
import type { TransportWords } from '../stun/transport-address.ts';
import type { Clock } from '../turn/env.ts';
import { type LoginBrake, LoginVerdict } from '../turn/login-brake.ts';
import type { BudgetMemory } from './budget-memory.ts';
import { KnownLogins } from './known-logins.ts';
import { SourceBuckets } from './source-buckets.ts';

/** A source may fail for several users: families and offices share addresses. */
const USERS_PER_SOURCE = 8;

/** How often a line is worth writing about one source and user. */
const SAY_EVERY_MS = 60_000;

/** Failed logins per source and user. */
export class SourceLoginBrake implements LoginBrake {
  readonly #clock: Clock;
  readonly #memory: BudgetMemory;
  readonly #known: KnownLogins;
  /** By hash of source and user: until when nothing more is said, in monotonic milliseconds. */
  readonly #saidUntil: Float64Array;
  #rules: Rules | null;

  /**
   * @param rate failed logins per second of one source and user; 0 = no limit
   * @param clock of the host: the same for all processes that share the memory
   */
  constructor(rate: number, clock: Clock, memory: BudgetMemory) {
    this.#clock = clock;
    this.#memory = memory;
    this.#known = new KnownLogins(memory.table('login-known'));
    this.#saidUntil = memory.table('login-said');
    this.#rules = this.#open(rate);
  }

  /** Replaces the rate. What was used up before still is, if not for as long. */
  setRate(rate: number): void {
    this.#rules = this.#open(rate);
  }

  judge(client: TransportWords, realm: string, user: string): LoginVerdict {
    if (this.#rules === null) return LoginVerdict.VERIFY;
    const { users, sources } = this.#rules;
    const now = this.#clock.now();
    const salt = this.#saltOf(realm, user);
    const mayVerify =
      users.has(client, salt, now) &&
      (sources.has(client, 0, now) || this.#known.has(users.sourceHash(client, salt), salt, now));
    return mayVerify ? LoginVerdict.VERIFY : this.#refusal(users.sourceHash(client, salt), now);
  }

  failed(client: TransportWords, realm: string, user: string): void {
    if (this.#rules === null) return;
    const now = this.#clock.now();
    this.#rules.users.take(client, this.#saltOf(realm, user), now);
    this.#rules.sources.take(client, 0, now);
  }

  succeeded(client: TransportWords, realm: string, user: string): void {
    if (this.#rules === null) return;
    const salt = this.#saltOf(realm, user);
    this.#known.add(this.#rules.users.sourceHash(client, salt), salt, this.#clock.now());
  }

  #open(rate: number): Rules | null {
    if (rate === 0) return null;
    return {
      users: new SourceBuckets(rate, this.#memory, { sources: 'login-user-sources', networks: 'login-user-networks' }),
      sources: new SourceBuckets(rate * USERS_PER_SOURCE, this.#memory, {
        sources: 'login-sources',
        networks: 'login-networks',
      }),
    };
  }

  #refusal(hash: number, now: number): LoginVerdict {
    const at = hash & (this.#saidUntil.length - 1);
    if (now < (this.#saidUntil[at] as number)) return LoginVerdict.REFUSE;
    this.#saidUntil[at] = now + SAY_EVERY_MS;
    return LoginVerdict.REFUSE_AND_SAY;
  }

  // An int32 for a user of a realm. Seeded, so that nobody can choose names that fall together with another's.
  #saltOf(realm: string, user: string): number {
    return hashText(hashText(this.#memory.seedB, realm), user);
  }
}

interface Rules {
  /** By source and user. */
  readonly users: SourceBuckets;
  /** By source, whatever the user. */
  readonly sources: SourceBuckets;
}

function hashText(seed: number, text: string): number {
  let hash = hashWords(seed, text.length, 0, 0);
  for (let at = 0; at < text.length; at++) hash = hashWords(hash, text.charCodeAt(at), at, seed);
  return hash;
}
