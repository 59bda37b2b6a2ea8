// Owns the one connection of a store: opens it when it is needed, shares it among calls, ends it when it hangs. Bounds
// the time and the number of calls. Knows no key.

import type { Redis } from 'ioredis';
import { StoreError } from '../../errors.ts';
import { destroyClient, type RedisOpener } from './redis-client.ts';
import { timeoutError, toStoreError } from './redis-faults.ts';

/** How many calls may wait for answers. */
export const MAX_WAITING_CALLS = 1000;
/** Between two attempts to connect, in milliseconds: a dead server costs neither CPU nor descriptors. */
const RECONNECT_MS = 200;
/** With so many calls that got no end in their time, one after the other, a connection is of no use. */
const MAX_LATE_IN_A_ROW = 3;

/** Whether somebody still waits for what a call does. */
export interface CallProgress {
  readonly over: boolean;
}

/** Asks Redis something on a connection. One of many steps stops when it is over. */
export type RedisCall<T> = (client: Redis, progress: CallProgress) => Promise<T>;

/** A connection to Redis that mends itself. */
export class RedisLink {
  readonly #opener: RedisOpener;
  readonly #timeoutMs: number;
  /** Connections that were ended because nothing came from them. */
  readonly #hung = new WeakSet<Redis>();
  #client: Redis | null = null;
  #opening: Promise<Redis> | null = null;
  #lastAttempt = Number.NEGATIVE_INFINITY;
  #waiting = 0;
  /** Calls on this connection that ran out of time since one has ended well. */
  #lateInARow = 0;
  readonly #closed = new AbortController();

  constructor(opener: RedisOpener, timeoutMs: number) {
    this.#opener = opener;
    this.#timeoutMs = timeoutMs;
  }

  /** The store's name, for people. */
  get name(): string {
    return this.#opener.name;
  }

  /** What `call` returns, in time. Rejects with a StoreError and nothing else. */
  async run<T>(call: RedisCall<T>): Promise<T> {
    if (this.#isClosed) throw this.#closedError();
    if (this.#waiting >= MAX_WAITING_CALLS) throw this.#overloadError();
    this.#waiting++;
    try {
      return await this.#inTime(call);
    } catch (error) {
      throw this.#isClosed ? this.#closedError() : toStoreError(this.name, error);
    } finally {
      this.#waiting--;
    }
  }

  /** Ends the connection; what waits rejects. Idempotent. */
  async close(): Promise<void> {
    this.#closed.abort();
    if (this.#client !== null) destroyClient(this.#client);
    this.#client = null;
    await this.#opening?.catch(() => {});
  }

  async #inTime<T>(call: RedisCall<T>): Promise<T> {
    const attempt = new Attempt();
    const expiry = new Promise<never>((_, reject) => {
      attempt.timer = setTimeout(() => {
        this.#endIfUseless(attempt);
        reject(timeoutError(this.name, this.#timeoutMs));
      }, this.#timeoutMs);
    });
    try {
      return await Promise.race([this.#connectAndCall(call, attempt), expiry]);
    } finally {
      clearTimeout(attempt.timer);
      attempt.over = true;
    }
  }

  async #connectAndCall<T>(call: RedisCall<T>, attempt: Attempt): Promise<T> {
    const client = this.#client?.status === 'ready' ? this.#client : await this.#connect();
    // Nobody waits for the answer any more: the server need not be asked.
    if (attempt.over) throw timeoutError(this.name, this.#timeoutMs);
    attempt.begin(client);
    try {
      const result = await call(client, attempt);
      if (!attempt.over) this.#lateInARow = 0;
      return result;
    } catch (error) {
      throw this.#hung.has(client) ? timeoutError(this.name, this.#timeoutMs) : error;
    }
  }

  /** All calls wait for the same attempt. */
  #connect(): Promise<Redis> {
    this.#opening ??= this.#open().finally(() => {
      this.#opening = null;
    });
    return this.#opening;
  }

  async #open(): Promise<Redis> {
    const pause = this.#lastAttempt + RECONNECT_MS - performance.now();
    if (pause > 0) await new Promise((resolve) => setTimeout(resolve, pause));
    if (this.#isClosed) throw this.#closedError();
    this.#lastAttempt = performance.now();
    const client = await this.#opener.open(this.#closed.signal);
    if (this.#isClosed) {
      destroyClient(client);
      throw this.#closedError();
    }
    this.#client = client;
    this.#lateInARow = 0;
    return client;
  }

  /**
   * A server that has said nothing at all hangs. One that is only slow with this call may serve others; but where no
   * call gets an end, its answers and our questions have lost each other.
   */
  #endIfUseless({ client, bytesBefore }: Attempt): void {
    if (client === null || client !== this.#client) return;
    this.#lateInARow++;
    if (client.stream.bytesRead !== bytesBefore && this.#lateInARow < MAX_LATE_IN_A_ROW) return;
    this.#client = null;
    this.#hung.add(client);
    destroyClient(client);
  }

  get #isClosed(): boolean {
    return this.#closed.signal.aborted;
  }

  #closedError(): StoreError {
    return new StoreError('failed', `store ${this.name}: it is closed`);
  }

  #overloadError(): StoreError {
    const words = `${MAX_WAITING_CALLS} calls wait for it already: look why it is slow`;
    return new StoreError('timeout', `store ${this.name}: ${words}`);
  }
}

/** A call and the connection it uses. */
class Attempt implements CallProgress {
  client: Redis | null = null;
  bytesBefore = 0;
  timer: NodeJS.Timeout | undefined = undefined;
  over = false;

  begin(client: Redis): void {
    this.client = client;
    this.bytesBefore = client.stream.bytesRead;
  }
}
