// Runs Redis on loopback for tests. Owns its process, port and files.

import { mkdtemp, rm } from 'node:fs/promises';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from '../foreign-program.ts';
import { findFreePort } from '../free-ports.ts';
import { askPort, ServerProcess } from './server-process.ts';
import { makeTestAuthority, type TestAuthority } from './test-authority.ts';

/** Redis' server; `skip` tells why tests that need it cannot run. */
export const redisProgram = findProgram('TURND_TEST_REDIS', ['/usr/bin/redis-server', '/usr/local/bin/redis-server']);

/** Options of {@link startRedis}. */
export interface RedisOptions {
  /** Of the user `default`; nobody needs one by default. */
  readonly password?: string;
  /** The port speaks TLS (and asks for no client certificate). */
  readonly tls?: boolean;
}

/** A Redis of our own. */
export interface TestRedis {
  readonly port: number;
  /** With the password, if there is one; `redis:` or `rediss:` without query. */
  readonly url: string;
  /** Set when it speaks TLS. */
  readonly authority: TestAuthority | null;
  /** Stop, kill, pause, resume, start. What was saved to disk by then is there after a restart. */
  readonly server: ServerProcess;
  /** Ends it and removes its files. */
  close(): Promise<void>;
}

/** Starts Redis and resolves once it answers. It appends every write to disk before it answers it. */
export async function startRedis(options: RedisOptions = {}): Promise<TestRedis> {
  const directory = await mkdtemp(join(tmpdir(), 'turnd-redis-'));
  const port = await findFreePort('127.0.0.1');
  const authority = options.tls === true ? makeTestAuthority(directory) : null;
  const server = new ServerProcess({
    program: redisProgram.path,
    args: [...redisArguments(directory, options.password ?? ''), ...portArguments(port, authority)],
    user: null,
    ask: () => (authority === null ? askRedis(port) : askPort(port)),
  });
  const close = async (): Promise<void> => {
    await server.kill();
    await rm(directory, { recursive: true, force: true });
  };
  await server.start().catch(async (error) => {
    await close();
    throw error;
  });
  const account = options.password === undefined ? '' : `:${encodeURIComponent(options.password)}@`;
  const url = `${authority === null ? 'redis' : 'rediss'}://${account}127.0.0.1:${port}/0`;
  return { port, url, authority, server, close };
}

function redisArguments(directory: string, password: string): string[] {
  const access = password === '' ? ['--protected-mode', 'no'] : ['--requirepass', password];
  return [
    '--bind',
    '127.0.0.1',
    '--dir',
    directory,
    '--save',
    '',
    '--appendonly',
    'yes',
    '--appendfsync',
    'always',
  ].concat(access);
}

function portArguments(port: number, authority: TestAuthority | null): string[] {
  if (authority === null) return ['--port', `${port}`];
  return [
    ...['--port', '0', '--tls-port', `${port}`, '--tls-auth-clients', 'no', '--tls-ca-cert-file', authority.ca],
    ...['--tls-cert-file', authority.certificate, '--tls-key-file', authority.key],
  ];
}

/** Resolves once it answers PING, by a refusal for want of a password too; it refuses otherwise while it loads. */
function askRedis(port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const socket = createConnection(port, '127.0.0.1', () => socket.write('PING\r\n'));
    socket.setTimeout(500, () => socket.destroy());
    socket.once('error', reject).once('close', () => reject(new Error('no answer')));
    socket.once('data', (data) => {
      if (/^\+PONG|^-NOAUTH/.test(String(data))) resolve();
      socket.destroy();
    });
  });
}
