// Keeps what scrapes are answered with for a moment, so that a thousand of them cost what one does. Knows neither what the
// text says nor who asks.

/** What a cache is made with. */
export interface CachedTextOptions {
  /** Makes the text anew. */
  readonly collect: () => Promise<string>;
  /** Monotonic milliseconds. */
  readonly now: () => number;
}

/** Milliseconds for which a text is given out again. */
export const TEXT_AGE_MS = 1000;

/** A text that is at most {@link TEXT_AGE_MS} old, and made by one call at a time. */
export class CachedText {
  readonly #options: CachedTextOptions;
  #text: string | null = null;
  #madeAt = 0;
  #making: Promise<string> | null = null;

  constructor(options: CachedTextOptions) {
    this.#options = options;
  }

  /** The text. Rejects with what `collect` rejected with, and tries again at the next call. */
  async read(): Promise<string> {
    const { now } = this.#options;
    if (this.#text !== null && now() - this.#madeAt < TEXT_AGE_MS) return this.#text;
    this.#making ??= this.#make().finally(() => {
      this.#making = null;
    });
    return this.#making;
  }

  async #make(): Promise<string> {
    const { collect, now } = this.#options;
    const text = await collect();
    this.#text = text;
    this.#madeAt = now();
    return text;
  }
}
