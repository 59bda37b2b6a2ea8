// One connection to PostgreSQL, by the package pg. Knows no table.

import { Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { Client, ClientConfig } from 'pg';
import type { ServerLink } from '../sql/server-connection.ts';
import type { SqlResult, SqlStatement } from '../sql/sql-connection.ts';
import { STORE_TIMEOUT_MS } from '../store.ts';
import type { ServerUrl } from '../store-url.ts';

/** A prepared statement that the server no longer has, or whose tables changed: the next connection makes its own. */
const STALE_PLANS: readonly unknown[] = ['0A000', '26000'];

/** A call that we no longer wait for ends there too, or a lock would gather the server's processes one by one. */
const GIVE_UP = `set statement_timeout = ${STORE_TIMEOUT_MS}`;

/** The part of the package that is used. */
export interface PostgresPackage {
  readonly Client: new (config: ClientConfig) => Client;
}

/** A client and its socket, which is ours so that it can be destroyed in any state. */
export class PostgresLink implements ServerLink {
  isLost = false;
  readonly #client: Client;
  readonly #socket = new Socket();

  constructor(pg: PostgresPackage, url: ServerUrl, tls: ConnectionOptions | null, onLost: () => void) {
    this.#client = new pg.Client({
      host: url.socket ?? url.host,
      port: url.port,
      user: url.user,
      password: url.password,
      database: url.database,
      ssl: tls ?? false,
      stream: () => this.#socket,
      keepAlive: true,
      application_name: 'turnd',
    });
    const lose = (): void => {
      this.isLost = true;
      onLost();
    };
    // An error comes to the call that runs, too; without a listener it would end the process.
    this.#client.on('error', lose).on('end', lose);
  }

  async connect(): Promise<void> {
    await this.#client.connect();
    await this.#client.query(GIVE_UP);
  }

  async run({ sql, parameters }: SqlStatement, label: string | undefined): Promise<SqlResult> {
    try {
      const query = { text: sql, values: [...parameters] };
      const { rows, rowCount } = await this.#client.query(label === undefined ? query : { ...query, name: label });
      return { rows, changes: rowCount ?? 0 };
    } catch (error) {
      if (error instanceof Error && 'code' in error && STALE_PLANS.includes(error.code)) this.isLost = true;
      throw error;
    }
  }

  destroy(): void {
    this.isLost = true;
    this.#socket.destroy();
  }
}
