// Ports N+1 that EVEN-PORT with R=1 set aside, by the token that redeems them (RFC 8656 §7.2, §18.7, §18.10).

import type { Clock, Random, RelaySocket } from './env.ts';

/** Milliseconds that a reservation is held: at least 30 s (RFC 8656 §7.2), even by a clock that is read now and then. */
export const RESERVATION_HOLD = 31_000;

const TOKEN_LENGTH = 8;

interface Reservation {
  readonly socket: RelaySocket;
  readonly deadline: number;
  /** The quota key of whoever made it; null = not counted. */
  readonly holder: string | null;
}

/** Reserved relay sockets. A token works once, from any five-tuple. */
export class Reservations {
  readonly #clock: Clock;
  readonly #random: Random;
  readonly #byToken: Map<string, Reservation> = new Map();
  readonly #byHolder: Map<string, number> = new Map();

  constructor(clock: Clock, random: Random) {
    this.#clock = clock;
    this.#random = random;
  }

  get size(): number {
    return this.#byToken.size;
  }

  /** How many reservations a quota key holds. */
  heldBy(holder: string): number {
    return this.#byHolder.get(holder) ?? 0;
  }

  /**
   * Holds `socket` and returns the token for it.
   * @param holder the quota key to count it against, or null
   */
  hold(socket: RelaySocket, holder: string | null): Buffer {
    const token = Buffer.alloc(TOKEN_LENGTH);
    this.#random.fill(token);
    const deadline = this.#clock.now() + RESERVATION_HOLD;
    this.#byToken.set(token.toString('hex'), { socket, deadline, holder });
    if (holder !== null) this.#byHolder.set(holder, this.heldBy(holder) + 1);
    return token;
  }

  /** Whether {@link redeem} would succeed. */
  has(token: string): boolean {
    const reservation = this.#byToken.get(token);
    return reservation !== undefined && this.#clock.now() < reservation.deadline;
  }

  /** Takes the socket out, or null for a token that is unknown, used or expired. */
  redeem(token: string): RelaySocket | null {
    if (!this.has(token)) return null;
    const reservation = this.#byToken.get(token);
    if (reservation !== undefined) this.#forget(token, reservation);
    return reservation?.socket ?? null;
  }

  /** Gives back what was not redeemed in time. */
  tick(): void {
    const now = this.#clock.now();
    for (const [token, reservation] of this.#byToken) {
      if (now < reservation.deadline) continue;
      this.#forget(token, reservation);
      reservation.socket.close();
    }
  }

  /** Gives everything back. */
  close(): void {
    for (const reservation of this.#byToken.values()) reservation.socket.close();
    this.#byToken.clear();
    this.#byHolder.clear();
  }

  #forget(token: string, { holder }: Reservation): void {
    this.#byToken.delete(token);
    if (holder === null) return;
    const left = this.heldBy(holder) - 1;
    if (left > 0) this.#byHolder.set(holder, left);
    else this.#byHolder.delete(holder);
  }
}
