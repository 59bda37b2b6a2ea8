// Whether the server has the memory for anything new (R24): judged once a second by main, by figures that somebody else
// reads, and told to all processes by one byte that they share. Knows no files.

/** What is measured against what. */
export interface MemoryUse {
  /** Bytes in use. */
  readonly used: number;
  /** Bytes that may be. */
  readonly limit: number;
}

/** What is told when a shortage begins and ends: once each. */
export interface MemoryEvents {
  short(use: MemoryUse): void;
  enough(use: MemoryUse): void;
}

/** From this share of the limit on nothing new is admitted: what lives needs the rest. */
const SHORT_FROM = 0.9;
/** Below this share it is again: not at once, or every allocation that ends would begin a new episode. */
const ENOUGH_BELOW = 0.85;

/** Bytes of memory that all processes share. */
export const MEMORY_FLAG_BYTES = 8;

/** The verdict, as each process sees it. */
export class MemoryFlag {
  readonly #bytes: Uint8Array;

  /** @param bytes {@link MEMORY_FLAG_BYTES} of them, 0 at first */
  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  static ofOneProcess(): MemoryFlag {
    return new MemoryFlag(new Uint8Array(MEMORY_FLAG_BYTES));
  }

  /** Whether nothing new may be admitted. Costs one look. */
  readonly isShort = (): boolean => this.#bytes[0] === 1;

  set(isShort: boolean): void {
    this.#bytes[0] = isShort ? 1 : 0;
  }
}

/** Judges. */
export class MemoryWatch {
  readonly #flag: MemoryFlag;
  readonly #read: () => MemoryUse | null;
  readonly #events: MemoryEvents;

  /** @param read what is in use now, or null where there is no limit */
  constructor(flag: MemoryFlag, read: () => MemoryUse | null, events: MemoryEvents) {
    this.#flag = flag;
    this.#read = read;
    this.#events = events;
  }

  /** Looks: to be called about once a second. */
  tick(): void {
    const use = this.#read() ?? { used: 0, limit: Number.POSITIVE_INFINITY };
    const share = use.used / use.limit;
    const wasShort = this.#flag.isShort();
    if (!wasShort && share >= SHORT_FROM) {
      this.#flag.set(true);
      this.#events.short(use);
    } else if (wasShort && share < ENOUGH_BELOW) {
      this.#flag.set(false);
      this.#events.enough(use);
    }
  }
}
