// Ports N+1 that EVEN-PORT with R=1 set aside, by the token that redeems them (RFC 8656 §7.2, §18.7, §18.10): in the
// memory of one process.

import type { Clock, Random, RelaySocket, ReservedPorts } from './env.ts';

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
export class Reservations implements ReservedPorts {
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

  mayHold(holder: string, limit: number): boolean {
    return this.#heldBy(holder) < limit;
  }

  hold(socket: RelaySocket, holder: string | null): Buffer {
    const token = Buffer.alloc(TOKEN_LENGTH);
    this.#random.fill(token);
    const deadline = this.#clock.now() + RESERVATION_HOLD;
    this.#byToken.set(token.toString('hex'), { socket, deadline, holder });
    if (holder !== null) this.#byHolder.set(holder, this.#heldBy(holder) + 1);
    return token;
  }

  /** Whether {@link redeem} would succeed. */
  has(token: string): boolean {
    const reservation = this.#byToken.get(token);
    return reservation !== undefined && this.#clock.now() < reservation.deadline;
  }

  redeem(token: string): RelaySocket | null {
    if (!this.has(token)) return null;
    const reservation = this.#byToken.get(token);
    if (reservation !== undefined) this.#forget(token, reservation);
    return reservation?.socket ?? null;
  }

  tick(): void {
    const now = this.#clock.now();
    for (const [token, reservation] of this.#byToken) {
      if (now < reservation.deadline) continue;
      this.#forget(token, reservation);
      reservation.socket.close();
    }
  }

  close(): void {
    for (const reservation of this.#byToken.values()) reservation.socket.close();
    this.#byToken.clear();
    this.#byHolder.clear();
  }

  #heldBy(holder: string): number {
    return this.#byHolder.get(holder) ?? 0;
  }

  #forget(token: string, { holder }: Reservation): void {
    this.#byToken.delete(token);
    if (holder === null) return;
    const left = this.#heldBy(holder) - 1;
    if (left > 0) this.#byHolder.set(holder, left);
    else this.#byHolder.delete(holder);
  }
}
