// Every flag of turnd takes effect; what it cannot mean is in flag-refusals.test.ts. (--config, --state-dir, --external-address and
// --log-file have tests of their own in other files of this folder.)

import { createHmac } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { connect } from 'node:tls';
import { type Test, test } from 'tap';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { findFreeBlock } from '../support/free-ports.ts';
import { patiently, RawClient, type RawClientOptions } from '../support/raw-client.ts';
import { makeCertificate } from '../support/self-made-certificate.ts';
import {
  bareFlags,
  runTurnd,
  startLabTurnd,
  startTurndWith,
  TurndProcess,
  temporaryDirectory,
} from '../support/turnd-process.ts';
import { attr } from '../support/wire.ts';
import { requestedAddressFamily } from '../support/wire-attributes.ts';

const UDP = ['--listen', 'udp://127.0.0.1:0'];
const ALICE = ['--user', 'alice:secret-of-alice'];

/** Flags of a quiet server on loopback that allows nothing yet. */
function quietFlags(t: Test, ...more: readonly string[]): string[] {
  const state = join(temporaryDirectory(t), 'state');
  return ['--state-dir', state, '--external-address', 'none', '--log-format', 'json', ...UDP, ...more];
}

async function open(t: Test, options: RawClientOptions): Promise<RawClient> {
  const client = await RawClient.open(options);
  t.teardown(() => client.close());
  return client;
}

test('--listen: several, of several transports, in one flag or in more', async (t) => {
  const more = ['tcp://127.0.0.1:0', 'tcp+tls://127.0.0.1:0', '--listen', 'tls://127.0.0.1:0'];
  const server = await startTurndWith(t, [...bareFlags(temporaryDirectory(t)), ...ALICE, ...UDP, ...more]);
  const { listeners = [] } = await server.ready();
  t.same(
    listeners.map(({ transport }) => transport),
    ['udp', 'tcp', 'tcp+tls', 'tls'],
  );
});

test('--realm is the realm of the challenge, and keys are made with it', async (t) => {
  const server = await startLabTurnd(t, ['--realm', 'turn.example.org']);
  const client = await open(t, { port: await server.port('udp') });
  t.equal((await client.challenge()).text(attr.realm), 'turn.example.org');
  await client.allocated();
});

test('--user, --user-file, --secret and --secret-file: all that are named may allocate', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'users'), 'carol:secret-of-carol\ndave:secret-of-dave\n', { mode: 0o600 });
  writeFileSync(join(directory, 'secret'), 'secret-of-the-file\n', { mode: 0o600 });
  const files = ['--user-file', join(directory, 'users'), '--secret-file', join(directory, 'secret')];
  const flags = [...bareFlags(directory), ...UDP, ...ALICE, '--user', 'bob:secret-of-bob'];
  const server = await startTurndWith(t, [...flags, '--secret', 'secret-of-the-flag', ...files]);
  const port = await server.port('udp');
  const rest = `${Math.floor(Date.now() / 1000) + 600}:erin`;
  const sign = (secret: string): string => createHmac('sha1', secret).update(rest).digest('base64');
  const who: [string, string][] = [
    ...['alice', 'bob', 'carol', 'dave'].map((name): [string, string] => [name, `secret-of-${name}`]),
    ...['secret-of-the-flag', 'secret-of-the-file'].map((secret): [string, string] => [rest, sign(secret)]),
  ];
  for (const [user, password] of who) {
    t.equal((await (await open(t, { port, user, password })).allocate()).cls, 2, user);
  }
});

test('--user-quota holds for static users and for REST users', async (t) => {
  const server = await startLabTurnd(t, ['--user-quota', '1', '--secret', 'of-the-app']);
  const port = await server.port('udp');
  const rest = `${Math.floor(Date.now() / 1000) + 600}:erin`;
  const password = createHmac('sha1', 'of-the-app').update(rest).digest('base64');
  for (const options of [{ port }, { port, user: rest, password }]) {
    t.equal((await (await open(t, options)).allocate()).cls, 2);
    t.equal((await (await open(t, options)).allocate()).errorCode, 486);
  }
});

test('--relay-address: a family that is not given is not served', async (t) => {
  for (const [address, served, other] of [
    ['127.0.0.1', 4, 6],
    ['::1', 6, 4],
  ] as const) {
    const flags = quietFlags(t, ...ALICE, '--relay-address', address);
    const server = await startTurndWith(t, flags);
    const client = await open(t, { port: await server.port('udp') });
    t.equal((await client.allocate([requestedAddressFamily(other)])).errorCode, 440);
    t.equal((await client.allocated([requestedAddressFamily(served)])).ip, address);
  }
  const both = await startTurndWith(
    t,
    quietFlags(t, ...ALICE, '--relay-address', '127.0.0.1', '--relay-address', '::1'),
  );
  for (const family of [4, 6] as const) {
    const client = await open(t, { port: await both.port('udp') });
    t.equal((await client.allocate([requestedAddressFamily(family)])).cls, 2);
  }
});

test('--relay-ports bounds the relay ports', async (t) => {
  const first = await findFreeBlock('127.0.0.1', 2);
  const server = await startLabTurnd(t, ['--relay-ports', `${first}-${first + 1}`]);
  const port = await server.port('udp');
  const ports = [await (await open(t, { port })).allocated(), await (await open(t, { port })).allocated()];
  t.same(ports.map((relayed) => relayed.port).sort(), [first, first + 1]);
  t.equal((await (await open(t, { port })).allocate()).errorCode, 508);
});

test('--deny-peer and --allow-peer: beside the built-in list, which is on by default', async (t) => {
  const plain = await startTurndWith(t, quietFlags(t, ...ALICE, '--relay-address', '127.0.0.1'));
  const client = await open(t, { port: await plain.port('udp') });
  await client.allocated();
  for (const peer of ['127.0.0.1', '10.1.2.3', '169.254.169.254']) {
    t.equal((await client.permit(peer)).errorCode, 403, `${peer} by default`);
  }
  t.equal((await client.permit('198.41.0.4')).cls, 2);
  const rules = ['--deny-peer', '198.41.0.0/24', '--allow-peer', '10.1.0.0/16', '--allow-peer', '10.2.0.0/16'];
  const ruled = await startTurndWith(t, quietFlags(t, ...ALICE, '--relay-address', '127.0.0.1', ...rules));
  const other = await open(t, { port: await ruled.port('udp') });
  await other.allocated();
  t.equal((await other.permit('198.41.0.4')).errorCode, 403);
  t.equal((await other.permit('10.1.2.3')).cls, 2);
  t.equal((await other.permit('10.2.2.3')).cls, 2);
  t.equal((await other.permit('10.3.2.3')).errorCode, 403);
});

test('--unsafe-allow-loopback-peers opens this host, and the log says so', async (t) => {
  const server = await startLabTurnd(t);
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => peer.close());
  const client = await open(t, { port: await server.port('udp') });
  await client.allocated();
  await client.permit('127.0.0.1');
  client.sendTo('127.0.0.1', peer.port, 'to this host');
  t.equal((await patiently('the datagram', peer.next())).bytes.toString(), 'to this host');
  const warning = await server.logged('the warning', ({ event }) => event === 'unsafe');
  t.match(warning.msg, /--unsafe-allow-loopback-peers is for labs only/);
});

test('--anonymous serves everyone, and the log says so', async (t) => {
  const server = await startTurndWith(t, quietFlags(t, '--relay-address', '127.0.0.1', '--anonymous'));
  const client = await open(t, { port: await server.port('udp') });
  t.equal((await client.challenge()).cls, 2, 'the first Allocate succeeds');
  const warning = await server.logged('the warning', ({ event }) => event === 'unsafe');
  t.match(warning.msg, /--anonymous is for labs only/);
});

test('--tls-cert and --tls-key are what TLS clients are shown', async (t) => {
  const directory = temporaryDirectory(t);
  const { certificate, key } = await makeCertificate('127.0.0.1');
  writeFileSync(join(directory, 'c.pem'), certificate);
  writeFileSync(join(directory, 'k.pem'), key, { mode: 0o600 });
  const files = ['--tls-cert', join(directory, 'c.pem'), '--tls-key', join(directory, 'k.pem')];
  const server = await startLabTurnd(t, ['--listen', 'tls://127.0.0.1:0', ...files]);
  const socket = connect({ host: '127.0.0.1', port: await server.port('tls'), ca: certificate });
  t.teardown(() => socket.destroy());
  await patiently('a verified handshake', new Promise((resolve) => socket.once('secureConnect', resolve)));
  t.equal(socket.authorized, true);
  t.notOk(server.log.some(({ event }) => event === 'certificate-self-made'));
});

test('--rfc5766-channel-numbers accepts channels up to 0x7FFF, which are refused without', async (t) => {
  for (const [flags, code] of [
    [[], 400],
    [['--rfc5766-channel-numbers'], undefined],
  ] as const) {
    const server = await startLabTurnd(t, flags);
    const peer = await DatagramPeer.open('127.0.0.1');
    t.teardown(() => peer.close());
    const client = await open(t, { port: await server.port('udp') });
    await client.allocated();
    t.equal((await client.bind(0x7ffe, '127.0.0.1', peer.port)).errorCode, code);
    if (code !== undefined) continue;
    client.sendChannel(0x7ffe, 'by an old number');
    t.equal((await patiently('the datagram', peer.next())).bytes.toString(), 'by an old number');
  }
});

test('--log-level and --log-format', async (t) => {
  const silent = await startQuietly(t, ['--log-level', 'error']);
  t.same(silent.stdout, []);
  const pretty = await startQuietly(t, ['--log-format', 'pretty']);
  t.match(pretty.stdout.join('\n'), /INFO.*ready/);
  t.same(pretty.log, []);
  const debug = await startLabTurnd(t, ['--log-level', 'debug']);
  await (await open(t, { port: await debug.port('udp') })).allocated();
  t.equal((await debug.logged('a debug line', ({ level }) => level === 'debug')).msg, 'allocation made');
});

/** A server that does not say "ready" in JSON: waits until it answers, then stops it. */
async function startQuietly(t: Test, flags: readonly string[]): Promise<TurndProcess> {
  const port = await findFreeBlock('127.0.0.1', 1);
  const all = [...bareFlags(temporaryDirectory(t)), '--listen', `udp://127.0.0.1:${port}`, ...ALICE, ...flags];
  const server = new TurndProcess(all);
  t.teardown(() => server.child.kill('SIGKILL'));
  const client = await open(t, { port });
  await client.knock();
  await server.stop();
  return server;
}

test('--plane portable and --workers 0 are what there is', async (t) => {
  const server = await startLabTurnd(t, ['--plane', 'portable', '--workers', '0']);
  t.ok(server.isAlive);
});

test('every flag of the help is tried in this folder', async (t) => {
  const help = (await runTurnd(['--help'])).stdout;
  const flags = [...help.matchAll(/^ {2}(--[a-z0-9-]+)/gm)].map(([, flag]) => flag ?? '');
  const folder = new URL('.', import.meta.url);
  const files = ['flags', 'flag-refusals', 'allocations', 'start-faults', 'signals', 'in-namespace', 'log-sinks'];
  const support = readFileSync(new URL('../support/turnd-process.js', folder), 'utf8');
  const text = [support, ...files.map((name) => readOne(folder, name))].join('\n');
  t.ok(flags.length >= 24);
  for (const flag of flags.filter((one) => !['--help', '--version'].includes(one)))
    t.ok(text.includes(`'${flag}'`), flag);
});

function readOne(folder: URL, name: string): string {
  try {
    return readFileSync(new URL(`${name}.test.js`, folder), 'utf8');
  } catch {
    return readFileSync(new URL(`${name}.js`, folder), 'utf8');
  }
}
