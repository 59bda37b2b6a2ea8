// Runs PostgreSQL on loopback for tests. Owns its process, port and files.

import { chown, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { findProgram } from '../foreign-program.ts';
import { findFreePort } from '../free-ports.ts';
import { run } from './run.ts';
import { ServerProcess, type SystemUser } from './server-process.ts';
import { SQL_ADMIN, SQL_USER, type SqlServer, type SqlServerOptions } from './sql-server.ts';
import { serverUser } from './system-user.ts';
import { makeTestAuthority, type TestAuthority } from './test-authority.ts';

/** PostgreSQL's server; `skip` tells why tests that need it cannot run. */
export const postgresProgram = findProgram(
  'TURND_TEST_POSTGRES',
  [18, 17, 16, 15, 14, 13].map((version) => `/usr/lib/postgresql/${version}/bin/postgres`),
);

/** Starts PostgreSQL, which asks for passwords by SCRAM, and resolves once it answers. */
export async function startPostgres(options: SqlServerOptions = {}): Promise<SqlServer> {
  const directory = await mkdtemp(join(tmpdir(), 'turnd-postgres-'));
  const user = serverUser('postgres');
  const port = await findFreePort('127.0.0.1');
  const authority = options.tls === true ? makeTestAuthority(directory) : null;
  await initialize(directory, user, authority);
  const server = new ServerProcess({
    program: postgresProgram.path,
    args: [...serverArguments(directory, port), ...tlsArguments(authority)],
    user,
    // SIGTERM would wait for the clients to go.
    stopSignal: 'SIGINT',
    ask: async () => void (await run(tool('pg_isready'), ['-q', '-h', '127.0.0.1', '-p', `${port}`])),
  });
  const close = async (): Promise<void> => {
    await server.kill();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await server.start();
    await psql(port, 'postgres', `create role ${SQL_USER.name} login password ${quote(SQL_USER.password)}`);
  } catch (error) {
    await close();
    throw error;
  }
  return { port, authority, server, close, ...databases(port) };
}

function databases(port: number): Pick<SqlServer, 'makeDatabase' | 'url' | 'admin'> {
  let count = 0;
  return {
    makeDatabase: async () => {
      const name = `turn${++count}`;
      await psql(port, 'postgres', `create database ${name} owner ${SQL_USER.name} template template0`);
      return name;
    },
    url: (database, { name, password } = SQL_USER) =>
      `postgres://${name}:${encodeURIComponent(password)}@127.0.0.1:${port}/${database}`,
    admin: (database, sql) => psql(port, database, sql),
  };
}

function psql(port: number, database: string, sql: string): Promise<string> {
  const place = ['-h', '127.0.0.1', '-p', `${port}`, '-U', SQL_ADMIN.name, '-d', database];
  const environment = { ...process.env, PGPASSWORD: SQL_ADMIN.password };
  return run('psql', ['-X', '-q', '-A', '-t', '-v', 'ON_ERROR_STOP=1', ...place, '-c', sql], { env: environment });
}

async function initialize(directory: string, user: SystemUser | null, tls: TestAuthority | null): Promise<void> {
  const passwordFile = join(directory, 'password');
  await writeFile(passwordFile, SQL_ADMIN.password);
  const owned = [directory, passwordFile, ...(tls === null ? [] : [tls.key, tls.certificate])];
  if (user !== null) for (const path of owned) await chown(path, user.uid, user.gid);
  const args = ['-D', join(directory, 'data'), '-U', SQL_ADMIN.name, '--auth=scram-sha-256', '--encoding=UTF8'];
  const more = [`--pwfile=${passwordFile}`, '--no-sync', '--no-instructions', '--locale=C.UTF-8'];
  await run(tool('initdb'), [...args, ...more], { ...user, cwd: directory });
}

function serverArguments(directory: string, port: number): string[] {
  const settings = [
    ...['listen_addresses=127.0.0.1', `port=${port}`, 'unix_socket_directories=', 'fsync=off'],
    ...['shared_buffers=16MB', 'max_connections=60', 'log_statement=all'],
  ];
  return ['-D', join(directory, 'data'), ...settings.flatMap((setting) => ['-c', setting])];
}

function tlsArguments(tls: TestAuthority | null): string[] {
  if (tls === null) return [];
  return ['-c', 'ssl=on', '-c', `ssl_cert_file=${tls.certificate}`, '-c', `ssl_key_file=${tls.key}`];
}

function tool(name: string): string {
  return join(dirname(postgresProgram.path), name);
}

function quote(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}
