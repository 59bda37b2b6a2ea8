// What can be wrong with a SQLite file, and that coturn's own files stay as they are.

import { type ChildProcessWithoutNullStreams, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { StoreError } from '../../../src/errors.ts';
import { openSqliteStore } from '../../../src/store/sqlite/open-sqlite-store.ts';
import { type SqliteLibrary, sqliteLibraries } from '../../../src/store/sqlite/sqlite-database.ts';
import type { Store } from '../../../src/store/store.ts';
import { findProgram } from '../../support/foreign-program.ts';
import { userOf } from '../contract.ts';

const sqlite3 = findProgram('TURND_TEST_SQLITE3', ['/usr/bin/sqlite3', '/usr/local/bin/sqlite3']);
const { skip } = sqlite3;
const USER = userOf('r', 'alice', 'p');

async function open(t: Test, path: string, library: SqliteLibrary): Promise<Store> {
  const store = await openSqliteStore({ kind: 'sqlite', path }, [library]);
  t.teardown(() => store.close());
  return store;
}

function sql(path: string, text: string): string {
  return execFileSync(sqlite3.path, [path, text], { encoding: 'utf8' }).trim();
}

async function faultOf(call: Promise<unknown>): Promise<StoreError> {
  const error: unknown = await call.then(
    () => null,
    (reason) => reason,
  );
  if (error instanceof StoreError) return error;
  throw new Error(`no StoreError but ${String(error)}`);
}

for (const library of sqliteLibraries(process.versions.node)) {
  test(`${library}: a new file is WAL and of its user only`, { skip }, async (t) => {
    const path = join(t.testdir({}), 'turnd.db');
    const store = await open(t, path, library);
    await store.putUser(USER);
    t.equal(sql(path, 'pragma journal_mode'), 'wal');
    for (const file of [path, `${path}-wal`, `${path}-shm`]) t.equal(statSync(file).mode & 0o777, 0o600, file);
    await store.close();
    const again = await open(t, path, library);
    t.same((await again.findUser(USER))?.md5Key, USER.md5Key);
  });

  test(`${library}: a file that coturn made is never switched to WAL`, { skip }, async (t) => {
    const path = join(t.testdir({}), 'turndb');
    sql(path, 'CREATE TABLE turnusers_lt (realm varchar(127) default "", name varchar(512), hmackey char(128))');
    sql(path, `INSERT INTO turnusers_lt VALUES ('r', 'alice', '${USER.md5Key.toString('hex').toUpperCase()}')`);
    const store = await open(t, path, library);
    const found = await store.findUser(USER);
    t.same(found?.md5Key, USER.md5Key, 'upper case is read');
    t.equal(found?.sha256Key, null);
    await store.putUser(USER);
    t.same((await store.findUser(USER))?.sha256Key, USER.sha256Key);
    t.equal(sql(path, 'pragma journal_mode'), 'delete');
    t.equal(sql(path, 'select count(*) from turnusers_lt'), '1', 'replaced, though the table has no primary key');
  });

  test(`${library}: a SHA-256 key counts no more once coturn changed the password`, { skip }, async (t) => {
    const path = join(t.testdir({}), 'turnd.db');
    const store = await open(t, path, library);
    await store.putUser(USER);
    const other = userOf('r', 'alice', 'other');
    sql(path, `update turnusers_lt set hmackey = '${other.md5Key.toString('hex')}'`);
    const found = await store.findUser(USER);
    t.same(found?.md5Key, other.md5Key);
    t.equal(found?.sha256Key, null);
  });

  test(`${library}: values that cannot be read are skipped, and nothing else`, { skip }, async (t) => {
    const path = join(t.testdir({}), 'turnd.db');
    const store = await open(t, path, library);
    await store.setRealmOption('r', 'userQuota', 7);
    sql(path, "insert into turn_realm_option values ('r', 'max-bps', 'abc'), ('q', 'total-quota', '-1')");
    sql(path, "insert into turn_realm_option values ('p', 'unknown', '1'), ('r', 'total-quota', ' 5 ')");
    sql(path, "insert into turnusers_lt values ('r', 'half', 'abcd'), ('r', 'none', null), ('r', null, 'x')");
    sql(path, "insert into turn_secret values ('r', null), ('r', 'good')");
    sql(path, "insert into turnd_secret_end values ('r', 'good', 'soon')");
    sql(
      path,
      "insert into oauth_key (kid, ikm_key, timestamp) values ('big', 'x', 9223372036854775807), ('ok', 'x', 1)",
    );
    const { realms, secrets } = await store.snapshot();
    t.same(realms, [{ realm: 'r', maxBps: null, totalQuota: 5, userQuota: 7 }]);
    t.same(secrets, [{ realm: 'r', value: 'good', expiresAt: null }]);
    for (const name of ['half', 'none']) t.equal(await store.findUser({ realm: 'r', name }), null);
    t.same(
      (await store.listUsers({ realm: null, after: null, limit: 9 })).map(({ name }) => name),
      ['half', 'none'],
    );
    t.same(
      (await store.listOauthKeys()).map(({ kid }) => kid),
      ['ok'],
    );
  });

  test(`${library}: a busy file is waited for, and the loop goes on`, { skip }, async (t) => {
    const path = join(t.testdir({}), 'turnd.db');
    const store = await open(t, path, library);
    const other = await open(t, path, library);
    await store.putUser(USER);
    const holder = await holdLock(t, path);
    const start = performance.now();
    let longest = 0;
    let last = start;
    const beat = setInterval(() => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
    }, 5);
    const fault = await faultOf(other.putUser(USER));
    clearInterval(beat);
    t.equal(fault.fault, 'timeout');
    t.match(fault.message, /another program has locked the file/);
    t.ok(performance.now() - start > 1000, 'it was tried again');
    t.ok(performance.now() - start < 2500, 'in time');
    t.ok(longest < 300, `the loop stood for ${longest} ms at most`);
    t.ok(await store.findUser(USER), 'readers go on');
    const late = other.putUser(USER);
    holder.stdin.end('commit;\n');
    await late;
  });

  test(`${library}: files of no use are named faults`, { skip }, async (t) => {
    const directory = t.testdir({ text: 'no database, though long enough to be looked at\n'.repeat(100), dir: {} });
    const fault = (path: string) => faultOf(openSqliteStore({ kind: 'sqlite', path }, [library]));
    const text = await fault(join(directory, 'text'));
    t.match(text, { fault: 'schema', message: /store sqlite:\/\/.*text: the file is no SQLite database/ });
    t.match(await fault(join(directory, 'dir')), { fault: 'unreachable', message: /it is a directory/ });
    t.match(await fault(join(directory, 'a/b.db')), { fault: 'unreachable', message: /a is not a directory/ });
    t.match(readFileSync(join(directory, 'text'), 'utf8'), /^no database/, 'and left as they are');
  });

  test(`${library}: a wrong schema is a named fault`, { skip }, async (t) => {
    const path = join(t.testdir({}), 'turndb');
    sql(path, 'create table turnusers_lt (realm varchar(127), name varchar(512), password text)');
    const error = await faultOf(openSqliteStore({ kind: 'sqlite', path }, [library]));
    t.match(error, { fault: 'schema', message: /no column "?hmackey"?.*schema\.sql/ });
  });

  test(`${library}: a read-only file is a named fault`, { skip: skip || noOtherUser() }, async (t) => {
    const directory = t.testdir({});
    const path = join(directory, 'turnd.db');
    await (await open(t, path, library)).close();
    chmodSync(directory, 0o755);
    chmodSync(path, 0o644);
    const error = await asNobody(() => faultOf(openSqliteStore({ kind: 'sqlite', path }, [library])));
    t.match(error, { fault: 'denied', message: /permission denied: let turnd's user write/ });
    mkdirSync(join(directory, 'closed'));
    const closed = join(directory, 'closed', 'new.db');
    const refused = await asNobody(() => faultOf(openSqliteStore({ kind: 'sqlite', path: closed }, [library])));
    t.match(refused, { fault: 'denied' });
  });

  test(`${library}: texts are as long as coturn’s columns, in characters`, async (t) => {
    const store = await open(t, join(t.testdir({}), 'turnd.db'), library);
    const longest = userOf('r', '🦊'.repeat(512), 'p');
    await store.putUser(longest);
    t.same((await store.findUser(longest))?.md5Key, longest.md5Key);
    const error = await faultOf(store.putUser(userOf('r', `${'x'.repeat(512)}y`, 'p')));
    t.match(error, { fault: 'failed', message: /the name "x{40}…" cannot be kept.*longer than 512 characters/ });
    const secret = await faultOf(store.putSecret({ realm: 'r', value: 'Canary'.repeat(50), expiresAt: null }));
    t.match(secret.message, /the value cannot be kept.*256 characters/);
    t.notMatch(secret.message, /Canary/);
  });

  test(`${library}: stores that open at the same time make one file`, async (t) => {
    const path = join(t.testdir({}), 'turnd.db');
    const stores = await Promise.all(Array.from({ length: 8 }, () => open(t, path, library)));
    await Promise.all(stores.map((store, index) => store.putUser(userOf('r', `user ${index}`, 'p'))));
    t.equal((await stores[0]?.listUsers({ realm: null, after: null, limit: 99 }))?.length, 8);
  });

  test(`${library}: a table that was dropped is made again`, { skip }, async (t) => {
    const path = join(t.testdir({}), 'turnd.db');
    const store = await open(t, path, library);
    await store.putUser(USER);
    sql(path, 'drop table turnusers_lt');
    t.equal((await faultOf(store.findUser(USER))).fault, 'schema');
    t.equal(await store.findUser(USER), null);
  });
}

test('without any library the fault names the command that brings one', async (t) => {
  const path = join(t.testdir({}), 'turnd.db');
  writeFileSync(path, '');
  const error = await faultOf(openSqliteStore({ kind: 'sqlite', path }, []));
  t.match(error, { fault: 'driver', message: /npm install libsql/ });
});

test('node:sqlite is preferred where it needs no flag', async (t) => {
  for (const version of ['20.19.0', '22.12.0']) t.same(sqliteLibraries(version), ['libsql'], version);
  for (const version of ['22.13.0', '23.4.0', '24.0.1']) t.equal(sqliteLibraries(version)[0], 'node:sqlite', version);
});

function noOtherUser(): string | false {
  return process.getuid?.() === 0 ? false : 'needs root, to become somebody who may not write';
}

/** Another program that has begun to write; it ends when its input does. */
async function holdLock(t: Test, path: string): Promise<ChildProcessWithoutNullStreams> {
  const child = spawn(sqlite3.path, [path]);
  t.teardown(() => child.kill());
  child.stdin.write("begin immediate; select 'held';\n");
  await once(child.stdout, 'data');
  return child;
}

/** Runs `work` as a user who owns nothing. */
async function asNobody<T>(work: () => Promise<T>): Promise<T> {
  process.seteuid?.(65_534);
  try {
    return await work();
  } finally {
    process.seteuid?.(0);
  }
}
