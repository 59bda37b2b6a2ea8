// Owns a budget of log lines per window of time, and the count of what it suppressed.

/** How many lines may be written in each window of so many milliseconds. */
export interface LineRate {
  readonly lines: number;
  readonly window: number;
}

const SECOND = 1000;

/**
 * The share that one of several processes has of a number of lines a second, when each window ends with one line more
 * that tells how many were suppressed. Where the processes outnumber the lines, the windows are longer.
 */
export function shareOfLines(perSecond: number, processes: number): LineRate {
  const share = perSecond / Math.max(1, processes);
  const seconds = Math.max(1, 2 / share);
  return { lines: Math.max(1, Math.floor(share * seconds) - 1), window: seconds * SECOND };
}

/** A budget of lines. Time is given by the caller, in milliseconds of a monotonic clock. */
export class LineBudget {
  readonly #rate: LineRate;
  #windowStart = Number.NEGATIVE_INFINITY;
  #used = 0;
  #suppressed = 0;

  constructor(rate: LineRate) {
    this.#rate = rate;
  }

  /** Takes one line of the budget; false if none is left in this window. */
  take(now: number): boolean {
    this.#roll(now);
    if (this.#used >= this.#rate.lines) {
      this.#suppressed += 1;
      return false;
    }
    this.#used += 1;
    return true;
  }

  /** How many lines were suppressed in windows that are over; counts anew from there. */
  takeSuppressed(now: number): number {
    if (!this.#isOver(now)) return 0;
    const suppressed = this.#suppressed;
    this.#suppressed = 0;
    return suppressed;
  }

  #roll(now: number): void {
    if (!this.#isOver(now)) return;
    this.#windowStart = now;
    this.#used = 0;
  }

  #isOver(now: number): boolean {
    return now - this.#windowStart >= this.#rate.window;
  }
}
