// Adaptive coalescing, as network cards do it: a worker that is busy sleeps a little between rounds, so that one wake-up
// and one call serve several datagrams. A quiet one never waits, and one that has its hands full does not either.
// Arithmetic only: who sleeps, and by which clock, is the event loop's business.

/** Datagrams per second from which on waking up for each costs more than it gives, and below which it ends again. */
const BUSY_RATE = 40_000;
const QUIET_RATE = 25_000;

/** A round of so many datagrams has paid for its calls: a pause would only add delay. */
const FULL_ROUND = 24;

/** Microseconds over which a rate is measured. */
const WINDOW = 2_000;

/** Decides about pauses from how many datagrams come. */
export class Coalescing {
  readonly #pause: number;
  /** Microseconds at the window's start, and the datagrams in it. */
  #windowStart = 0;
  #inWindow = 0;
  #isBusy = false;

  /** @param pause microseconds to sleep between the rounds of a busy worker; 0 = never */
  constructor(pause: number) {
    this.#pause = pause;
  }

  get isBusy(): boolean {
    return this.#isBusy;
  }

  /**
   * A round has ended.
   * @param now monotonic microseconds
   * @param datagrams how many it has handled
   * @returns microseconds to sleep before the next; 0 for none
   */
  afterRound(now: number, datagrams: number): number {
    this.#inWindow += datagrams;
    const elapsed = now - this.#windowStart;
    if (elapsed >= WINDOW) this.#measure(now, elapsed);
    return this.#isBusy && datagrams < FULL_ROUND ? this.#pause : 0;
  }

  #measure(now: number, elapsed: number): void {
    const rate = (this.#inWindow * 1_000_000) / elapsed;
    this.#isBusy = this.#pause > 0 && rate >= (this.#isBusy ? QUIET_RATE : BUSY_RATE);
    this.#windowStart = now;
    this.#inWindow = 0;
  }
}
