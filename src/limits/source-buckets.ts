// Token buckets by source and by network: one rate for each address (IPv4 address, IPv6 /64), and a higher one for all of
// its network together (/24, /48). Fixed memory, nothing kept per source (SECURITY.md S42, S43).

import { hashWords } from '../stun/ip-address.ts';
import type { TransportWords } from '../stun/transport-address.ts';
import type { BudgetMemory, BudgetTable } from './budget-memory.ts';
import { RateBuckets } from './rate-buckets.ts';

/** A network of 256 IPv4 addresses or 65,536 IPv6 /64s gets as much as this many of its sources. */
const SOURCES_PER_NETWORK = 8;

// A browser opens several sockets at once, and each needs one 401. No more, or a rate of 10 would let through more
// than 110 in ten seconds (S42).
const MIN_BURST = 10;

/** Which tables of the memory the buckets are. */
export interface SourceTables {
  readonly sources: BudgetTable;
  readonly networks: BudgetTable;
}

/**
 * One rate, by source and by network. No source is exempt, loopback included.
 *
 * Sources whose hashes fall together share a bucket: that only ever makes the limit stricter. The hash is seeded, so
 * nobody can compute who shares with whom; whoever could spoof a victim's neighbour could spoof the victim as well.
 */
export class SourceBuckets {
  readonly #sources: RateBuckets;
  readonly #networks: RateBuckets;
  readonly #seedA: number;
  readonly #seedB: number;

  /** @param rate tokens per second of one source */
  constructor(rate: number, memory: BudgetMemory, { sources, networks }: SourceTables) {
    const burst = Math.max(rate, MIN_BURST);
    this.#sources = new RateBuckets(memory.table(sources), rate, burst);
    this.#networks = new RateBuckets(memory.table(networks), rate * SOURCES_PER_NETWORK, burst * SOURCES_PER_NETWORK);
    this.#seedA = memory.seedA;
    this.#seedB = memory.seedB;
  }

  /** Whether source and network have a token at `now`. @param salt tells buckets of one source apart; any int32 */
  has(client: TransportWords, salt: number, now: number): boolean {
    return (
      this.#sources.has(this.sourceHash(client, salt), now) && this.#networks.has(this.#network(client, salt), now)
    );
  }

  /** Takes a token from both, or from neither: a refused source does not use up its neighbours' share. */
  take(client: TransportWords, salt: number, now: number): boolean {
    const source = this.sourceHash(client, salt);
    if (!this.#sources.has(source, now)) return false;
    const network = this.#network(client, salt);
    if (!this.#networks.has(network, now)) return false;
    this.#sources.take(source, now);
    this.#networks.take(network, now);
    return true;
  }

  /** The number of a source, whatever its ports: an int32. */
  sourceHash(client: TransportWords, salt: number): number {
    return client.family === 4 ? this.#hash(4 ^ salt, client.w3, 0) : this.#hash(6 ^ salt, client.w0, client.w1);
  }

  #network(client: TransportWords, salt: number): number {
    return client.family === 4
      ? this.#hash(4 ^ salt, client.w3 & 0xffff_ff00, 0)
      : this.#hash(6 ^ salt, client.w0, client.w1 & 0xffff_0000);
  }

  #hash(kind: number, high: number, low: number): number {
    return hashWords(this.#seedA, high, low, this.#seedB ^ kind);
  }
}
