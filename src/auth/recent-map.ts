// A map that keeps the entries used most recently, and no more than it is allowed to.

/**
 * A bounded map of two generations. An entry that is set or used belongs to the young one; when that is full it becomes
 * the old one, and what the old one held is forgotten. So the `generation` entries used last are always there, and
 * never more than twice as many are.
 *
 * Nothing is moved for an entry that is young already. (Deleting and inserting at every use, to have a Map's order tell
 * the age, costs V8 microseconds: deleted entries stay in the hash chain until the next rehash.)
 */
export class RecentMap<K, V> {
  readonly #generation: number;
  #young = new Map<K, V>();
  #old = new Map<K, V>();

  /** @param generation how many entries are kept at least, once there are so many */
  constructor(generation: number) {
    this.#generation = generation;
  }

  /** Entries that it holds in memory. */
  get size(): number {
    return this.#young.size + this.#old.size;
  }

  /** The value of `key`, which counts as a use. */
  get(key: K): V | undefined {
    const young = this.#young.get(key);
    if (young !== undefined) return young;
    const old = this.#old.get(key);
    if (old !== undefined) this.set(key, old);
    return old;
  }

  set(key: K, value: V): void {
    this.#old.delete(key);
    this.#young.set(key, value);
    if (this.#young.size < this.#generation) return;
    this.#old = this.#young;
    this.#young = new Map();
  }

  clear(): void {
    this.#young.clear();
    this.#old.clear();
  }
}
