// A gate that holds results back until the test lets them go, one by one and in any order: how a slow look-up or a
// socket that opens later is played without a clock.

/** Holds promises. */
export class Gate {
  readonly #held: (() => void)[] = [];

  /** How many are held. */
  get waiting(): number {
    return this.#held.length;
  }

  /** A promise of `value` that is kept only when the gate lets it through. */
  hold<T>(value: T | Promise<T>): Promise<T> {
    return new Promise((resolve) => {
      this.#held.push(() => resolve(value));
    });
  }

  /** Lets the `index`-th of those that wait through: the one that came first by default. */
  release(index = 0): void {
    const [pass] = this.#held.splice(index, 1);
    if (pass === undefined) throw new Error('nothing is held');
    pass();
  }

  /** Lets everything through. */
  releaseAll(): void {
    for (const pass of this.#held.splice(0)) pass();
  }
}
