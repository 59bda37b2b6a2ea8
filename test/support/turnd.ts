// Starts turnd as its users do, `node dist/src/main.js` with flags, on loopback ports that the OS picks.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Child } from './child-process.ts';
import { makeCertificate } from './self-made-certificate.ts';
import {
  iceServersOf,
  TEST_ADDRESS,
  TEST_USER,
  type Transport,
  type TurnServer,
  type TurnServerOptions,
} from './turn-server.ts';

// This file runs as dist/test/support/turnd.js.
const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));

/** The one log line that is read here. */
interface ReadyLine {
  readonly msg?: string;
  readonly listeners?: readonly { readonly transport: string; readonly port: number }[];
}

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

function parsed(line: string): ReadyLine {
  try {
    return (JSON.parse(line) ?? {}) as ReadyLine;
  } catch {
    return {};
  }
}

async function readPorts(child: Child): Promise<TurnServer['ports']> {
  const { listeners = [] } = parsed(await child.waitForLine((line) => parsed(line).msg === 'ready'));
  const port = (transport: Transport): number => {
    const listener = listeners.find((one) => one.transport.split('+').includes(transport));
    if (listener === undefined) throw new Error(`turnd does not listen on ${transport}`);
    return listener.port;
  };
  return { udp: port('udp'), tcp: port('tcp'), tls: port('tls') };
}

/** Starts turnd with one user and a fresh state directory over UDP, TCP and TLS, and resolves once it is ready. */
export async function startTurnd(options: TurnServerOptions = {}): Promise<TurnServer> {
  const directory = await mkdtemp(join(tmpdir(), 'turnd-test-'));
  const { certificate, key, publicKeyHash } = await makeCertificate(TEST_ADDRESS);
  await writeFile(join(directory, 'certificate.pem'), certificate);
  await writeFile(join(directory, 'key.pem'), key, { mode: 0o600 });
  const child = new Child(process.execPath, [MAIN, ...listFlags(options, directory)], { cwd: directory });
  const close = async (): Promise<void> => {
    await child.stop();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const ports = await readPorts(child);
    return { ports, iceServers: iceServersOf(ports), publicKeyHash, pid: child.pid, lines: child.lines, close };
  } catch (error) {
    await close();
    throw error;
  }
}
