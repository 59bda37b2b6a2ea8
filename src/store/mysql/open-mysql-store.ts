// Opens the store in a MySQL or MariaDB database, by the package mysql2, which is loaded here and may be missing.

import { type Expression, MysqlAdapter, MysqlIntrospector, MysqlQueryCompiler, sql } from 'kysely';
import { compileOnly } from '../sql/compile-only.ts';
import { ServerConnection } from '../sql/server-connection.ts';
import type { SqlDialect } from '../sql/sql-connection.ts';
import { openSqlStore } from '../sql/sql-store.ts';
import type { Store } from '../store.ts';
import { readStoreTls } from '../store-tls.ts';
import type { ServerUrl } from '../store-url.ts';
import { describeMysqlFault } from './mysql-faults.ts';
import { MysqlLink } from './mysql-link.ts';

/** The bytes of a text in UTF-8: they are equal when the texts are, and sort by code point. */
const bytesOf = (text: Expression<unknown>) => sql<string>`cast(convert(${text} using utf8mb4) as binary)`;

const MYSQL: SqlDialect = {
  queries: compileOnly({
    createAdapter: () => new MysqlAdapter(),
    createIntrospector: (queries) => new MysqlIntrospector(queries),
    createQueryCompiler: () => new MysqlQueryCompiler(),
  }),
  // The first comparison finds the row by the index; most collations take other case or spaces at the end for equal.
  exact: (column, value) => sql<boolean>`(${column} = ${value} and ${bytesOf(column)} = ${bytesOf(sql.val(value))})`,
  byCodePoint: bytesOf,
  // Collations by which "a" and "a " are two. Each server reads the comment that is for it; one older than both falls
  // back on its own collation, and then refuses a name that it cannot tell from one that is there.
  tableOptions: 'character set utf8mb4 /*!80017 collate utf8mb4_0900_bin */ /*M!100200 collate utf8mb4_nopad_bin */',
};

/** Opens it. Rejects with Node's error where mysql2 is not installed. */
export async function openMysqlStore(url: ServerUrl): Promise<Store> {
  const { default: mysql } = await import('mysql2');
  const tls = readStoreTls(url);
  const connection = new ServerConnection(url, {
    dialect: MYSQL,
    makeLink: (onLost) => new MysqlLink(mysql, url, tls, onLost),
    describeFault: (error) => describeMysqlFault(error, url),
  });
  return openSqlStore(connection);
}
