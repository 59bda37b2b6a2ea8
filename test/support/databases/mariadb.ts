// Runs MariaDB on loopback for tests. Owns its process, port and files.

import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../foreign-program.ts';
import { findFreePort } from '../free-ports.ts';
import { run } from './run.ts';
import { ServerProcess } from './server-process.ts';
import { SQL_USER, type SqlServer, type SqlServerOptions } from './sql-server.ts';
import { serverUser } from './system-user.ts';
import { makeTestAuthority, type TestAuthority } from './test-authority.ts';

/** MariaDB's server; `skip` tells why tests that need it cannot run. */
export const mariadbProgram = findProgram('TURND_TEST_MARIADB', ['/usr/sbin/mariadbd', '/usr/local/bin/mariadbd']);

/** Starts MariaDB and resolves once it answers. */
export async function startMariadb(options: SqlServerOptions = {}): Promise<SqlServer> {
  const directory = await mkdtemp(join(tmpdir(), 'turnd-mariadb-'));
  const user = serverUser('mysql');
  const port = await findFreePort('127.0.0.1');
  const authority = options.tls === true ? makeTestAuthority(directory) : null;
  const owned = [directory, ...(authority === null ? [] : [authority.key])];
  if (user !== null) for (const path of owned) await chown(path, user.uid, user.gid);
  await run('mariadb-install-db', installArguments(directory), { ...user, cwd: directory });
  const socket = join(directory, 'socket');
  const server = new ServerProcess({
    program: mariadbProgram.path,
    args: [...serverArguments(directory, socket, port), ...tlsArguments(authority)],
    user,
    ask: async () => void (await mariadb(socket, '', 'select 1')),
  });
  const close = async (): Promise<void> => {
    await server.kill();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await server.start();
    await mariadb(socket, '', `create user ${SQL_USER.name}@'127.0.0.1' identified by ${quote(SQL_USER.password)}`);
  } catch (error) {
    await close();
    throw error;
  }
  return { port, authority, server, close, ...databases(socket, port) };
}

function databases(socket: string, port: number): Pick<SqlServer, 'makeDatabase' | 'url' | 'admin'> {
  let count = 0;
  return {
    makeDatabase: async () => {
      const name = `turn${++count}`;
      await mariadb(socket, '', `create database ${name}; grant all on ${name}.* to ${SQL_USER.name}@'127.0.0.1'`);
      return name;
    },
    url: (database, { name, password } = SQL_USER) =>
      `mysql://${name}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`,
    admin: (database, sql) => mariadb(socket, database, sql),
  };
}

function mariadb(socket: string, database: string, sql: string): Promise<string> {
  const place = [`--socket=${socket}`, '--user=root', ...(database === '' ? [] : [`--database=${database}`])];
  return run('mariadb', ['--no-defaults', '--batch', '--skip-column-names', ...place, '-e', sql]);
}

function installArguments(directory: string): string[] {
  return [
    ...['--no-defaults', `--datadir=${join(directory, 'data')}`, '--auth-root-authentication-method=normal'],
    ...['--skip-test-db', '--skip-name-resolve', '--cross-bootstrap'],
  ];
}

function serverArguments(directory: string, socket: string, port: number): string[] {
  return [
    ...['--no-defaults', `--datadir=${join(directory, 'data')}`, `--socket=${socket}`, `--port=${port}`],
    ...['--bind-address=127.0.0.1', '--skip-name-resolve', `--pid-file=${join(directory, 'pid')}`],
    ...['--innodb-buffer-pool-size=16M', '--innodb-flush-log-at-trx-commit=2', '--innodb-log-file-size=8M'],
    ...['--general-log=1', `--general-log-file=${join(directory, 'general.log')}`],
  ];
}

function tlsArguments(tls: TestAuthority | null): string[] {
  return tls === null ? [] : [`--ssl-cert=${tls.certificate}`, `--ssl-key=${tls.key}`];
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
