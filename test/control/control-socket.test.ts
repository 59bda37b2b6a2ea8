// The file of the control socket: its mode, who gets it, and that nobody's is taken.

import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { test } from 'tap';
import { ControlClient } from '../../src/control/control-client.ts';
import { type ControlSocketOptions, openControlSocket } from '../../src/control/control-socket.ts';
import { ControlError } from '../../src/errors.ts';
import { fakeControl } from '../support/fake-control.ts';
import { type Teardown, temporaryDirectory } from '../support/turnd-process.ts';
import { whenClosed } from '../support/when-closed.ts';

function open(path: string, own: Partial<ControlSocketOptions> = {}) {
  return openControlSocket({ path, control: fakeControl(), report: () => {}, ...own });
}

function pathIn(t: Teardown): string {
  return `${temporaryDirectory(t)}/turnd.sock`;
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

test('only its user may connect, unless the group may too', async (t) => {
  const before = process.umask(0);
  t.teardown(() => void process.umask(before));
  for (const [access, mode] of [
    [undefined, '600'],
    ['owner', '600'],
    ['group', '660'],
  ] as const) {
    const path = pathIn(t);
    const socket = await open(path, access === undefined ? {} : { access });
    t.equal(modeOf(path), mode);
    t.equal(process.umask(), 0, 'the umask is as it was');
    await socket.close();
    await socket.close();
    t.notOk(existsSync(path), 'the file is taken away');
  }
});

test('what a dead process has left is replaced', async (t) => {
  const path = pathIn(t);
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 9))`;
  spawnSync(process.execPath, ['-e', script]);
  t.ok(existsSync(path), 'it is there');
  const socket = await open(path);
  t.teardown(() => socket.close());
  t.equal((await ControlClient.open({ path, timeout: 5000 })).defaultRealm, 'example.org');
});

test('a socket that somebody answers at is not taken', async (t) => {
  const path = pathIn(t);
  const first = await open(path);
  t.teardown(() => first.close());
  await t.rejects(open(path), {
    constructor: ControlError,
    message: `control socket ${path}: another turnd answers there: stop it or set control.socket`,
  });
  t.equal((await ControlClient.open({ path, timeout: 5000 })).storeName, 'sqlite:memory');
});

test('a file, a directory and a link stay as they are', async (t) => {
  const directory = temporaryDirectory(t);
  writeFileSync(`${directory}/file`, 'precious');
  mkdirSync(`${directory}/directory`);
  symlinkSync(`${directory}/file`, `${directory}/link`);
  for (const name of ['file', 'directory', 'link']) {
    await t.rejects(open(`${directory}/${name}`), { message: /a file that is no socket is there/ }, name);
  }
  t.equal(readFileSync(`${directory}/file`, 'utf8'), 'precious');
  await t.rejects(open(`${directory}/gone/turnd.sock`), { constructor: ControlError, message: /gone/ });
});

test('a path that is too long for a socket is named, before anything is made', async (t) => {
  const directory = temporaryDirectory(t);
  const fits = `${directory}/${'x'.repeat(107 - directory.length - 1)}`;
  await t.rejects(open(`${fits}y`), {
    constructor: ControlError,
    message: /the path has 108 bytes, 107 at most: set control\.socket to a shorter one$/,
  });
  const socket = await open(fits);
  t.ok(existsSync(fits));
  await socket.close();
});

test('idle connections do not hold up the end, and too many are turned away', async (t) => {
  const path = pathIn(t);
  const socket = await open(path);
  const idle: Socket[] = [];
  for (let count = 0; count < 64; count++) {
    const one = connect({ path });
    one.on('error', () => {});
    await once(one, 'connect');
    idle.push(one);
  }
  const late = connect({ path });
  late.on('error', () => {});
  const heard: Buffer[] = [];
  late.on('data', (chunk) => void heard.push(chunk));
  late.write('GET /v1/status HTTP/1.0\r\n\r\n');
  // Not `once`: a write that comes too late is no fault here.
  await new Promise((resolve) => late.on('close', resolve));
  t.equal(Buffer.concat(heard).toString(), '');
  t.equal(idle.filter((one) => one.destroyed).length, 0);
  const gone = Promise.all(idle.map(whenClosed));
  await socket.close();
  await gone;
  t.notOk(existsSync(path));
});

test('the client says why turnd was not reached', async (t) => {
  const directory = temporaryDirectory(t);
  const reasonAt = (path: string): Promise<unknown> =>
    ControlClient.open({ path, timeout: 150 }).then(
      () => 'reached',
      ({ reason, message }: { reason: string; message: string }) => ({ reason, message }),
    );
  const path = `${directory}/turnd.sock`;
  t.same(await reasonAt(path), { reason: 'not-running', message: `turnd is not running (nobody listens at ${path})` });
  writeFileSync(`${directory}/file`, '');
  t.match(await reasonAt(`${directory}/file`), { reason: 'not-running' });
  const sockets: Socket[] = [];
  for (const [answer, message] of [
    ['', /^turnd does not answer at .* within 0\.15 s: look at its log$/],
    ['nonsense\r\n\r\n', /^turnd does not answer well/],
    ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nno', /is no turnd$/],
    ['HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\n{', /^turnd does not answer/],
  ] as const) {
    const server = createServer((socket) => {
      sockets.push(socket);
      socket.on('error', () => {});
      socket.write(answer);
    });
    server.listen(path);
    await once(server, 'listening');
    t.match(await reasonAt(path), { reason: 'silent', message });
    for (const socket of sockets.splice(0)) socket.destroy();
    server.close();
    await once(server, 'close');
  }
});

const skip = process.getuid?.() === 0 ? false : 'needs root, to become somebody else';

test('somebody else may not connect, and is told so', { skip }, async (t) => {
  const path = pathIn(t);
  const socket = await open(path);
  t.teardown(() => socket.close());
  const client = new URL('../../src/control/control-client.js', import.meta.url).href;
  // The other user may not be able to read the program.
  const script = `const { ControlClient } = await import(${JSON.stringify(client)});
    process.setuid(65534);
    await ControlClient.open({ path: ${JSON.stringify(path)}, timeout: 5000 }).catch((e) => console.log(e.reason, e.message));`;
  // Not spawnSync: this process serves the socket.
  const child = spawn(process.execPath, ['--input-type=module', '-e', script]);
  const chunks: Buffer[] = [];
  child.stdout.on('data', (chunk: Buffer) => void chunks.push(chunk));
  await once(child, 'close');
  t.match(Buffer.concat(chunks).toString(), /^denied you may not use .*turnd\.sock: run turnctl with sudo/);
});
