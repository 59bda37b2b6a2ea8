// Bounds what unauthenticated sources are answered, per address and per network, so that the server is no reflector.
// The processes of a server may share it. Costs a tenth of a microsecond per reply.

import type { TransportWords } from '../stun/transport-address.ts';
import type { Clock } from '../turn/env.ts';
import type { ReplyBudget } from '../turn/reply-budget.ts';
import type { BudgetMemory } from './budget-memory.ts';
import { SourceBuckets } from './source-buckets.ts';

/** Replies per second to one source IP, whatever its ports; 0 = no limit. */
export interface ReplyRates {
  readonly unauthenticatedRepliesPerSecond: number;
  readonly bindingRepliesPerSecond: number;
}

/** Budgets of replies to unauthenticated sources: for errors and for Binding. */
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
    return this.#errors === null || this.#errors.take(client, 0, this.#clock.now());
  }

  allowBinding(client: TransportWords): boolean {
    return this.#bindings === null || this.#bindings.take(client, 0, this.#clock.now());
  }

  #open(kind: 'error' | 'binding', rate: number): SourceBuckets | null {
    if (rate === 0) return null;
    return new SourceBuckets(rate, this.#memory, { sources: `${kind}-sources`, networks: `${kind}-networks` });
  }
}
