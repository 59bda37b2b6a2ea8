// One direction of the channel between two processes: messages arrive in their order, each in its time, as plain data.

import type { Timeline } from './timeline.ts';

/** Carries messages of one kind. */
export class Lane<M> {
  readonly #timeline: Timeline;
  readonly #delay: () => number;
  readonly #deliver: (message: M) => void;
  readonly #queue: string[] = [];
  #lastDue = 0;
  #isCut = false;

  /** @param delay milliseconds that a message takes; one that was sent before is not overtaken */
  constructor(timeline: Timeline, delay: () => number, deliver: (message: M) => void) {
    this.#timeline = timeline;
    this.#delay = delay;
    this.#deliver = deliver;
  }

  /** Messages on their way. */
  get length(): number {
    return this.#queue.length;
  }

  send(message: M): void {
    if (this.#isCut) return;
    this.#queue.push(JSON.stringify(message));
    const now = this.#timeline.now();
    this.#lastDue = Math.max(this.#lastDue, now + this.#delay());
    this.#timeline.after(this.#lastDue - now, () => this.#next());
  }

  /** One end is gone: the first few of what is on its way still arrive, the rest is lost. */
  cut(survivors: number): void {
    for (let left = survivors; left > 0 && this.#queue.length > 0; left--) this.#next();
    this.#isCut = true;
    this.#queue.length = 0;
  }

  #next(): void {
    const text = this.#queue.shift();
    if (text === undefined || this.#isCut) return;
    this.#timeline.stirred = true;
    this.#deliver(JSON.parse(text));
  }
}
