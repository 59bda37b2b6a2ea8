// Counts allocations in all, per realm, user and client address, against their limits. Exact, because it is synchronous;
// what is counted to nothing is forgotten.

import { clientNetwork } from '../stun/client-network.ts';
import type { Credential, Quota, QuotaRequest } from '../turn/env.ts';

/** Limits that do not depend on the user; 0 = no limit. The user's and the realm's are in the credential. */
export interface QuotaLimits {
  /** Allocations in all. */
  readonly allocations: number;
  /** Allocations of one client IP; for IPv6, of one /64. */
  readonly allocationsPerClientAddress: number;
}

/** What of a credential is counted. */
export type Counted = Pick<Credential, 'quotaKey' | 'quotaLimit' | 'realm' | 'realmLimit'>;

/** What of a request is counted. */
export type CountedRequest = Pick<QuotaRequest, 'client'> & {
  readonly credential: Counted | null;
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
  readonly #realms = new Map<string, number>();
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
    const user = countedUser(credential);
    const clientKey = clientNetwork(client);
    const clientCount = this.#clients.get(clientKey) ?? 0;
    if (isReached(this.#allocations, this.#limits.allocations)) return false;
    if (isReached(clientCount, this.#limits.allocationsPerClientAddress)) return false;
    if (credential !== null && this.#isFull(credential, user)) return false;
    this.#allocations++;
    this.#clients.set(clientKey, clientCount + 1);
    if (credential !== null) increment(this.#realms, credential.realm);
    if (user !== null) increment(this.#users, user);
    return true;
  }

  /** Gives one back. What nobody holds changes nothing, so a fault of a caller cannot raise a limit for good. */
  release({ credential, client }: CountedRequest): void {
    const user = countedUser(credential);
    const clientKey = clientNetwork(client);
    const isHeld = this.#clients.has(clientKey) && (user === null || this.#users.has(user));
    if (!isHeld) return;
    this.#allocations--;
    decrement(this.#clients, clientKey);
    if (credential !== null) decrement(this.#realms, credential.realm);
    if (user !== null) decrement(this.#users, user);
  }

  /** Allocations of one user of a realm. */
  usedBy(realm: string, quotaKey: string): number {
    return this.#users.get(userKey({ realm, quotaKey })) ?? 0;
  }

  #isFull(credential: Counted, user: string | null): boolean {
    if (isReached(this.#realms.get(credential.realm) ?? 0, credential.realmLimit)) return true;
    return user !== null && isReached(this.#users.get(user) ?? 0, credential.quotaLimit);
  }

  counts(): QuotaCounts {
    return { allocations: this.#allocations, users: this.#users.size, clients: this.#clients.size };
  }
}

// A realm holds no control characters, so this key is unambiguous.
function userKey({ realm, quotaKey }: { readonly realm: string; readonly quotaKey: string }): string {
  return `${realm}\n${quotaKey}`;
}

function countedUser(credential: Counted | null): string | null {
  if (credential === null || credential.quotaKey === null) return null;
  return userKey({ realm: credential.realm, quotaKey: credential.quotaKey });
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

function isReached(count: number, limit: number): boolean {
  return limit > 0 && count >= limit;
}

function decrement(counts: Map<string, number>, key: string): void {
  const count = counts.get(key) ?? 0;
  if (count > 1) counts.set(key, count - 1);
  else counts.delete(key);
}
