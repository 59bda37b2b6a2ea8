// How many requests a token may make a second. One number for each token that was presented and is known.

/** Requests by the name of the token: a rate, of which a second's worth may come at once. */
export class TokenRates {
  readonly #now: () => number;
  /** By name: when its bucket will be full again (generic cell rate algorithm), in monotonic milliseconds. */
  readonly #fullAt = new Map<string, number>();

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Whether one more request may be made; then it counts. @param rate a second; 0 = no limit */
  take(name: string, rate: number): boolean {
    if (rate === 0) return true;
    const now = this.#now();
    const fullAt = Math.max(this.#fullAt.get(name) ?? 0, now);
    const interval = 1000 / rate;
    if (fullAt - now > interval * (Math.max(rate, 1) - 1) + 0.001) return false;
    this.#fullAt.set(name, fullAt + interval);
    return true;
  }
}
