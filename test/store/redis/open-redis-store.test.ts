// The Redis store beyond the contract of all stores: coturn's keys, what others wrote there, and every fault that a real
// Redis can have.

import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import type { Redis } from 'ioredis';
import { type Test, test } from 'tap';
import { StoreError } from '../../../src/errors.ts';
import { openRedisStore } from '../../../src/store/redis/open-redis-store.ts';
import { STORE_TIMEOUT_MS, type Store, type StoredUser } from '../../../src/store/store.ts';
import { redisProgram, startRedis, type TestRedis } from '../../support/databases/redis.ts';
import { connectTo, redisUrl } from '../../support/databases/redis-commands.ts';

const { skip } = redisProgram;

const USER: StoredUser = {
  realm: 'north.gov',
  name: 'gorst',
  md5Key: Buffer.from('7da2270ccfa49786e0115366d3a3d14d', 'hex'),
  sha256Key: Buffer.alloc(32, 7),
};
const USER_KEY = 'turn/realm/north.gov/user/gorst/key';
/** More than a call may take, and less than two of them. */
const PATIENCE_MS = STORE_TIMEOUT_MS * 1.5;

interface Lab {
  readonly redis: TestRedis;
  readonly store: Store;
  readonly client: Redis;
}

async function openLab(t: Test, options: Parameters<typeof startRedis>[0] = {}): Promise<Lab> {
  const redis = await startRedis(options);
  t.teardown(() => redis.close());
  return { redis, store: await openAt(t, redis.url), client: connectTo(t, redis) };
}

async function openAt(t: Test, url: string): Promise<Store> {
  const store = await openRedisStore(redisUrl(url));
  t.teardown(() => store.close());
  return store;
}

async function faultOf(promise: Promise<unknown>): Promise<StoreError> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof StoreError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

function countDescriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

test('keys and values are those of coturn', { skip }, async (t) => {
  const { store, client } = await openLab(t);
  await store.putUser(USER);
  await store.putSecret({ realm: 'north.gov', value: 'logen', expiresAt: 5 });
  await store.putPeerRule({ realm: 'north.gov', kind: 'deny', range: '123::45' });
  await store.setRealmOption('north.gov', 'totalQuota', 12000);
  await store.putOrigin({ origin: 'http://crinna.org:80', realm: 'crinna.org' });
  await store.putAdmin({ name: 'bayaz', realm: '', password: 'magi' });
  t.equal(await client.get(USER_KEY), '7da2270ccfa49786e0115366d3a3d14d');
  t.same(await client.smembers('turn/realm/north.gov/secret'), ['logen']);
  t.same(await client.smembers('turn/realm/north.gov/denied-peer-ip'), ['123::45']);
  t.equal(await client.get('turn/realm/north.gov/total-quota'), '12000');
  t.equal(await client.get('turn/origin/http://crinna.org:80'), 'crinna.org');
  t.same(await client.hgetall('turn/admin_user/bayaz'), { password: 'magi' });
  t.same(await client.hgetall('turn/realm/north.gov/secret-end'), { logen: '5' });
});

test('a SHA-256 key counts only beside the MD5 key that it was made with', { skip }, async (t) => {
  const { store, client } = await openLab(t);
  await store.putUser(USER);
  t.match(await store.findUser(USER), { sha256Key: USER.sha256Key });
  await client.set(USER_KEY, '00000000000000000000000000000000');
  t.match(await store.findUser(USER), { md5Key: Buffer.alloc(16), sha256Key: null });
});

test('what others left half done is skipped, and nothing else with it', { skip }, async (t) => {
  const { store, client } = await openLab(t);
  await client.set(USER_KEY, 'no key');
  await client.set('turn/realm/a/max-bps', 'many');
  await client.hset('turn/admin_user/nobody', 'realm', 'a');
  await client.hset('turn/oauth/kid/oldempire', 'ikm_key', 'MTIz');
  await client.set('turn/realm/a/user/b/allocation/000000000000000001/status', 'new lifetime=600');
  t.equal(await store.findUser(USER), null);
  t.same(await store.snapshot(), { secrets: [], peerRules: [], realms: [], origins: [] });
  t.same(await store.listAdmins(), []);
  t.match(await store.listOauthKeys(), [{ kid: 'oldempire', ikmKey: 'MTIz', timestamp: 0, lifetime: 0, realm: '' }]);
});

test('names with wildcards and slashes are literal (S23)', { skip }, async (t) => {
  const { store, client } = await openLab(t);
  const realms = ['*', '[ab]', 'a', 'b', 'a?', 'a\\', 'a/b', ''];
  for (const realm of realms) await store.putUser({ ...USER, realm, name: 'u/user/v/key' });
  for (const realm of realms) {
    const listed = await store.listUsers({ realm, after: null, limit: 10 });
    t.same(listed, [{ realm, name: 'u/user/v/key' }], `realm ${JSON.stringify(realm)}`);
  }
  const { fault, message } = await faultOf(store.putUser({ ...USER, realm: 'a/user/u' }));
  t.equal(fault, 'failed');
  t.match(message, /^store redis:.*cannot keep users of the realm "a\/user\/u".*use another realm/);
  t.equal((await client.keys('*')).length, realms.length * 2);
});

test('a million users are listed by SCAN, never by KEYS, and do not travel at a poll', { skip }, async (t) => {
  const { store, client } = await openLab(t);
  await client.call('CONFIG', 'RESETSTAT');
  for (const name of ['a', 'b', 'c']) await store.putUser({ ...USER, name });
  t.same((await store.listUsers({ realm: null, after: { realm: 'north.gov', name: 'a' }, limit: 1 })).length, 1);
  await store.snapshot();
  const stats = String(await client.call('INFO', 'commandstats'));
  t.match(stats, /cmdstat_scan:/);
  t.notMatch(stats, /cmdstat_keys:/);
});

test('a wrong password, and none', { skip }, async (t) => {
  const redis = await startRedis({ password: 'the right one' });
  t.teardown(() => redis.close());
  const wrong = await faultOf(openRedisStore(redisUrl(`redis://:hidden-Pass@127.0.0.1:${redis.port}/0`)));
  t.match(wrong, { fault: 'denied', message: /refuses the user or the password.*WRONGPASS/ });
  t.notMatch(JSON.stringify([wrong.message, wrong.stack, wrong.cause]), 'hidden-Pass');
  const none = await faultOf(openRedisStore(redisUrl(`redis://127.0.0.1:${redis.port}/0`)));
  t.match(none, { fault: 'denied', message: /asks for a password: put it into the URL/ });
  await (await openAt(t, redis.url)).ping();
});

test('a Redis without password takes one, as it does from coturn', { skip }, async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  await (await openAt(t, `redis://:needless@127.0.0.1:${redis.port}/0`)).ping();
});

test('a user whom the ACL forbids something', { skip }, async (t) => {
  const { redis, client } = await openLab(t);
  await client.call('ACL', 'SETUSER', 'reader', 'on', '>pw', '~turn/*', '+get', '+ping', '+select');
  const store = await openAt(t, `redis://reader:pw@127.0.0.1:${redis.port}/3`);
  t.equal(await store.findUser(USER), null);
  t.match(await faultOf(store.putUser(USER)), { fault: 'denied', message: /ACL forbids.*NOPERM/ });
  t.match(await faultOf(store.snapshot()), { fault: 'denied' });
});

test('a database that is not there', { skip }, async (t) => {
  const { redis } = await openLab(t);
  const fault = await faultOf(openRedisStore(redisUrl(`redis://127.0.0.1:${redis.port}/99`)));
  t.match(fault, { fault: 'denied', message: /no database of that number/ });
});

test('keys of another type', { skip }, async (t) => {
  const { store, client } = await openLab(t);
  await client.sadd(USER_KEY, 'x');
  t.match(await faultOf(store.findUser(USER)), { fault: 'schema', message: /another type than coturn's/ });
  await client.set('turn/realm/a/secret', 'x');
  t.match(await faultOf(store.snapshot()), { fault: 'schema' });
  t.match(await faultOf(store.putSecret({ realm: 'a', value: 'v', expiresAt: 1 })), { fault: 'schema' });
});

test('a replica and a full Redis refuse changes', { skip }, async (t) => {
  const { store, client } = await openLab(t);
  await client.call('CONFIG', 'SET', 'maxmemory', '1');
  t.match(await faultOf(store.putUser(USER)), { fault: 'failed', message: /no memory left.*OOM/ });
  await client.call('CONFIG', 'SET', 'maxmemory', '0');
  await client.call('REPLICAOF', '127.0.0.1', '1');
  t.match(await faultOf(store.putUser(USER)), { fault: 'denied', message: /read-only replica.*READONLY/ });
});

test('TLS: trusted, unknown authority, another name, and none', { skip }, async (t) => {
  const redis = await startRedis({ tls: true });
  t.teardown(() => redis.close());
  const { ca, otherCa } = redis.authority ?? { ca: '', otherCa: '' };
  const at = (query: string): string => `rediss://127.0.0.1:${redis.port}/0${query}`;
  await (await openAt(t, at(`?ca=${ca}`))).ping();
  await (await openAt(t, at(`?ca=${ca}&servername=db.example.org`))).ping();
  const strangers = [`?ca=${otherCa}`, '', `?ca=${ca}&servername=other.example.org`];
  for (const query of strangers) {
    const fault = await faultOf(openRedisStore(redisUrl(at(query))));
    t.match(fault, { fault: 'denied', message: /: TLS: .*certificate/ }, query);
  }
  const missing = await faultOf(openRedisStore(redisUrl(at('?ca=/nonexistent/ca.pem'))));
  t.match(missing, { fault: 'denied', message: /TLS file \/nonexistent\/ca.pem: no such file/ });
  const plain = await openAt(t, `redis://127.0.0.1:${redis.port}/0`);
  t.match(await faultOf(plain.ping()), { fault: 'unreachable', message: /wants TLS|connection was cut/ });
});

test('TLS towards a Redis without', { skip }, async (t) => {
  const { redis } = await openLab(t);
  const store = await openAt(t, `rediss://127.0.0.1:${redis.port}/0`);
  t.match(await faultOf(store.ping()), { fault: 'timeout', message: /speaks no TLS/ });
});

test('absent at start: it opens, says so, and finds it when it comes (R13)', { skip }, async (t) => {
  const redis = await startRedis();
  t.teardown(() => redis.close());
  await redis.server.stop();
  const store = await openAt(t, redis.url);
  t.match(await faultOf(store.ping()), { fault: 'unreachable', message: /connection refused/ });
  await redis.server.start();
  await store.putUser(USER);
});

test('killed and started again (R10): errors meanwhile, and no descriptor stays', { skip }, async (t) => {
  const { redis, store } = await openLab(t);
  await store.putUser(USER);
  await redis.server.kill();
  t.match(await faultOf(store.findUser(USER)), { fault: 'unreachable' });
  const descriptors = countDescriptors();
  for (let round = 0; round < 5; round++) await faultOf(store.ping());
  t.ok(countDescriptors() <= descriptors);
  await redis.server.start();
  t.match(await store.findUser(USER), { name: 'gorst' });
});

test('a port that ends all connections is tried five times a second, by all calls together (R10)', async (t) => {
  let attempts = 0;
  const server = createServer((socket) => {
    attempts++;
    socket.destroy();
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const started = performance.now();
  const store = await openAt(t, `redis://127.0.0.1:${port}/0`);
  for (let round = 0; round < 8; round++) {
    const faults = await Promise.all(Array.from({ length: 50 }, () => faultOf(store.ping())));
    t.same(new Set(faults.map(({ fault }) => fault)), new Set(['unreachable']));
  }
  t.ok(attempts <= (performance.now() - started) / 200 + 1, 'not more often', { attempts });
});

test('a server whose answers belong to other questions is refused in words', async (t) => {
  // Each command is one write here; each is told how many keys there are.
  const server = createServer((socket) => socket.on('data', () => socket.write(':7\r\n'.repeat(4))));
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const store = await openAt(t, `redis://127.0.0.1:${port}/0`);
  const { message } = await faultOf(store.snapshot());
  t.match(message, /^store redis:\/\/127\.0\.0\.1:\d+\/0: it failed: it answered something else than it was asked$/);
});

test('stopped in its tracks (R11): every call ends in time, and it is found when it goes on', { skip }, async (t) => {
  const { redis, store } = await openLab(t);
  await store.putUser(USER);
  const descriptors = countDescriptors();
  redis.server.pause();
  const started = performance.now();
  const calls = Array.from({ length: 1001 }, () => faultOf(store.findUser(USER)));
  const overload = await calls[1000];
  t.match(overload, { fault: 'timeout', message: /1000 calls wait/ });
  t.ok(performance.now() - started < STORE_TIMEOUT_MS / 2, 'the call too many is refused at once');
  const others = (await Promise.all(calls)).filter(({ fault }) => fault !== 'timeout');
  t.same(others, [], 'all wait in vain for the same reason');
  t.match(
    await faultOf(store.ping()),
    { fault: 'timeout', message: /no answer within 2000 ms/ },
    'a new connection too',
  );
  t.ok(performance.now() - started < 2 * PATIENCE_MS);
  t.ok(countDescriptors() < descriptors, 'both connections were ended');
  redis.server.resume();
  t.match(await store.findUser(USER), { name: 'gorst' });
});

test('closed while it connects in vain: at once', { skip }, async (t) => {
  const { redis, store } = await openLab(t);
  await redis.server.kill();
  await faultOf(store.ping());
  await redis.server.start();
  redis.server.pause();
  const waiting = faultOf(store.ping());
  const started = performance.now();
  await store.close();
  t.match(await waiting, { fault: 'failed', message: /it is closed/ });
  t.ok(performance.now() - started < STORE_TIMEOUT_MS / 2);
  redis.server.resume();
});

test('closed: what waits and what comes rejects', { skip }, async (t) => {
  const { redis, store } = await openLab(t);
  await store.ping();
  redis.server.pause();
  const waiting = faultOf(store.ping());
  await store.close();
  t.match(await waiting, { fault: 'failed', message: /it is closed/ });
  t.match(await faultOf(store.snapshot()), { fault: 'failed', message: /it is closed/ });
  await store.close();
  redis.server.resume();
});
