// The SQL store's way to a SQLite file: a busy file is waited for without holding the event loop, and errors say what
// to do.

import { setTimeout as wait } from 'node:timers/promises';
import { SqliteAdapter, SqliteIntrospector, SqliteQueryCompiler, sql } from 'kysely';
import { compileOnly } from '../sql/compile-only.ts';
import {
  type SqlConnection,
  type SqlDialect,
  SqlError,
  type SqlResult,
  type SqlStatement,
} from '../sql/sql-connection.ts';
import type { SqliteDatabase } from './sqlite-database.ts';
import { describeSqliteFault, isBusy } from './sqlite-faults.ts';

/** Between two attempts at a busy file, in milliseconds. */
const RETRY_MS = 25;

const SQLITE: SqlDialect = {
  queries: compileOnly({
    createAdapter: () => new SqliteAdapter(),
    createIntrospector: (queries) => new SqliteIntrospector(queries),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  }),
  exact: (column, value) => sql<boolean>`${column} = ${value} collate binary`,
  byCodePoint: (column) => sql<string>`${column} collate binary`,
  tableOptions: '',
};

/** Statements to an open file. */
export class SqliteConnection implements SqlConnection {
  readonly kind = 'sqlite';
  readonly name: string;
  readonly dialect = SQLITE;
  readonly #database: SqliteDatabase;
  #isClosed = false;

  constructor(name: string, database: SqliteDatabase) {
    this.name = name;
    this.#database = database;
  }

  async run(statement: SqlStatement, deadline: number): Promise<SqlResult> {
    for (;;) {
      try {
        return this.#attempt(statement);
      } catch (error) {
        if (!isBusy(error) || performance.now() + RETRY_MS >= deadline) {
          throw new SqlError(this.name, describeSqliteFault(error), error);
        }
      }
      await wait(RETRY_MS);
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#database.close();
  }

  #attempt({ sql: text, parameters }: SqlStatement): SqlResult {
    if (this.#isClosed) throw new Error('the file is closed');
    return this.#database.run(text, parameters);
  }
}
