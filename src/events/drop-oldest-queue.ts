// A queue that never grows beyond a bound: what is oldest makes room, and is counted. Knows nothing of what it holds.

/** A bounded queue. */
export class DropOldestQueue<T> {
  readonly #limit: number;
  #items: T[] = [];
  #dropped = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Adds one behind the others. @returns how many have made room for it: 0 or 1 */
  push(item: T): number {
    this.#items.push(item);
    if (this.#items.length <= this.#limit) return 0;
    this.#items.shift();
    this.#dropped++;
    return 1;
  }

  /** The oldest ones, up to so many, which are the caller's from now on. */
  take(count: number): readonly T[] {
    return this.#items.splice(0, count);
  }

  /** How many were dropped since this was asked last. */
  takeDropped(): number {
    const dropped = this.#dropped;
    this.#dropped = 0;
    return dropped;
  }

  clear(): void {
    this.#items = [];
  }
}
