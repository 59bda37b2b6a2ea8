// What signals do to a running server.

import { X509Certificate } from 'node:crypto';
import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { test } from 'tap';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { findFreePort } from '../support/free-ports.ts';
import { patiently, RawClient } from '../support/raw-client.ts';
import { makeCertificate } from '../support/self-made-certificate.ts';
import { labFlags, startLabTurnd, startTurndWith, TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';

const STREAMS = ['--listen', 'tcp://127.0.0.1:0', '--listen', 'tls://127.0.0.1:0'];

for (const signal of ['SIGTERM', 'SIGINT'] as const) {
  test(`${signal} ends allocations with reason shutdown, frees their ports, and exits 0`, async (t) => {
    const server = await startLabTurnd(t, STREAMS);
    const relayed: string[] = [];
    for (const transport of ['udp', 'tcp', 'tls'] as const) {
      const client = await RawClient.open({ transport, port: await server.port(transport) });
      t.teardown(() => client.close());
      const { ip, port } = await client.allocated();
      relayed.push(`${ip}:${port}`);
    }
    t.equal(await server.stop(signal), 0);
    const ends = server.log.filter(({ reason }) => reason !== undefined);
    t.same(
      ends.map(({ reason }) => reason),
      ['shutdown', 'shutdown', 'shutdown'],
    );
    t.same(ends.flatMap((end) => end['relayed']).sort(), [...relayed].sort());
    t.equal(server.stderr, '');
    for (const address of relayed) {
      const port = Number(address.split(':')[1]);
      (await DatagramPeer.open('127.0.0.1', port)).close();
    }
  });
}

test('a signal that comes before the server is ready is obeyed', async (t) => {
  const server = new TurndProcess(labFlags(temporaryDirectory(t), '--log-level', 'trace', ...STREAMS));
  t.teardown(() => server.child.kill('SIGKILL'));
  // The process has read its flags once its command line is hidden.
  await waitUntilHidden(server);
  // Whoever renews a certificate while the server starts does not end it.
  server.child.kill('SIGUSR2');
  t.equal(await server.stop(), 0);
  t.equal(server.stderr, '');
});

test('R15 SIGHUP opens the log file again and reads the configuration, and a broken one changes nothing', async (t) => {
  const directory = temporaryDirectory(t);
  const [file, config] = [join(directory, 'turnd.log'), join(directory, 'turnd.yaml')];
  writeFileSync(config, 'limits: {allocations: 5}');
  const server = new TurndProcess(labFlags(directory, '--config', config, '--log-file', file, ...STREAMS));
  t.teardown(() => server.stop());
  await untilFile(file, '"msg":"ready"');
  renameSync(file, `${file}.1`);
  writeFileSync(config, 'limits: {allocations: 1}');
  server.child.kill('SIGHUP');
  await untilFile(file, '"applied":["limits.allocations"]');
  const port = await listeningPort(`${file}.1`);
  const [first, second] = [await RawClient.open({ port }), await RawClient.open({ port })];
  for (const client of [first, second]) t.teardown(() => client.close());
  await first.allocated();
  t.equal((await second.allocate()).errorCode, 486, 'the new limit is in effect');
  renameSync(file, `${file}.2`);
  writeFileSync(config, 'limits: {allocations: 9}\nrealm: [no, realm]');
  server.child.kill('SIGHUP');
  await untilFile(file, '"event":"reload-refused"');
  t.match(readFileSync(file, 'utf8'), /turnd\.yaml:2.*realm.*nothing has changed/, 'the new file tells what is wrong');
  t.equal((await second.allocate()).errorCode, 486, 'and the old limit stays');
  t.equal(await server.stop(), 0);
  t.match(readFileSync(file, 'utf8'), /"msg":"stopping"/);
  t.notMatch(readFileSync(`${file}.2`, 'utf8'), /"msg":"stopping"/);
  t.same(server.stdout, []);
});

test('S60 SIGUSR1 opens no port for a debugger', async (t) => {
  const server = await startLabTurnd(t);
  server.child.kill('SIGUSR1');
  const client = await RawClient.open({ port: await server.port('udp') });
  t.teardown(() => client.close());
  t.equal((await client.binding()).cls, 2, 'it serves on');
  t.equal(await listens(9229), false);
  t.equal(server.stderr, '', 'no "Debugger listening"');
});

test('S60 SIGUSR1 opens none during the start either', async (t) => {
  const directory = temporaryDirectory(t);
  const server = await startTurndWith(t, labFlags(directory, ...STREAMS));
  // The state directory is locked: this one waits for its turn or fails, but never debugs.
  const second = new TurndProcess(labFlags(directory, ...STREAMS));
  await waitUntilHidden(second);
  second.child.kill('SIGUSR1');
  t.equal(await second.ended, 1);
  t.notMatch(second.stderr, /Debugger/);
  t.ok(server.isAlive);
});

test('S60 NODE_OPTIONS opens no debugger, neither in main nor in workers', async (t) => {
  const port = await findFreePort('127.0.0.1');
  const server = await startLabTurnd(t, [], { env: { NODE_OPTIONS: `--inspect=127.0.0.1:${port}` } });
  await server.logged('the warning', ({ event, msg }) => event === 'unsafe' && /debugger/.test(msg ?? ''));
  const client = await RawClient.open({ port: await server.port('udp') });
  t.teardown(() => client.close());
  t.equal((await client.binding()).cls, 2, 'it serves');
  t.equal(await listens(port), false);
});

test('by SIGUSR2 the certificates are read again, in every process, as with coturn', async (t) => {
  const directory = temporaryDirectory(t);
  const [certificate, key] = ['certificate.pem', 'key.pem'].map((name) => join(directory, name)) as [string, string];
  const write = async (): Promise<string> => {
    const made = await makeCertificate('127.0.0.1');
    writeFileSync(certificate, made.certificate);
    writeFileSync(key, made.key, { mode: 0o600 });
    return made.certificate;
  };
  const first = new X509Certificate(await write()).fingerprint256;
  const flags = ['--listen', 'tls://127.0.0.1:0', '--tls-cert', certificate, '--tls-key', key];
  const server = new TurndProcess(labFlags(directory, ...flags));
  t.teardown(() => server.stop());
  const port = await server.port('tls');
  // Enough that each of two workers has some.
  const served = async (): Promise<string[]> => {
    const all = await Promise.all(Array.from({ length: 8 }, () => fingerprintAt(port)));
    return [...new Set(all)];
  };
  t.same(await served(), [first]);
  const second = new X509Certificate(await write()).fingerprint256;
  server.child.kill('SIGUSR2');
  await server.logged('the renewal', ({ msg }) => msg === 'the certificates were read again');
  // Workers are told by then, and may not have heard yet.
  for (let tries = 0; tries < 100 && (await served()).includes(first); tries++);
  t.same(await served(), [second]);
  writeFileSync(key, 'no key');
  server.child.kill('SIGUSR2');
  const refused = await server.logged(
    'the refusal',
    ({ event, level }) => event === 'certificates' && level === 'error',
  );
  t.match(refused.msg, /key\.pem.*those that were served go on being served/);
  t.same(await served(), [second]);
});

test('SIGUSR2 without TLS does no harm', async (t) => {
  const server = await startLabTurnd(t);
  server.child.kill('SIGUSR2');
  const client = await RawClient.open({ port: await server.port('udp') });
  t.teardown(() => client.close());
  t.equal((await client.binding()).cls, 2, 'it serves on');
  t.equal(await server.stop(), 0);
});

// What a new handshake is given.
function fingerprintAt(port: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
      resolve(socket.getPeerCertificate().fingerprint256);
      socket.destroy();
    });
    socket.once('error', reject);
  });
}

function listens(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => resolve(true));
    socket.once('error', () => resolve(false));
    socket.once('close', () => socket.destroy());
  });
}

// `argv` is overwritten as soon as the flags are parsed.
async function waitUntilHidden(server: TurndProcess): Promise<void> {
  const isHidden = (): boolean => !readFileSync(`/proc/${server.pid}/cmdline`, 'utf8').includes('secret-of-alice');
  await poll(
    'the command line to be hidden',
    () => readFileSync(`/proc/${server.pid}/cmdline`).length > 0 && isHidden(),
  );
}

function untilFile(file: string, text: string): Promise<void> {
  return poll(`${file} with ${text}`, () => readIfThere(file)?.includes(text) === true);
}

// Of the UDP listener, as the log tells it.
async function listeningPort(file: string): Promise<number> {
  await untilFile(file, '"msg":"ready"');
  return Number(/"transport":"udp","address":"[^"]*","port":(\d+)/.exec(readFileSync(file, 'utf8'))?.[1]);
}

function readIfThere(file: string): string | null {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}

function poll(what: string, isSo: () => boolean): Promise<void> {
  const looked = new Promise<void>((resolve) => {
    const look = (): void => {
      if (isSo()) resolve();
      else setTimeout(look, 5).unref();
    };
    look();
  });
  return patiently(what, looked, 30_000);
}
