// What must be closed, and in which order: the reverse of opening. Every closer runs, whatever another one throws.

/** A stack of things to close. */
export class Closers {
  #stack: (() => void | Promise<void>)[] = [];

  /** Remembers how to close something that has just been opened. */
  add(closer: () => void | Promise<void>): void {
    this.#stack.push(closer);
  }

  /** Closes everything, the last first. Idempotent. Rejects with the first error, after all have run. */
  async close(): Promise<void> {
    const stack = this.#stack.splice(0).reverse();
    const errors: unknown[] = [];
    for (const closer of stack) {
      try {
        await closer();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw errors[0];
  }
}
