// Going out of service without dropping anyone: new allocations are refused, and when those that live have ended, or time
// is up, the server may end. Time comes from outside. Knows neither sockets nor processes.

import type { DrainStatus, DrainWish } from '../control/server-control.ts';
import type { Logger } from '../log/logger.ts';
import type { Timers } from '../workers/supervisor.ts';

/** What a drain works with. */
export interface DrainOptions {
  readonly timers: Timers;
  /** Unix milliseconds. */
  readonly wallTime: () => number;
  /** Live allocations. */
  readonly allocations: () => number;
  /** Tells all processes whether new allocations are refused. */
  readonly setDraining: (isDraining: boolean) => void;
  readonly logger: Logger;
}

/** Who wants it: whom a signal has told to end, nobody can tell to stay. */
export type DrainCause = 'command' | 'signal';

interface Running extends DrainWish {
  readonly cause: DrainCause;
  /** Unix milliseconds. */
  readonly since: number;
  /** Monotonic milliseconds; null = none. */
  readonly endsAt: number | null;
  isDone: boolean;
}

/** An allocation that ends is noticed so soon (R17: within two seconds). */
const LOOK_MS = 200;

/** The drain of one server: none, or one at a time. */
export class Drain {
  /** Resolves when the server should end. */
  readonly finished: Promise<void>;
  readonly #options: DrainOptions;
  #running: Running | null = null;
  #stopLooking: () => void = ignore;
  #finish: () => void = ignore;

  constructor(options: DrainOptions) {
    this.#options = options;
    this.finished = new Promise((resolve) => {
      this.#finish = resolve;
    });
  }

  /** Null while allocations are made as ever. */
  get status(): DrainStatus | null {
    if (this.#running === null) return null;
    const { since, timeout, threshold, stays, isDone } = this.#running;
    const until = timeout === null ? null : since + timeout * 1000;
    return { since, until, threshold, stays, isDone, allocations: this.#options.allocations() };
  }

  /** Begins, or goes on under other terms. @returns false where a signal has set the terms already */
  begin(wish: DrainWish, cause: DrainCause): boolean {
    if (this.#isFinal) return false;
    const { timers, wallTime, setDraining, logger, allocations } = this.#options;
    const { timeout, threshold, stays } = wish;
    const endsAt = timeout === null ? null : timers.now() + timeout * 1000;
    this.#running = { ...wish, cause, since: wallTime(), endsAt, isDone: false };
    setDraining(true);
    const draining = { event: 'draining', cause, allocations: allocations(), timeout, threshold, stays };
    logger.info(draining, 'draining: new allocations are refused, those that live go on');
    this.#stopLooking();
    this.#stopLooking = timers.every(LOOK_MS, () => this.#look());
    // Whoever has commanded it gets an answer before the server ends.
    if (stays || cause === 'signal') this.#look();
    return true;
  }

  /** Serves everyone again. @returns false where a signal has told the server to end */
  cancel(): boolean {
    if (this.#isFinal) return false;
    if (this.#running === null) return true;
    this.close();
    this.#running = null;
    this.#options.setDraining(false);
    this.#options.logger.info({ event: 'undrained' }, 'allocations are made again');
    return true;
  }

  /** Stops looking. Idempotent. */
  close(): void {
    this.#stopLooking();
    this.#stopLooking = ignore;
  }

  get #isFinal(): boolean {
    return this.#running?.cause === 'signal';
  }

  #look(): void {
    const running = this.#running;
    if (running === null || running.isDone) return;
    const { timers, allocations, logger } = this.#options;
    const left = allocations();
    const isLate = running.endsAt !== null && timers.now() >= running.endsAt;
    if (left > running.threshold && !isLate) return;
    running.isDone = true;
    this.close();
    const how = left > running.threshold ? 'time is up' : 'drained';
    logger.info({ event: 'drained', allocations: left }, `${how}: ${left} allocations are left`);
    if (!running.stays) this.#finish();
  }
}

function ignore(): void {}
