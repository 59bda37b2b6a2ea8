// Tables as coturn's schema makes them on MariaDB: collations that take "Alice", "alice" and "alice " for one name, and
// character sets without many letters.

import { readFileSync } from 'node:fs';
import { type Test, test } from 'tap';
import { StoreError } from '../../../src/errors.ts';
import { openStore } from '../../../src/store/open-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { mariadbProgram, startMariadb } from '../../support/databases/mariadb.ts';
import type { SqlServer } from '../../support/databases/sql-server.ts';
import { HOSTILE_TEXTS, userOf } from '../contract.ts';
import { storeUrl } from '../urls.ts';

const { skip } = mariadbProgram;
const SCHEMA = readFileSync('/usr/share/coturn/schema.sql', 'utf8');
const USER = userOf('r', 'alice', 'p');
const ALIKE = ['Alice', 'ALICE', 'alice ', 'alicé'];
let shared: Promise<SqlServer> | null = null;

/** A store on coturn's tables in the character set `charset`. */
async function open(
  t: Test,
  charset: string,
): Promise<{ readonly store: Store; readonly sql: (text: string) => Promise<string> }> {
  shared ??= startMariadb();
  const server = await shared;
  const database = await server.makeDatabase();
  await server.admin(database, `alter database ${database} character set ${charset}`);
  await server.admin(database, SCHEMA);
  const store = await openStore(storeUrl(server.url(database)));
  t.teardown(() => store.close());
  return { store, sql: (text) => server.admin(database, text) };
}

for (const charset of ['utf8mb4', 'utf8mb3', 'latin1']) {
  test(`${charset}: names are told apart by letter case, accents and spaces`, { skip }, async (t) => {
    const { store } = await open(t, charset);
    await store.putUser(USER);
    await store.putSecret({ realm: 'r', value: 'alice', expiresAt: null });
    for (const name of ALIKE) {
      t.equal(await store.findUser({ realm: 'r', name }), null, name);
      t.equal(await store.removeUser({ realm: 'r', name }), false);
      t.equal(await store.removeSecret('r', name), false);
    }
    for (const realm of ['R', 'r ']) t.equal(await store.findUser({ realm, name: 'alice' }), null);
    t.same((await store.findUser(USER))?.sha256Key, USER.sha256Key);
  });

  test(`${charset}: what the collation takes for equal is refused, and nobody loses`, { skip }, async (t) => {
    const { store } = await open(t, charset);
    await store.putUser(USER);
    const error: unknown = await store.putUser(userOf('r', 'Alice', 'q')).catch((reason: unknown) => reason);
    t.ok(error instanceof StoreError);
    t.match(error, { fault: 'schema', message: /differs only in letter case.*ALTER TABLE turnusers_lt/ });
    t.same((await store.findUser(USER))?.md5Key, USER.md5Key);
    t.equal(await store.findUser({ realm: 'r', name: 'Alice' }), null);
  });

  test(`${charset}: hostile texts are not found, kept whole or refused`, { skip }, async (t) => {
    const { store, sql } = await open(t, charset);
    for (const name of HOSTILE_TEXTS) {
      t.equal(await store.findUser({ realm: 'r', name }), null, JSON.stringify(name));
      const user = userOf('r', name, 'p');
      const error: unknown = await store.putUser(user).then(
        () => null,
        (reason: unknown) => reason,
      );
      if (error === null) t.same((await store.findUser(user))?.md5Key, user.md5Key, JSON.stringify(name));
      else t.ok(error instanceof StoreError, String(error));
      await store.removeUser(user);
    }
    t.equal(await sql('select count(*) from turnusers_lt'), '0', 'none was kept as something else');
  });
}

test('with the collation that the refusal names, they are two', { skip }, async (t) => {
  const { store, sql } = await open(t, 'utf8mb4');
  await store.putUser(USER);
  await sql('alter table turnusers_lt convert to character set utf8mb4 collate utf8mb4_bin');
  const other = userOf('r', 'Alice', 'q');
  await store.putUser(other);
  t.same((await store.findUser(other))?.md5Key, other.md5Key);
  t.same((await store.findUser(USER))?.md5Key, USER.md5Key);
});

test('a long text is refused by a server that cuts by default, too', { skip }, async (t) => {
  shared ??= startMariadb();
  await (await shared).admin('mysql', "set global sql_mode = ''");
  const { store, sql } = await open(t, 'utf8mb4');
  await sql('alter table turn_secret modify value varchar(5)');
  const again = await store.putSecret({ realm: 'r', value: 'too long', expiresAt: null }).catch((reason) => reason);
  t.match(again, { fault: 'schema', message: /too long.*widen/i });
  t.equal(await sql('select count(*) from turn_secret'), '0');
});

void test('the server ends', { skip }, async () => (await shared)?.close());
