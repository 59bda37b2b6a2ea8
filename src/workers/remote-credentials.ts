// The credentials as a worker sees them: main is asked, and what it said is kept for a while. So shared secrets never
// live in a process that parses what the network sends.

import type { CredentialLookup } from '../auth/credential-source.ts';
import { type Awaitable, type Clock, type Credential, type Credentials, NoCredential } from '../turn/env.ts';
import { LookupCache } from './lookup-cache.ts';
import type { WireCredential, WireLookup } from './messages.ts';

/** How main is asked. Both reject when it cannot be. */
export interface CredentialQuestions {
  credential(ask: { readonly username: string; readonly realm: string }): Promise<WireLookup>;
  userhash(ask: { readonly hash: string; readonly realm: string }): Promise<string | null>;
}

/** How long what main said holds, in milliseconds. */
const KEEP_MS = 1000;

/** Asks main, at most once at a time for the same name. Never rejects. */
export class RemoteCredentials implements Credentials {
  readonly #clock: Clock;
  readonly #questions: CredentialQuestions;
  readonly #lookups: LookupCache<CredentialLookup>;
  readonly #usernames: LookupCache<string | null>;

  constructor(questions: CredentialQuestions, clock: Clock) {
    this.#questions = questions;
    this.#clock = clock;
    this.#lookups = new LookupCache(clock);
    this.#usernames = new LookupCache(clock);
  }

  find(username: string, realm: string): Awaitable<CredentialLookup> {
    // A prepared realm holds no control characters, so this key is unambiguous.
    return this.#lookups.find(`${realm}\n${username}`, () => this.#ask(username, realm), 'unavailable');
  }

  usernameOf(userhash: Buffer, realm: string): Awaitable<string | null> {
    const hash = userhash.toString('hex');
    const ask = async () => {
      const value = await this.#questions.userhash({ hash, realm });
      return { value, keep: KEEP_MS };
    };
    return this.#usernames.find(`${realm}\n${hash}`, ask, null);
  }

  /** Users or secrets have changed: nothing that is known counts any more. */
  invalidate(): void {
    this.#lookups.clear();
    this.#usernames.clear();
  }

  async #ask(username: string, realm: string): Promise<{ value: CredentialLookup; keep: number }> {
    const found = await this.#questions.credential({ username, realm });
    if ('refusal' in found) {
      return { value: found.refusal, keep: found.refusal === 'unavailable' ? 0 : KEEP_MS };
    }
    // A time-limited name ends by the wall clock (draft-uberti-behave-turn-rest-00 §2.2).
    const left = found.expiresAt === null ? KEEP_MS : found.expiresAt - this.#clock.wallTime();
    if (left <= 0) return { value: NoCredential.EXPIRED, keep: 0 };
    return { value: found.candidates.map((each) => fromWire(each, found.expiresAt)), keep: Math.min(KEEP_MS, left) };
  }
}

function fromWire(credential: WireCredential, expiresAt: number | null): Credential {
  return {
    ...credential,
    ...(expiresAt === null ? {} : { expiresAt }),
    md5Key: Buffer.from(credential.md5Key, 'base64'),
    sha256Key: credential.sha256Key === null ? null : Buffer.from(credential.sha256Key, 'base64'),
  };
}
