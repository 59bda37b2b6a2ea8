// Hostile clients of the control socket of a running server: calls go on, memory stays bounded, and whoever asks after
// them gets an answer.

import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { askControl } from '../../src/control/control-transport.ts';
import { labFlags, startTurndWith, type TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';
import { type Call, isWhole, startCall } from './stores/call.ts';

// Of garbage: what is parsed of one write is there before the first of it can be refused.
const MAX_GROWTH_KB = 192 * 1024;
const MORE_DESCRIPTORS = 4;
const PAUSE_MS = 100;
const STATUS = 'GET /v1/status HTTP/1.1\r\nHost: turnd\r\n\r\n';

interface Scene {
  readonly server: TurndProcess;
  readonly call: Call;
  readonly path: string;
  readonly memory: number;
  readonly descriptors: number;
}

function memoryOf({ pid }: TurndProcess): number {
  return Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
}

function descriptorsOf({ pid }: TurndProcess): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

async function setUp(t: Test): Promise<Scene> {
  const directory = temporaryDirectory(t);
  const server = await startTurndWith(t, labFlags(directory));
  const call = await startCall(t, server);
  const path = join(directory, 'state', 'turnd.sock');
  await askStatus(path);
  return { server, call, path, memory: memoryOf(server), descriptors: descriptorsOf(server) };
}

function askStatus(path: string): Promise<unknown> {
  return askControl({ path, timeout: 5000 }, { method: 'GET', target: '/v1/status' });
}

function open(t: Test, path: string): Socket {
  const socket = connect({ path, noDelay: true }).on('error', () => undefined);
  t.teardown(() => socket.destroy());
  return socket;
}

const pause = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, PAUSE_MS));

/** After it all, while the hostile ones are still there. */
async function isUnharmed(t: Test, { server, call, path, memory }: Scene): Promise<void> {
  t.ok(await isWhole(call), 'the call goes on');
  let status: unknown = null;
  while (status === null) {
    status = await askStatus(path).catch(() => null);
    if (status === null) await pause();
  }
  t.match(status, { allocations: 1 });
  const growth = memoryOf(server) - memory;
  t.ok(growth < MAX_GROWTH_KB, `${growth} KB more`);
  t.same(
    server.log.filter(({ level }) => level === 'error' || level === 'fatal'),
    [],
  );
  t.equal(server.stderr, '');
}

async function leavesNothing(t: Test, { server, descriptors }: Scene, sockets: readonly Socket[]): Promise<void> {
  for (const socket of sockets) socket.destroy();
  while (descriptorsOf(server) - descriptors > MORE_DESCRIPTORS) await pause();
  t.pass('descriptors come back');
}

test('two hundred connections that say nothing, or one letter after the other', async (t) => {
  const scene = await setUp(t);
  const sockets = Array.from({ length: 200 }, () => open(t, scene.path));
  let at = 0;
  const timer = setInterval(() => {
    for (const [index, socket] of sockets.entries()) if (index % 2 === 0) socket.write(STATUS.charAt(at) || 'x');
    at++;
  }, PAUSE_MS);
  t.teardown(() => clearInterval(timer));
  for (let round = 0; round < 5; round++) {
    t.ok(await isWhole(scene.call), 'the call goes on');
    t.equal((await scene.call.client.binding()).cls, 2);
    await pause();
  }
  await isUnharmed(t, scene);
  clearInterval(timer);
  await leavesNothing(t, scene, sockets);
});

test('bodies without end are neither read nor kept', async (t) => {
  const scene = await setUp(t);
  const chunk = Buffer.alloc(65_536, '[');
  const heads = [
    `Content-Length: 99999999999\r\n\r\n`,
    `Transfer-Encoding: chunked\r\n\r\n${'10000\r\n'}`,
    `Content-Type: application/json\r\nContent-Length: 999999999\r\n\r\n`,
    `Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n`,
  ];
  const sockets = heads.flatMap((head) =>
    ['POST /v1/credentials', 'PUT /v1/log-level', 'POST /v1/users', 'DELETE /v1/sessions'].map((line) => {
      const socket = open(t, scene.path);
      socket.resume();
      socket.write(`${line} HTTP/1.1\r\nHost: turnd\r\n${head}`);
      return socket;
    }),
  );
  for (let round = 0; round < 100; round++) {
    for (const socket of sockets) if (!socket.destroyed && socket.writableLength < 1e6) socket.write(chunk);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await isUnharmed(t, scene);
  await leavesNothing(t, scene, sockets);
});

test('thousands of requests in one write, garbage, and answers that nobody reads', async (t) => {
  const scene = await setUp(t);
  const sockets = Array.from({ length: 30 }, () => open(t, scene.path));
  for (const [at, socket] of sockets.entries()) {
    socket.pause();
    socket.write(at % 3 === 0 ? randomBytes(20_000) : STATUS.repeat(3000) + (at % 3 === 1 ? '\0\r\n\xff' : ''));
  }
  t.ok(await isWhole(scene.call), 'the call goes on');
  await isUnharmed(t, scene);
  await leavesNothing(t, scene, sockets);
});
