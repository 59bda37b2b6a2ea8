// Looks at a store every few seconds for what others have changed in it, and at once when it is told to. Everything but
// users is read as a whole. What has ended (a rotated secret) is left out, and taken away from the store.

import { StoreError } from '../errors.ts';
import type { Store, StoredSecret, StoreSnapshot } from './store.ts';
import type { StoreHealth } from './store-health.ts';

/** What the watch needs. Time is injected. */
export interface StoreWatchOptions {
  readonly store: Pick<Store, 'snapshot' | 'removeSecret' | 'ping'>;
  readonly health: Pick<StoreHealth, 'isAnswering' | 'failed'>;
  /** Unix milliseconds. */
  readonly wallTime: () => number;
  /** Calls again and again, every so many milliseconds; returns how to end it. */
  readonly every: (milliseconds: number, act: () => void) => () => void;
  /** What is there now differs from what was there. */
  readonly changed: (snapshot: StoreSnapshot) => void;
  /** The store answers, but cannot be read as a whole: what was read last goes on counting. Null: it can again. */
  readonly unread: (problem: StoreError | null) => void;
}

const POLL_MS = 5000;

/** Watches one store. */
export class StoreWatch {
  readonly #options: StoreWatchOptions;
  readonly #stop: () => void;
  #last = '';
  #reading: Promise<void> | null = null;
  #isClosed = false;
  #isUnread = false;

  constructor(options: StoreWatchOptions) {
    this.#options = options;
    this.#stop = options.every(POLL_MS, () => {
      if (options.health.isAnswering && this.#reading === null) void this.refresh();
    });
  }

  /** Reads the store now. Never rejects: what fails is the health's to say. */
  async refresh(): Promise<void> {
    // What is being read now may be older than what the caller knows of.
    while (this.#reading !== null) await this.#reading;
    this.#reading = this.#read();
    await this.#reading;
  }

  close(): void {
    this.#isClosed = true;
    this.#stop();
  }

  async #read(): Promise<void> {
    const { store, changed } = this.#options;
    try {
      const snapshot = await this.#withoutEnded(await store.snapshot());
      this.#setUnread(null);
      const text = fingerprint(snapshot);
      if (this.#isClosed || text === this.#last) return;
      this.#last = text;
      changed(snapshot);
    } catch (error) {
      await this.#failed(error);
    } finally {
      this.#reading = null;
    }
  }

  // A large Redis may take longer to be read than anybody should wait: that is no reason to refuse those whom it knows.
  // What has never been read is: peers may be denied in it.
  async #failed(error: unknown): Promise<void> {
    const { store, health } = this.#options;
    if (this.#last === '' || !(error instanceof StoreError)) return health.failed(error);
    await store.ping().then(
      () => this.#setUnread(error),
      (reason) => health.failed(reason),
    );
  }

  #setUnread(problem: StoreError | null): void {
    const isUnread = problem !== null;
    if (isUnread === this.#isUnread) return;
    this.#isUnread = isUnread;
    this.#options.unread(problem);
  }

  async #withoutEnded(snapshot: StoreSnapshot): Promise<StoreSnapshot> {
    const now = this.#options.wallTime();
    const isOver = ({ expiresAt }: StoredSecret): boolean => expiresAt !== null && expiresAt <= now;
    const ended = snapshot.secrets.filter(isOver);
    for (const { realm, value } of ended) await this.#options.store.removeSecret(realm, value).catch(() => false);
    return ended.length === 0 ? snapshot : { ...snapshot, secrets: snapshot.secrets.filter((each) => !isOver(each)) };
  }
}

// A store may tell the same things in another order each time.
function fingerprint(snapshot: StoreSnapshot): string {
  return Object.values(snapshot)
    .map((list: readonly unknown[]) => list.map((each) => JSON.stringify(each)).sort())
    .join('\n');
}
