// R10 for the store in a file: another program locks it, or spoils it. Calls and known users go on, others are told, and
// it heals.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { longTermKeyMd5 } from '../../../src/stun/keys.ts';
import type { TurndProcess } from '../../support/turnd-process.ts';
import { temporaryDirectory } from '../../support/turnd-process.ts';
import { type Call, isWhole, startCall } from './call.ts';
import { allocateAs, allocateUntil, REALM, startOn } from './scene.ts';

interface Scene {
  readonly path: string;
  readonly server: TurndProcess;
  readonly call: Call;
}

/** A file as coturn makes them, without WAL: there a writer keeps readers out. */
async function setUp(t: Test): Promise<Scene> {
  const path = join(temporaryDirectory(t), 'turndb');
  const rows = ['alice', 'bob', 'carol'].map((name) => {
    const key = longTermKeyMd5(name, REALM, `secret-of-${name}`).toString('hex');
    return `insert into turnusers_lt values ('${REALM}', '${name}', '${key}');`;
  });
  const table = 'create table turnusers_lt (realm varchar(127), name varchar(512), hmackey char(128));';
  execFileSync('sqlite3', [path, table + rows.join('')]);
  const server = await startOn(t, `sqlite://${path}`);
  const call = await startCall(t, server);
  return { path, server, call };
}

/** Locks the file until the returned function is called. */
async function lock(t: Test, path: string): Promise<() => Promise<unknown>> {
  const holder = spawn('sqlite3', [path], { stdio: ['pipe', 'pipe', 'inherit'] });
  t.teardown(() => holder.kill('SIGKILL'));
  holder.stdin.write(".timeout 5000\nbegin exclusive;\nselect 'held';\n");
  await once(holder.stdout, 'data');
  return async () => {
    holder.stdin.end('rollback;\n');
    await once(holder, 'close');
  };
}

async function goesOn(t: Test, { server, call }: Scene): Promise<void> {
  t.equal(await allocateAs(t, server, 'bob'), 500, 'a definite answer for whom the store alone knows');
  t.ok(await isWhole(call), 'the call goes on');
  t.equal((await call.client.binding()).cls, 2);
  t.equal(await allocateAs(t, server, 'alice'), 0, 'a known user is served');
  const lost = await server.logged('the loss', ({ event }) => event === 'store-lost');
  t.match(lost.msg, /users that are not known yet are refused/);
}

async function heals(t: Test, { server, call }: Scene): Promise<void> {
  t.equal(await allocateUntil(t, server, 'carol', 0), 0, 'by itself');
  await server.logged('the return', ({ event }) => event === 'store-back');
  t.ok(await isWhole(call));
  t.equal(server.stderr, '');
}

test('R10 another program locks the SQLite file', async (t) => {
  const scene = await setUp(t);
  const unlock = await lock(t, scene.path);
  await goesOn(t, scene);
  await unlock();
  await heals(t, scene);
});

test('R10 the SQLite file is overwritten, and put back', async (t) => {
  const scene = await setUp(t);
  const backup = `${scene.path}.bak`;
  copyFileSync(scene.path, backup);
  writeFileSync(scene.path, 'no database any more, but words '.repeat(4000));
  await goesOn(t, scene);
  copyFileSync(backup, scene.path);
  await heals(t, scene);
});
