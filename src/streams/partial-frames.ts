// Bounds what connections without allocation may have begun to say and not finished: a frame is up to 65,552 bytes long,
// and they are many. Knows no connections.

/** Bytes of an unfinished frame that any connection may have: twice the longest request of a client that we know. */
export const FREE_PARTIAL = 2048;

/** Bytes beyond that, of all connections of a process without allocation together. */
export const MAX_PARTIALS = 4 * 1024 * 1024;

/** One per process. */
export class PartialFrames {
  #shared = 0;

  /** Bytes beyond what is free. */
  get shared(): number {
    return this.#shared;
  }

  /** A connection that kept `before` bytes keeps `after`. False where that is too much: it must go, and tell so. */
  change(before: number, after: number): boolean {
    this.#shared += beyond(after) - beyond(before);
    return beyond(after) === 0 || this.#shared <= MAX_PARTIALS;
  }
}

function beyond(bytes: number): number {
  return Math.max(0, bytes - FREE_PARTIAL);
}
