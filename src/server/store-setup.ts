// The store of a running server: opened, watched for what others change in it, and looked after while it does not answer.

import { StoreUsers } from '../auth/store-users.ts';
import type { Config } from '../config/config.ts';
import { StoreError } from '../errors.ts';
import type { Logger } from '../log/logger.ts';
import { systemClock } from '../state/system-clock.ts';
import { measuredStore, StoreCounters } from '../store/measured-store.ts';
import { notifyingStore } from '../store/notifying-store.ts';
import { openStore } from '../store/open-store.ts';
import type { Store, StoreSnapshot, UserId } from '../store/store.ts';
import { StoreHealth } from '../store/store-health.ts';
import { StoreWatch } from '../store/store-watch.ts';
import { nodeTimers } from '../workers/node-timers.ts';
import type { Closers } from './closers.ts';

/** What is told of the store's content. */
export interface StoreReader {
  apply(snapshot: StoreSnapshot): void;
  /** Users have changed. */
  touch(): void;
}

/** A store in use. */
export class ServerStore {
  /** For administration: of what is changed through it every process has been told when the call returns. */
  readonly store: Store;
  readonly users: StoreUsers;
  readonly counters = new StoreCounters();
  readonly #bare: Store;
  readonly #health: StoreHealth;
  readonly #watch: StoreWatch;
  #reader: StoreReader | null = null;
  #snapshot: StoreSnapshot | null = null;

  constructor(bare: Store, { limits }: Config, logger: Logger, isOwn: boolean) {
    const store = measuredStore(bare, this.counters, systemClock.now);
    this.#bare = store;
    this.store = notifyingStore(store, (user) => this.#changed(user));
    const lost = (problem: string): void =>
      logger.error({ event: 'store-lost', store: store.name }, `${problem}: users that are not known yet are refused`);
    this.#health = new StoreHealth({
      // Whoever has never been read is not back before that can be done.
      probe: async () => void (await (this.#snapshot === null ? store.snapshot() : store.ping())),
      after: nodeTimers.after,
      lost,
      back: () => {
        logger.info({ event: 'store-back', store: store.name }, 'the store answers again');
        void this.#watch.refresh();
      },
    });
    this.#watch = new StoreWatch({
      store,
      health: this.#health,
      wallTime: systemClock.wallTime,
      every: nodeTimers.every,
      changed: (snapshot) => this.#apply(snapshot),
      unread: (problem) => {
        const told = { event: 'store-unread', store: store.name };
        if (problem === null) logger.info(told, 'the store can be read again');
        else logger.error(told, `${problem.message}: secrets, realms and peer lists stay as they were read last`);
      },
    });
    const { allocationsPerUser } = limits;
    const after = nodeTimers.after;
    this.users = new StoreUsers({ store, health: this.#health, clock: systemClock, allocationsPerUser, after, isOwn });
  }

  get name(): string {
    return this.#bare.name;
  }

  /** Why it does not answer, or null. */
  get problem(): string | null {
    return this.#health.problem;
  }

  /** Whether it has ever been read: before that, nobody can be served by it. */
  get hasBeenRead(): boolean {
    return this.#snapshot !== null;
  }

  /** Whether it holds anybody who could use the server. Asked of a store that answers. */
  async hasCredentials(): Promise<boolean> {
    if ((this.#snapshot?.secrets.length ?? 0) > 0) return true;
    return (await this.#bare.listUsers({ realm: null, after: null, limit: 1 })).length > 0;
  }

  /** Reads the store: now, and whenever it changes. Never rejects. */
  start(): Promise<void> {
    return this.#watch.refresh();
  }

  /** Tells `reader` what is there now, and of every change. */
  tell(reader: StoreReader): void {
    this.#reader = reader;
    if (this.#snapshot !== null) reader.apply(this.#snapshot);
  }

  async close(): Promise<void> {
    this.#watch.close();
    this.#health.close();
    await this.#bare.close();
  }

  #apply(snapshot: StoreSnapshot): void {
    this.#snapshot = snapshot;
    this.#reader?.apply(snapshot);
  }

  async #changed(user: UserId | null): Promise<void> {
    if (user === null) return this.#watch.refresh();
    this.users.forget(user.name, user.realm);
    this.#reader?.touch();
  }
}

/**
 * Opens the store of the configuration. One that does not answer is waited for while the server runs (R13).
 * @throws StoreError for what somebody has to mend
 */
export async function setUpStore(config: Config, logger: Logger, closers: Closers): Promise<ServerStore | null> {
  if (config.store === null) return null;
  const { url, isDefault } = config.store;
  const store = await openStore(url).catch((error: unknown) => {
    if (!(isDefault && error instanceof StoreError && error.fault === 'driver')) throw error;
    // Nobody has asked for it.
    logger.info({ event: 'store' }, `${error.message}; or set store: none. turnd runs without a store`);
    return null;
  });
  if (store === null) return null;
  const opened = new ServerStore(store, config, logger, isDefault);
  closers.add(() => opened.close());
  await opened.start();
  return opened;
}
