// Gives memory back while the server is short of it: V8 collects as memory is asked for, and who admits nothing asks for
// none, so what ended calls have left would keep a server short for ever. Knows no limits.

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** A collection stops the process for some ten milliseconds, so it is not repeated sooner. */
const PAUSE_MS = 30_000;

/** Collects in its process, once a shortage begins and now and then as long as it lasts. */
export class GarbageCollector {
  readonly #isShort: () => boolean;
  readonly #collect: () => void;
  #collectedAt = Number.NEGATIVE_INFINITY;

  constructor(isShort: () => boolean, collect: () => void = collectGarbage) {
    this.#isShort = isShort;
    this.#collect = collect;
  }

  /** To be called about once a second. @param now monotonic milliseconds */
  tick(now: number): void {
    if (!this.#isShort() || now - this.#collectedAt < PAUSE_MS) return;
    this.#collectedAt = now;
    this.#collect();
  }
}

/** A whole collection. */
export function collectGarbage(): void {
  setFlagsFromString('--expose-gc');
  const collect = runInNewContext('gc') as () => void;
  collect();
}
