// The scan brake (S39): how fast a client may name peers for which its allocation has no live permission. Without it a
// relay is a scanner with the server's address. Two numbers per allocation, whatever is named.

import type { Allocation } from './allocation.ts';
import type { Clock } from './env.ts';
import type { EngineLimits } from './settings.ts';

/** The rule by which a request is refused that names new peers too fast. */
export const SCAN_RULE = 'new peers too fast';

/** Counts the new peers of each allocation. */
export class ScanBrake {
  readonly #clock: Clock;
  #limits: EngineLimits;

  constructor(clock: Clock, limits: EngineLimits) {
    this.#clock = clock;
    this.#limits = limits;
  }

  /** What was named before counts under the new limits as well. */
  setLimits(limits: EngineLimits): void {
    this.#limits = limits;
  }

  /** Whether the client may name `count` new peers now. Counts nothing. */
  allows(allocation: Allocation, count: number): boolean {
    const { newPeersPerSecond, newPeersBurst } = this.#limits;
    return newPeersPerSecond === 0 || count === 0 || this.#named(allocation) + count <= newPeersBurst;
  }

  /** The client has named `count` new peers. */
  take(allocation: Allocation, count: number): void {
    if (this.#limits.newPeersPerSecond === 0) return;
    allocation.peersNamed = this.#named(allocation) + count;
    allocation.peersNamedAt = this.#clock.now();
  }

  // How many still count.
  #named({ peersNamed, peersNamedAt }: Allocation): number {
    const forgotten = ((this.#clock.now() - peersNamedAt) / 1000) * this.#limits.newPeersPerSecond;
    return Math.max(0, peersNamed - forgotten);
  }
}
