// The SQL store's way to a database server: statements through a pool, and refusals of the pool in words.

import { nameOf, type ServerUrl } from '../store-url.ts';
import { ConnectionPool, PoolError, type PooledConnection, type PoolRefusal } from './connection-pool.ts';
import {
  type SqlConnection,
  type SqlDialect,
  SqlError,
  type SqlFaultParts,
  type SqlResult,
  type SqlStatement,
} from './sql-connection.ts';

/** A connection that runs statements, one at a time. */
export interface ServerLink extends PooledConnection {
  run(statement: SqlStatement, label: string | undefined): Promise<SqlResult>;
}

/** What one kind of server needs. */
export interface ServerDriver {
  readonly dialect: SqlDialect;
  /** `onLost` is to be called when the connection ends. */
  makeLink(onLost: () => void): ServerLink;
  describeFault(error: unknown): SqlFaultParts;
}

const REFUSALS: Readonly<Record<PoolRefusal, SqlFaultParts>> = Object.freeze({
  timeout: { fault: 'timeout', plain: 'it did not answer in time', advice: 'look at its load, and at firewalls' },
  full: { fault: 'timeout', plain: 'too many calls wait for it', advice: 'look at its load' },
  closed: { fault: 'failed', plain: 'it is closed' },
});

/** A database server. */
export class ServerConnection implements SqlConnection {
  readonly kind: ServerUrl['kind'];
  readonly name: string;
  readonly dialect: SqlDialect;
  readonly #driver: ServerDriver;
  readonly #pool: ConnectionPool<ServerLink>;

  constructor(url: ServerUrl, driver: ServerDriver) {
    this.kind = url.kind;
    this.name = nameOf(url);
    this.dialect = driver.dialect;
    this.#driver = driver;
    this.#pool = new ConnectionPool((onLost) => driver.makeLink(onLost));
  }

  async run(statement: SqlStatement, deadline: number, label?: string): Promise<SqlResult> {
    try {
      return await this.#pool.use((link) => link.run(statement, label), deadline);
    } catch (error) {
      const parts = error instanceof PoolError ? REFUSALS[error.refusal] : this.#driver.describeFault(error);
      throw new SqlError(this.name, parts, error);
    }
  }

  async close(): Promise<void> {
    this.#pool.close();
  }
}
