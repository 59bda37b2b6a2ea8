// Counts allocations in all, per user and per client address, against their limits. Exact, because it is synchronous;
// what is counted to nothing is forgotten.

import { clientNetwork } from '../stun/client-network.ts';
import type { Credential, Quota, QuotaRequest } from '../turn/env.ts';

/** Limits that do not depend on the user; 0 = no limit. The user's is in the credential. */
export interface QuotaLimits {
  /** Allocations in all. */
  readonly allocations: number;
  /** Allocations of one client IP; for IPv6, of one /64. */
  readonly allocationsPerClientAddress: number;
}

/** What of a request is counted. */
export type CountedRequest = Pick<QuotaRequest, 'client'> & {
  readonly credential: Pick<Credential, 'quotaKey' | 'quotaLimit'> | null;
};

/** What is held now. */
export interface QuotaCounts {
  /** Allocations in all. */
  readonly allocations: number;
  /** Users (quota keys) that hold one or more. */
  readonly users: number;
  /** Client addresses (IPv6: /64) that hold one or more. */
  readonly clients: number;
}

/** Counts the allocations of one server. */
export class AllocationQuota implements Quota {
  #limits: QuotaLimits;
  #allocations = 0;
  readonly #users = new Map<string, number>();
  readonly #clients = new Map<string, number>();

  constructor(limits: QuotaLimits) {
    this.#limits = limits;
  }

  /** Applies from the next allocation on; those that exist stay. */
  setLimits(limits: QuotaLimits): void {
    this.#limits = limits;
  }

  acquire({ credential, client }: CountedRequest): boolean {
    const user = credential?.quotaKey ?? null;
    const clientKey = clientNetwork(client);
    const clientCount = this.#clients.get(clientKey) ?? 0;
    if (isReached(this.#allocations, this.#limits.allocations)) return false;
    if (isReached(clientCount, this.#limits.allocationsPerClientAddress)) return false;
    if (credential !== null && isReached(this.usedBy(user), credential.quotaLimit)) return false;
    this.#allocations++;
    this.#clients.set(clientKey, clientCount + 1);
    if (user !== null) this.#users.set(user, this.usedBy(user) + 1);
    return true;
  }

  /** Gives one back. What nobody holds changes nothing, so a fault of a caller cannot raise a limit for good. */
  release({ credential, client }: CountedRequest): void {
    const user = credential?.quotaKey ?? null;
    const clientKey = clientNetwork(client);
    const isHeld = this.#clients.has(clientKey) && (user === null || this.#users.has(user));
    if (!isHeld) return;
    this.#allocations--;
    decrement(this.#clients, clientKey);
    if (user !== null) decrement(this.#users, user);
  }

  /** Allocations that a quota key holds; 0 for null. */
  usedBy(quotaKey: string | null): number {
    return quotaKey === null ? 0 : (this.#users.get(quotaKey) ?? 0);
  }

  counts(): QuotaCounts {
    return { allocations: this.#allocations, users: this.#users.size, clients: this.#clients.size };
  }
}

function isReached(count: number, limit: number): boolean {
  return limit > 0 && count >= limit;
}

function decrement(counts: Map<string, number>, key: string): void {
  const count = counts.get(key) ?? 0;
  if (count > 1) counts.set(key, count - 1);
  else counts.delete(key);
}
