// Remembers for an hour who has logged in, in one fixed array that processes may share. It may forget, when two fall on one
// place; it may not be made to believe.

const HOUR_S = 3600;
/** Besides the place, so many bits of a second hash have to agree: a stranger passes for known once in a million. */
const TAGS = 2 ** 20;

/** The logins of the last hour, by two hashes each. */
export class KnownLogins {
  /** Seconds of the monotonic clock, plus 1, times {@link TAGS}, plus a tag; 0 = nobody. Below 2^53 for centuries. */
  readonly #places: Float64Array;

  /** @param places their number is a power of two */
  constructor(places: Float64Array) {
    this.#places = places;
  }

  /** Whether it was added within the hour. @param now monotonic milliseconds */
  has(hash: number, second: number, now: number): boolean {
    const value = this.#places[hash & (this.#places.length - 1)] as number; // the mask keeps it inside
    const age = Math.floor(now / 1000) + 1 - Math.floor(value / TAGS);
    return value % TAGS === tagOf(second) && value > 0 && age <= HOUR_S;
  }

  add(hash: number, second: number, now: number): void {
    this.#places[hash & (this.#places.length - 1)] = (Math.floor(now / 1000) + 1) * TAGS + tagOf(second);
  }
}

function tagOf(second: number): number {
  return (second >>> 0) % TAGS;
}
