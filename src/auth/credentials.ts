// All credential sources as one: asks each in its order, and sums up what they can do. Knows no source by name.

import { ConfigError } from '../errors.ts';
import { opaqueString } from '../stun/opaque-string.ts';
import { type Awaitable, type Credentials, NoCredential } from '../turn/env.ts';
import type { CredentialLookup, CredentialSource } from './credential-source.ts';

/**
 * Prepares the configured realm with OpaqueString: once, for REALM on the wire, keys and look-ups alike.
 * @throws ConfigError when the profile refuses it
 */
export function prepareRealm(realm: string): string {
  const prepared = opaqueString(realm);
  if (prepared !== null) return prepared;
  throw new ConfigError(['realm: is empty or has a character that OpaqueString (RFC 8265) forbids']);
}

/** Credential sources in the order in which they are asked; the first that has candidates decides. */
export class SourcedCredentials implements Credentials {
  readonly #sources: readonly CredentialSource[];

  constructor(sources: readonly CredentialSource[]) {
    this.#sources = sources;
  }

  /** Whether PASSWORD-ALGORITHMS may be offered: the challenge comes before the user is known (DESIGN.md §4). */
  get derivesSha256(): boolean {
    return this.#sources.every((source) => source.isEmpty || source.derivesSha256);
  }

  /** Whether username anonymity may be announced: a client that sees the bit sends no USERNAME any more. */
  get resolvesUserhashes(): boolean {
    return this.#sources.every((source) => source.isEmpty || source.resolvesUserhashes);
  }

  find(username: string, realm: string): Awaitable<CredentialLookup> {
    return this.#findFrom(0, NoCredential.UNKNOWN_USER, username, realm);
  }

  usernameOf(userhash: Buffer, realm: string): Awaitable<string | null> {
    return this.#usernameFrom(0, userhash, realm);
  }

  /** Asks the sources from `index` on. `verdict` is what the ones before had to say. */
  #findFrom(index: number, verdict: Refusal, username: string, realm: string): Awaitable<CredentialLookup> {
    const source = this.#sources[index];
    if (source === undefined) return verdict;
    const proceed = (lookup: CredentialLookup): Awaitable<CredentialLookup> =>
      isRefusal(lookup) ? this.#findFrom(index + 1, graver(verdict, lookup), username, realm) : lookup;
    const found = source.find(username, realm);
    return found instanceof Promise ? found.then(proceed) : proceed(found);
  }

  #usernameFrom(index: number, userhash: Buffer, realm: string): Awaitable<string | null> {
    const source = this.#sources[index];
    if (source === undefined) return null;
    const proceed = (username: string | null): Awaitable<string | null> =>
      username ?? this.#usernameFrom(index + 1, userhash, realm);
    const found = source.usernameOf(userhash, realm);
    return found instanceof Promise ? found.then(proceed) : proceed(found);
  }
}

type Refusal = NoCredential | 'unavailable';

const GRAVITY: Readonly<Record<Refusal, number>> = Object.freeze({
  [NoCredential.UNKNOWN_USER]: 0,
  [NoCredential.EXPIRED]: 1,
  unavailable: 2,
});

/** The verdict that says more: a source that could not be asked might have known the user. */
function graver(left: Refusal, right: Refusal): Refusal {
  return GRAVITY[right] > GRAVITY[left] ? right : left;
}

function isRefusal(lookup: CredentialLookup): lookup is Refusal {
  return typeof lookup === 'string';
}
