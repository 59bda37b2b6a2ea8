// Time-limited usernames that are refused before their time. Bounded, and each goes by itself when it would have
// expired. Knows no file and no secret.

/** A username that is revoked. */
export interface RevokedName {
  readonly username: string;
  /** Unix seconds: after it the name is refused anyway. */
  readonly expiry: number;
}

/** How many can be revoked at once: a few megabytes. Whoever needs more replaces the secret. */
export const MAX_REVOKED_NAMES = 10_000;

/** The revoked usernames of a server, of all realms. */
export class RevokedNames {
  readonly #wallTime: () => number;
  readonly #expiries = new Map<string, number>();

  /** @param wallTime gives Unix milliseconds */
  constructor(wallTime: () => number) {
    this.#wallTime = wallTime;
  }

  /** Those that have not expired, in the order in which they came. */
  list(): readonly RevokedName[] {
    this.#sweep();
    return [...this.#expiries].map(([username, expiry]) => ({ username, expiry }));
  }

  has(username: string): boolean {
    return this.#expiries.has(username);
  }

  /** Adds a name that has not expired. @returns false if there is no room */
  add({ username, expiry }: RevokedName): boolean {
    if (this.#expiries.has(username) || this.#isOver(expiry)) return true;
    if (this.#expiries.size >= MAX_REVOKED_NAMES) this.#sweep();
    if (this.#expiries.size >= MAX_REVOKED_NAMES) return false;
    this.#expiries.set(username, expiry);
    return true;
  }

  #isOver(expiry: number): boolean {
    return expiry * 1000 <= this.#wallTime();
  }

  #sweep(): void {
    for (const [username, expiry] of this.#expiries) {
      if (this.#isOver(expiry)) this.#expiries.delete(username);
    }
  }
}
