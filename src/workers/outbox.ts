// What one process says to another, collected over a turn of its loop: one message of many costs little more than one of
// one, for both sides. Keeps the order. Knows neither the channel nor what is said.

/** What carries the messages. */
export interface OutboxCarrier<M> {
  /** Sends them as one; `sent` is called once they have left, or cannot. */
  send(messages: readonly M[], sent: () => void): void;
  /** Runs when the present turn is over. */
  later(act: () => void): void;
}

/** Collects messages. */
export class Outbox<M> {
  readonly #carrier: OutboxCarrier<M>;
  #waiting: M[] = [];
  #isDue = false;

  constructor(carrier: OutboxCarrier<M>) {
    this.#carrier = carrier;
  }

  /** Sends at the end of the turn; with a callback at once, behind what waits. */
  send(message: M, sent?: () => void): void {
    this.#waiting.push(message);
    if (sent !== undefined) return this.#flush(sent);
    if (this.#isDue) return;
    this.#isDue = true;
    this.#carrier.later(() => {
      this.#isDue = false;
      if (this.#waiting.length > 0) this.#flush(ignore);
    });
  }

  #flush(sent: () => void): void {
    const messages = this.#waiting;
    this.#waiting = [];
    this.#carrier.send(messages, sent);
  }
}

function ignore(): void {}
