// A few connections to a database server, shared by many calls, each of which ends by its own time: a connection that
// kept somebody waiting too long is destroyed, never used again. Knows no driver and no statement.

/** A connection of a pool. */
export interface PooledConnection {
  /** Connects. Called once, first. */
  connect(): Promise<void>;
  /** Whether it can be used no more. */
  readonly isLost: boolean;
  /** Lets go of its descriptor at once, whatever the server does. */
  destroy(): void;
}

/** Why a pool refuses a call, by itself. */
export type PoolRefusal = 'timeout' | 'full' | 'closed';

/** The pool's own refusal. */
export class PoolError extends Error {
  readonly refusal: PoolRefusal;

  constructor(refusal: PoolRefusal) {
    super(refusal);
    this.refusal = refusal;
  }
}

/** Connections at most. */
const MAX_CONNECTIONS = 4;
/** Calls that wait for one at most. */
const MAX_WAITING = 1000;

/** Who waits for a connection: `give` opens one where it gets null. */
interface Waiter<C> {
  readonly deadline: number;
  readonly give: (connection: C | null) => void;
  readonly refuse: (error: PoolError) => void;
}

/** A pool of connections that `make` makes. */
export class ConnectionPool<C extends PooledConnection> {
  readonly #make: (onLost: () => void) => C;
  readonly #open = new Set<C>();
  readonly #idle: C[] = [];
  readonly #waiting = new Set<Waiter<C>>();
  /** Rights to open a connection that were given and are not used yet. */
  #promised = 0;
  #isClosed = false;

  /** `make` gets what it has to call when the connection is lost while nobody uses it. */
  constructor(make: (onLost: () => void) => C) {
    this.#make = make;
  }

  /**
   * Does `work` with a connection. Rejects with what connecting or `work` rejects with, or with a PoolError by
   * `deadline` (monotonic milliseconds) at the latest.
   */
  async use<T>(work: (connection: C) => Promise<T>, deadline: number): Promise<T> {
    const given = await this.#acquire(deadline);
    const connection = given ?? (await this.#connect(deadline));
    try {
      const result = await byDeadline(work(connection), deadline);
      this.#giveBack(connection);
      return result;
    } catch (error) {
      if (error instanceof PoolError) this.#discard(connection);
      else this.#giveBack(connection);
      throw error;
    }
  }

  /** Destroys every connection; calls that run or wait are refused. */
  close(): void {
    this.#isClosed = true;
    for (const { refuse } of this.#waiting) refuse(new PoolError('closed'));
    this.#waiting.clear();
    for (const connection of this.#open) connection.destroy();
    this.#open.clear();
    this.#idle.length = 0;
  }

  /** A connection that is free, or null for the right to open one. */
  #acquire(deadline: number): Promise<C | null> {
    if (this.#isClosed) return Promise.reject(new PoolError('closed'));
    const idle = this.#idle.pop();
    if (idle !== undefined) return Promise.resolve(idle);
    if (this.#open.size + this.#promised < MAX_CONNECTIONS) {
      this.#promised++;
      return Promise.resolve(null);
    }
    if (this.#waiting.size >= MAX_WAITING) return Promise.reject(new PoolError('full'));
    return this.#wait(deadline);
  }

  #wait(deadline: number): Promise<C | null> {
    return new Promise((resolve, reject) => {
      const settle = (): void => {
        clearTimeout(timer);
        this.#waiting.delete(waiter);
      };
      const waiter: Waiter<C> = {
        deadline,
        give: (connection) => {
          settle();
          resolve(connection);
        },
        refuse: (error) => {
          settle();
          reject(error);
        },
      };
      const timer = setTimeout(() => waiter.refuse(new PoolError('timeout')), msUntil(deadline));
      this.#waiting.add(waiter);
    });
  }

  /** Uses the right to open a connection. */
  async #connect(deadline: number): Promise<C> {
    this.#promised--;
    const connection: C = this.#make(() => this.#forget(connection));
    this.#open.add(connection);
    try {
      await byDeadline(connection.connect(), deadline);
      return connection;
    } catch (error) {
      this.#discard(connection);
      throw error;
    }
  }

  #giveBack(connection: C): void {
    if (connection.isLost || !this.#open.has(connection)) {
      this.#discard(connection);
      return;
    }
    const next = this.#nextWaiter();
    if (next === undefined) this.#idle.push(connection);
    else next.give(connection);
  }

  #discard(connection: C): void {
    connection.destroy();
    this.#forget(connection);
    if (this.#isClosed || this.#open.size + this.#promised >= MAX_CONNECTIONS) return;
    const next = this.#nextWaiter();
    if (next === undefined) return;
    this.#promised++;
    next.give(null);
  }

  #forget(connection: C): void {
    this.#open.delete(connection);
    const index = this.#idle.indexOf(connection);
    if (index >= 0) this.#idle.splice(index, 1);
  }

  /** Who waits the longest and still has time to be served. */
  #nextWaiter(): Waiter<C> | undefined {
    for (const waiter of this.#waiting) {
      if (msUntil(waiter.deadline) > 0) return waiter;
      waiter.refuse(new PoolError('timeout'));
    }
    return undefined;
  }
}

function msUntil(deadline: number): number {
  return Math.max(0, deadline - performance.now());
}

/** What `promise` comes to, or a PoolError when that takes too long; a late rejection is nobody's. */
function byDeadline<T>(promise: Promise<T>, deadline: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new PoolError('timeout')), msUntil(deadline));
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
