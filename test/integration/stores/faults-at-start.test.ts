// A start with a store that cannot be used: within five seconds turnd ends, and one sentence says which store, what is
// wrong with it and what to do; or it serves and says what is missing (R13). No word of it is a secret (S55).

import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { mariadbProgram, startMariadb } from '../../support/databases/mariadb.ts';
import { postgresProgram, startPostgres } from '../../support/databases/postgres.ts';
import { redisProgram, startRedis } from '../../support/databases/redis.ts';
import { SQL_USER, type SqlServer } from '../../support/databases/sql-server.ts';
import { findFreePort } from '../../support/free-ports.ts';
import {
  bareFlags,
  type Ended,
  type ProcessOptions,
  runTurnd,
  temporaryDirectory,
} from '../../support/turnd-process.ts';
import { allocateAs, startWith } from './scene.ts';

const CANARY = 'c4nary-Secret';
/** R13 asks for five seconds; the rest is for a machine that is busy. A silent wait is much longer. */
const LIMIT_MS = 30_000;
const isRoot = process.getuid?.() === 0;

interface Failed {
  readonly code: 1 | 2;
  readonly says: RegExp;
}

async function start(t: Test, env: Readonly<Record<string, string>>, options: ProcessOptions = {}): Promise<Ended> {
  const flags = [...bareFlags(temporaryDirectory(t)), '--listen', 'udp://127.0.0.1:0', '--log-level', 'trace'];
  return runTurnd(flags, { ...options, env: { ...env, ...options.env } });
}

async function fails(t: Test, url: string, { code, says }: Failed, options: ProcessOptions = {}): Promise<void> {
  const since = performance.now();
  const ended = await start(t, { TURND_STORE: url }, options);
  t.ok(performance.now() - since < LIMIT_MS, `${url} in time`);
  t.equal(ended.code, code, url);
  t.match(ended.stderr, says);
  t.match(ended.stderr, /^turnd: .*\n$/, 'one sentence');
  t.notMatch(ended.stdout, /"msg":"ready"/);
  keepsSecrets(t, ended.stdout + ended.stderr);
}

function keepsSecrets(t: Test, text: string): void {
  for (const secret of [CANARY, SQL_USER.password, encodeURIComponent(SQL_USER.password)])
    t.notOk(text.includes(secret));
}

test('a URL that is none is named, without what stands in it', async (t) => {
  const says = /TURND_STORE: .*(postgres|mysql):\/\/user:password@host:\d+\/database/;
  const urls = [`oracle://x:${CANARY}@h/db`, CANARY, `postgres://u:${CANARY}@[::1/x`, `mysql://u:${CANARY}@h:x/y`];
  await Promise.all(urls.map((url) => fails(t, url, { code: 2, says })));
  await fails(t, `redis://:${CANARY}@h/0?${CANARY}=1`, { code: 2, says: /TURND_STORE: parameters of the URL are tls/ });
});

test('a SQLite file that cannot be used is named with its defect', async (t) => {
  const directory = temporaryDirectory(t);
  const [text, other, none] = ['text.db', 'other.db', 'none/x.db'].map((name) => join(directory, name)) as [
    string,
    string,
    string,
  ];
  writeFileSync(text, 'no database, but a text that is long enough for one'.repeat(50));
  execFileSync('sqlite3', [other, 'create table turnusers_lt (realm text, name text, secret text)']);
  await fails(t, `sqlite://${directory}`, { code: 1, says: /it is a directory/ });
  await fails(t, `sqlite://${text}`, { code: 1, says: /no SQLite database/ });
  await fails(t, `sqlite://${other}`, { code: 1, says: /no column hmackey.*schema\.sql/ });
  await fails(t, `sqlite://${none}`, { code: 1, says: /none is not a directory/ });
});

test('a SQLite file that may not be read is named', async (t) => {
  const directory = temporaryDirectory(t);
  const path = join(directory, 'closed.db');
  execFileSync('sqlite3', [path, 'create table t (a int)']);
  chmodSync(path, 0);
  // Root without its privileges: a stranger to that file.
  if (isRoot) chownSync(path, 65_534, 65_534);
  const prefix = isRoot ? ['setpriv', '--inh-caps=-all', '--bounding-set=-all'] : [];
  const flags = [...bareFlags(directory), '--listen', 'udp://127.0.0.1:0'];
  const ended = await runTurnd(flags, { prefix, env: { TURND_STORE: `sqlite://${path}` } });
  t.equal(ended.code, 1);
  t.match(ended.stderr, /^turnd: store sqlite:\/\/.*closed\.db: .*(permission|may not|denied).*\n$/);
});

for (const [name, { skip }, startServer] of [
  ['PostgreSQL', postgresProgram, startPostgres],
  ['MariaDB', mariadbProgram, startMariadb],
] as const) {
  test(`${name}: password, database, rights and tables that are wrong are named`, { skip }, async (t) => {
    const server: SqlServer = await startServer();
    t.teardown(() => server.close());
    const database = await server.makeDatabase();
    const wrong = { name: SQL_USER.name, password: CANARY };
    await fails(t, server.url(database, wrong), {
      code: 1,
      says: /wrong password for turnd.*correct user and password/,
    });
    const says = /(no database none|[Aa]ccess denied.* to database 'none')/;
    await fails(t, server.url('none'), { code: 1, says });
    await server.admin(database, 'create table turnusers_lt (realm varchar(127), name varchar(512), secret text)');
    await fails(t, server.url(database), { code: 1, says: /turnusers_lt|hmackey/ });
  });
}

test('Redis: a wrong password is named', { skip: redisProgram.skip }, async (t) => {
  const redis = await startRedis({ password: 'right' });
  t.teardown(() => redis.close());
  await fails(t, `redis://:${CANARY}@127.0.0.1:${redis.port}/0`, { code: 1, says: /password/ });
  await fails(t, `redis://127.0.0.1:${redis.port}/0`, { code: 1, says: /password/ });
});

test('a driver that is not installed is named with what installs it', async (t) => {
  const directory = temporaryDirectory(t);
  // As if npm had left them out.
  writeFileSync(
    join(directory, 'hook.mjs'),
    `export async function resolve(name, context, next) {
      if (!/^(pg|mysql2|ioredis|libsql|node:sqlite)$/.test(name)) return next(name, context);
      throw Object.assign(new Error("Cannot find package '" + name + "'"), { code: 'ERR_MODULE_NOT_FOUND' });
    }`,
  );
  const hook = join(directory, 'start.mjs');
  writeFileSync(hook, `import { register } from 'node:module'; register('./hook.mjs', import.meta.url);`);
  const options = { env: { NODE_OPTIONS: `--import ${hook}` } };
  const drivers = [
    [`postgres://u:${CANARY}@127.0.0.1/x`, 'pg'],
    [`mysql://u:${CANARY}@127.0.0.1/x`, 'mysql2'],
    [`redis://:${CANARY}@127.0.0.1/0`, 'ioredis'],
    [`sqlite://${join(temporaryDirectory(t), 'x.db')}`, 'libsql'],
  ] as const;
  await Promise.all(
    drivers.map(([url, name]) => fails(t, url, { code: 1, says: new RegExp(`npm install ${name}`) }, options)),
  );
  const statsdb = await start(t, { TURND_STATSDB: `redis://:${CANARY}@127.0.0.1/0`, ...options.env });
  t.equal(statsdb.code, 1);
  t.match(statsdb.stderr, /npm install ioredis/);
  keepsSecrets(t, statsdb.stderr);
});

test('S12 a file without store and users is refused', async (t) => {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'turnd.yaml');
  writeFileSync(config, 'store: none\n');
  const ended = await runTurnd([...bareFlags(directory), '--listen', 'udp://127.0.0.1:0', '--config', config]);
  t.equal(ended.code, 2);
  t.match(ended.stderr, /turnd\.yaml: .*auth\.users/);
  mkdirSync(join(directory, 'empty'));
  writeFileSync(config, `store: none\nstate-dir: ${join(directory, 'empty')}\nauth: {users: []}\n`);
  t.equal((await runTurnd(['--listen', 'udp://127.0.0.1:0', '--config', config])).code, 2);
});

test('nobody at the port: turnd serves whom it knows, and says what is missing', async (t) => {
  const port = await findFreePort('127.0.0.1');
  for (const url of [`postgres://u:${CANARY}@127.0.0.1:${port}/x`, `redis://:${CANARY}@127.0.0.1:${port}/0`]) {
    const env = { TURND_STATSDB: `redis://:${CANARY}@127.0.0.1:${port}/0` };
    const flags = ['--log-level', 'trace', '--user', 'alice:secret-of-alice'];
    const server = await startWith(t, { url, env, flags });
    t.match((await server.logged('the loss', ({ event }) => event === 'store-lost')).msg, /127\.0\.0\.1:\d+.*refused/);
    await server.logged('the loss', ({ event }) => event === 'statsdb-lost');
    t.equal(await allocateAs(t, server, 'alice'), 0);
    await server.stop();
    keepsSecrets(t, server.stdout.join('\n') + server.stderr);
  }
});

test('statsdb with a wrong password: turnd serves, and says so', { skip: redisProgram.skip }, async (t) => {
  const redis = await startRedis({ password: 'right' });
  t.teardown(() => redis.close());
  const env = { TURND_STATSDB: `redis://:${CANARY}@127.0.0.1:${redis.port}/0` };
  const flags = ['--log-level', 'trace', '--user', 'alice:secret-of-alice'];
  const server = await startWith(t, { url: 'none', env, flags });
  t.match((await server.logged('the loss', ({ event }) => event === 'statsdb-lost')).msg, /password/);
  t.equal(await allocateAs(t, server, 'alice'), 0);
  await server.stop();
  keepsSecrets(t, server.stdout.join('\n') + server.stderr);
});
