// turnctl as a process: what others see of it while it runs, and what it leaves behind.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { temporaryDirectory } from '../support/turnd-process.ts';

const PROGRAM = fileURLToPath(new URL('../../src/cli/turnctl.js', import.meta.url));
const NO_PROC = existsSync('/proc/self/cmdline') ? false : 'there is no /proc on this system';
const NO_FULL = existsSync('/dev/full') ? false : 'there is no /dev/full on this system';
const NOT_ROOT = process.getuid?.() === 0 ? false : 'only root makes files in the directory of somebody else';

function start(cwd: string, ...argv: readonly string[]) {
  // A bare environment: what the test runner adds to it would write into its own directory, whoever the child has become.
  const bare = ['-i', `PATH=${process.env['PATH'] ?? ''}`, process.execPath, PROGRAM];
  const child = spawn('env', [...bare, ...argv], { cwd });
  const printed: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => void printed.push(chunk));
  child.stderr.on('data', (chunk: Buffer) => void printed.push(chunk));
  const ended = once(child, 'close').then(([status]) => ({ status, output: Buffer.concat(printed).toString() }));
  return { child, ended };
}

test('S55: neither the URL of a store nor a password is readable in /proc/PID', { skip: NO_PROC }, async (t) => {
  // A database that accepts and says nothing: turnctl has read its command line and waits.
  const sockets: Socket[] = [];
  const server = createServer((socket) => void sockets.push(socket.on('error', () => {})));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const url = `postgres://u:CANARY@127.0.0.1:${port}/x`;
  const { child, ended } = start(temporaryDirectory(t), 'user', 'add', 'alice', '--password-stdin', '--store', url);
  child.stdin.end('CANARY-CANARY\n');
  await once(server, 'connection');
  const seen = ['cmdline', 'environ'].map((name) => readFileSync(`/proc/${child.pid}/${name}`, 'latin1'));
  for (const socket of sockets) socket.destroy();
  server.close();
  const { status, output } = await ended;
  t.notMatch(seen.join(), /CANARY/);
  t.match(seen[0], /^turnctl/);
  t.equal(status, 1);
  t.notMatch(output, /CANARY/);
});

test('a password that is piped in makes a user, and is nowhere in the store', async (t) => {
  const cwd = temporaryDirectory(t);
  const { child, ended } = start(cwd, 'user', 'add', 'alice', '--store', 'sqlite:own.db');
  child.stdin.end('CANARY-CANARY\nsecond line\n');
  t.same(await ended, { status: 0, output: 'user alice added to realm turnd\n' });
  const files = ['own.db', 'own.db-wal'].filter((name) => existsSync(`${cwd}/${name}`));
  for (const name of files) t.notMatch(readFileSync(`${cwd}/${name}`, 'latin1'), /CANARY/);
  t.equal(statSync(`${cwd}/own.db`).mode & 0o077, 0);
});

test('output that cannot be written is a fault; one that nobody reads on is none', { skip: NO_FULL }, async (t) => {
  const run = (redirect: string) =>
    spawnSync(
      '/bin/sh',
      ['-c', `"$0" "$1" user add alice --generate --store sqlite:own.db ${redirect}`, process.execPath, PROGRAM],
      {
        cwd: temporaryDirectory(t),
        env: {},
        encoding: 'utf8',
      },
    );
  t.match(run('> /dev/full'), {
    status: 1,
    stderr: /^turnctl: cannot write the output: no space left on the device$/m,
  });
  t.match(run('2> /dev/full'), { status: 0, stdout: /^password: /m });
  t.match(run('| true; exit $?'), { status: 0, stderr: '' });
});

test("a store that root makes in turnd's directory belongs to turnd's user", { skip: NOT_ROOT }, async (t) => {
  const cwd = temporaryDirectory(t);
  chmodSync(cwd, 0o755);
  mkdirSync(`${cwd}/.turnd`);
  chownSync(`${cwd}/.turnd`, 65534, 65534);
  const { child, ended } = start(cwd, 'user', 'add', 'alice', '--generate', '--quiet');
  child.stdin.end();
  t.match(await ended, { status: 0, output: /^[\w-]{24}\n$/ });
  const { uid, gid } = statSync(`${cwd}/.turnd/turnd.db`);
  t.same({ uid, gid }, { uid: 65534, gid: 65534 });
});

test("links in turnd's directory lead root nowhere", { skip: NOT_ROOT }, async (t) => {
  const cwd = temporaryDirectory(t);
  chmodSync(cwd, 0o755);
  mkdirSync(`${cwd}/.turnd`);
  writeFileSync(`${cwd}/roots`, '', { mode: 0o600 });
  symlinkSync(`${cwd}/roots`, `${cwd}/.turnd/turnd.db`);
  chownSync(`${cwd}/.turnd`, 65534, 65534);
  const { child, ended } = start(cwd, 'user', 'add', 'alice', '--generate', '--quiet');
  child.stdin.end();
  t.match(await ended, { status: 1, output: /permission denied/ });
  const { uid, size } = statSync(`${cwd}/roots`);
  t.same({ uid, size }, { uid: 0, size: 0 });
});
