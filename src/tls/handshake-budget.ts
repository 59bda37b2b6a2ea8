// How many TLS handshakes may run and begin: they cost a thousand times what a packet does. Knows no sockets.

/** Handshakes in progress at most. */
export const HANDSHAKES_IN_PROGRESS = 50;
/** Of these, at most so many of one client: stalled handshakes of one must not keep the others out. */
export const HANDSHAKES_PER_CLIENT = 10;
/** Handshakes that may begin in a second. */
export const HANDSHAKES_PER_SECOND = 200;

/** A bound on what is in progress, in all and per client, and a token bucket on what begins. */
export class HandshakeBudget {
  readonly #perClient = new Map<string, number>();
  #inProgress = 0;
  #tokens = HANDSHAKES_PER_SECOND;
  #filledAt: number;

  /** @param now monotonic milliseconds */
  constructor(now: number) {
    this.#filledAt = now;
  }

  /** Handshakes in progress. */
  get inProgress(): number {
    return this.#inProgress;
  }

  /** Whether a handshake of this client (a key for its network) may begin; takes its place if so. */
  acquire(now: number, client: string): boolean {
    const earned = ((now - this.#filledAt) * HANDSHAKES_PER_SECOND) / 1000;
    this.#tokens = Math.min(HANDSHAKES_PER_SECOND, this.#tokens + earned);
    this.#filledAt = now;
    const own = this.#perClient.get(client) ?? 0;
    if (own >= HANDSHAKES_PER_CLIENT) return false;
    if (this.#inProgress >= HANDSHAKES_IN_PROGRESS || this.#tokens < 1) return false;
    this.#perClient.set(client, own + 1);
    this.#inProgress++;
    this.#tokens--;
    return true;
  }

  /** A handshake of this client is over, however it ended. */
  release(client: string): void {
    const own = this.#perClient.get(client) ?? 0;
    if (own > 1) this.#perClient.set(client, own - 1);
    else this.#perClient.delete(client);
    this.#inProgress--;
  }
}
