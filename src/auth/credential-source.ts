// What a source of credentials is: static users, shared secrets, later a store or tokens. Declares, does nothing.

import type { Awaitable, Credential, NoCredential } from '../turn/env.ts';

/** What a source knows about a username: candidates, why there are none, or that it cannot say now. */
export type CredentialLookup = readonly Credential[] | NoCredential | 'unavailable';

/** One source of credentials. Realms given to it are prepared with OpaqueString. It never rejects. */
export interface CredentialSource {
  /** Whether it could know anybody now: an empty source restricts no feature. */
  readonly isEmpty: boolean;
  /** Whether all its credentials have a SHA-256 key: the condition for offering PASSWORD-ALGORITHMS. */
  readonly derivesSha256: boolean;
  /** Whether it can tell who is behind a USERHASH: the condition for announcing username anonymity. */
  readonly resolvesUserhashes: boolean;
  /** Candidates for USERNAME in a realm. Synchronous when no store has to be asked. */
  find(username: string, realm: string): Awaitable<CredentialLookup>;
  /** The username behind a USERHASH of 32 bytes (RFC 8489 §14.4), or null. */
  usernameOf(userhash: Buffer, realm: string): Awaitable<string | null>;
}
