// Owns a budget of log lines per second, and the count of what it suppressed.

/** A budget of lines. Time is given by the caller, in milliseconds of a monotonic clock. */
export class LineBudget {
  readonly #linesPerSecond: number;
  #windowStart = Number.NEGATIVE_INFINITY;
  #used = 0;
  #suppressed = 0;

  constructor(linesPerSecond: number) {
    this.#linesPerSecond = linesPerSecond;
  }

  /** Takes one line of the budget; false if none is left in this second. */
  take(now: number): boolean {
    this.#roll(now);
    if (this.#used >= this.#linesPerSecond) {
      this.#suppressed += 1;
      return false;
    }
    this.#used += 1;
    return true;
  }

  /** How many lines were suppressed in seconds that are over; counts anew from there. */
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
    return now - this.#windowStart >= 1000;
  }
}
