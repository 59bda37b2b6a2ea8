// What tests are given of a database server of their own, whatever its kind.

import type { ServerProcess } from './server-process.ts';
import type { TestAuthority } from './test-authority.ts';

/** Options of the servers. */
export interface SqlServerOptions {
  /** It offers TLS, beside connections in the clear. */
  readonly tls?: boolean;
}

/** A database server that only this process uses. */
export interface SqlServer {
  readonly port: number;
  /** Set when it offers TLS. */
  readonly authority: TestAuthority | null;
  /** Stop, kill, pause, resume, start. */
  readonly server: ServerProcess;
  /** Makes an empty database, owned by {@link SQL_USER}, and returns its name. */
  makeDatabase(): Promise<string>;
  /** The URL of a database, for {@link SQL_USER} or another user. */
  url(database: string, user?: SqlUser): string;
  /** Runs SQL as the administrator, by the server's own client, and returns what it prints. */
  admin(database: string, sql: string): Promise<string>;
  /** Ends it and removes its files. */
  close(): Promise<void>;
}

/** A user of a database. */
export interface SqlUser {
  readonly name: string;
  readonly password: string;
}

/** Who owns the databases; the password needs every kind of escape. */
export const SQL_USER: SqlUser = { name: 'turnd', password: "p:a/s%s@w?o#r'd" };

/** The administrator. */
export const SQL_ADMIN: SqlUser = { name: 'administrator', password: 'all-Powers-7' };
