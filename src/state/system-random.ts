// The process's own randomness: the operating system's, by way of OpenSSL.

import { randomFillSync } from 'node:crypto';
import type { Random } from '../turn/env.ts';

const POOL_SIZE = 4096;
const LARGEST_FROM_POOL = 64;

/** Secure random bytes. Small requests are drawn from a pool that is filled in advance: a call costs microseconds. */
export class SystemRandom implements Random {
  readonly #pool = Buffer.alloc(POOL_SIZE);
  #used = POOL_SIZE;

  fill(target: Uint8Array): void {
    if (target.length > LARGEST_FROM_POOL) {
      randomFillSync(target);
      return;
    }
    if (this.#used + target.length > POOL_SIZE) {
      randomFillSync(this.#pool);
      this.#used = 0;
    }
    const end = this.#used + target.length;
    this.#pool.copy(target, 0, this.#used, end);
    // What was handed out may be a secret by now: no second copy stays behind.
    this.#pool.fill(0, this.#used, end);
    this.#used = end;
  }
}
