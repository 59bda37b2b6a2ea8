// Owns the lines that operators live by: one at the end of each allocation, those for logins that failed, those for peers
// that were refused, and those for allocations that lose data to a rate. It is told of them in plain records, and knows
// neither engine nor sockets. Nothing is logged per packet.

import { LineBudget } from './line-budget.ts';
import type { Logger, LogLevel } from './logger.ts';

/** The life of an allocation. */
export interface AllocationRecord {
  /** The allocation's number in this process: joins its lines. */
  readonly session: number;
  /** User name as the client gave it; empty when anonymous. */
  readonly user: string;
  /** Client transport address, `192.0.2.1:1234` or `[2001:db8::1]:1234`. */
  readonly client: string;
  /** How the client is connected: `udp`, `tcp`, `tls`. */
  readonly transport: string;
  /** Relayed transport addresses, one or two. */
  readonly relayed: readonly string[];
  /** Application data, without TURN and STUN headers. */
  readonly bytesFromClient: number;
  readonly bytesToClient: number;
  readonly packetsFromClient: number;
  readonly packetsToClient: number;
  /** Packets that were dropped because a rate was exceeded. */
  readonly overRateFromClient: number;
  readonly overRateToClient: number;
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

/** Somebody who is not even listened to any more: too many of his logins have failed. */
export type BrakedRecord = Pick<AuthFailureRecord, 'address' | 'user'>;

/** An allocation that loses data to a rate. */
export interface OverRateRecord {
  readonly session: number;
  readonly user: string;
  /** Client transport address. */
  readonly client: string;
  /** Packets dropped since the last line about this allocation, both ways together. */
  readonly dropped: number;
  /** The limit that was exceeded, as the configuration calls it. */
  readonly limit: string;
}

/** A peer that a client was refused. */
export interface PeerDenialRecord {
  /** Of the allocation. */
  readonly session: number;
  readonly user: string;
  /** Client transport address. */
  readonly client: string;
  readonly transport: string;
  /** IP address. */
  readonly peer: string;
  /** 0: only the address was judged. */
  readonly port: number;
  /** The name of the rule that refused it. */
  readonly rule: string;
}

/** What a session log needs. */
export interface SessionLogOptions {
  readonly logger: Logger;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Lines for failed authentications per second and process; 10 if absent. */
  readonly failuresPerSecond?: number;
}

const FAILURES_PER_SECOND = 10;
const OVER_RATE_PER_SECOND = 1;
// There is one a minute for each source and user, so this many only in an attack from many sources.
const BRAKED_PER_SECOND = 2;
// Browsers offer private candidates in every call, and one line shows what a scan looks like.
const DENIALS_PER_SECOND = 1;

/** Writes the lines of sessions. */
export class SessionLog {
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #budget: LineBudget;
  readonly #overRate = new LineBudget(OVER_RATE_PER_SECOND);
  readonly #brakedBudget = new LineBudget(BRAKED_PER_SECOND);
  readonly #denials = new LineBudget(DENIALS_PER_SECOND);
  readonly #scans = new LineBudget(DENIALS_PER_SECOND);

  constructor({ logger, now, failuresPerSecond = FAILURES_PER_SECOND }: SessionLogOptions) {
    // The fields of these lines are few and fixed, none of them a secret's: looking for some costs more than the rest.
    this.#logger = logger.child({}, { redact: [] });
    this.#now = now;
    this.#budget = new LineBudget(failuresPerSecond);
  }

  /** The lowest level that is logged from now on. */
  setLevel(level: LogLevel): void {
    this.#logger.level = level;
  }

  /** One line for the whole life of an allocation. */
  allocationEnded(record: AllocationRecord): void {
    this.#logger.info({ event: 'allocation-ended', ...record }, 'allocation ended');
  }

  /** One line, as long as the second's budget lasts. The fail2ban filter in `conf/` reads it: keep the order. */
  authenticationFailed({ address, user, reason }: AuthFailureRecord): void {
    this.#flushFailures();
    if (!this.#budget.take(this.#now())) return;
    this.#logger.warn({ event: 'auth-failed', client: address, reason, user }, 'authentication failed');
  }

  /**
   * One line, as long as the second's budget lasts: its own, for the failures have used up the other. The fail2ban filter
   * reads it: keep the order.
   */
  authenticationBraked({ address, user }: BrakedRecord): void {
    if (!this.#brakedBudget.take(this.#now())) return;
    this.#logger.warn(
      { event: 'auth-braked', client: address, user },
      'too many failed logins: further ones get no answer',
    );
  }

  /** One line a second, with the rule: routine, but in number the best alarm of a scan. */
  peerDenied(record: PeerDenialRecord): void {
    this.#flushDenials();
    if (this.#denials.take(this.#now())) this.#logger.info({ event: 'peer-denied', ...record }, 'peer denied');
  }

  /** One line a second: a client names new peers faster than any call does. */
  scanLimited(record: PeerDenialRecord): void {
    this.#flushScans();
    if (!this.#scans.take(this.#now())) return;
    this.#logger.warn({ event: 'scan-limited', ...record }, 'a client names new peers too fast: it may be scanning');
  }

  /** One line a second: the allocation's last line has the whole number. */
  overRate(record: OverRateRecord): void {
    if (!this.#overRate.take(this.#now())) return;
    const sentence = `data of a session is dropped, for it exceeds ${record.limit}`;
    this.#logger.warn({ event: 'over-rate', ...record }, sentence);
  }

  /** Says how many lines were suppressed. Call it once a second, so that the line does not wait for the next event. */
  flush(): void {
    this.#flushFailures();
    this.#flushDenials();
    this.#flushScans();
  }

  #flushDenials(): void {
    const suppressed = this.#denials.takeSuppressed(this.#now());
    if (suppressed === 0) return;
    this.#logger.info({ event: 'peer-denied-suppressed', suppressed }, `${suppressed} denied peers not logged`);
  }

  #flushScans(): void {
    const suppressed = this.#scans.takeSuppressed(this.#now());
    if (suppressed === 0) return;
    const told = { event: 'scan-limited-suppressed', suppressed };
    this.#logger.warn(told, `${suppressed} requests that name new peers too fast not logged`);
  }

  #flushFailures(): void {
    const suppressed = this.#budget.takeSuppressed(this.#now());
    if (suppressed === 0) return;
    this.#logger.warn(
      { event: 'auth-failed-suppressed', suppressed },
      `${suppressed} failed authentications not logged`,
    );
  }
}
