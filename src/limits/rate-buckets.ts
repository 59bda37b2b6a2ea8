// Token buckets by number, in one fixed typed array: however many sources there are, nothing is allocated for them.
// The array may be shared by processes.

/**
 * A fixed number of token buckets with one rate. Each is a single number, the theoretical arrival time of the generic
 * cell rate algorithm: the moment at which the bucket will be full again. Zero means that it has never been used.
 */
export class RateBuckets {
  readonly #fullAt: Float64Array;
  readonly #mask: number;
  /** Milliseconds in which one token grows. */
  readonly #interval: number;
  /** How far ahead of now `fullAt` may be for another token to be taken. */
  readonly #tolerance: number;

  /**
   * @param fullAt memory of the buckets, whose number is a power of two. Other processes may use the same with the same
   *   rate: where two take a token at once, one of them may cost nothing
   * @param rate tokens per second
   * @param burst tokens that a full bucket holds
   */
  constructor(fullAt: Float64Array, rate: number, burst: number) {
    this.#fullAt = fullAt;
    this.#mask = fullAt.length - 1;
    this.#interval = 1000 / rate;
    this.#tolerance = this.#interval * (burst - 1);
  }

  // The mask keeps every index inside the array, hence the `!`.

  /** Whether the bucket that `hash` falls into has a token at `now` (monotonic milliseconds). Takes none. */
  has(hash: number, now: number): boolean {
    return this.#fullAt[hash & this.#mask]! - now <= this.#tolerance;
  }

  /** Takes a token from the bucket that `hash` falls into. Only when it {@link has} one. */
  take(hash: number, now: number): void {
    const index = hash & this.#mask;
    this.#fullAt[index] = Math.max(this.#fullAt[index]!, now) + this.#interval;
  }
}
