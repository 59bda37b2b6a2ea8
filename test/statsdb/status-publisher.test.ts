// Publishing to a real Redis that is killed, stopped, locked and absent.

import type { Redis } from 'ioredis';
import { type Test, test } from 'tap';
import type { StoreError } from '../../src/errors.ts';
import { NO_TRAFFIC, type PublishedAllocation } from '../../src/statsdb/coturn-texts.ts';
import { openStatusPublisher, type StatusPublisher } from '../../src/statsdb/status-publisher.ts';
import { redisProgram, startRedis, type TestRedis } from '../support/databases/redis.ts';
import { connectTo, redisUrl } from '../support/databases/redis-commands.ts';
import { patiently } from '../support/raw-client.ts';

const { skip } = redisProgram;

function allocation(id: number): PublishedAllocation {
  return {
    ...{ id: `${id}`, realm: 'example.org', user: 'bob', transport: 'UDP', tlsMethod: '', tlsCipher: '' },
    ...{ local: '192.0.2.1:3478', remote: '198.51.100.7:5000' },
  };
}

function keyOf(id: number): string {
  return `turn/realm/example.org/user/bob/allocation/${`${id}`.padStart(18, '0')}/status`;
}

/** Hears what a publisher says of its Redis. */
class Health {
  readonly said: (StoreError | null)[] = [];
  #listener: () => void = () => {};

  readonly onChange = (fault: StoreError | null): void => {
    this.said.push(fault);
    this.#listener();
  };

  /** Resolves once it says that Redis is away (or back). */
  until(isAway: boolean): Promise<void> {
    const heard = new Promise<void>((resolve) => {
      this.#listener = () => {
        if ((this.said.at(-1) !== null) === isAway && this.said.length > 0) resolve();
      };
      this.#listener();
    });
    return patiently(isAway ? 'Redis to be missed' : 'Redis to be back', heard);
  }
}

interface Lab {
  readonly redis: TestRedis;
  readonly publisher: StatusPublisher;
  readonly health: Health;
}

async function openLab(t: Test, options: { idPrefix?: string; url?: string } = {}): Promise<Lab> {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  return { redis, ...(await publishTo(t, redis, options)) };
}

async function publishTo(
  t: Test,
  redis: TestRedis,
  { idPrefix = 'none', url = redis.url }: { idPrefix?: string; url?: string } = {},
): Promise<Omit<Lab, 'redis'>> {
  const health = new Health();
  const publisher = await openStatusPublisher({ url: redisUrl(url), idPrefix, onChange: health.onChange });
  t.teardown(() => publisher.close());
  return { publisher, health };
}

/** Keeps all messages of Redis, and waits for one. */
async function listen(t: Test, redis: TestRedis): Promise<(channel: string, message: RegExp) => Promise<void>> {
  const client = connectTo(t, redis);
  const heard: (readonly [string, string])[] = [];
  const waiting = new Set<() => void>();
  client.on('pmessage', (_, channel: string, message: string) => {
    heard.push([channel, message]);
    for (const look of [...waiting]) look();
  });
  await client.psubscribe('*');
  return (channel, wanted) =>
    patiently(
      `${wanted} on ${channel}`,
      new Promise<void>((resolve) => {
        const look = (): void => {
          if (!heard.some(([name, message]) => name === channel && wanted.test(message))) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      }),
    );
}

async function statusIds(client: Redis): Promise<string[]> {
  return (await client.keys('turn/*/status')).map((key) => String(Number(key.split('/').at(-2)))).sort();
}

test('an allocation comes, is refreshed and goes', { skip }, async (t) => {
  const { redis, publisher } = await openLab(t);
  const [client, hears] = [connectTo(t, redis), await listen(t, redis)];
  publisher.allocated(allocation(1), 600);
  await hears(keyOf(1), /^new lifetime=600, type=UDP, local=192.0.2.1:3478, remote=198.51.100.7:5000/);
  t.match(await client.get(keyOf(1)), /^new lifetime=600/);
  publisher.refreshed(allocation(1), 300);
  await hears(keyOf(1), /^refreshed lifetime=300/);
  t.match(await client.get(keyOf(1)), /^refreshed/);
  publisher.released(allocation(1), { ...NO_TRAFFIC, packetsToPeers: 3, bytesToPeers: 99 });
  await hears(keyOf(1).replace('status', 'total_traffic/peer'), /^rcvp=0, rcvb=0, sentp=3, sentb=99$/);
  t.equal(await client.exists(keyOf(1)), 0);
  t.equal(publisher.dropped, 0);
});

test('traffic is told after 4096 packets, and what is left at the end', { skip }, async (t) => {
  const { redis, publisher } = await openLab(t);
  const hears = await listen(t, redis);
  const at = (packets: number) => ({ ...NO_TRAFFIC, packetsFromClient: packets, packetsToPeers: packets });
  publisher.allocated(allocation(1), 600);
  publisher.traffic(allocation(1), at(2047));
  publisher.traffic(allocation(1), at(2048));
  publisher.traffic(allocation(1), at(2050));
  publisher.released(allocation(1), at(2060));
  const channel = keyOf(1).replace('status', 'traffic');
  await hears(channel, /^rcvp=2048,/);
  await hears(`${channel}/peer`, /sentp=2048,/);
  await hears(channel, /^rcvp=12,/);
  await hears(keyOf(1).replace('status', 'total_traffic'), /^rcvp=2060,/);
});

test('killed: what lives is set again when it is back, what died is not there', { skip }, async (t) => {
  const { redis, publisher, health } = await openLab(t);
  const hears = await listen(t, redis);
  for (const id of [1, 2]) publisher.allocated(allocation(id), 600);
  await hears(keyOf(2), /new/);
  // As a Redis that keeps nothing on disk.
  await connectTo(t, redis).flushall();
  await redis.server.kill();
  await health.until(true);
  t.match(health.said, [{ fault: 'unreachable' }]);
  publisher.released(allocation(2), NO_TRAFFIC);
  publisher.allocated(allocation(3), 600);
  await redis.server.start();
  await health.until(false);
  t.same(await statusIds(connectTo(t, redis)), ['1', '3']);
});

test('stopped in its tracks: calls return at once, the oldest are dropped, it mends itself', { skip }, async (t) => {
  const { redis, publisher, health } = await openLab(t);
  const hears = await listen(t, redis);
  publisher.allocated(allocation(1), 600);
  await hears(keyOf(1), /new/);
  redis.server.pause();
  const started = performance.now();
  for (let id = 2; id <= 15_000; id++) publisher.allocated(allocation(id), 600);
  t.ok(performance.now() - started < 1000, 'nothing waits');
  t.ok(publisher.dropped > 4_000, 'the queue is bounded');
  await health.until(true);
  t.equal(health.said[0]?.fault, 'timeout');
  redis.server.resume();
  await health.until(false);
  t.equal((await statusIds(connectTo(t, redis))).length, 15_000, 'statuses are complete all the same');
});

test('absent at start: it is told once, and nothing is lost that fits', { skip }, async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  await redis.server.stop();
  const { publisher, health } = await publishTo(t, redis);
  publisher.allocated(allocation(1), 600);
  await health.until(true);
  await redis.server.start();
  await health.until(false);
  t.equal(publisher.dropped, 0);
  t.equal(health.said.length, 2);
  t.same(await statusIds(connectTo(t, redis)), ['1']);
});

test('a user who may not publish', { skip }, async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  await connectTo(t, redis).call('ACL', 'SETUSER', 'mute', 'on', '>pw', '~*', '+set', '+del', '+select');
  const { publisher, health } = await publishTo(t, redis, { url: `redis://mute:pw@127.0.0.1:${redis.port}/0` });
  publisher.allocated(allocation(1), 600);
  await health.until(true);
  t.match(health.said, [{ fault: 'denied', message: /ACL forbids/ }]);
});

test('a listener that throws stops nothing', { skip }, async (t) => {
  const redis = await startRedis({ password: 'right' });
  t.teardown(() => redis.close());
  const url = redisUrl(redis.url);
  let tell = (): void => {};
  const told = new Promise<void>((resolve) => {
    tell = resolve;
  });
  const onChange = (): void => {
    tell();
    throw new Error('a bug of the listener');
  };
  await redis.server.stop();
  const publisher = await openStatusPublisher({ url, idPrefix: 'none', onChange });
  t.teardown(() => publisher.close());
  publisher.allocated(allocation(1), 600);
  await told;
  await redis.server.start();
  const client = connectTo(t, redis);
  while ((await statusIds(client)).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
  t.same(await statusIds(client), ['1']);
});

test('it clears the statuses of an earlier run, if told to', { skip }, async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const client = connectTo(t, redis);
  await client.set(keyOf(7), 'new lifetime=600');
  const keeping = await publishTo(t, redis);
  keeping.publisher.allocated(allocation(1), 600);
  await keeping.publisher.close();
  t.same(await statusIds(client), ['7'], 'closed: its own is gone');
  const hears = await listen(t, redis);
  const { publisher } = await publishTo(t, redis, { idPrefix: '0' });
  publisher.allocated(allocation(2), 600);
  await hears(keyOf(2), /new/);
  t.same(await statusIds(client), ['2']);
});

test('closed: nothing is published any more, and nothing throws', { skip }, async (t) => {
  const { redis, publisher } = await openLab(t);
  publisher.allocated(allocation(1), 600);
  await publisher.close();
  await publisher.close();
  publisher.allocated(allocation(2), 600);
  publisher.traffic(allocation(2), NO_TRAFFIC);
  publisher.released(allocation(2), NO_TRAFFIC);
  t.same(await statusIds(connectTo(t, redis)), []);
});
