// An operator's database moves: made by turnadmin in SQLite, copied to Redis by turnctl, as coturn's configuration names
// both, and read there by turnadmin; turnd serves its users from the first by the configuration alone.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { runTurnctl } from '../../../src/cli/turnctl-program.ts';
import { systemFileReader } from '../../../src/config/file-reader.ts';
import { fakeIo } from '../../support/command-io.ts';
import { redisProgram, startRedis } from '../../support/databases/redis.ts';
import { run } from '../../support/databases/run.ts';
import { findProgram } from '../../support/foreign-program.ts';
import { RawClient } from '../../support/raw-client.ts';
import { startTurndWith, temporaryDirectory } from '../../support/turnd-process.ts';

const turnadmin = findProgram('TURND_TEST_TURNADMIN', ['/usr/bin/turnadmin', '/usr/local/bin/turnadmin']);
const REALM = ['-r', 'example.org'];
const LIMIT_MS = 60_000;

async function makeDatabase(t: Test): Promise<{ readonly directory: string; readonly file: string }> {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'turndb');
  const admin = (...args: readonly string[]): Promise<string> =>
    run(turnadmin.path, ['-b', file, ...args], { cwd: directory });
  for (const name of ['ann', 'bob']) await admin('-a', '-u', name, '-p', `password-of-${name}`, ...REALM);
  await admin('-s', 'bloody9', ...REALM);
  return { directory, file };
}

test('users and secrets move to Redis', { skip: turnadmin.skip || redisProgram.skip, timeout: LIMIT_MS }, async (t) => {
  const { directory } = await makeDatabase(t);
  const redis = await startRedis();
  t.teardown(() => redis.close());
  writeFileSync(join(directory, 'turnserver.conf'), 'lt-cred-mech\nuserdb=turndb\n');
  const io = { ...fakeIo({ cwd: directory }), reader: systemFileReader };
  const argv = ['config', 'import-coturn', '--db', 'turnserver.conf', '--to', redis.url, '--json'];
  t.equal(await runTurnctl(argv, '1.2.3', io), 0, io.refused.join(''));
  t.match(JSON.parse(io.printed.join('')).counts, { users: { added: 2, bad: 0 }, secrets: { added: 1 } });
  const place = `ip=127.0.0.1 port=${redis.port} dbname=0`;
  const listed = await run(turnadmin.path, ['-N', place, '-l'], { cwd: directory });
  t.match(listed, 'ann[example.org]');
  t.match(listed, 'bob[example.org]');
  t.match(await run(turnadmin.path, ['-N', place, '-S', ...REALM], { cwd: directory }), 'bloody9[example.org]');
});

test('turnd serves users of a database that only turnserver.conf names', {
  skip: turnadmin.skip,
  timeout: LIMIT_MS,
}, async (t) => {
  const { directory, file } = await makeDatabase(t);
  const config = join(directory, 'turnserver.conf');
  const lines = [
    'listening-ip=127.0.0.1',
    'listening-port=0',
    'no-tls',
    'realm=example.org',
    'lt-cred-mech',
    `userdb=${file}`,
  ];
  writeFileSync(config, lines.join('\n'), { mode: 0o600 });
  const server = await startTurndWith(t, [
    '--config',
    config,
    '--state-dir',
    join(directory, 'state'),
    '--log-format',
    'json',
  ]);
  const port = await server.port('udp');
  const good = await RawClient.open({ port, user: 'ann', password: 'password-of-ann' });
  t.teardown(() => good.close());
  t.equal((await good.allocated()).ip, '127.0.0.1');
  const bad = await RawClient.open({ port, user: 'bob', password: 'password-of-ann' });
  t.teardown(() => bad.close());
  await t.rejects(bad.allocated());
});
