// Whether the store answers: told by whoever asks it, and found out again by a probe while it does not. So nobody waits
// for a store that is known to be down, and it is back in use within a second of its return (R10).

import { StoreError } from '../errors.ts';

/** What the health of a store needs. Time is injected. */
export interface StoreHealthOptions {
  /** Asks the store for nothing; rejects when it does not answer. */
  readonly probe: () => Promise<void>;
  /** Calls once, in so many milliseconds; returns how to prevent it. */
  readonly after: (milliseconds: number, act: () => void) => () => void;
  /** It answers no more: a sentence says why. */
  readonly lost: (problem: string) => void;
  /** It answers again. */
  readonly back: () => void;
}

const PROBE_MS = 1000;

/** Keeps whether a store answers. */
export class StoreHealth {
  readonly #options: StoreHealthOptions;
  #problem: string | null = null;
  #stop: () => void = () => {};
  #isClosed = false;

  constructor(options: StoreHealthOptions) {
    this.#options = options;
  }

  /** Why it does not answer, or null. */
  get problem(): string | null {
    return this.#problem;
  }

  get isAnswering(): boolean {
    return this.#problem === null;
  }

  /** A call has failed. What the store refuses (a missing right, say) is an answer too, but no use. */
  failed(error: unknown): void {
    if (this.#isClosed) return;
    const problem = error instanceof StoreError ? error.message : 'the store failed: please report this';
    const wasAnswering = this.#problem === null;
    this.#problem = problem;
    if (!wasAnswering) return;
    this.#options.lost(problem);
    this.#probeSoon();
  }

  close(): void {
    this.#isClosed = true;
    this.#stop();
  }

  #probeSoon(): void {
    this.#stop = this.#options.after(PROBE_MS, () => {
      this.#options.probe().then(
        () => this.#isBack(),
        (error) => this.#isStillLost(error),
      );
    });
  }

  #isBack(): void {
    if (this.#isClosed) return;
    this.#problem = null;
    this.#options.back();
  }

  #isStillLost(error: unknown): void {
    if (this.#isClosed) return;
    if (error instanceof StoreError) this.#problem = error.message;
    this.#probeSoon();
  }
}
