// Empties an outbox into Redis, batch by batch, over one connection that it opens again, ever more rarely, for as long
// as it takes. Knows nothing of allocations.

import { setTimeout as delay } from 'node:timers/promises';
import type { Redis } from 'ioredis';
import { StoreError } from '../errors.ts';
import { destroyClient, type RedisOpener } from '../store/redis/redis-client.ts';
import { timeoutError, toStoreError } from '../store/redis/redis-faults.ts';
import { answersOf } from '../store/redis/redis-scan.ts';
import { STORE_TIMEOUT_MS } from '../store/store.ts';
import type { Command, Outbox } from './outbox.ts';

/** How many commands leave in one write; the next waits for the answers. */
const BATCH = 500;
const FIRST_PAUSE_MS = 200;
const LONGEST_PAUSE_MS = 5000;

/** Hears that Redis is away (why), and that it is back (null). */
export type OnChange = (fault: StoreError | null) => void;

/** What an outlet works with. */
export interface OutletParts {
  readonly outbox: Outbox;
  readonly opener: RedisOpener;
  readonly onChange: OnChange;
  /** Asked once, on the first connection. */
  readonly prepare: (client: Redis) => Promise<void>;
}

/** Empties an outbox into Redis. */
export class RedisOutlet {
  readonly #parts: OutletParts;
  readonly #stopped = new AbortController();
  #client: Redis | null = null;
  #isPrepared = false;
  #pauseMs = FIRST_PAUSE_MS;
  #fault: StoreError | null = null;
  #running: Promise<void> | null = null;
  #isClosing = false;

  constructor(parts: OutletParts) {
    this.#parts = parts;
  }

  /** There is something to send, or may be. Cheap when it is at work already. */
  wake(): void {
    if (this.#running !== null || this.#stopped.signal.aborted) return;
    this.#running = this.#run().finally(() => {
      this.#running = null;
      // What came between the last look and now.
      if (this.#hasWork()) this.wake();
    });
  }

  /** Sends what is left if Redis is there, and ends. Within {@link STORE_TIMEOUT_MS}. */
  async close(): Promise<void> {
    this.#isClosing = true;
    if (this.#client !== null) this.wake();
    else this.#stopped.abort();
    const timer = setTimeout(() => this.#end(), STORE_TIMEOUT_MS);
    await this.#running;
    clearTimeout(timer);
    this.#end();
  }

  #end(): void {
    this.#stopped.abort();
    this.#disconnect();
  }

  /** Ends when nothing is left to do on a connection that stands. Never rejects. */
  async #run(): Promise<void> {
    // Everything of this turn of the event loop leaves together.
    await new Promise((resolve) => setImmediate(resolve));
    while (!this.#stopped.signal.aborted && this.#hasWork()) {
      try {
        await this.#step();
      } catch (error) {
        await this.#onFailure(toStoreError(this.#parts.opener.name, error));
      }
    }
  }

  #hasWork(): boolean {
    const { outbox } = this.#parts;
    return this.#client === null || outbox.isOutOfStep || !outbox.isEmpty;
  }

  async #step(): Promise<void> {
    const { outbox } = this.#parts;
    const client = this.#client ?? (await this.#connect());
    if (outbox.isOutOfStep) await this.#sendAll(client, outbox.takeRepair());
    const batch = outbox.take(BATCH);
    if (batch.length > 0) await this.#send(client, batch);
    this.#onSuccess();
  }

  async #connect(): Promise<Redis> {
    const client = await this.#parts.opener.open(this.#stopped.signal);
    if (this.#stopped.signal.aborted) {
      destroyClient(client);
      throw new StoreError('failed', 'it is closed');
    }
    this.#client = client;
    client.once('end', () => this.#onEnd(client));
    if (!this.#isPrepared) await inTime(client, this.#parts.opener.name, this.#parts.prepare(client));
    this.#isPrepared = true;
    // It may have been another Redis, or none of its keys outlived it.
    await this.#sendAll(client, this.#parts.outbox.takeFullRepair());
    return client;
  }

  async #sendAll(client: Redis, commands: readonly Command[]): Promise<void> {
    for (let start = 0; start < commands.length; start += BATCH) {
      await this.#send(client, commands.slice(start, start + BATCH));
    }
  }

  async #send(client: Redis, commands: readonly Command[]): Promise<void> {
    const pipeline = client.pipeline();
    for (const { verb, key, value } of commands) {
      if (verb === 'del') pipeline.del(key);
      else pipeline[verb](key, value);
    }
    try {
      await inTime(client, this.#parts.opener.name, answersOf(pipeline));
    } catch (error) {
      this.#parts.outbox.lose(commands);
      throw error;
    }
    this.#parts.outbox.settle(commands);
  }

  /** Whoever ended the connection, statuses of what lives must come back without waiting for news. */
  #onEnd(client: Redis): void {
    if (this.#client !== client) return;
    this.#client = null;
    if (!this.#isClosing) this.wake();
  }

  #onSuccess(): void {
    this.#pauseMs = FIRST_PAUSE_MS;
    if (this.#fault !== null) this.#tell(null);
  }

  /** Every refusal is one of all commands (rights, a replica, no memory): to go on at once would help nobody. */
  async #onFailure(fault: StoreError): Promise<void> {
    this.#disconnect();
    if (this.#isClosing) this.#stopped.abort();
    if (this.#stopped.signal.aborted) return;
    if (this.#fault?.message !== fault.message) this.#tell(fault);
    const pauseMs = this.#pauseMs;
    this.#pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS);
    await delay(pauseMs, undefined, { signal: this.#stopped.signal, ref: false }).catch(() => {});
  }

  #tell(fault: StoreError | null): void {
    this.#fault = fault;
    try {
      this.#parts.onChange(fault);
    } catch {
      // Whoever listens may fail; publishing goes on.
    }
  }

  #disconnect(): void {
    const client = this.#client;
    this.#client = null;
    if (client !== null) destroyClient(client);
  }
}

/** A server that hangs would never answer: then its connection ends. */
async function inTime<T>(client: Redis, name: string, work: Promise<T>): Promise<T> {
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    destroyClient(client);
  }, STORE_TIMEOUT_MS);
  try {
    return await work;
  } catch (error) {
    throw isLate ? timeoutError(name, STORE_TIMEOUT_MS) : error;
  } finally {
    clearTimeout(timer);
  }
}
