// How many TLS handshakes may run and begin: they cost a thousand times what a packet does. Knows no sockets.

/** Handshakes in progress at most. */
export const HANDSHAKES_IN_PROGRESS = 50;
/** Handshakes that may begin in a second. */
export const HANDSHAKES_PER_SECOND = 200;

/** A bound on what is in progress, and a token bucket on what begins. */
export class HandshakeBudget {
  inProgress = 0;
  #tokens = HANDSHAKES_PER_SECOND;
  #filledAt: number;

  /** @param now monotonic milliseconds */
  constructor(now: number) {
    this.#filledAt = now;
  }

  /** Whether a handshake may begin; takes its place if so. */
  acquire(now: number): boolean {
    const earned = ((now - this.#filledAt) * HANDSHAKES_PER_SECOND) / 1000;
    this.#tokens = Math.min(HANDSHAKES_PER_SECOND, this.#tokens + earned);
    this.#filledAt = now;
    if (this.inProgress >= HANDSHAKES_IN_PROGRESS || this.#tokens < 1) return false;
    this.inProgress++;
    this.#tokens--;
    return true;
  }

  /** A handshake is over, however it ended. */
  release(): void {
    this.inProgress--;
  }
}
