// The one quota of all workers, held by main: exact, because every Allocate asks it. Remembers what each worker holds,
// so that a dead one's units return. (A lease of several units would be one more question; nothing here stands against.)

import type { AllocationQuota, CountedRequest, QuotaLimits } from '../limits/quota.ts';
import { parseIp } from '../stun/ip-address.ts';
import type { Grant } from '../turn/grant.ts';
import type { WireQuotaRequest } from './messages.ts';

interface Holding {
  readonly request: CountedRequest;
  units: number;
}

/** Counts for the workers. */
export class QuotaService {
  readonly #quota: AllocationQuota;
  readonly #defaultRealm: string;
  readonly #holdings = new Map<number, Map<string, Holding>>();

  constructor(quota: AllocationQuota, defaultRealm: string) {
    this.#quota = quota;
    this.#defaultRealm = defaultRealm;
  }

  /** Allocations of all workers. */
  get allocations(): number {
    return this.#quota.counts().allocations;
  }

  /** Applies from the next allocation on; those that exist stay. */
  setLimits(limits: QuotaLimits): void {
    this.#quota.setLimits(limits);
  }

  /** Takes a unit for a worker; null when that would exceed a limit. */
  acquire(worker: number, wire: WireQuotaRequest): Grant | null {
    const request = this.#read(wire);
    const grant = request === null ? null : this.#quota.acquire(request);
    if (request === null || grant === null) return null;
    const holdings = this.#holdingsOf(worker);
    const key = keyOf(wire);
    const holding = holdings.get(key);
    if (holding === undefined) holdings.set(key, { request, units: 1 });
    else holding.units++;
    return grant;
  }

  /** Gives a unit of a worker back. What it does not hold changes nothing. */
  release(worker: number, wire: WireQuotaRequest): void {
    const holdings = this.#holdingsOf(worker);
    const holding = holdings.get(keyOf(wire));
    if (holding === undefined) return;
    this.#quota.release(holding.request);
    holding.units--;
    if (holding.units === 0) holdings.delete(keyOf(wire));
  }

  /** Gives back everything that a worker holds: it is gone. */
  releaseAll(worker: number): void {
    for (const { request, units } of this.#holdingsOf(worker).values()) {
      for (let unit = 0; unit < units; unit++) this.#quota.release(request);
    }
    this.#holdings.delete(worker);
  }

  #read({ credential, client }: WireQuotaRequest): CountedRequest | null {
    const ip = parseIp(client);
    if (ip === null) return null;
    if (credential === null) return { credential, client: ip };
    const { realm = this.#defaultRealm, realmLimit = 0, ...user } = credential;
    return { credential: { ...user, realm, realmLimit }, client: ip };
  }

  #holdingsOf(worker: number): Map<string, Holding> {
    const known = this.#holdings.get(worker);
    if (known !== undefined) return known;
    const holdings = new Map<string, Holding>();
    this.#holdings.set(worker, holdings);
    return holdings;
  }
}

// Neither an address nor a realm holds control characters, so this key is unambiguous.
function keyOf({ client, credential }: WireQuotaRequest): string {
  return credential === null ? client : `${client}\n${credential.realm ?? ''}\n${credential.quotaKey ?? ''}`;
}
