// Opens SQLite files, by node:sqlite where this Node has it without a flag, else by the package libsql: both behind the
// few methods that a store needs. Knows no table.

/** An open SQLite file. Methods block, and throw what the library throws. */
export interface SqliteDatabase {
  /** Statements of our own that need no rows. */
  exec(sql: string): void;
  run(sql: string, parameters: readonly unknown[]): { readonly rows: readonly Row[]; readonly changes: number };
  close(): void;
}

type Row = Readonly<Record<string, unknown>>;

/** A way to SQLite. */
export type SqliteLibrary = 'node:sqlite' | 'libsql';

interface Statement {
  all(...parameters: unknown[]): unknown[];
  run(...parameters: unknown[]): { readonly changes: number | bigint };
}

interface Database<T> {
  exec(sql: string): void;
  prepare(sql: string): T;
  close(): void;
}

interface NodeStatement extends Statement {
  setReadBigInts(isOn: boolean): void;
  columns?(): unknown[];
}

/** From this version on, node:sqlite is there without a flag. */
const NODE_SQLITE_SINCE = [22, 13] as const;

/** The libraries that this Node can use, the better first. libsql may be missing: it is an optional package. */
export function sqliteLibraries(nodeVersion: string): readonly SqliteLibrary[] {
  const [major = 0, minor = 0] = nodeVersion.split('.').map(Number);
  const isThere = major > NODE_SQLITE_SINCE[0] || (major === NODE_SQLITE_SINCE[0] && minor >= NODE_SQLITE_SINCE[1]);
  return isThere ? ['node:sqlite', 'libsql'] : ['libsql'];
}

/** Opens the file at `path`, which it makes when it is missing. Throws what the library throws. */
export async function openSqliteDatabase(path: string, library: SqliteLibrary): Promise<SqliteDatabase> {
  return library === 'libsql' ? openLibsql(path) : openNodeSqlite(path);
}

async function openLibsql(path: string): Promise<SqliteDatabase> {
  const { default: Libsql } = (await import('libsql')) as unknown as {
    default: new (path: string) => Database<Statement & { readonly reader: boolean }>;
  };
  return wrap(new Libsql(path), (statement, parameters) =>
    statement.reader ? { rows: statement.all(parameters), changes: 0 } : { rows: [], ...statement.run(parameters) },
  );
}

async function openNodeSqlite(path: string): Promise<SqliteDatabase> {
  // Not a literal: the types of the oldest supported Node do not know it.
  const specifier: string = 'node:sqlite';
  const { DatabaseSync } = (await import(specifier)) as {
    DatabaseSync: new (path: string) => Database<NodeStatement>;
  };
  return wrap(new DatabaseSync(path), (statement, parameters, isReader) => {
    statement.setReadBigInts(true);
    return isReader
      ? { rows: statement.all(...parameters), changes: 0 }
      : { rows: [], ...statement.run(...parameters) };
  });
}

type Outcome = { readonly rows: unknown[]; readonly changes: number | bigint };

function wrap<T>(
  database: Database<T>,
  execute: (statement: T, parameters: readonly unknown[], isReader: boolean) => Outcome,
): SqliteDatabase {
  const statements = new Map<string, T>();
  return {
    exec: (sql) => database.exec(sql),
    run: (sql, parameters) => {
      const statement = statements.get(sql) ?? database.prepare(sql);
      statements.set(sql, statement);
      const { rows, changes } = execute(statement, parameters, /^\s*(select|pragma)\b/i.test(sql));
      return { rows: rows as Row[], changes: Number(changes) };
    },
    close: () => {
      statements.clear();
      settle(database);
      database.close();
    },
  };
}

// libsql closes the file only when its statements are collected, and a process that ends before leaves the write-ahead log
// behind: so that the file alone is whole, for copies. Whoever else has it open may be in the way, which does no harm.
function settle(database: Database<unknown>): void {
  try {
    database.exec('pragma wal_checkpoint(truncate)');
  } catch {
    // Every change is in the log.
  }
}
