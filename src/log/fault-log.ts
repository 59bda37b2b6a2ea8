// Owns the lines for faults of the program that the network can bring about: a few a second, the rest as a number. A bug
// that is found by a flood must not fill the disk as well.

import { LineBudget, type LineRate } from './line-budget.ts';
import type { Logger } from './logger.ts';

/** What a fault log needs. */
export interface FaultLogOptions {
  readonly logger: Logger;
  /** What is said of each fault. */
  readonly message: string;
  readonly rate: LineRate;
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number;
  /** Runs `act` after so many milliseconds; keeps no process alive. */
  readonly after: (milliseconds: number, act: () => void) => unknown;
}

/** Logs faults within a budget. */
export class FaultLog {
  readonly #options: FaultLogOptions;
  readonly #budget: LineBudget;
  #isFlushDue = false;

  constructor(options: FaultLogOptions) {
    this.#options = options;
    this.#budget = new LineBudget(options.rate);
  }

  /** Logs one fault with its stack, as long as the budget lasts. Never throws. */
  report(err: unknown): void {
    const { logger, message, now } = this.#options;
    if (this.#budget.take(now())) logger.error({ event: 'fault', err }, message);
    else this.#flushLater();
  }

  #flushLater(): void {
    if (this.#isFlushDue) return;
    this.#isFlushDue = true;
    this.#options.after(this.#options.rate.window, () => {
      this.#isFlushDue = false;
      this.#flush();
    });
  }

  #flush(): void {
    const { logger, message, now } = this.#options;
    const suppressed = this.#budget.takeSuppressed(now());
    if (suppressed === 0) return this.#flushLater();
    logger.error({ event: 'fault-suppressed', suppressed }, `${suppressed} times more: ${message}`);
  }
}
