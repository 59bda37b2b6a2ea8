// Bounds what unauthenticated sources are answered, per address and per network, so that the server is no reflector.
// Fixed memory, nothing kept per source (SECURITY.md S42, S43); the processes of a server may share it. Costs a tenth of
// a microsecond per reply.

import { hashWords } from '../stun/ip-address.ts';
import type { TransportWords } from '../stun/transport-address.ts';
import type { Clock, ReplyBudget } from '../turn/env.ts';
import type { BudgetMemory } from './budget-memory.ts';
import { RateBuckets } from './rate-buckets.ts';

/** Replies per second to one source IP, whatever its ports; 0 = no limit. */
export interface ReplyRates {
  readonly unauthenticatedRepliesPerSecond: number;
  readonly bindingRepliesPerSecond: number;
}

/** A network of 256 IPv4 addresses or 65,536 IPv6 /64s gets as much as this many of its sources. */
const SOURCES_PER_NETWORK = 8;

// A browser opens several sockets at once, and each needs one 401. No more, or a rate of 10 would let through more
// than 110 in ten seconds (S42).
const MIN_BURST = 10;

/**
 * Budgets of replies to unauthenticated sources: for errors and for Binding, each per source (IPv4 address, IPv6 /64)
 * and per network (/24, /48). No source is exempt, loopback included.
 *
 * Sources whose hashes fall together share a bucket: that only ever makes the limit stricter. The hash is seeded, so
 * nobody can compute who shares with whom; whoever could spoof a victim's neighbour could spoof the victim as well.
 */
export class SourceReplyBudget implements ReplyBudget {
  readonly #clock: Clock;
  readonly #memory: BudgetMemory;
  #errors: SourceBuckets | null;
  #bindings: SourceBuckets | null;

  /** @param clock of the host: the same for all processes that share the memory */
  constructor(rates: ReplyRates, clock: Clock, memory: BudgetMemory) {
    this.#clock = clock;
    this.#memory = memory;
    this.#errors = this.#open('error', rates.unauthenticatedRepliesPerSecond);
    this.#bindings = this.#open('binding', rates.bindingRepliesPerSecond);
  }

  /** Replaces the rates. What was used up before still is, if not for as long. */
  setRates(rates: ReplyRates): void {
    this.#errors = this.#open('error', rates.unauthenticatedRepliesPerSecond);
    this.#bindings = this.#open('binding', rates.bindingRepliesPerSecond);
  }

  allowError(client: TransportWords): boolean {
    return this.#errors === null || this.#errors.allow(client, this.#clock.now());
  }

  allowBinding(client: TransportWords): boolean {
    return this.#bindings === null || this.#bindings.allow(client, this.#clock.now());
  }

  #open(kind: 'error' | 'binding', rate: number): SourceBuckets | null {
    return rate === 0 ? null : new SourceBuckets(rate, kind, this.#memory);
  }
}

/** One rate, by source and by network. */
class SourceBuckets {
  readonly #sources: RateBuckets;
  readonly #networks: RateBuckets;
  readonly #seedA: number;
  readonly #seedB: number;

  constructor(rate: number, kind: 'error' | 'binding', memory: BudgetMemory) {
    const burst = Math.max(rate, MIN_BURST);
    const [sources, networks] = [memory.table(`${kind}-sources`), memory.table(`${kind}-networks`)];
    this.#sources = new RateBuckets(sources, rate, burst);
    this.#networks = new RateBuckets(networks, rate * SOURCES_PER_NETWORK, burst * SOURCES_PER_NETWORK);
    this.#seedA = memory.seedA;
    this.#seedB = memory.seedB;
  }

  /** Takes one reply from both budgets, or from neither: a refused source does not use up its neighbours' share. */
  allow(client: TransportWords, now: number): boolean {
    const isIpv4 = client.family === 4;
    const source = isIpv4 ? this.#hash(4, client.w3, 0) : this.#hash(6, client.w0, client.w1);
    if (!this.#sources.has(source, now)) return false;
    const network = isIpv4
      ? this.#hash(4, client.w3 & 0xffff_ff00, 0)
      : this.#hash(6, client.w0, client.w1 & 0xffff_0000);
    if (!this.#networks.has(network, now)) return false;
    this.#sources.take(source, now);
    this.#networks.take(network, now);
    return true;
  }

  #hash(family: number, high: number, low: number): number {
    return hashWords(this.#seedA, high, low, this.#seedB ^ family);
  }
}
