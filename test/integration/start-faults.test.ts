// A start that fails: the exit status, one sentence on standard error that says which and what to do, and nothing left
// open or locked.

import { chownSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { linuxPlaneSkip } from '../support/plane-under-test.ts';
import { RawClient } from '../support/raw-client.ts';
import { makeCertificate } from '../support/self-made-certificate.ts';
import {
  bareFlags,
  type Ended,
  labFlags,
  type ProcessOptions,
  runTurnd,
  startTurndWith,
  temporaryDirectory,
} from '../support/turnd-process.ts';

const ALICE = ['--user', 'alice:secret-of-alice'];
const skips = { portable: false, linux: await linuxPlaneSkip() } as const;

/** Expects exit status 1 and this sentence; lines of the log may stand on standard output. */
function failsWith(t: Test, ended: Ended, sentence: string): void {
  t.equal(ended.stderr, `turnd: ${sentence}\n`);
  t.equal(ended.code, 1);
  t.notMatch(ended.stdout, /"msg":"ready"/);
}

/** Expects that a failed start has left no lock behind. */
function leavesNoLock(t: Test, directory: string): void {
  const names = existsSync(join(directory, 'state')) ? readdirSync(join(directory, 'state')) : [];
  t.same(
    names.filter((name) => /^(lock|new)-/.test(name)),
    [],
  );
}

async function occupyTcp(t: Test): Promise<number> {
  const holder = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => holder.once('listening', resolve));
  t.teardown(() => holder.close());
  const bound = holder.address();
  return typeof bound === 'object' && bound !== null ? bound.port : 0;
}

async function writePair(directory: string): Promise<{ certificate: string; key: string; otherKey: string }> {
  const [certificate, key, otherKey] = [join(directory, 'c.pem'), join(directory, 'k.pem'), join(directory, 'o.pem')];
  const pair = await makeCertificate('127.0.0.1');
  writeFileSync(certificate, pair.certificate);
  writeFileSync(key, pair.key, { mode: 0o600 });
  writeFileSync(otherKey, (await makeCertificate('127.0.0.1')).key, { mode: 0o600 });
  return { certificate, key, otherKey };
}

test('an occupied UDP port is named; listeners that were open are closed again', async (t) => {
  const directory = temporaryDirectory(t);
  const holder = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => holder.close());
  const ended = await runTurnd(labFlags(directory, '--listen', `udp://127.0.0.1:${holder.port}`));
  const advice = 'another program uses it: stop that one, or choose another port';
  failsWith(t, ended, `cannot listen on UDP 127.0.0.1 port ${holder.port}: ${advice}`);
  leavesNoLock(t, directory);
});

for (const transport of ['tcp', 'tls', 'tcp+tls']) {
  test(`an occupied TCP port is named (${transport})`, async (t) => {
    const directory = temporaryDirectory(t);
    const port = await occupyTcp(t);
    const ended = await runTurnd(labFlags(directory, '--listen', `${transport}://127.0.0.1:${port}`));
    const advice = 'another program uses it: stop that one, or choose another port';
    failsWith(t, ended, `cannot listen on ${transport.toUpperCase()} 127.0.0.1 port ${port}: ${advice}`);
    leavesNoLock(t, directory);
  });
}

// On the Linux plane listening sockets share their port, but not with those of another turnd.
test('a second turnd on a port of a first one is refused', async (t) => {
  const transports = ['udp', 'tcp', 'tls'] as const;
  const listen = transports.flatMap((transport) => ['--listen', `${transport}://127.0.0.1:0`]);
  const first = await startTurndWith(t, [...bareFlags(temporaryDirectory(t)), ...ALICE, ...listen]);
  for (const plane of ['linux', 'portable'] as const) {
    for (const transport of transports) {
      await t.test(`${transport}, the second one ${plane}`, { skip: skips[plane] }, async (t) => {
        const port = await first.port(transport);
        const directory = temporaryDirectory(t);
        const flags = ['--listen', `${transport}://127.0.0.1:${port}`, '--plane', plane];
        const ended = await runTurnd([...bareFlags(directory), ...ALICE, ...flags]);
        const advice = 'another program uses it: stop that one, or choose another port';
        failsWith(t, ended, `cannot listen on ${transport.toUpperCase()} 127.0.0.1 port ${port}: ${advice}`);
        leavesNoLock(t, directory);
        const client = await RawClient.open({ transport, port });
        t.teardown(() => client.close());
        t.equal((await client.binding()).cls, 2, 'the first one serves on');
      });
    }
  }
});

test('an address that this host lacks is named', async (t) => {
  const directory = temporaryDirectory(t);
  const udp = await runTurnd([...bareFlags(directory), '--user', 'a:b', '--listen', 'udp://203.0.113.77:0']);
  failsWith(
    t,
    udp,
    'cannot listen on UDP 203.0.113.77 port 0: this host has no such address: name one that it has, or * for all',
  );
  const tcp = await runTurnd([...bareFlags(directory), '--user', 'a:b', '--listen', 'tcp://203.0.113.77:0']);
  failsWith(
    t,
    tcp,
    'cannot listen on TCP 203.0.113.77 port 0: this host has no such address: name one that it has, or * for all',
  );
  leavesNoLock(t, directory);
});

test('a relay address that this host lacks is warned of: it may come later', async (t) => {
  const flags = ['--state-dir', temporaryDirectory(t), '--log-format', 'json', '--listen', 'udp://127.0.0.1:0'];
  const more = ['--user', 'alice:secret-of-alice', '--external-address', 'none'];
  const server = await startTurndWith(t, [...flags, ...more, '--relay-address', '203.0.113.77']);
  const [warning] = server.stdout.filter((line) => line.includes('relay-address-missing'));
  t.match(warning, /"level":"warn".*"relay":\["203\.0\.113\.77"\].*mend --relay-address/);
  const other = await startTurndWith(t, labFlags(temporaryDirectory(t)));
  t.notOk(other.stdout.some((line) => line.includes('relay-address-missing')));
});

test('a certificate that cannot be read, or does not fit its key, is named', async (t) => {
  const directory = temporaryDirectory(t);
  const { certificate, key, otherKey } = await writePair(directory);
  const tls = (cert: string, keyFile: string): string[] =>
    labFlags(directory, '--listen', 'tls://127.0.0.1:0', '--tls-cert', cert, '--tls-key', keyFile);
  const missing = join(directory, 'missing.pem');
  const advice = 'mend it, or name other files with --tls-cert and --tls-key';
  const why = `${missing} cannot be read: no such file or directory`;
  failsWith(t, await runTurnd(tls(missing, key)), `${why}: ${advice}`);
  failsWith(t, await runTurnd(tls(certificate, missing)), `${why}: ${advice}`);
  const mismatch = await runTurnd(tls(certificate, otherKey));
  failsWith(t, mismatch, `${otherKey} is not the key of the certificate in ${certificate}: ${advice}`);
  leavesNoLock(t, directory);
});

test('a state directory with a file in its way is named', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(join(directory, 'state'), '');
  const advice = 'name another one with --state-dir, or mend its owner and mode';
  const sentence = `the state directory ${join(directory, 'state')} is not a directory: ${advice}`;
  failsWith(t, await runTurnd(labFlags(directory)), sentence);
});

const NOT_ROOT = process.getuid?.() === 0 ? false : 'only root can own a directory that it may not write to';

test('a state directory that cannot be written to is named', { skip: NOT_ROOT }, async (t) => {
  const directory = temporaryDirectory(t);
  const state = join(directory, 'state');
  mkdirSync(state, { mode: 0o755 });
  chownSync(state, 65_534, 65_534);
  // Root without its privileges: a stranger to that directory.
  const options: ProcessOptions = { prefix: ['setpriv', '--inh-caps=-all', '--bounding-set=-all'] };
  const advice = 'name another one with --state-dir, or mend its owner and mode';
  const sentence = `the state directory ${state} cannot be written to (permission denied): ${advice}`;
  failsWith(t, await runTurnd(labFlags(directory), options), sentence);
  chownSync(state, 0, 0);
  const server = await startTurndWith(t, labFlags(directory), options);
  t.ok(server.isAlive, 'the advice helps');
});

test('a locked state directory is named with its holder, which goes on', async (t) => {
  const directory = temporaryDirectory(t);
  const holder = await startTurndWith(t, labFlags(directory));
  const advice = 'stop that one, or name another directory with --state-dir';
  const state = join(directory, 'state');
  const sentence = `the state directory ${state} is in use by another turnd (process ${holder.pid}): ${advice}`;
  failsWith(t, await runTurnd(labFlags(directory)), sentence);
  t.ok(holder.isAlive);
  await holder.stop();
  await startTurndWith(t, labFlags(directory));
});

test('a log file that cannot be opened is named', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'no-such-directory', 'turnd.log');
  const ended = await runTurnd(labFlags(directory, '--log-file', file));
  failsWith(t, ended, `log.file: cannot open ${file}: no such file or directory`);
});

test('S12 a configuration file without credentials is refused', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'turnd.yaml');
  writeFileSync(file, 'realm: turn.example.org\n');
  const ended = await runTurnd([...bareFlags(directory), '--config', file]);
  t.equal(ended.code, 2);
  const advice =
    'set auth.secrets, auth.users or auth.user-file, or make a user with `turnctl user add` (or set auth.anonymous: true in a lab)';
  t.equal(ended.stderr, `turnd: ${file}: auth: no credentials: ${advice}\n`);
  t.notOk(existsSync(join(directory, 'state', 'lab-user')), 'no lab user is made');
});

test('all faults of a configuration are reported at once, each with its place', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'turnd.yaml');
  const lines = ['realm: 7', 'relay:', '  ports: 9-3', 'limits:', '  conections: 4', 'log: {level: loud}', ''];
  writeFileSync(file, lines.join('\n'));
  const ended = await runTurnd(['--config', file, '--workers', 'many', '--deny-peer', '10.0.0.0/33'], {
    cwd: directory,
    env: { TURND_TLS__MIN_VERSION: '1.1' },
  });
  t.equal(ended.code, 2);
  for (const place of [
    `${file}:1:8 realm: `,
    `${file}:3:10 relay.ports: `,
    `${file}:5:3 limits: `,
    `${file}:6:14 log.level: `,
  ]) {
    t.match(ended.stderr, place);
  }
  t.match(ended.stderr, /--workers: /);
  t.match(ended.stderr, /--deny-peer: /);
  t.match(ended.stderr, /TURND_TLS__MIN_VERSION: /);
  t.match(ended.stderr, /connections/, 'a mistyped key is guessed');
  t.equal(ended.stdout, '');
});
