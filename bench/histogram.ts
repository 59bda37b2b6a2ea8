// A histogram of durations that allocates nothing while it records: log-linear buckets of 1/32 octave.

const SUB_BITS = 5;
const SUB_BUCKETS = 1 << SUB_BITS;
const OCTAVES = 40;

/** Counts of durations in nanoseconds, exact to 3 %. */
export class Histogram {
  readonly #counts = new Float64Array(OCTAVES * SUB_BUCKETS);
  #total = 0;

  /** How many durations were recorded. */
  get total(): number {
    return this.#total;
  }

  /** Records a duration in nanoseconds. */
  record(nanoseconds: number): void {
    const index = bucketOf(nanoseconds);
    this.#counts[index] = (this.#counts[index] as number) + 1;
    this.#total++;
  }

  /** Forgets everything. */
  clear(): void {
    this.#counts.fill(0);
    this.#total = 0;
  }

  /** The duration in nanoseconds below which the part `quantile` (0 to 1) of all lies; 0 if there are none. */
  quantile(quantile: number): number {
    let left = Math.ceil(this.#total * quantile);
    if (left === 0) return 0;
    for (const [index, count] of this.#counts.entries()) {
      left -= count;
      if (left <= 0) return middleOf(index);
    }
    return middleOf(this.#counts.length - 1);
  }

  /** The non-empty buckets, to be added elsewhere by {@link addAll}. */
  entries(): readonly (readonly [index: number, count: number])[] {
    return [...this.#counts.entries()].filter(([, count]) => count > 0);
  }

  /** Adds what another histogram's {@link entries} returned. */
  addAll(entries: readonly (readonly [index: number, count: number])[]): void {
    for (const [index, count] of entries) {
      this.#counts[index] = (this.#counts[index] ?? 0) + count;
      this.#total += count;
    }
  }
}

// Values below SUB_BUCKETS have a bucket each; above, every octave has SUB_BUCKETS of them.
function bucketOf(value: number): number {
  if (value < SUB_BUCKETS) return Math.max(0, Math.trunc(value));
  // Math.log2 may be off by one at exact powers of two: durations do not mind.
  const octave = Math.min(Math.floor(Math.log2(value)) - SUB_BITS, OCTAVES - 2);
  const sub = Math.min(Math.trunc(value / 2 ** octave) - SUB_BUCKETS, SUB_BUCKETS - 1);
  return (octave + 1) * SUB_BUCKETS + Math.max(0, sub);
}

function middleOf(index: number): number {
  if (index < SUB_BUCKETS) return index;
  const octave = Math.trunc(index / SUB_BUCKETS) - 1;
  return ((index % SUB_BUCKETS) + SUB_BUCKETS + 0.5) * 2 ** octave;
}
