// What a client must remember of servers between its attempts: who said when to come back, and who sent whom where
// (RFC 8656 §7.4, RFC 8489 §10, RFC 6062 §4.3). Time comes as an argument.

import { ErrorCode } from '../stun/error-codes.ts';
import { ClientError } from './client-error.ts';

/** After 486 and 508, in milliseconds. */
export const CAPACITY_WAIT_MS = 60_000;
/** After 447. */
export const CONNECT_WAIT_MS = 10_000;
/** A server that was redirected to within this time is not redirected to again. */
export const REDIRECT_GUARD_MS = 300_000;

const WAITS: ReadonlyMap<number, number> = new Map<number, number>([
  [ErrorCode.ALLOCATION_QUOTA_REACHED, CAPACITY_WAIT_MS],
  [ErrorCode.INSUFFICIENT_CAPACITY, CAPACITY_WAIT_MS],
  [ErrorCode.CONNECTION_TIMEOUT_OR_FAILURE, CONNECT_WAIT_MS],
  // The server will not learn the family by being asked again.
  [ErrorCode.ADDRESS_FAMILY_NOT_SUPPORTED, Number.POSITIVE_INFINITY],
]);

interface Refusal {
  readonly until: number;
  readonly errorCode: number;
}

/** One per client program; shared by its connections. */
export class ServerMemory {
  readonly #refusals = new Map<string, Refusal>();
  readonly #redirects = new Map<string, number>();

  /** Throws `wait` while `what` must not be asked again. */
  check(what: string, now: number): void {
    const refusal = this.#refusals.get(what);
    if (refusal === undefined || now >= refusal.until) return;
    const waitMs = refusal.until - now;
    const when = Number.isFinite(waitMs) ? `for another ${Math.ceil(waitMs / 1000)} s` : 'again';
    const message = `${what} refused with ${refusal.errorCode}: it must not be asked ${when}`;
    throw new ClientError('wait', message, { waitMs, errorCode: refusal.errorCode });
  }

  /** Notes a refusal, if its code asks for a pause. */
  refused(what: string, errorCode: number, now: number): void {
    const wait = WAITS.get(errorCode);
    if (wait !== undefined) this.#refusals.set(what, { until: now + wait, errorCode });
  }

  /** Whether the way may lead to `server`: false when it led there, or began there, within five minutes. */
  mayFollow(server: string, now: number): boolean {
    const last = this.#redirects.get(server);
    return last === undefined || now - last >= REDIRECT_GUARD_MS;
  }

  /** Notes that a redirection has passed this server. */
  passed(server: string, now: number): void {
    this.#redirects.set(server, now);
  }
}
