// The one place that chooses which TURN server the browser tests run against: ours, as its users start it.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { makeCertificate } from './self-made-certificate.ts';
import type { IceServer, TurnServer, TurnServerOptions } from './turn-server.ts';

const MAIN = fileURLToPath(new URL('../../src/main.js', import.meta.url));
const USERNAME = 'alice';
const PASSWORD = 'correct horse';

/** The reason why the server under test cannot run here, or `false`. */
export const serverSkip: string | false = false;

/** Starts the server under test on loopback, with loopback peers allowed. */
export async function startServer(options: TurnServerOptions = {}): Promise<TurnServer> {
  const directory = await mkdtemp(join(tmpdir(), 'turnd-browser-'));
  const certificate = await makeCertificate('127.0.0.1');
  const [certificateFile, keyFile] = [join(directory, 'certificate.pem'), join(directory, 'key.pem')];
  await writeFile(certificateFile, certificate.certificate);
  await writeFile(keyFile, certificate.key, { mode: 0o600 });
  const flags = [
    ...['--listen', 'udp://127.0.0.1:0', '--listen', 'tcp://127.0.0.1:0', '--listen', 'tls://127.0.0.1:0'],
    ...['--relay-address', '127.0.0.1', '--unsafe-allow-loopback-peers', '--state-dir', join(directory, 'state')],
    ...['--realm', 'turnd.test', '--user', `${USERNAME}:${PASSWORD}`, '--log-format', 'json'],
    ...['--tls-cert', certificateFile, '--tls-key', keyFile, '--user-quota', String(options.userQuota ?? 0)],
    ...(options.flags ?? []),
    ...(options.deniedPeers ?? []).flatMap((peer) => ['--deny-peer', peer]),
  ];
  const child = spawn(process.execPath, [MAIN, ...flags], { stdio: ['ignore', 'pipe', 'inherit'] });
  const killOnExit = (): boolean => child.kill('SIGKILL');
  process.once('exit', killOnExit);
  const close = async (): Promise<void> => {
    process.off('exit', killOnExit);
    if (child.exitCode === null && child.kill()) await once(child, 'exit');
    await rm(directory, { recursive: true, force: true });
  };
  for await (const line of createInterface({ input: child.stdout })) {
    const { msg, listeners } = JSON.parse(line) as { msg: string; listeners: { transport: string; port: number }[] };
    if (msg !== 'ready') continue;
    child.stdout.resume();
    const iceServers = {
      udp: iceServer(listeners, 'udp'),
      tcp: iceServer(listeners, 'tcp'),
      tls: iceServer(listeners, 'tls'),
    };
    return { iceServers, publicKeyHash: certificate.publicKeyHash, pid: child.pid ?? 0, close };
  }
  await close();
  throw new Error('turnd did not get ready');
}

function iceServer(
  listeners: readonly { transport: string; port: number }[],
  transport: 'udp' | 'tcp' | 'tls',
): IceServer {
  const port = listeners.find((listener) => listener.transport === transport)?.port;
  const scheme = transport === 'tls' ? 'turns' : 'turn';
  const protocol = transport === 'udp' ? 'udp' : 'tcp';
  return { urls: `${scheme}:127.0.0.1:${port}?transport=${protocol}`, username: USERNAME, credential: PASSWORD };
}
