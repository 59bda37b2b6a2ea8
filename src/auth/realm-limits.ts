// Lays a realm's own quotas over the credentials of its users, whatever source they come from. (What its allocations may
// relay is not a matter of credentials: realm-table.ts.)

import { whenReady } from '../turn/awaitable.ts';
import type { Awaitable, Credential, Credentials } from '../turn/env.ts';
import type { CredentialLookup } from './credential-source.ts';

/** What a realm is given of its own; null = what the configuration says. */
export interface RealmLimits {
  readonly realm: string;
  /** Allocations of one user; 0 = no limit. */
  readonly userQuota: number | null;
  /** Allocations of the realm; 0 = no limit. */
  readonly totalQuota: number | null;
}

/** Credentials with the limits of their realms. */
export class LimitedCredentials implements Credentials {
  #credentials: Credentials;
  #limits: ReadonlyMap<string, RealmLimits> = new Map();

  constructor(credentials: Credentials) {
    this.#credentials = credentials;
  }

  /** Asks these from now on. */
  setCredentials(credentials: Credentials): void {
    this.#credentials = credentials;
  }

  /** Applies to what is found from now on. */
  setLimits(limits: readonly RealmLimits[]): void {
    this.#limits = new Map(limits.map((each) => [each.realm, each]));
  }

  find(username: string, realm: string): Awaitable<CredentialLookup> {
    const limits = this.#limits.get(realm);
    const found = this.#credentials.find(username, realm);
    return limits === undefined ? found : whenReady(found, (lookup) => limited(lookup, limits));
  }

  usernameOf(userhash: Buffer, realm: string): Awaitable<string | null> {
    return this.#credentials.usernameOf(userhash, realm);
  }
}

function limited(lookup: CredentialLookup, { userQuota, totalQuota }: RealmLimits): CredentialLookup {
  if (typeof lookup === 'string') return lookup;
  return lookup.map((credential) => ({
    ...credential,
    quotaLimit: limitOf(credential, userQuota),
    realmLimit: totalQuota ?? credential.realmLimit,
  }));
}

// Who cannot be counted has no limit.
function limitOf({ quotaKey, quotaLimit }: Credential, userQuota: number | null): number {
  return quotaKey === null || userQuota === null ? quotaLimit : userQuota;
}
