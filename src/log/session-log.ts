// Owns the two lines that operators live by: one at the end of each allocation, one for each failed authentication.
// It is told of both in plain records, and knows neither engine nor sockets. Nothing is logged per packet.

import { LineBudget, shareOfLines } from './line-budget.ts';
import type { Logger, LogLevel } from './logger.ts';

/** The life of an allocation. */
export interface AllocationRecord {
  /** The allocation's number in this process: joins its lines. */
  readonly session: number;
  /** User name as the client gave it; empty when anonymous. */
  readonly user: string;
  /** The realm of the user; empty when anonymous. */
  readonly realm: string;
  /** Client transport address, `192.0.2.1:1234` or `[2001:db8::1]:1234`. */
  readonly client: string;
  /** How the client is connected: `udp`, `tcp`, `tls`. */
  readonly transport: string;
  /** Relayed transport addresses, one or two. */
  readonly relayed: readonly string[];
  /** Peers that were permitted, where the operator wants them: the first of them. */
  readonly peers?: readonly string[];
  /** How many more permissions there were. */
  readonly morePeers?: number;
  /** Application data, without TURN and STUN headers. */
  readonly bytesFromClient: number;
  readonly bytesToClient: number;
  readonly packetsFromClient: number;
  readonly packetsToClient: number;
  /** Seconds. */
  readonly duration: number;
  /** Why it ended: `expired`, `refreshed-to-zero`, `connection-closed`, `shutdown`, … */
  readonly reason: string;
}

/** Why an authentication failed. A stale nonce is no failure: every client has one now and then. */
export type AuthFailureReason = 'unknown-user' | 'wrong-password' | 'expired';

/** A failed authentication. */
export interface AuthFailureRecord {
  /** IP address of the client, without port: what fail2ban bans. */
  readonly address: string;
  readonly user: string;
  readonly reason: AuthFailureReason;
}

/** What a session log needs. */
export interface SessionLogOptions {
  readonly logger: Logger;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** How many processes write such lines, and share what may be written of failures; 1 if absent. */
  readonly processes?: number;
}

/** Of failed authentications, in all processes together (S54). */
const LINES_PER_SECOND = 10;
/** Of a name that nobody has proved to have: it may be 508 bytes, each of which may be escaped. */
const MAX_NAME = 128;

/** Writes the lines of sessions. */
export class SessionLog {
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #budget: LineBudget;

  constructor({ logger, now, processes = 1 }: SessionLogOptions) {
    // The fields of these lines are few and fixed, none of them a secret's: looking for some costs more than the rest.
    this.#logger = logger.child({}, { redact: [] });
    this.#now = now;
    this.#budget = new LineBudget(shareOfLines(LINES_PER_SECOND, processes));
  }

  /** The lowest level that is logged from now on. */
  setLevel(level: LogLevel): void {
    this.#logger.level = level;
  }

  /** One line for the whole life of an allocation. */
  allocationEnded(record: AllocationRecord): void {
    this.#logger.info({ event: 'allocation-ended', ...record }, 'allocation ended');
  }

  /** One line, as long as the budget lasts. The fail2ban filter in `conf/` reads it: keep the order. */
  authenticationFailed({ address, user, reason }: AuthFailureRecord): void {
    this.flush();
    if (!this.#budget.take(this.#now())) return;
    this.#logger.warn(
      { event: 'auth-failed', client: address, reason, user: shortened(user) },
      'authentication failed',
    );
  }

  /** Says how many lines were suppressed. Call it once a second, so that the line does not wait for the next failure. */
  flush(): void {
    const suppressed = this.#budget.takeSuppressed(this.#now());
    if (suppressed === 0) return;
    this.#logger.warn(
      { event: 'auth-failed-suppressed', suppressed },
      `${suppressed} failed authentications not logged`,
    );
  }
}

/** The beginning of a name that is too long, in whole characters. */
function shortened(name: string): string {
  return name.length <= MAX_NAME ? name : `${name.slice(0, MAX_NAME).replace(/[\ud800-\udbff]$/, '')}…`;
}
