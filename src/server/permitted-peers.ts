// Remembers the peers of each allocation for its last line: the first few of them by address, the others as a number.

import type { ShowAddress } from '../log/hidden-addresses.ts';
import type { Allocation } from '../turn/allocation.ts';

/** What a line tells of peers. */
export interface TellablePeers {
  readonly peers: readonly string[];
  /** Permissions beyond; a peer that is permitted anew counts again. */
  readonly morePeers: number;
}

interface Kept {
  readonly peers: Set<string>;
  more: number;
}

const MAX_PEERS = 32;

/** The peers that clients were permitted to reach. */
export class PermittedPeers {
  readonly #show: ShowAddress;
  readonly #kept = new WeakMap<Allocation, Kept>();

  constructor(show: ShowAddress) {
    this.#show = show;
  }

  /** A permission was installed. */
  add(allocation: Allocation, ip: string): void {
    const kept = this.#kept.get(allocation) ?? { peers: new Set<string>(), more: 0 };
    this.#kept.set(allocation, kept);
    const shown = this.#show(ip);
    if (kept.peers.size < MAX_PEERS) kept.peers.add(shown);
    else if (!kept.peers.has(shown)) kept.more += 1;
  }

  /** The peers of an allocation that has ended. */
  of(allocation: Allocation): TellablePeers {
    const { peers, more } = this.#kept.get(allocation) ?? { peers: new Set<string>(), more: 0 };
    return { peers: [...peers], morePeers: more };
  }
}
