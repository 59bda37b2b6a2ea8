// Virtual time: a monotonic clock, a wall clock that may jump and drift, and what is due when. Knows not what it moves.

import type { Clock } from '../../src/turn/env.ts';

interface Entry {
  readonly at: number;
  readonly order: number;
  /** Null once it was taken back. */
  act: (() => void) | null;
}

/** The clocks and timers of one simulation. */
export class Timeline implements Clock {
  /** Something was done that promises may wait for: microtasks have to run before anything is judged. */
  stirred = false;
  /** Wall-clock readings of late: how far it was ahead of the monotonic clock, and until when. */
  readonly #offsets: { until: number; readonly offset: number }[] = [];
  readonly #leaps: { readonly end: number; readonly length: number }[] = [];
  readonly #heap: Entry[] = [];
  #now = 5_000_000;
  #wall = Date.UTC(2026, 0, 1);
  #rate = 1;
  #order = 0;

  now(): number {
    return this.#now;
  }

  wallTime(): number {
    return Math.floor(this.#wall);
  }

  /** Acts once, in so many milliseconds. Returns how to prevent it. */
  after(milliseconds: number, act: () => void): () => void {
    const entry: Entry = { at: this.#now + milliseconds, order: this.#order++, act };
    this.#push(entry);
    return () => {
      entry.act = null;
    };
  }

  /** Acts every so many milliseconds; after a leap once, and from then on as before. Returns how to end it. */
  every(milliseconds: number, act: () => void): () => void {
    let stop = (): void => {};
    const again = (): void => {
      stop = this.after(milliseconds, again);
      act();
    };
    stop = this.after(milliseconds, again);
    return () => stop();
  }

  /** Goes to what is due next until `end`, and takes it off; null when nothing is: then it is `end`. */
  take(end: number): (() => void) | null {
    for (;;) {
      const [first] = this.#heap;
      if (first === undefined || first.at > end) {
        this.#advance(end);
        return null;
      }
      this.#pop();
      this.#advance(first.at);
      if (first.act !== null) return first.act;
    }
  }

  /** Both clocks go on at once, and nothing happens meanwhile: the machine was suspended. */
  leap(milliseconds: number): void {
    this.#advance(this.#now + milliseconds);
    this.#leaps.push({ end: this.#now, length: milliseconds });
    if (this.#leaps.length > REMEMBERED) this.#leaps.shift();
  }

  /** When it was so many milliseconds before `time`, not counting those that the machine slept. */
  before(time: number, milliseconds: number): number {
    let from = time - milliseconds;
    for (const { end, length } of this.#leaps.toReversed()) if (end > from && end <= time) from -= length;
    return from;
  }

  /** The wall clock is set. */
  jump(milliseconds: number): void {
    this.#noteOffset();
    this.#wall += milliseconds;
  }

  /** From now on the wall clock gains so many milliseconds in a second. */
  slew(perSecond: number): void {
    this.#noteOffset();
    this.#rate = 1 + perSecond / 1000;
  }

  /** All that the wall clock has shown since `from`, as ranges; a little more where it drifts. */
  wallSince(from: number): readonly { readonly from: number; readonly to: number }[] {
    const offset = this.#wall - this.#now;
    const earlier = this.#offsets.filter(({ until }) => until >= from);
    return [...earlier, { until: this.#now, offset }].map((each) => ({
      from: from + each.offset - DRIFT,
      to: each.until + each.offset + DRIFT,
    }));
  }

  #noteOffset(): void {
    this.#offsets.push({ until: this.#now, offset: this.#wall - this.#now });
    if (this.#offsets.length > REMEMBERED) this.#offsets.shift();
  }

  #advance(to: number): void {
    if (to <= this.#now) return;
    this.#wall += (to - this.#now) * this.#rate;
    this.#now = to;
  }

  #push(entry: Entry): void {
    const heap = this.#heap;
    let at = heap.push(entry) - 1;
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (isBefore(heap[parent] as Entry, entry)) break;
      heap[at] = heap[parent] as Entry;
      at = parent;
    }
    heap[at] = entry;
  }

  #pop(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let child = 2 * at + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Entry, heap[child] as Entry)) child++;
      if (isBefore(last, heap[child] as Entry)) break;
      heap[at] = heap[child] as Entry;
      at = child;
    }
    heap[at] = last;
  }
}

/** How far the wall clock drifts during anything that is waited for, in milliseconds. */
const DRIFT = 20;
const REMEMBERED = 8;

function isBefore(one: Entry, other: Entry): boolean {
  return one.at < other.at || (one.at === other.at && one.order < other.order);
}
