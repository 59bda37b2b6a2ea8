// Requests on their way: when each is sent again, and when it is given up (RFC 8489 §6.2.1, §6.2.2). Knows bytes and
// transaction IDs; whether an answer counts is judged by whoever asked.

import type { MessageView } from '../stun/message-view.ts';
import { TRANSACTION_ID_LENGTH } from '../stun/methods.ts';
import { ClientError } from './client-error.ts';
import type { Timers } from './timers.ts';

/** The times of RFC 8489 §6.2. */
export interface TransactionPacing {
  /** RTO: milliseconds until the first retransmission; doubled each time. */
  readonly rtoMs: number;
  /** Rc: how often a request is sent in all. */
  readonly transmissions: number;
  /** Rm: how many RTO to wait after the last one. */
  readonly lastWait: number;
  /** Ti: milliseconds to wait for an answer on a stream. */
  readonly reliableTimeoutMs: number;
  /** Gives up after this many milliseconds even when the above would go on. */
  readonly limitMs: number;
}

/** What RFC 8489 says. */
export const STANDARD_PACING: TransactionPacing = Object.freeze({
  rtoMs: 500,
  transmissions: 7,
  lastWait: 16,
  reliableTimeoutMs: 39_500,
  limitMs: Number.POSITIVE_INFINITY,
});

/** What a judge makes of an answer: it counts, or it is as if it had never come, for the reason given. */
export type Judged<T> = { readonly value: T } | { readonly discard: ClientError };

/** An answer that counted. */
export interface Answered<T> {
  readonly value: T;
  /** Milliseconds since the request was sent last. */
  readonly rttMs: number;
  /** How often it was sent. */
  readonly transmissions: number;
}

/** What transactions need of a path. */
export interface TransactionPath {
  readonly isReliable: boolean;
  send(bytes: Buffer): void;
}

interface Pending {
  /** Offers an answer. */
  offer(view: MessageView): void;
  fail(error: ClientError): void;
}

/** The transactions of one path. */
export class Transactions {
  readonly #path: TransactionPath;
  readonly #timers: Timers;
  readonly #pacing: TransactionPacing;
  readonly #pending = new Map<string, Pending>();

  constructor(path: TransactionPath, timers: Timers, pacing: TransactionPacing = STANDARD_PACING) {
    this.#path = path;
    this.#timers = timers;
    this.#pacing = pacing;
  }

  /**
   * Sends a request until an answer counts. Rejects with `timeout`, with the reason for which the answers were
   * discarded, or with what {@link failAll} says.
   */
  run<T>(what: string, request: Buffer, judge: (view: MessageView) => Judged<T>): Promise<Answered<T>> {
    return new Promise((resolve, reject) => {
      const id = idOf(request, 0);
      const course = new Course(this.#path, this.#timers, this.#pacing, request);
      const settle = (act: () => void): void => {
        course.stop();
        this.#pending.delete(id);
        act();
      };
      let discarded: ClientError | null = null;
      const offer = (view: MessageView): void => {
        const judged = judge(view);
        if ('value' in judged) {
          const { rttMs, transmissions } = course;
          settle(() => resolve({ value: judged.value, rttMs, transmissions }));
          return;
        }
        discarded = judged.discard;
        // Nobody in the middle could have put it into a stream: it will not get better (RFC 8489 §9.1.4).
        if (this.#path.isReliable) settle(() => reject(judged.discard));
      };
      const fail = (error: ClientError): void => settle(() => reject(error));
      this.#pending.set(id, { offer, fail });
      course.start(() => fail(discarded ?? new ClientError('timeout', `${what}: no answer`)));
    });
  }

  /** Hands an answer to its transaction; one that belongs to none is dropped. */
  offer(view: MessageView): void {
    this.#pending.get(idOf(view.buffer, view.start))?.offer(view);
  }

  /** Ends all transactions. */
  failAll(error: ClientError): void {
    for (const pending of [...this.#pending.values()]) pending.fail(error);
  }
}

function idOf(buffer: Buffer, start: number): string {
  return buffer.toString('latin1', start + 8, start + 8 + TRANSACTION_ID_LENGTH);
}

// One request's way through time.
class Course {
  readonly #path: TransactionPath;
  readonly #timers: Timers;
  readonly #pacing: TransactionPacing;
  readonly #request: Buffer;
  #sentAt = 0;
  #cancelNext: () => void = () => {};
  #cancelLimit: () => void = () => {};
  transmissions = 0;

  constructor(path: TransactionPath, timers: Timers, pacing: TransactionPacing, request: Buffer) {
    this.#path = path;
    this.#timers = timers;
    this.#pacing = pacing;
    this.#request = request;
  }

  get rttMs(): number {
    return this.#timers.now() - this.#sentAt;
  }

  start(giveUp: () => void): void {
    const { limitMs } = this.#pacing;
    if (Number.isFinite(limitMs)) this.#cancelLimit = this.#timers.after(limitMs, giveUp);
    this.#transmit(giveUp);
  }

  stop(): void {
    this.#cancelNext();
    this.#cancelLimit();
  }

  #transmit(giveUp: () => void): void {
    const { rtoMs, transmissions, lastWait, reliableTimeoutMs } = this.#pacing;
    this.#sentAt = this.#timers.now();
    this.transmissions++;
    this.#path.send(this.#request);
    if (this.#path.isReliable) this.#cancelNext = this.#timers.after(reliableTimeoutMs, giveUp);
    else if (this.transmissions === transmissions) this.#cancelNext = this.#timers.after(rtoMs * lastWait, giveUp);
    else {
      const wait = rtoMs * 2 ** (this.transmissions - 1);
      this.#cancelNext = this.#timers.after(wait, () => this.#transmit(giveUp));
    }
  }
}
