// Opens the store in a PostgreSQL database, by the package pg, which is loaded here and may be missing.

import { PostgresAdapter, PostgresIntrospector, PostgresQueryCompiler, sql } from 'kysely';
import { compileOnly } from '../sql/compile-only.ts';
import { ServerConnection } from '../sql/server-connection.ts';
import type { SqlDialect } from '../sql/sql-connection.ts';
import { openSqlStore } from '../sql/sql-store.ts';
import type { Store } from '../store.ts';
import { readStoreTls } from '../store-tls.ts';
import type { ServerUrl } from '../store-url.ts';
import { describePostgresFault } from './postgres-faults.ts';
import { PostgresLink } from './postgres-link.ts';

const POSTGRES: SqlDialect = {
  queries: compileOnly({
    createAdapter: () => new PostgresAdapter(),
    createIntrospector: (queries) => new PostgresIntrospector(queries),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  }),
  exact: (column, value) => sql<boolean>`${column} = ${value}`,
  byCodePoint: (column) => sql<string>`cast(${column} as text) collate "C"`,
  tableOptions: '',
};

/** Opens it. Rejects with Node's error where pg is not installed. */
export async function openPostgresStore(url: ServerUrl): Promise<Store> {
  const { default: pg } = await import('pg');
  const tls = readStoreTls(url);
  const connection = new ServerConnection(url, {
    dialect: POSTGRES,
    makeLink: (onLost) => new PostgresLink(pg, url, tls, onLost),
    describeFault: (error) => describePostgresFault(error, url),
  });
  return openSqlStore(connection);
}
