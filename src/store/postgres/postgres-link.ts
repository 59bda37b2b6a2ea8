// One connection to PostgreSQL, by the package pg. Knows no table.

import type { EventEmitter } from 'node:events';
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

/** The message of an error: what came cannot be read. */
export const NO_POSTGRES = 'what answers does not speak as PostgreSQL does';

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
    containFaults(this.#socket);
    containFaultsOfTls(this.#client);
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

/**
 * What the package throws while it reads ends the connection. It throws at bytes that are not PostgreSQL's, out of the
 * socket's own event: nobody else could catch it, and the process would end.
 */
function containFaults(socket: Socket): void {
  const emit = socket.emit.bind(socket);
  socket.emit = (event: string | symbol, ...values: unknown[]): boolean => {
    if (event !== 'data') return emit(event, ...values);
    try {
      return emit(event, ...values);
    } catch (error) {
      socket.destroy(new Error(NO_POSTGRES, { cause: error }));
      return true;
    }
  };
}

/** The package makes the socket of TLS itself, in the middle of connecting. */
function containFaultsOfTls(client: Client): void {
  const { connection } = client as Client & { readonly connection: EventEmitter & { readonly stream: Socket } };
  connection.once('sslconnect', () => containFaults(connection.stream));
}
