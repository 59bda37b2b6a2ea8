// One coarse wheel for everything that ends by itself: a ring of one-second slots. Entries beyond the ring are filed
// anew when their slot comes by, so that a refresh only has to move a number. Knows no clock: the engine ticks it.

/** What the wheel turns. */
export interface Timed {
  /** The slot it is filed in; the wheel's own. */
  wheelSlot: number;
}

const SLOTS = 64;
const SLOT_MS = 1000;

/** A timer wheel with a resolution of one second. Adding, moving and removing are O(1). */
export class ExpiryWheel<T extends Timed> {
  readonly #slots: Set<T>[] = Array.from({ length: SLOTS }, () => new Set<T>());
  readonly #visit: (entry: T, now: number) => number;
  #next: number;

  /**
   * @param visit is called at or after an entry's time, or after about 64 s if that is sooner, and returns when to come
   * again: milliseconds, or Infinity for never
   */
  constructor(now: number, visit: (entry: T, now: number) => number) {
    this.#visit = visit;
    this.#next = slotNumber(now);
  }

  /** Visits `entry` within two seconds after `time`, or after about 64 s if that is sooner. */
  schedule(entry: T, time: number): void {
    this.remove(entry);
    const slot = Math.min(Math.max(slotNumber(time) + 1, this.#next), this.#next + SLOTS - 1);
    entry.wheelSlot = slot % SLOTS;
    this.#slots[entry.wheelSlot]?.add(entry);
  }

  /** Forgets `entry`. */
  remove(entry: T): void {
    this.#slots[entry.wheelSlot]?.delete(entry);
  }

  /** Visits what is due. However long ago the last tick was, every entry is visited at most once. */
  tick(now: number): void {
    const current = slotNumber(now);
    const due: T[] = [];
    const steps = Math.min(current - this.#next + 1, SLOTS);
    for (let step = 0; step < steps; step++) this.#take((this.#next + step) % SLOTS, due);
    if (current >= this.#next) this.#next = current + 1;
    for (const entry of due) {
      const again = this.#visit(entry, now);
      if (again !== Infinity) this.schedule(entry, again);
    }
  }

  #take(index: number, into: T[]): void {
    const slot = this.#slots[index] as Set<T>;
    for (const entry of slot) into.push(entry);
    slot.clear();
  }
}

function slotNumber(time: number): number {
  return Math.floor(time / SLOT_MS);
}
