// The search for the highest rate that a server relays without loss. Pure: it names the next rate to try and is told
// what came of it.

/** What a try showed: all arrived, the server lost packets, or the load generator was the limit. */
export const Outcome = { LOSSLESS: 'lossless', LOSSY: 'lossy', GENERATOR: 'generator' } as const;
export type Outcome = (typeof Outcome)[keyof typeof Outcome];

/** Above this part of lost packets a try is lossy. */
export const LOSS_ALLOWED = 0.001;

const LOWEST_RATE = 500;
const HIGHEST_RATE = 10_000_000;
/** A rate must fail so often in a row to count: the machine has bad moments too. */
const TRIES = 2;

/** How a search goes. */
export interface SearchOptions {
  /** The first rate, in packets per second. */
  readonly start: number;
  /** By how much the rate is raised while nothing is lost. */
  readonly factor: number;
  /** The search ends when what is known to be good and what is known to be bad are this close, as a ratio. */
  readonly precision: number;
}

/** Raises the rate until it fails, then halves the gap. */
export class LosslessSearch {
  readonly #options: SearchOptions;
  #rate: number;
  #good = 0;
  #bad = Number.POSITIVE_INFINITY;
  #limit: Outcome = Outcome.LOSSLESS;
  #failures = 0;
  #done = false;

  constructor(options: SearchOptions) {
    this.#options = options;
    this.#rate = options.start;
  }

  /** The rate to try next; null when the search is over. */
  get next(): number | null {
    return this.#done ? null : this.#rate;
  }

  /** The highest rate without loss so far; 0 if there was none. */
  get best(): number {
    return this.#good;
  }

  /** What stopped the search from going higher: LOSSLESS if nothing did. */
  get limit(): Outcome {
    return this.#limit;
  }

  /** Takes what came of trying {@link next}. */
  report(outcome: Outcome): void {
    if (outcome === Outcome.LOSSLESS) this.#good = this.#rate;
    else if (++this.#failures < TRIES) return;
    else {
      this.#bad = this.#rate;
      this.#limit = outcome;
    }
    this.#failures = 0;
    this.#rate = this.#choose();
    this.#done = this.#isOver();
  }

  #choose(): number {
    if (this.#bad === Number.POSITIVE_INFINITY) return Math.min(HIGHEST_RATE, this.#good * this.#options.factor);
    // Nothing was good yet: down to where something is.
    if (this.#good === 0) return this.#bad / Math.max(2, this.#options.factor);
    return Math.sqrt(this.#good * this.#bad);
  }

  #isOver(): boolean {
    if (this.#good >= HIGHEST_RATE || this.#rate < LOWEST_RATE) return true;
    return this.#good > 0 && this.#bad / this.#good <= this.#options.precision;
  }
}
