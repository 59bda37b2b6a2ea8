// Decides which limits of what is relayed hold for which allocation, now and after a change. Not part of the packet path.

import type { Allocation } from './allocation.ts';
import type { Realms } from './env.ts';
import { METER_BUCKETS, NO_RATE, type Rate, RateLevel, type RateMemory, RateMeter } from './rate-meter.ts';

/** What is let through in all, for each user and for each allocation. */
export interface RelayRates {
  readonly server: Rate;
  readonly user: Rate;
  /** Of bytes, unless its realm says otherwise ({@link Realms.bytesPerSecond}). */
  readonly allocation: Rate;
}

/** No limits. */
export const NO_RATES: RelayRates = Object.freeze({ server: NO_RATE, user: NO_RATE, allocation: NO_RATE });

/** Gives each allocation its meter. */
export class RateMeters {
  readonly #memory: RateMemory;
  readonly #realms: Realms | null;
  #rates: RelayRates;

  constructor(memory: RateMemory, realms: Realms | null, rates: RelayRates) {
    this.#memory = memory;
    this.#realms = realms;
    this.#rates = rates;
  }

  /** What holds from the next {@link equip} of an allocation on. */
  setRates(rates: RelayRates): void {
    this.#rates = rates;
  }

  /** Gives an allocation the limits that hold for it now. What it has used up of its own stays used up. */
  equip(allocation: Allocation): void {
    const { server, user } = this.#rates;
    const own = this.#ofAllocation(allocation.realm);
    // Who is not counted as a user has no limit as one.
    const slot = isNone(user) ? null : allocation.userSlot;
    if (isNone(own) && isNone(server) && slot === null) {
      allocation.meter = null;
      return;
    }
    const buckets = allocation.meter?.buckets ?? new Float64Array(METER_BUCKETS);
    const levels: RateLevel[] = [];
    if (!isNone(own)) levels.push(new RateLevel('allocation', own, buckets, 0));
    if (slot !== null) levels.push(new RateLevel('user', user, this.#memory.users, slot * METER_BUCKETS));
    if (!isNone(server)) levels.push(new RateLevel('server', server, this.#memory.server, 0));
    allocation.meter = new RateMeter(buckets, levels);
  }

  #ofAllocation(realm: string): Rate {
    const { allocation } = this.#rates;
    const bytesPerSecond = this.#realms?.bytesPerSecond(realm) ?? allocation.bytesPerSecond;
    return { ...allocation, bytesPerSecond };
  }
}

function isNone({ bytesPerSecond, packetsPerSecond }: Rate): boolean {
  return bytesPerSecond === 0 && packetsPerSecond === 0;
}
