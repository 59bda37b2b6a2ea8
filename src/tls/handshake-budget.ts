// How many TLS handshakes may begin, and run for one client: they cost a thousand times what a packet does. Knows no sockets.

/** Handshakes in progress of one client: stalled handshakes of one must not keep the others out. */
export const HANDSHAKES_PER_CLIENT = 10;
/** Handshakes that may begin in a second. */
export const HANDSHAKES_PER_SECOND = 200;
/** The last tokens: a client that has begun {@link FAIR_SHARE} in this second leaves them to others. */
export const RESERVED = HANDSHAKES_PER_SECOND / 2;
/** Handshakes of one client in a second that are nobody's business, however few tokens are left. */
export const FAIR_SHARE = 10;

const SECOND = 1000;

/**
 * A bound on what is in progress per client, and a token bucket on what begins: one client may use up half of it, so that
 * a flood from a few addresses leaves the others theirs.
 */
export class HandshakeBudget {
  readonly #perClient = new Map<string, number>();
  /** Handshakes begun in this second, by client: as many entries as there are tokens, at most. */
  readonly #begun = new Map<string, number>();
  #secondBegan: number;
  #tokens = HANDSHAKES_PER_SECOND;
  #filledAt: number;

  /** @param now monotonic milliseconds */
  constructor(now: number) {
    this.#filledAt = now;
    this.#secondBegan = now;
  }

  /** Whether a handshake of this client (a key for its network) may begin; takes its place if so. */
  acquire(now: number, client: string): boolean {
    this.#advance(now);
    const own = this.#perClient.get(client) ?? 0;
    if (own >= HANDSHAKES_PER_CLIENT) return false;
    if (this.#tokens < 1) return false;
    const begun = this.#begun.get(client) ?? 0;
    if (begun >= FAIR_SHARE && this.#tokens <= RESERVED) return false;
    this.#begun.set(client, begun + 1);
    this.#perClient.set(client, own + 1);
    this.#tokens--;
    return true;
  }

  /** A handshake of this client is over, however it ended. */
  release(client: string): void {
    const own = this.#perClient.get(client) ?? 0;
    if (own > 1) this.#perClient.set(client, own - 1);
    else this.#perClient.delete(client);
  }

  #advance(now: number): void {
    const earned = ((now - this.#filledAt) * HANDSHAKES_PER_SECOND) / SECOND;
    this.#tokens = Math.min(HANDSHAKES_PER_SECOND, this.#tokens + earned);
    this.#filledAt = now;
    if (now - this.#secondBegan < SECOND) return;
    this.#secondBegan = now;
    this.#begun.clear();
  }
}
