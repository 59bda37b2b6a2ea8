// Runs coturn on loopback, as a reference for interop tests and benches. Owns its process, ports and files.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Child } from './child-process.ts';
import { findProgram } from './foreign-program.ts';
import { findFreeBlock, findFreePort } from './free-ports.ts';
import { makeCertificate } from './self-made-certificate.ts';
import { waitForStunAnswer } from './stun-probe.ts';
import { iceServersOf, TEST_ADDRESS, TEST_USER, type TurnServer, type TurnServerOptions } from './turn-server.ts';

const START_TIMEOUT_MS = 10_000;

/** coturn's server; `skip` tells why tests that need it cannot run. */
export const coturnProgram = findProgram('TURND_TEST_COTURN', ['/usr/bin/turnserver', '/usr/local/bin/turnserver']);

/** Options of {@link startCoturn}. */
export interface CoturnOptions extends TurnServerOptions {
  /** How many relay ports the server has; 512 by default. */
  readonly relayPorts?: number;
  /** Another coturn than the installed one. */
  readonly program?: string;
}

/** Starts coturn with one long-term user over UDP, TCP and TLS, and resolves once it answers. */
export async function startCoturn(options: CoturnOptions = {}): Promise<TurnServer> {
  const directory = await mkdtemp(join(tmpdir(), 'turnd-coturn-'));
  const certificate = await makeCertificate(TEST_ADDRESS);
  await writeFile(join(directory, 'certificate.pem'), certificate.certificate);
  await writeFile(join(directory, 'key.pem'), certificate.key, { mode: 0o600 });
  const port = await findFreePort(TEST_ADDRESS);
  const ports = { udp: port, tcp: port, tls: await findFreePort(TEST_ADDRESS) };
  const args = [...(await listArguments(directory, ports, options)), ...(options.args ?? [])];
  const child = new Child(options.program ?? coturnProgram.path, args, { cwd: directory });
  const close = async (): Promise<void> => {
    await child.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    await waitUntilReady(child, port);
  } catch (error) {
    await close();
    throw error;
  }
  const { publicKeyHash } = certificate;
  return { ports, iceServers: iceServersOf(ports), publicKeyHash, pid: child.pid, lines: child.lines, close };
}

async function listArguments(
  directory: string,
  ports: TurnServer['ports'],
  options: CoturnOptions,
): Promise<readonly string[]> {
  const relayPorts = options.relayPorts ?? 512;
  const firstRelayPort = await findFreeBlock(TEST_ADDRESS, relayPorts);
  return [
    ...['-n', '--no-cli', '--fingerprint', '--allow-loopback-peers', '--log-file=stdout', '--simple-log'],
    ...[`--listening-ip=${TEST_ADDRESS}`, `--listening-port=${ports.udp}`, `--tls-listening-port=${ports.tls}`],
    ...[`--relay-ip=${TEST_ADDRESS}`, '--relay-ip=::1', `--min-port=${firstRelayPort}`],
    ...[`--max-port=${firstRelayPort + relayPorts - 1}`, `--realm=${TEST_USER.realm}`, ...listCredentials(options)],
    ...[`--cert=${join(directory, 'certificate.pem')}`, `--pkey=${join(directory, 'key.pem')}`],
    ...[`--userdb=${join(directory, 'turndb')}`, `--pidfile=${join(directory, 'pid')}`],
    `--user-quota=${options.userQuota ?? 0}`,
    ...(options.deniedPeers ?? []).map((peer) => `--denied-peer-ip=${peer}`),
  ];
}

function listCredentials({ secret }: CoturnOptions): readonly string[] {
  if (secret !== undefined) return ['--use-auth-secret', `--static-auth-secret=${secret}`];
  return ['--lt-cred-mech', `--user=${TEST_USER.username}:${TEST_USER.password}`];
}

async function waitUntilReady(child: Child, port: number): Promise<void> {
  const ended = new AbortController();
  void child.ended.then((code) => ended.abort(new Error(`coturn exited with ${code}:\n${child.lines.join('\n')}`)));
  const signal = AbortSignal.any([ended.signal, AbortSignal.timeout(START_TIMEOUT_MS)]);
  await waitForStunAnswer(TEST_ADDRESS, port, signal);
}
