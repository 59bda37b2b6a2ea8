// What was true when: for facts that processes hear of late.

/** The values that something has had. */
export class History<T> {
  /** Newest last. */
  readonly #changes: { readonly at: number; readonly value: T }[];

  constructor(value: T) {
    this.#changes = [{ at: Number.NEGATIVE_INFINITY, value }];
  }

  get current(): T {
    return (this.#changes.at(-1) as { value: T }).value; // there is one from the start
  }

  set(at: number, value: T): void {
    this.#changes.push({ at, value });
    if (this.#changes.length > REMEMBERED) this.#changes.shift();
  }

  /** All values that it has had at some time since `from`. */
  since(from: number): readonly T[] {
    const first = this.#changes.findLastIndex(({ at }) => at <= from);
    return this.#changes.slice(Math.max(first, 0)).map(({ value }) => value);
  }
}

const REMEMBERED = 40;
