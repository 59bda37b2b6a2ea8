// The Redis of statsdb is killed, stopped or slow while allocations come and go: calls and allocations notice nothing,
// memory and descriptors stay bounded, and its keys are put right when it is back.

import { readdirSync, readFileSync } from 'node:fs';
import { type Test, test } from 'tap';
import { redisProgram, startRedis, type TestRedis } from '../../support/databases/redis.ts';
import { connectTo } from '../../support/databases/redis-commands.ts';
import { RawClient, REQUEST } from '../../support/raw-client.ts';
import { SlowProxy } from '../../support/slow-proxy.ts';
import { labFlags, TurndProcess as Turnd, type TurndProcess, temporaryDirectory } from '../../support/turnd-process.ts';
import { lifetime } from '../../support/wire-attributes.ts';
import { isWhole, startCall } from './call.ts';

const { skip } = redisProgram;
const ROUNDS = 200;
/** What a client waits at most before its third try. */
const ROUND_MS = 1500;
const MAX_GROWTH_KB = 64 * 1024;
const MORE_DESCRIPTORS = 4;
const POLL_MS = 50;

interface Scene {
  readonly redis: TestRedis;
  readonly proxy: SlowProxy;
  readonly server: TurndProcess;
}

async function setUp(t: Test): Promise<Scene> {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  const proxy = await SlowProxy.open(t, redis.port);
  const env = {
    TURND_STATSDB: `redis://127.0.0.1:${proxy.port}/0`,
    TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0',
  };
  const flags = labFlags(temporaryDirectory(t), '--realm', 'example.org');
  const server = new Turnd(flags, { env });
  t.teardown(() => server.stop());
  await server.ready();
  return { redis, proxy, server };
}

function memoryOf({ pid }: TurndProcess): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

function descriptorsOf({ pid }: TurndProcess): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

/** Allocations that come and go; the longest time that one took. */
async function churn(t: Test, server: TurndProcess): Promise<number> {
  const client = await RawClient.open({ port: await server.port('udp') });
  t.teardown(() => client.close());
  let longest = 0;
  for (let round = 0; round < ROUNDS; round++) {
    const since = performance.now();
    await client.allocated();
    await client.request(REQUEST.refresh, [lifetime(0)]);
    longest = Math.max(longest, performance.now() - since);
  }
  return longest;
}

async function until(what: () => Promise<boolean>): Promise<void> {
  while (!(await what())) await new Promise((resolve) => setTimeout(resolve, POLL_MS));
}

const OUTAGES: Readonly<Record<string, { begin(scene: Scene): unknown; end(scene: Scene): unknown }>> = {
  killed: { begin: ({ redis }) => redis.server.kill(), end: ({ redis }) => redis.server.start() },
  stopped: { begin: ({ redis }) => redis.server.pause(), end: ({ redis }) => redis.server.resume() },
  'five seconds late': {
    begin: ({ proxy }) => {
      proxy.mode = { kind: 'slow', ms: 5000 };
    },
    end: ({ proxy }) => {
      proxy.mode = { kind: 'fast' };
    },
  },
  'a stranger': {
    begin: ({ proxy }) => {
      proxy.mode = { kind: 'stranger', says: Buffer.from('*1000000000\r\n$5\r\nhello\r\n') };
    },
    end: ({ proxy }) => {
      proxy.mode = { kind: 'fast' };
    },
  },
};

for (const [what, { begin, end }] of Object.entries(OUTAGES)) {
  test(`the Redis of statsdb is ${what}: nobody notices, and it heals`, { skip }, async (t) => {
    const scene = await setUp(t);
    const { server, redis } = scene;
    const call = await startCall(t, server);
    await churn(t, server);
    const [memory, descriptors] = [memoryOf(server), descriptorsOf(server)];
    await begin(scene);
    t.ok((await churn(t, server)) < ROUND_MS, 'allocations come and go');
    t.ok(await isWhole(call), 'the call goes on');
    await server.logged('the loss', ({ event }) => event === 'statsdb-lost');
    t.ok((await churn(t, server)) < ROUND_MS, 'and go on');
    t.ok(descriptorsOf(server) - descriptors <= MORE_DESCRIPTORS);
    const growth = memoryOf(server) - memory;
    t.ok(growth < MAX_GROWTH_KB, `${growth} KB more`);

    await end(scene);
    await server.logged('the return', ({ event }) => event === 'statsdb-back');
    const keys = connectTo(t, redis);
    await until(async () => (await keys.keys('turn/*')).length === 1);
    t.match((await keys.keys('turn/*'))[0], /\/user\/alice\/allocation\//, 'the one allocation that lives');
    t.ok(await isWhole(call));
    t.equal(server.log.filter(({ event }) => event === 'statsdb-lost').length, 1, 'told once');
    t.equal(server.stderr, '');
  });
}
