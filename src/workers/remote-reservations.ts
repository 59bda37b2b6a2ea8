// Reservations as a worker sees them: main holds the sockets, whose descriptors travel beside the questions.

import type { Awaitable, RelaySocket, ReservedPorts } from '../turn/env.ts';
import type { MainCalls, WireEndpoint } from './messages.ts';

/** How main is asked. Each rejects when it cannot be. */
export type ReservationQuestions = {
  readonly [K in 'mayHold' | 'hold' | 'redeem']: (ask: MainCalls[K]['ask']) => Promise<MainCalls[K]['answer']>;
};

/** What a worker can do with relay sockets and descriptors. */
export interface SocketHandover {
  /** Takes the descriptor out of a relay socket. */
  giveAway(socket: RelaySocket): number;
  /** Makes a relay socket of a descriptor whose port is this worker's. */
  adopt(fd: number): RelaySocket;
  /** Sends a duplicate to main. @returns false when the channel is full */
  send(tag: string, fd: number): boolean;
  /** What main has sent under this tag, or null. */
  take(tag: string): number | null;
  close(fd: number): void;
}

/** Asks main for each reservation. */
export class RemoteReservations implements ReservedPorts {
  readonly #questions: ReservationQuestions;
  readonly #handover: SocketHandover;
  #nextTag = 1;

  constructor(questions: ReservationQuestions, handover: SocketHandover) {
    this.#questions = questions;
    this.#handover = handover;
  }

  /** None: main holds them all. */
  get size(): number {
    return 0;
  }

  mayHold(holder: string, limit: number): Awaitable<boolean> {
    return this.#questions.mayHold({ holder, limit }).catch(() => false);
  }

  async hold(socket: RelaySocket, holder: string | null): Promise<Buffer | null> {
    const { local } = socket;
    const fd = this.#handover.giveAway(socket);
    const token = await this.#ask(fd, { ip: local.ip.text, port: local.port }, holder);
    if (token === null) {
      // The port is still this worker's: a relay socket gives back both.
      this.#handover.adopt(fd).close();
      return null;
    }
    this.#handover.close(fd);
    return Buffer.from(token, 'hex');
  }

  async redeem(token: string): Promise<RelaySocket | null> {
    const found = await this.#questions.redeem({ token }).catch(() => null);
    const fd = found === null ? null : this.#handover.take(found.tag);
    return fd === null ? null : this.#handover.adopt(fd);
  }

  /** Main's business. */
  tick(): void {}

  /** Main's business. */
  close(): void {}

  async #ask(fd: number, local: WireEndpoint, holder: string | null): Promise<string | null> {
    const tag = `hold ${this.#nextTag++}`;
    if (!this.#handover.send(tag, fd)) return null;
    return this.#questions.hold({ tag, local, holder }).catch(() => null);
  }
}
