// Counts the requests that wait for a credential, in all and per network, so that nobody who floods names against a slow
// store shuts others out. Fixed memory: networks whose hashes fall together share their places.

import { hashWords } from '../stun/ip-address.ts';
import type { TransportWords } from '../stun/transport-address.ts';
import type { Random } from './env.ts';

/** Each keeps a copy of its message until then. */
const PLACES = 1000;
/** Of one IPv4 /24 or IPv6 /48: twenty of them fill the room. */
const PLACES_PER_NETWORK = 50;
const NETWORKS = 4096;

/** Places for requests that wait. */
export class WaitingRoom {
  readonly #networks = new Uint16Array(NETWORKS);
  readonly #seed: number;
  #taken = 0;

  constructor(random: Random) {
    const seed = new Uint32Array(1);
    random.fill(new Uint8Array(seed.buffer));
    this.#seed = seed[0] as number; // of one
  }

  /** Whether there is a place for a request of this client. */
  hasPlace(client: TransportWords): boolean {
    return this.#taken < PLACES && (this.#networks[this.#networkOf(client)] as number) < PLACES_PER_NETWORK;
  }

  /** Takes a place, which {@link hasPlace} has shown to be free; returns what {@link leave} wants to know. */
  enter(client: TransportWords): number {
    const network = this.#networkOf(client);
    this.#taken++;
    this.#networks[network]!++;
    return network;
  }

  /** Gives the place back. */
  leave(network: number): void {
    this.#taken--;
    this.#networks[network]!--;
  }

  // An index within the array.
  #networkOf({ family, w0, w1, w3 }: TransportWords): number {
    const hash =
      family === 4 ? hashWords(this.#seed, 4, 0, w3 & 0xffff_ff00) : hashWords(this.#seed, 6, w0, w1 & 0xffff_0000);
    return hash & (NETWORKS - 1);
  }
}
