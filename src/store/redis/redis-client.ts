// Opens and ends single connections to Redis: loads the client's package, names the server, logs in and chooses the
// database. Owns no connection; who opened one, ends it. Nothing is retried here.

import type { Redis, RedisOptions } from 'ioredis';
import { StoreError } from '../../errors.ts';
import { readStoreTls } from '../store-tls.ts';
import { nameOf, type ServerUrl } from '../store-url.ts';
import { timeoutError, toStoreError } from './redis-faults.ts';

/** The class of connections. */
export type RedisClass = typeof Redis;

/**
 * Loads ioredis, for the store of that name.
 * @throws StoreError when it is not installed
 */
export async function loadRedisClass(name: string): Promise<RedisClass> {
  try {
    return (await import('ioredis')).Redis;
  } catch (error) {
    const advice = 'run "npm install ioredis" where turnd is';
    throw new StoreError('driver', `store ${name}: the package ioredis is not installed: ${advice}`, error);
  }
}

/** Opens connections to one Redis. */
export class RedisOpener {
  readonly name: string;
  readonly #url: ServerUrl;
  readonly #redisClass: RedisClass;
  readonly #timeoutMs: number;

  constructor(redisClass: RedisClass, url: ServerUrl, timeoutMs: number) {
    this.name = nameOf(url);
    this.#redisClass = redisClass;
    this.#url = url;
    this.#timeoutMs = timeoutMs;
  }

  /** A connection that is logged in. Rejects with a StoreError, in time or when it is aborted, and leaves nothing then. */
  async open(signal: AbortSignal): Promise<Redis> {
    const client = new this.#redisClass(clientOptions(this.#url));
    let cause: unknown = null;
    // Without a listener the client writes to the console. What it says here is why connect() rejects.
    client.on('error', (error: unknown) => {
      cause ??= error;
    });
    // Redis without TLS takes a TLS handshake for the beginning of a command, and waits for the rest.
    const hint = this.#url.tls === null ? '' : ', or speaks no TLS (redis:// is without)';
    const timer = setTimeout(() => {
      cause ??= timeoutError(this.name, this.#timeoutMs, hint);
      destroyClient(client);
    }, this.#timeoutMs);
    const abort = (): void => destroyClient(client);
    signal.addEventListener('abort', abort);
    try {
      await client.connect();
      await logIn(client, this.#url);
      return client;
    } catch (error) {
      destroyClient(client);
      throw toStoreError(this.name, cause ?? error);
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }
}

/** Ends a connection at once: a server that hangs would never answer a polite farewell. */
export function destroyClient(client: Redis): void {
  client.disconnect();
  // Not there before the first attempt to connect.
  const stream: Redis['stream'] | undefined = client.stream;
  stream?.destroy();
}

/** RESP2 and no password: with HELLO, CLIENT and INFO it would need rights that coturn's users of Redis lack. */
function clientOptions(url: ServerUrl): Omit<RedisOptions, 'replyMapping'> {
  // Read for each connection: the files may have been renewed.
  const tls = readStoreTls(url);
  return {
    ...(url.socket === null ? { host: url.host, port: url.port } : { path: url.socket }),
    ...(tls === null ? {} : { tls }),
    protocol: 2,
    lazyConnect: true,
    // Reconnecting and waiting are decided by who holds the connection.
    retryStrategy: null,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
    connectTimeout: 0,
  };
}

async function logIn(client: Redis, url: ServerUrl): Promise<void> {
  if (url.user !== '' || url.password !== '') await authenticate(client, url);
  if (url.database !== '0') await client.select(url.database);
}

async function authenticate(client: Redis, { user, password }: ServerUrl): Promise<void> {
  try {
    await (user === '' ? client.auth(password) : client.auth(user, password));
  } catch (error) {
    // coturn too goes on with a Redis that has no password at all.
    if (user === '' && error instanceof Error && /without any password|no password is set/.test(error.message)) return;
    throw error;
  }
}
