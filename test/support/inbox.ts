// A queue between an event source and a test that awaits it: nothing is lost, nobody polls.

/** Values in the order in which they came. */
export class Inbox<T> {
  readonly #values: T[] = [];
  readonly #waiting: ((value: T) => void)[] = [];

  /** Values that wait to be taken. */
  get size(): number {
    return this.#values.length;
  }

  put(value: T): void {
    const waiting = this.#waiting.shift();
    if (waiting === undefined) this.#values.push(value);
    else waiting(value);
  }

  /** The next value; waits for it. */
  next(): Promise<T> {
    if (this.#values.length > 0) return Promise.resolve(this.#values.shift() as T);
    return new Promise((resolve) => this.#waiting.push(resolve));
  }
}
