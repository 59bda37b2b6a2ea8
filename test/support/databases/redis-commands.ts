// Asks a Redis of a test what it holds, and tells it what to hold, beside the code under test.

import { Redis } from 'ioredis';
import type { Test } from 'tap';
import type { ServerUrl } from '../../../src/store/store-url.ts';
import { storeUrl } from '../../store/urls.ts';
import type { TestRedis } from './redis.ts';

/** A connection of the test's own. It ends with the test. */
export function connectTo(t: Test, redis: TestRedis): Redis {
  const client = new Redis(redis.url, { protocol: 2 });
  client.on('error', () => {});
  t.teardown(() => client.disconnect());
  return client;
}

/** The URL of a Redis, read. */
export function redisUrl(text: string): ServerUrl {
  const url = storeUrl(text);
  if (url.kind === 'sqlite') throw new Error(`not a URL of Redis: ${text}`);
  return url;
}
