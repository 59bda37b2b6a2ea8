// What is to be told to Redis, in order and bounded; and which status keys it holds, so that they can be put right
// after it was away. Knows no connection.

/** Something that Redis is told. */
export interface Command {
  readonly verb: 'set' | 'del' | 'publish';
  /** Or channel. */
  readonly key: string;
  /** Empty for `del`. */
  readonly value: string;
}

/** A bounded queue of commands. */
export class Outbox {
  readonly #limit: number;
  #queue: Command[] = [];
  /** Index of the oldest: shifting an array of thousands costs. */
  #first = 0;
  /** What the keys should hold. */
  readonly #live = new Map<string, string>();
  /** The keys that Redis may hold. */
  readonly #stored = new Set<string>();
  #dropped = 0;
  /** Keys of which a change was dropped. */
  readonly #stale = new Set<string>();

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** Messages that no subscriber was told. */
  get dropped(): number {
    return this.#dropped;
  }

  get isEmpty(): boolean {
    return this.#first === this.#queue.length;
  }

  /** Whether keys may hold something else than they should: a change of theirs was dropped. */
  get isOutOfStep(): boolean {
    return this.#stale.size > 0;
  }

  set(key: string, value: string): void {
    this.#live.set(key, value);
    this.#add({ verb: 'set', key, value });
  }

  delete(key: string): void {
    this.#live.delete(key);
    this.#add({ verb: 'del', key, value: '' });
  }

  publish(key: string, value: string): void {
    this.#add({ verb: 'publish', key, value });
  }

  /** Deletes all keys. */
  deleteAll(): void {
    for (const key of [...this.#live.keys()]) this.delete(key);
  }

  /** The oldest commands, which are from now on in the hands of the caller: {@link settle} or {@link lose} them. */
  take(count: number): readonly Command[] {
    const taken = this.#queue.slice(this.#first, this.#first + count);
    this.#first += taken.length;
    this.#compact();
    this.#noteStored(taken);
    return taken;
  }

  /** Commands that put the keys right of which a change was dropped. */
  takeRepair(): readonly Command[] {
    const keys = [...this.#stale];
    this.#stale.clear();
    return this.#repair(keys);
  }

  /** Commands that put all keys right, whatever became of earlier ones. */
  takeFullRepair(): readonly Command[] {
    this.#stale.clear();
    return this.#repair([...this.#stored, ...[...this.#live.keys()].filter((key) => !this.#stored.has(key))]);
  }

  /** Whether the key is that of something that lives. */
  isLive(key: string): boolean {
    return this.#live.has(key);
  }

  /** Redis did them. */
  settle(commands: readonly Command[]): void {
    for (const { verb, key } of commands) {
      if (verb === 'set') this.#stored.add(key);
      if (verb === 'del') this.#stored.delete(key);
    }
  }

  /** Nobody knows whether Redis did them. They are not repeated: a message must not come twice. */
  lose(commands: readonly Command[]): void {
    for (const command of commands) this.#drop(command);
  }

  #add(command: Command): void {
    if (this.#queue.length - this.#first >= this.#limit) this.#dropOldest();
    this.#queue.push(command);
  }

  #dropOldest(): void {
    const oldest = this.#queue[this.#first];
    this.#first++;
    this.#compact();
    if (oldest !== undefined) this.#drop(oldest);
  }

  /** A key that neither lives nor may be in Redis needs nothing. */
  #drop({ verb, key }: Command): void {
    if (verb === 'publish') this.#dropped++;
    else if (this.#live.has(key) || this.#stored.has(key)) this.#stale.add(key);
  }

  #repair(keys: readonly string[]): readonly Command[] {
    const repair = keys.map((key): Command => {
      const value = this.#live.get(key);
      return value === undefined ? { verb: 'del', key, value: '' } : { verb: 'set', key, value };
    });
    this.#noteStored(repair);
    return repair;
  }

  #compact(): void {
    if (this.#first < this.#limit && this.#first < this.#queue.length) return;
    this.#queue = this.#queue.slice(this.#first);
    this.#first = 0;
  }

  #noteStored(commands: readonly Command[]): void {
    for (const { verb, key } of commands) if (verb === 'set') this.#stored.add(key);
  }
}
