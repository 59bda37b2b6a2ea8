// How long an allocation may last, whatever is refreshed: until its credential has run out, where the operator wants that
// (strict expiry), and until it has a certain age. Judges; ends nothing.

import type { Clock, Credential } from './env.ts';
import { ReleaseReason } from './env.ts';
import type { EngineLimits } from './settings.ts';

/** What is bounded: an allocation, or one that is about to be. */
export interface BoundedSession {
  readonly credential: Credential | null;
  /** Monotonic milliseconds. */
  readonly createdAt: number;
}

/** Judges by what holds now. Credentials end by the wall clock, for whoever made them knows no other; ages by the monotonic one. */
export class SessionBounds {
  readonly #clock: Clock;
  #limits: EngineLimits;

  constructor(clock: Clock, limits: EngineLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** Counts for sessions that exist, too. */
  setLimits(limits: EngineLimits): void {
    this.#limits = limits;
  }

  /** Whether a credential counts no more, not even for what was allocated with it. */
  isOver(credential: Credential): boolean {
    return this.#expiryLeft(credential) < 1;
  }

  /** Whole seconds that are left to a session: lifetimes have no others, so who has less than one has none. Infinity = any number. */
  secondsLeft({ credential, createdAt }: BoundedSession): number {
    return Math.max(0, Math.min(this.#expiryLeft(credential), this.#ageLeft(createdAt)));
  }

  /** Why a session that has no second left is over. */
  reasonOf({ credential }: BoundedSession): ReleaseReason {
    return this.#expiryLeft(credential) < 1 ? ReleaseReason.CREDENTIAL_EXPIRED : ReleaseReason.MAX_SESSION_AGE;
  }

  #expiryLeft(credential: Credential | null): number {
    const expiresAt = credential?.expiresAt;
    if (!this.#limits.strictExpiry || expiresAt === undefined) return Number.POSITIVE_INFINITY;
    return Math.floor((expiresAt - this.#clock.wallTime()) / 1000);
  }

  #ageLeft(createdAt: number): number {
    const { maxSessionAge } = this.#limits;
    if (maxSessionAge === 0) return Number.POSITIVE_INFINITY;
    return Math.floor(maxSessionAge - (this.#clock.now() - createdAt) / 1000);
  }
}
