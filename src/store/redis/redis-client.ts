// Opens and ends single connections to Redis: loads the client's package, names the server, logs in and chooses the
// database. Owns no connection; who opened one, ends it. Nothing is retried here.

import type { Redis, RedisOptions } from 'ioredis';
import { StoreError } from '../../errors.ts';
import { timeoutError, toStoreError } from './redis-faults.ts';
import type { RedisStoreUrl } from './redis-url.ts';

/** The class of connections. */
export type RedisClass = typeof Redis;

/**
 * Loads ioredis.
 * @throws StoreError when it is not installed
 */
export async function loadRedisClass(): Promise<RedisClass> {
  try {
    return (await import('ioredis')).Redis;
  } catch (error) {
    throw new StoreError('driver', 'a Redis store needs the package ioredis: npm install ioredis', error);
  }
}

/** Opens connections to one Redis. */
export class RedisOpener {
  readonly name: string;
  readonly #url: RedisStoreUrl;
  readonly #redisClass: RedisClass;
  readonly #timeoutMs: number;

  constructor(redisClass: RedisClass, url: RedisStoreUrl, timeoutMs: number) {
    this.name = url.name;
    this.#redisClass = redisClass;
    this.#url = url;
    this.#timeoutMs = timeoutMs;
  }

  /** A connection that is logged in. Rejects with a StoreError, in time, and leaves nothing behind then. */
  async open(): Promise<Redis> {
    const client = new this.#redisClass(clientOptions(this.#url));
    let cause: unknown = null;
    // Without a listener the client writes to the console. What it says here is why connect() rejects.
    client.on('error', (error: unknown) => {
      cause ??= error;
    });
    const timer = setTimeout(() => {
      cause ??= timeoutError(this.name, this.#timeoutMs);
      destroyClient(client);
    }, this.#timeoutMs);
    try {
      await client.connect();
      await logIn(client, this.#url);
      return client;
    } catch (error) {
      destroyClient(client);
      throw toStoreError(this.name, cause ?? error);
    } finally {
      clearTimeout(timer);
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
function clientOptions(url: RedisStoreUrl): Omit<RedisOptions, 'replyMapping'> {
  return {
    host: url.host,
    port: url.port,
    protocol: 2,
    lazyConnect: true,
    // Reconnecting and waiting are decided by who holds the connection.
    retryStrategy: null,
    enableOfflineQueue: false,
    enableReadyCheck: false,
    autoResendUnfulfilledCommands: false,
    disableClientInfo: true,
    connectTimeout: 0,
    ...(url.tls === null ? {} : { tls: tlsOptions(url) }),
  };
}

function tlsOptions({ tls, host }: RedisStoreUrl): NonNullable<RedisOptions['tls']> {
  const { ca, certificate, key, serverName } = tls ?? {};
  return {
    ...(ca ? { ca } : {}),
    ...(certificate ? { cert: certificate } : {}),
    ...(key ? { key } : {}),
    ...(serverName ? { servername: serverName } : { host }),
  };
}

async function logIn(client: Redis, url: RedisStoreUrl): Promise<void> {
  if (url.password !== null) await authenticate(client, url.user, url.password);
  if (url.database !== 0) await client.select(url.database);
}

async function authenticate(client: Redis, user: string | null, password: string): Promise<void> {
  try {
    await (user === null ? client.auth(password) : client.auth(user, password));
  } catch (error) {
    // coturn too goes on with a Redis that has no password at all.
    if (user === null && error instanceof Error && /without any password|no password is set/.test(error.message))
      return;
    throw error;
  }
}
