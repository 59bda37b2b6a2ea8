// turnd as interop tests and benches want it: one user, over UDP, TCP and TLS on loopback ports that the OS picks.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCertificate } from './self-made-certificate.ts';
import {
  iceServersOf,
  TEST_ADDRESS,
  TEST_USER,
  type Transport,
  type TurnServer,
  type TurnServerOptions,
} from './turn-server.ts';
import { TurndProcess } from './turnd-process.ts';

function listFlags(options: TurnServerOptions, directory: string): readonly string[] {
  const transports: readonly Transport[] = ['udp', 'tcp', 'tls'];
  const { secret, userQuota, deniedPeers = [], args = [] } = options;
  return [
    ...transports.flatMap((transport) => ['--listen', `${transport}://${TEST_ADDRESS}:0`]),
    ...['--relay-address', TEST_ADDRESS, '--relay-address', '::1', '--realm', TEST_USER.realm],
    ...['--user', `${TEST_USER.username}:${TEST_USER.password}`, ...(secret === undefined ? [] : ['--secret', secret])],
    ...['--tls-cert', join(directory, 'certificate.pem'), '--tls-key', join(directory, 'key.pem')],
    ...['--unsafe-allow-loopback-peers', '--rfc5766-channel-numbers', '--state-dir', join(directory, 'state')],
    ...(userQuota === undefined ? [] : ['--user-quota', String(userQuota)]),
    ...deniedPeers.flatMap((peer) => ['--deny-peer', peer]),
    ...['--log-format', 'json', ...args],
  ];
}

async function readPorts(server: TurndProcess): Promise<TurnServer['ports']> {
  return { udp: await server.port('udp'), tcp: await server.port('tcp'), tls: await server.port('tls') };
}

/** Starts turnd with one user and a fresh state directory over UDP, TCP and TLS, and resolves once it is ready. */
export async function startTurnd(options: TurnServerOptions = {}): Promise<TurnServer> {
  const directory = await mkdtemp(join(tmpdir(), 'turnd-test-'));
  const { certificate, key, publicKeyHash } = await makeCertificate(TEST_ADDRESS);
  await writeFile(join(directory, 'certificate.pem'), certificate);
  await writeFile(join(directory, 'key.pem'), key, { mode: 0o600 });
  const server = new TurndProcess(listFlags(options, directory), { cwd: directory, env: options.env ?? {} });
  const close = async (): Promise<void> => {
    await server.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const ports = await readPorts(server);
    return { ports, iceServers: iceServersOf(ports), publicKeyHash, pid: server.pid, lines: server.stdout, close };
  } catch (error) {
    await close();
    throw error;
  }
}
