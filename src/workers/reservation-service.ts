// Ports that EVEN-PORT with R=1 set aside, held by main for all workers: a token may come in by another worker than the
// one that gave it out (RFC 8656 §7.2). Main holds the bound socket, so the port stays taken whatever becomes of workers.

import type { Random } from '../turn/env.ts';
import { RESERVATION_HOLD } from '../turn/reservations.ts';

const TOKEN_LENGTH = 8;

/** A bound socket that waits for its token. */
export interface ReservedSocket {
  readonly fd: number;
  /** Row of the port table. */
  readonly row: number;
  readonly port: number;
  /** The quota key of whoever made it; null = not counted. */
  readonly holder: string | null;
}

/** What the service is made with. */
export interface ReservationServiceOptions {
  /** Monotonic milliseconds. */
  readonly now: () => number;
  readonly random: Random;
  /** A reservation is over: socket and port are free. */
  readonly expired: (socket: ReservedSocket) => void;
}

interface Reservation {
  readonly socket: ReservedSocket;
  readonly deadline: number;
}

/** All reservations of a server. A token works once, from any five-tuple. */
export class ReservationService {
  readonly #options: ReservationServiceOptions;
  readonly #byToken = new Map<string, Reservation>();

  constructor(options: ReservationServiceOptions) {
    this.#options = options;
  }

  get size(): number {
    return this.#byToken.size;
  }

  /** Whether a holder may have one more. */
  mayHold(holder: string, limit: number): boolean {
    let held = 0;
    for (const { socket } of this.#byToken.values()) if (socket.holder === holder) held++;
    return held < limit;
  }

  /** Holds a socket for at least 30 s. @returns its token, as hexadecimal digits */
  hold(socket: ReservedSocket): string {
    const bytes = Buffer.alloc(TOKEN_LENGTH);
    this.#options.random.fill(bytes);
    const token = bytes.toString('hex');
    this.#byToken.set(token, { socket, deadline: this.#options.now() + RESERVATION_HOLD });
    return token;
  }

  /**
   * Hands the socket of a token to `take`, which says whether it could; if not, the token stays good.
   * @returns whether it was handed over: not where the token is unknown, used or expired
   */
  redeem(token: string, take: (socket: ReservedSocket) => boolean): boolean {
    const reservation = this.#byToken.get(token);
    if (reservation === undefined || this.#options.now() >= reservation.deadline) return false;
    if (!take(reservation.socket)) return false;
    this.#byToken.delete(token);
    return true;
  }

  /** Gives back what was not redeemed in time: to be called once a second. */
  tick(): void {
    const now = this.#options.now();
    for (const [token, { socket, deadline }] of this.#byToken) {
      if (now < deadline) continue;
      this.#byToken.delete(token);
      this.#options.expired(socket);
    }
  }

  /** Gives everything back. */
  close(): void {
    for (const { socket } of this.#byToken.values()) this.#options.expired(socket);
    this.#byToken.clear();
  }
}
