// A store of users in virtual time that is slow, fails or hangs as it is told. A call that hangs ends after two seconds,
// as those of every driver do.

import { StoreError } from '../../src/errors.ts';
import { STORE_TIMEOUT_MS, type Store, type StoredUser, type UserId } from '../../src/store/store.ts';
import type { Prng } from './prng.ts';
import type { Timeline } from './timeline.ts';

/** How a store behaves. */
export type StoreMood = 'well' | 'slow' | 'failing' | 'hanging';

// A store that was ill is asked again within a second, and may take two to answer.
const RECOVERY = 4000;

/** The users of a simulation. */
export class FaultyStore implements Pick<Store, 'findUser' | 'ping'> {
  readonly users: Map<string, StoredUser> = new Map();
  readonly #timeline: Timeline;
  readonly #random: Prng;
  #mood: StoreMood = 'well';
  #illUntil = Number.NEGATIVE_INFINITY;

  constructor(timeline: Timeline, random: Prng) {
    this.#timeline = timeline;
    this.#random = random;
  }

  get mood(): StoreMood {
    return this.#mood;
  }

  set mood(mood: StoreMood) {
    if (this.#mood !== 'well') this.#illUntil = this.#timeline.now();
    this.#mood = mood;
  }

  /** Whether somebody may have suffered from it at some time since `from`. */
  wasIll(from: number): boolean {
    return this.#mood !== 'well' || this.#timeline.before(from, RECOVERY) <= this.#illUntil;
  }

  findUser({ realm, name }: UserId): Promise<StoredUser | null> {
    return this.#answer(this.users.get(`${realm}\n${name}`) ?? null);
  }

  ping(): Promise<void> {
    return this.#answer(undefined);
  }

  #answer<T>(value: T): Promise<T> {
    const { delay, fails } = this.#fate();
    return new Promise((resolve, reject) => {
      this.#timeline.after(delay, () => {
        this.#timeline.stirred = true;
        if (fails) reject(new StoreError('unreachable', 'the store does not answer'));
        else resolve(value);
      });
    });
  }

  #fate(): { readonly delay: number; readonly fails: boolean } {
    const random = this.#random;
    if (this.#mood === 'well') return { delay: random.chance(0.9) ? 0 : random.int(300), fails: false };
    if (this.#mood === 'slow') return { delay: random.int(STORE_TIMEOUT_MS), fails: random.chance(0.1) };
    if (this.#mood === 'failing') return { delay: random.int(50), fails: true };
    return { delay: STORE_TIMEOUT_MS, fails: true };
  }
}
