// Time that a test owns: nothing happens but by advance().

import type { Timers } from '../../src/workers/supervisor.ts';

interface Due {
  at: number;
  readonly period: number;
  readonly act: () => void;
}

/** A clock with timers. */
export class VirtualTimers implements Timers {
  #now = 1000;
  readonly #due = new Set<Due>();

  now(): number {
    return this.#now;
  }

  after(milliseconds: number, act: () => void): () => void {
    return this.#add({ at: this.#now + milliseconds, period: 0, act });
  }

  every(milliseconds: number, act: () => void): () => void {
    return this.#add({ at: this.#now + milliseconds, period: milliseconds, act });
  }

  /** Timers that wait. */
  get size(): number {
    return this.#due.size;
  }

  /** Lets time go by, and does what is due in its order. */
  advance(milliseconds: number): void {
    const end = this.#now + milliseconds;
    for (let next = this.#next(end); next !== undefined; next = this.#next(end)) {
      this.#now = Math.max(this.#now, next.at);
      if (next.period > 0) next.at += next.period;
      else this.#due.delete(next);
      next.act();
    }
    this.#now = end;
  }

  /** Time goes by while this process is stopped: what was due meanwhile happens once, late. */
  sleep(milliseconds: number): void {
    this.#now += milliseconds;
    for (const due of [...this.#due].filter(({ at }) => at <= this.#now)) {
      due.at = this.#now + due.period;
      due.act();
    }
  }

  #next(end: number): Due | undefined {
    return [...this.#due].filter(({ at }) => at <= end).sort((left, right) => left.at - right.at)[0];
  }

  #add(due: Due): () => void {
    this.#due.add(due);
    return () => void this.#due.delete(due);
  }
}
