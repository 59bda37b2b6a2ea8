// Owns the lines that operators live by: one at the end of each allocation, those for logins that failed, those for peers
// that were refused, and those for allocations that lose data to a rate. It is told of them in plain records, and knows
// neither engine nor sockets. Nothing is logged per packet.

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
  /** How many processes write such lines, and share what may be written of failures; 1 if absent. */
  readonly processes?: number;
}

/** Lines a second of each kind, in all processes together, the line with what was suppressed among them (S54). */
const FAILURES_PER_SECOND = 10;
/** There is one a minute for each source and user that is braked, so this many only in an attack from many sources. */
const BRAKED_PER_SECOND = 3;
/** Browsers offer private candidates in every call, and one line shows what a scan looks like. */
const DENIALS_PER_SECOND = 2;
/** Of allocations that lose data to a rate: each has one a minute. */
const OVER_RATE_PER_SECOND = 2;
/** Of a name that nobody has proved to have: it may be 508 bytes, each of which may be escaped. */
const MAX_NAME = 128;

/** Writes the lines of sessions. */
export class SessionLog {
  readonly #logger: Logger;
  readonly #now: () => number;
  readonly #failures: LineBudget;
  readonly #braked: LineBudget;
  readonly #denials: LineBudget;
  readonly #scans: LineBudget;
  readonly #overRate: LineBudget;

  constructor({ logger, now, processes = 1 }: SessionLogOptions) {
    // The fields of these lines are few and fixed, none of them a secret's: looking for some costs more than the rest.
    this.#logger = logger.child({}, { redact: [] });
    this.#now = now;
    this.#failures = new LineBudget(shareOfLines(FAILURES_PER_SECOND, processes));
    this.#braked = new LineBudget(shareOfLines(BRAKED_PER_SECOND, processes));
    this.#denials = new LineBudget(shareOfLines(DENIALS_PER_SECOND, processes));
    this.#scans = new LineBudget(shareOfLines(DENIALS_PER_SECOND, processes));
    this.#overRate = new LineBudget(shareOfLines(OVER_RATE_PER_SECOND, processes));
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
    this.#flushFailures();
    if (!this.#failures.take(this.#now())) return;
    this.#logger.warn(
      { event: 'auth-failed', client: address, reason, user: shortened(user) },
      'authentication failed',
    );
  }

  /**
   * One line, as long as the second's budget lasts: its own, for the failures have used up the other. The fail2ban filter
   * reads it: keep the order.
   */
  authenticationBraked({ address, user }: BrakedRecord): void {
    if (!this.#braked.take(this.#now())) return;
    this.#logger.warn(
      { event: 'auth-braked', client: address, user: shortened(user) },
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
    this.#flushOverRate();
    if (!this.#overRate.take(this.#now())) return;
    const sentence = `data of a session is dropped, for it exceeds ${record.limit}`;
    this.#logger.warn({ event: 'over-rate', ...record }, sentence);
  }

  /** Says how many lines were suppressed. Call it once a second, so that the line does not wait for the next event. */
  flush(): void {
    this.#flushFailures();
    this.#flushDenials();
    this.#flushScans();
    this.#flushOverRate();
  }

  #flushOverRate(): void {
    const suppressed = this.#overRate.takeSuppressed(this.#now());
    if (suppressed === 0) return;
    this.#logger.warn(
      { event: 'over-rate-suppressed', suppressed },
      `${suppressed} sessions that exceed a rate not logged`,
    );
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
    const suppressed = this.#failures.takeSuppressed(this.#now());
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
