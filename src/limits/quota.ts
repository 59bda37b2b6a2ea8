// Counts allocations in all, per realm, user and client address, against their limits. Exact, because it is synchronous;
// what is counted to nothing is forgotten. Each user who holds any has a slot.

import { clientNetwork } from '../stun/client-network.ts';
import type { Credential, Quota, QuotaRequest } from '../turn/env.ts';
import { type Grant, NO_USER } from '../turn/grant.ts';
import type { UserSlots } from './user-slots.ts';

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

/** What one user holds. */
interface UserHolding {
  allocations: number;
  readonly slot: number;
}

/** Counts the allocations of one server. */
export class AllocationQuota implements Quota {
  readonly #slots: UserSlots;
  #limits: QuotaLimits;
  #allocations = 0;
  readonly #realms = new Map<string, number>();
  readonly #users = new Map<string, UserHolding>();
  readonly #clients = new Map<string, number>();

  constructor(limits: QuotaLimits, slots: UserSlots) {
    this.#limits = limits;
    this.#slots = slots;
  }

  /** Applies from the next allocation on; those that exist stay. */
  setLimits(limits: QuotaLimits): void {
    this.#limits = limits;
  }

  acquire({ credential, client }: CountedRequest): Grant | null {
    const user = countedUser(credential);
    const clientKey = clientNetwork(client);
    const clientCount = this.#clients.get(clientKey) ?? 0;
    if (isReached(this.#allocations, this.#limits.allocations)) return null;
    if (isReached(clientCount, this.#limits.allocationsPerClientAddress)) return null;
    if (credential !== null && this.#isFull(credential, user)) return null;
    const grant = user === null ? NO_USER : this.#takeAs(user);
    if (grant === null) return null;
    this.#allocations++;
    this.#clients.set(clientKey, clientCount + 1);
    if (credential !== null) increment(this.#realms, credential.realm);
    return grant;
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
    if (user !== null) this.#giveBackAs(user);
  }

  /** Allocations of one user of a realm. */
  usedBy(realm: string, quotaKey: string): number {
    return this.#users.get(userKey({ realm, quotaKey }))?.allocations ?? 0;
  }

  #isFull(credential: Counted, user: string | null): boolean {
    if (isReached(this.#realms.get(credential.realm) ?? 0, credential.realmLimit)) return true;
    return user !== null && isReached(this.#users.get(user)?.allocations ?? 0, credential.quotaLimit);
  }

  // There are more slots than relay ports, so null is for a table that is too small.
  #takeAs(user: string): Grant | null {
    const known = this.#users.get(user);
    if (known !== undefined) {
      known.allocations++;
      return { userSlot: known.slot };
    }
    const slot = this.#slots.take(user);
    if (slot === null) return null;
    this.#users.set(user, { allocations: 1, slot });
    return { userSlot: slot };
  }

  #giveBackAs(user: string): void {
    const holding = this.#users.get(user);
    if (holding === undefined) return;
    holding.allocations--;
    if (holding.allocations > 0) return;
    this.#users.delete(user);
    this.#slots.leave(user, holding.slot);
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
