// A distribution as plain numbers: observations by bucket and their sum. Those of several processes add up number by
// number. Knows neither what is measured nor how it is shown.

/** Upper bounds, in seconds, of what a client waits for. */
export const LATENCY_BOUNDS: readonly number[] = Object.freeze([
  0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5,
]);

/** Upper bounds, in seconds, of how late an event loop turns. Timers count in milliseconds. */
export const LAG_BOUNDS: readonly number[] = Object.freeze([0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5]);

/** What was observed so far. An observation allocates nothing. */
export class Histogram {
  /** How many observations each bucket has alone; the last one is for those above all bounds. */
  readonly counts: Float64Array;
  sum = 0;
  readonly #bounds: readonly number[];

  /** @param bounds upper bounds of the buckets, included in them, in rising order */
  constructor(bounds: readonly number[] = LATENCY_BOUNDS) {
    this.#bounds = bounds;
    this.counts = new Float64Array(bounds.length + 1);
  }

  /** Adds one observation, in the unit of the bounds. */
  observe(value: number): void {
    let bucket = 0;
    while (bucket < this.#bounds.length && value > (this.#bounds[bucket] as number)) bucket++;
    this.counts[bucket] = (this.counts[bucket] as number) + 1;
    this.sum += value;
  }
}
