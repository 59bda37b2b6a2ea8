// The brake on trying out tokens: a source that has failed too often waits, whatever it presents (SECURITY.md S57).
// Fixed memory: a source makes room for a newer one.

/** So many wrong tokens of one source within {@link BLOCK_MS} … */
const FAILURES = 5;
/** … and it waits so long. */
const BLOCK_MS = 30_000;
const MAX_SOURCES = 4096;

interface Failures {
  /** Since `since`. */
  readonly count: number;
  /** Monotonic milliseconds. */
  readonly since: number;
}

/** Failed logins by source. */
export class LoginFailures {
  readonly #now: () => number;
  readonly #sources = new Map<string, Failures>();

  /** @param now monotonic milliseconds */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** Seconds until the source may try again; 0 = now. */
  wait(source: string): number {
    const failures = this.#sources.get(source);
    if (failures === undefined || failures.count < FAILURES) return 0;
    return Math.max(0, Math.ceil((failures.since + BLOCK_MS - this.#now()) / 1000));
  }

  /** Counts one. @returns whether the source has to wait from now on: once for each time it has */
  add(source: string): boolean {
    const now = this.#now();
    const before = this.#sources.get(source);
    const isRecent = before !== undefined && now - before.since < BLOCK_MS;
    const count = isRecent ? before.count + 1 : 1;
    // A map keeps the order of insertion: whoever failed last is at its end.
    this.#sources.delete(source);
    this.#makeRoom();
    this.#sources.set(source, { count, since: isRecent && count < FAILURES ? before.since : now });
    return count === FAILURES;
  }

  #makeRoom(): void {
    if (this.#sources.size < MAX_SOURCES) return;
    for (const oldest of this.#sources.keys()) {
      this.#sources.delete(oldest);
      return;
    }
  }
}
