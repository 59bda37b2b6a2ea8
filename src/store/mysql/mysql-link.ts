// One connection to MySQL or MariaDB, by the package mysql2. Knows no table.

import { connect, type Socket } from 'node:net';
import type { ConnectionOptions } from 'node:tls';
import type { Connection, ConnectionOptions as MysqlOptions, ResultSetHeader, RowDataPacket } from 'mysql2';
import type { ServerLink } from '../sql/server-connection.ts';
import type { SqlResult, SqlRow, SqlStatement } from '../sql/sql-connection.ts';
import { STORE_TIMEOUT_MS } from '../store.ts';
import type { ServerUrl } from '../store-url.ts';

const GIVE_UP_S = Math.ceil(STORE_TIMEOUT_MS / 1000);
/**
 * A text that is too long is an error and never cut, whatever the server's settings; a call that we no longer wait for
 * ends there too. MariaDB and MySQL each read the comment that is for it.
 */
const SETTINGS =
  "set session sql_mode = concat(@@session.sql_mode, ',STRICT_ALL_TABLES'), " +
  `lock_wait_timeout = ${GIVE_UP_S}, innodb_lock_wait_timeout = ${GIVE_UP_S} ` +
  `/*!50708 , max_execution_time = ${STORE_TIMEOUT_MS} */ /*M!100101 , max_statement_time = ${GIVE_UP_S} */`;

/** The part of the package that is used. */
export interface MysqlPackage {
  createConnection(options: MysqlOptions): Connection;
}

/** A connection and its socket, which is ours so that it can be destroyed in any state. */
export class MysqlLink implements ServerLink {
  isLost = false;
  readonly #mysql: MysqlPackage;
  readonly #url: ServerUrl;
  readonly #tls: ConnectionOptions | null;
  readonly #onLost: () => void;
  #connection: Connection | null = null;
  #socket: Socket | null = null;

  constructor(mysql: MysqlPackage, url: ServerUrl, tls: ConnectionOptions | null, onLost: () => void) {
    this.#mysql = mysql;
    this.#url = url;
    this.#tls = tls;
    this.#onLost = onLost;
  }

  async connect(): Promise<void> {
    const connection = this.#mysql.createConnection(this.#options());
    this.#connection = connection;
    const lose = (): void => {
      this.isLost = true;
      this.#onLost();
    };
    connection.on('error', lose).on('end', lose);
    this.#socket?.once('close', lose);
    await new Promise<void>((resolve, reject) => {
      connection.connect((error) => (error === null || error === undefined ? resolve() : reject(error)));
    });
    await this.run({ sql: SETTINGS, parameters: [] });
  }

  run({ sql, parameters }: SqlStatement): Promise<SqlResult> {
    return new Promise((resolve, reject) => {
      this.#connection?.execute<RowDataPacket[] | ResultSetHeader>(
        sql,
        [...parameters] as string[],
        (error, result) => {
          if (error !== null) reject(error);
          else if (Array.isArray(result)) resolve({ rows: result as SqlRow[], changes: 0 });
          else resolve({ rows: [], changes: result.affectedRows });
        },
      );
    });
  }

  destroy(): void {
    this.isLost = true;
    this.#socket?.destroy();
  }

  #options(): MysqlOptions {
    const url = this.#url;
    return {
      // The socket is made below: here the host is only the name that TLS asks for.
      host: url.tls?.servername ?? url.host,
      user: url.user,
      password: url.password,
      database: url.database,
      supportBigNumbers: true,
      stream: () => this.#makeSocket(),
      ...(this.#tls === null ? {} : { ssl: sslOptions(this.#tls, url.tls?.verify === 'full') }),
    };
  }

  #makeSocket(): Socket {
    const { socket: path, host, port } = this.#url;
    const socket = path === null ? connect(port, host) : connect(path);
    socket.setNoDelay(true).setKeepAlive(true);
    // By this Node's TLS knows the address when there is no name; without it a certificate for an address is refused.
    Object.assign(socket, { _host: host });
    this.#socket = socket;
    return socket;
  }
}

function sslOptions({ ca, cert, key, rejectUnauthorized }: ConnectionOptions, verifyIdentity: boolean) {
  return {
    rejectUnauthorized: rejectUnauthorized ?? true,
    verifyIdentity,
    ...(ca === undefined ? {} : { ca: ca as string }),
    ...(cert === undefined ? {} : { cert: cert as string }),
    ...(key === undefined ? {} : { key: key as string }),
  };
}
