// What PostgreSQL is really asked: by its own log and by its own tables.

import { type Test, test } from 'tap';
import { StoreError } from '../../../src/errors.ts';
import { openStore } from '../../../src/store/open-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { postgresProgram, startPostgres } from '../../support/databases/postgres.ts';
import type { SqlServer } from '../../support/databases/sql-server.ts';
import { userOf } from '../contract.ts';
import { storeUrl } from '../urls.ts';

const { skip } = postgresProgram;
const USER = userOf('r', 'alice', 'p');
let shared: Promise<SqlServer> | null = null;

interface Opened {
  readonly server: SqlServer;
  readonly database: string;
  readonly store: Store;
}

async function open(t: Test): Promise<Opened> {
  shared ??= startPostgres();
  const server = await shared;
  const database = await server.makeDatabase();
  const store = await openStore(storeUrl(server.url(database)));
  t.teardown(() => store.close());
  return { server, database, store };
}

test('S23: a name is one literal parameter of a named statement', { skip }, async (t) => {
  const { server, store } = await open(t);
  const name = `' OR 1=1; DROP TABLE turnusers_lt; --`;
  await store.findUser({ realm: 'r', name });
  const parameter = `$4 = '${name.replaceAll("'", "''")}'\n`;
  await server.server.hasSaid(parameter);
  t.match(server.server.output, /execute turnd_user_full: select .*"u"\."name" = \$4/);
  const texts = server.server.output.split('\n').filter((line) => line.includes('DROP TABLE'));
  t.ok(texts.length > 0);
  t.same(
    texts.filter((line) => !line.includes('parameters:')),
    [],
    'it is in no statement',
  );
});

test('coturn’s own padding and letter case of keys are read', { skip }, async (t) => {
  const { server, database, store } = await open(t);
  const key = USER.md5Key.toString('hex').toUpperCase();
  await server.admin(database, `insert into turnusers_lt values ('r', 'alice', '${key}')`);
  t.equal(await server.admin(database, 'select octet_length(hmackey) from turnusers_lt'), '128');
  const found = await store.findUser(USER);
  t.same([found?.md5Key, found?.sha256Key], [USER.md5Key, null]);
});

test('letters that the database’s character set lacks are nobody’s', { skip }, async (t) => {
  shared ??= startPostgres();
  const server = await shared;
  await server.admin('postgres', "create database narrow encoding 'LATIN1' locale 'C' template template0 owner turnd");
  const store = await openStore(storeUrl(server.url('narrow')));
  t.teardown(() => store.close());
  t.equal(await store.findUser({ realm: 'r', name: '🦊' }), null);
  const error: unknown = await store.putUser(userOf('r', '🦊', 'p')).catch((reason: unknown) => reason);
  t.ok(error instanceof StoreError);
  await store.putUser(userOf('r', 'é', 'p'));
  t.ok(await store.findUser({ realm: 'r', name: 'é' }));
});

test('a table that changes under a prepared statement costs one call', { skip }, async (t) => {
  const { server, database, store } = await open(t);
  await store.putUser(USER);
  await store.findUser(USER);
  await server.admin(database, 'alter table turnusers_lt alter column hmackey type text');
  await store.findUser(USER).catch(() => null);
  t.same((await store.findUser(USER))?.md5Key.toString('hex'), USER.md5Key.toString('hex'));
});

test('one look-up goes by the index', { skip }, async (t) => {
  const { server, database } = await open(t);
  const query = "explain select * from turnusers_lt u where u.realm = 'r' and u.name = 'n'";
  t.match(await server.admin(database, `set enable_seqscan = off; ${query}`), /Index Scan/);
});

void test('the server ends', { skip }, async () => (await shared)?.close());
