// Runs coturn on loopback, as a reference for interop tests and benches. Owns its process, ports and files.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findProgram } from './foreign-program.ts';
import { findFreeBlock, findFreePort } from './free-ports.ts';
import { makeCertificate } from './self-made-certificate.ts';
import { waitForStunAnswer } from './stun-probe.ts';
import type { IceServer, TurnServer, TurnServerOptions } from './turn-server.ts';

const ADDRESS = '127.0.0.1';
const USERNAME = 'alice';
const PASSWORD = 'correct horse';
const START_TIMEOUT_MS = 10_000;

/** coturn's server; `skip` tells why tests that need it cannot run. */
export const coturnProgram = findProgram('TURND_TEST_COTURN', ['/usr/bin/turnserver', '/usr/local/bin/turnserver']);

/** Options of {@link startCoturn}. */
export interface CoturnOptions extends TurnServerOptions {
  /** How many relay ports the server has; 64 by default. */
  readonly relayPorts?: number;
  /** Further command-line arguments. */
  readonly args?: readonly string[];
}

/** Starts coturn with one long-term user over UDP, TCP and TLS, and resolves once it answers. */
export async function startCoturn(options: CoturnOptions = {}): Promise<TurnServer> {
  const directory = await mkdtemp(join(tmpdir(), 'turnd-coturn-'));
  const certificate = await makeCertificate(ADDRESS);
  await writeFile(join(directory, 'certificate.pem'), certificate.certificate);
  await writeFile(join(directory, 'key.pem'), certificate.key, { mode: 0o600 });
  const plainPort = await findFreePort(ADDRESS);
  const tlsPort = await findFreePort(ADDRESS);
  const args = [...(await listArguments(directory, plainPort, tlsPort, options)), ...(options.args ?? [])];
  const child = spawn(coturnProgram.path, args, { cwd: directory, stdio: ['ignore', 'pipe', 'pipe'] });
  // A test that dies before it closes its server must not leave one behind.
  const killOnExit = (): boolean => child.kill('SIGKILL');
  process.once('exit', killOnExit);
  const close = async (): Promise<void> => {
    process.off('exit', killOnExit);
    await stop(child);
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await waitUntilReady(child, plainPort);
  } catch (error) {
    await close();
    throw error;
  }
  return {
    iceServers: listIceServers(plainPort, tlsPort),
    publicKeyHash: certificate.publicKeyHash,
    pid: child.pid ?? 0,
    close,
  };
}

async function listArguments(
  directory: string,
  plainPort: number,
  tlsPort: number,
  options: CoturnOptions,
): Promise<string[]> {
  const relayPorts = options.relayPorts ?? 64;
  const firstRelayPort = await findFreeBlock(ADDRESS, relayPorts);
  return [
    ...[
      '-n',
      '--no-cli',
      '--lt-cred-mech',
      '--fingerprint',
      '--allow-loopback-peers',
      '--log-file=stdout',
      '--simple-log',
    ],
    ...[`--listening-ip=${ADDRESS}`, `--relay-ip=${ADDRESS}`, `--listening-port=${plainPort}`],
    ...[
      `--tls-listening-port=${tlsPort}`,
      `--min-port=${firstRelayPort}`,
      `--max-port=${firstRelayPort + relayPorts - 1}`,
    ],
    ...['--realm=turnd.test', `--user=${USERNAME}:${PASSWORD}`, `--userdb=${join(directory, 'turndb')}`],
    ...[`--cert=${join(directory, 'certificate.pem')}`, `--pkey=${join(directory, 'key.pem')}`],
    `--pidfile=${join(directory, 'pid')}`,
    `--user-quota=${options.userQuota ?? 0}`,
    ...(options.deniedPeers ?? []).map((peer) => `--denied-peer-ip=${peer}`),
  ];
}

function listIceServers(plainPort: number, tlsPort: number): TurnServer['iceServers'] {
  const entry = (urls: string): IceServer => ({ urls, username: USERNAME, credential: PASSWORD });
  return {
    udp: entry(`turn:${ADDRESS}:${plainPort}?transport=udp`),
    tcp: entry(`turn:${ADDRESS}:${plainPort}?transport=tcp`),
    tls: entry(`turns:${ADDRESS}:${tlsPort}?transport=tcp`),
  };
}

async function waitUntilReady(child: ChildProcess, port: number): Promise<void> {
  const ended = new AbortController();
  let output = '';
  const keep = (chunk: Buffer): void => {
    output = (output + chunk.toString()).slice(-4000);
  };
  child.stdout?.on('data', keep);
  child.stderr?.on('data', keep);
  child.once('error', (error) => ended.abort(error));
  child.once('exit', (code) => ended.abort(new Error(`coturn exited with ${code}:\n${output}`)));
  await waitForStunAnswer(ADDRESS, port, AbortSignal.any([ended.signal, AbortSignal.timeout(START_TIMEOUT_MS)]));
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const exited = once(child, 'exit');
  child.kill('SIGKILL');
  await exited;
}
