// What a check is told, and what it needs of the process. Tests have their own surroundings.

import type { LongTermCredential } from '../../client/challenge.ts';
import type { Names } from '../../client/names.ts';
import type { Timers } from '../../client/timers.ts';
import type { IpFamily } from '../../stun/ip-address.ts';

/** Where user name and password come from; a time-limited one is made anew for each check. */
export interface CredentialMaker {
  readonly isTimeLimited: boolean;
  make(wallTime: number): LongTermCredential;
}

/** How URLs are checked. */
export interface CheckOptions {
  readonly credential: CredentialMaker | null;
  /** Goes on whatever the certificate says. */
  readonly insecure: boolean;
  /** The name to verify in place of the URL's host. */
  readonly tlsName: string | undefined;
  /** Further roots in PEM. */
  readonly authorities: readonly string[];
  /** The family to reach the server by; both when undefined. */
  readonly family: IpFamily | undefined;
  /** Echo packets. */
  readonly count: number;
  /** Bytes of each. */
  readonly size: number;
  /** Milliseconds for each step. */
  readonly timeoutMs: number;
}

/** What a check needs of the process. */
export interface CheckSurroundings {
  readonly names: Names;
  readonly timers: Timers;
  /** Unix milliseconds. */
  wallTime(): number;
}
