// coturn and turnd on one Redis: what turnadmin wrote is read, and what was written is served by coturn itself.

import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { openRedisStore } from '../../../src/store/redis/open-redis-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { Child } from '../../support/child-process.ts';
import { coturnProgram, startCoturn } from '../../support/coturn.ts';
import { redisProgram, startRedis } from '../../support/databases/redis.ts';
import { redisUrl } from '../../support/databases/redis-commands.ts';
import { findProgram } from '../../support/foreign-program.ts';
import { TEST_USER } from '../../support/turn-server.ts';
import { runUclient, uclientProgram } from './uclient.ts';
import { checkComplete } from './uclient-modes.ts';

const { realm } = TEST_USER;

const turnadmin = findProgram('TURND_TEST_TURNADMIN', ['/usr/bin/turnadmin', '/usr/local/bin/turnadmin']);
const skip = redisProgram.skip || turnadmin.skip || coturnProgram.skip || uclientProgram.skip;

interface Shared {
  readonly store: Store;
  /** As coturn writes where a Redis is. */
  readonly connection: string;
  /** Runs turnadmin on it. */
  admin(...args: string[]): Promise<string>;
}

async function share(t: Test): Promise<Shared> {
  const redis = await startRedis({ password: 'turn' });
  t.teardown(() => redis.close());
  const store = await openRedisStore(redisUrl(redis.url));
  t.teardown(() => store.close());
  const connection = `ip=127.0.0.1 dbname=0 password=turn port=${redis.port}`;
  const admin = async (...args: string[]): Promise<string> => {
    const child = new Child(turnadmin.path, [...args, '-N', connection]);
    await child.ended;
    await removeLogs(child.pid);
    return child.lines.join('\n');
  };
  return { store, connection, admin };
}

/** turnadmin logs into the first of these directories that it may write, and cannot be told not to. */
async function removeLogs(pid: number): Promise<void> {
  for (const directory of ['/var/log', '/var/tmp', '/tmp', '.']) {
    const logs = (await readdir(directory)).filter((name) => name.startsWith(`turn_${pid}_`));
    for (const log of logs) await rm(join(directory, log), { force: true });
  }
}

function md5Key(name: string, password: string): Buffer {
  return createHash('md5').update(`${name}:${realm}:${password}`).digest();
}

test('what turnadmin writes is read', { skip }, async (t) => {
  const { store, admin } = await share(t);
  await admin('-a', '-u', 'ann', '-r', realm, '-p', 'north');
  await admin('-s', 'logen', '-r', realm);
  await admin('-O', '-o', 'https://a.example', '-r', realm);
  await admin('-g', '-r', realm, '--max-bps=7', '--total-quota=8', '--user-quota=9');
  await admin('-A', '-u', 'boss', '-r', realm, '-p', 'magi');
  t.same(await store.findUser({ realm, name: 'ann' }), {
    ...{ realm, name: 'ann' },
    ...{ md5Key: md5Key('ann', 'north'), sha256Key: null },
  });
  t.same(await store.listUsers({ realm: null, after: null, limit: 9 }), [{ realm, name: 'ann' }]);
  t.same(await store.snapshot(), {
    secrets: [{ realm, value: 'logen', expiresAt: null }],
    peerRules: [],
    realms: [{ realm, maxBps: 7, totalQuota: 8, userQuota: 9 }],
    origins: [{ origin: 'https://a.example:443', realm }],
  });
  t.match(await store.listAdmins(), [{ name: 'boss', realm, password: /^\$5\$/ }]);
});

test('a password that turnadmin changes takes the SHA-256 key with it', { skip }, async (t) => {
  const { store, admin } = await share(t);
  await store.putUser({ realm, name: 'ann', md5Key: md5Key('ann', 'old'), sha256Key: Buffer.alloc(32, 1) });
  await admin('-a', '-u', 'ann', '-r', realm, '-p', 'new');
  t.match(await store.findUser({ realm, name: 'ann' }), { md5Key: md5Key('ann', 'new'), sha256Key: null });
  await admin('-d', '-u', 'ann', '-r', realm);
  t.equal(await store.findUser({ realm, name: 'ann' }), null);
});

test('what was written is listed by turnadmin', { skip }, async (t) => {
  const { store, admin } = await share(t);
  await store.putUser({ realm, name: 'bob', md5Key: md5Key('bob', 'x'), sha256Key: Buffer.alloc(32, 1) });
  await store.putSecret({ realm, value: 'bloody9', expiresAt: 99 });
  await store.putOrigin({ origin: 'https://b.example', realm });
  await store.setRealmOption(realm, 'userQuota', 3);
  await store.putAdmin({ name: 'boss', realm, password: 'magi' });
  t.match(await admin('-l'), `bob[${realm}]`);
  t.match(await admin('-l', '-r', realm), `bob[${realm}]`);
  t.match(await admin('-S', '-r', realm), `bloody9[${realm}]`);
  t.match(await admin('-I'), `https://b.example ==>> ${realm}`);
  t.match(await admin('-G'), `${realm}/user-quota = 3`);
  t.match(await admin('-L'), `boss[${realm}]`);
});

test('users that were written authenticate to coturn', { skip }, async (t) => {
  const { store, connection } = await share(t);
  await store.putUser({ realm, name: 'bob', md5Key: md5Key('bob', 's3cret'), sha256Key: Buffer.alloc(32, 1) });
  const server = await startCoturn({ args: [`--redis-userdb=${connection}`] });
  t.teardown(() => server.close());
  checkComplete(t, await runUclient(server, 'udp', ['-u', 'bob', '-w', 's3cret', '-y', '-c']), 40);
  const refused = await runUclient(server, 'udp', ['-u', 'bob', '-w', 'wrong', '-y', '-c']);
  t.not(refused.code, 0);
});

test('secrets that were written authenticate to coturn', { skip }, async (t) => {
  const { store, connection } = await share(t);
  await store.putSecret({ realm, value: 'bloody9', expiresAt: null });
  const server = await startCoturn({ args: ['--use-auth-secret', `--redis-userdb=${connection}`] });
  t.teardown(() => server.close());
  checkComplete(t, await runUclient(server, 'udp', ['-u', 'bob', '-W', 'bloody9', '-y', '-c']), 40);
});
