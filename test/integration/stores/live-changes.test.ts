// What turnctl changes is live in every process when it returns; what others change in the store is seen by itself; a
// reload applies what can change live.

import { execFile } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { restPassword } from '../../../src/stun/keys.ts';
import { DatagramPeer } from '../../support/datagram-peer.ts';
import { RawClient } from '../../support/raw-client.ts';
import { bareFlags, type Teardown, TurndProcess, temporaryDirectory } from '../../support/turnd-process.ts';
import { addUser, allocateUntil, openAside, REALM } from './scene.ts';

const TURNCTL = fileURLToPath(new URL('../../../src/cli/turnctl.js', import.meta.url));

// Enough clients that each of two workers has some.
const CLIENTS = 8;

interface Scene {
  readonly server: TurndProcess;
  readonly directory: string;
  readonly config: string;
}

async function start(t: Teardown, yaml = 'auth: {secrets: ["a secret that is long enough"]}\n'): Promise<Scene> {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'turnd.yaml');
  writeFileSync(config, yaml, { mode: 0o600 });
  const flags = [...bareFlags(directory), '--listen', 'udp://127.0.0.1:0', '--realm', REALM, '--config', config];
  const env = {
    TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0',
    TURND_LIMITS__FAILED_LOGINS_PER_SECOND: '0',
  };
  const server = new TurndProcess(flags, { env });
  t.teardown(() => server.stop());
  await server.ready();
  return { server, directory, config };
}

interface Ran {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

/** Runs the real turnctl. */
function turnctl({ directory }: Scene, args: readonly string[], input = ''): Promise<Ran> {
  const socket = join(directory, 'state', 'turnd.sock');
  return new Promise((resolve) => {
    const child = execFile(process.execPath, [TURNCTL, ...args, '--socket', socket], (error, out, err) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err });
    });
    child.stdin?.end(input);
  });
}

/** What Allocates of several clients are answered with, each answer once; 0 is success. */
async function answersTo(t: Teardown, { server }: Scene, user: string, password: string): Promise<number[]> {
  const port = await server.port('udp');
  const clients = await Promise.all(Array.from({ length: CLIENTS }, () => RawClient.open({ port, user, password })));
  t.teardown(() => {
    for (const client of clients) client.close();
  });
  const answers = await Promise.all(clients.map((client) => client.allocate()));
  return [...new Set(answers.map(({ errorCode }) => errorCode ?? 0))];
}

test('a user who is added, changed and removed by turnctl is so at once, in every worker', async (t) => {
  const scene = await start(t);
  t.same(await answersTo(t, scene, 'carol', 'first-password'), [401]);
  t.equal((await turnctl(scene, ['user', 'add', 'carol', '--password-stdin'], 'first-password\n')).code, 0);
  t.same(await answersTo(t, scene, 'carol', 'first-password'), [0]);
  t.equal((await turnctl(scene, ['user', 'passwd', 'carol', '--password-stdin'], 'other-password\n')).code, 0);
  t.same(await answersTo(t, scene, 'carol', 'first-password'), [401]);
  t.same(await answersTo(t, scene, 'carol', 'other-password'), [0]);
  t.equal((await turnctl(scene, ['user', 'remove', 'carol', '--yes'])).code, 0);
  t.same(await answersTo(t, scene, 'carol', 'other-password'), [401]);
});

test('S22 two secrets count while one is rotated, and a removed one is refused at once', async (t) => {
  const scene = await start(t, 'realm: x\nauth: {users: ["alice:secret-of-alice"]}\n');
  const secret = async (...args: string[]): Promise<{ id: string; value: string }> => {
    const { out } = await turnctl(scene, ['secret', ...args, '--json']);
    return JSON.parse(out);
  };
  const old = await secret('add');
  const name = `${Math.floor(Date.now() / 1000) + 600}:me`;
  const answers = ({ value }: { value: string }) => answersTo(t, scene, name, restPassword(value, name));
  t.same(await answers(old), [0]);
  const next = await secret('rotate', '--grace', '1h');
  t.same(await answers(old), [0]);
  t.same(await answers(next), [0]);
  t.equal((await turnctl(scene, ['secret', 'remove', old.id, '--yes'])).code, 0);
  t.same(await answers(old), [401]);
  t.same(await answers(next), [0]);
});

test('credentials are made under the secret that counts longest, of the realm that is asked for', async (t) => {
  const scene = await start(t, 'auth: {users: ["alice:secret-of-alice"]}\n');
  const json = async (...args: string[]) => JSON.parse((await turnctl(scene, [...args, '--json'])).out);
  const isUnder = async (secret: { readonly value: string }, ...args: string[]): Promise<boolean> => {
    const { iceServers } = await json('credentials', '--user', 'me', ...args);
    const { username, credential } = iceServers.at(-1);
    return credential === restPassword(secret.value, username);
  };
  await json('secret', 'add');
  for (let turn = 0; turn < 3; turn++) t.ok(await isUnder(await json('secret', 'rotate', '--grace', '1h')), `${turn}`);
  const other = await json('secret', 'add', '--realm', 'other.example');
  t.ok(await isUnder(other, '--realm', 'other.example'));
  t.notOk(await isUnder(other));
});

test('a rule about peers, and the quota of a realm, hold at once', async (t) => {
  const scene = await start(t, 'auth: {users: ["alice:secret-of-alice"]}\n');
  const client = await RawClient.open({ port: await scene.server.port('udp') });
  t.teardown(() => client.close());
  await client.allocated();
  t.equal((await client.permit('93.184.216.34')).errorCode ?? 0, 0);
  t.equal((await turnctl(scene, ['peer', 'deny', '93.184.216.0/24', '--realm', REALM])).code, 0);
  t.equal((await client.permit('93.184.216.34')).errorCode, 403);
  t.equal((await turnctl(scene, ['realm', 'set', REALM, '--user-quota', '1'])).code, 0);
  t.same(await answersTo(t, scene, 'alice', 'secret-of-alice'), [486]);
  t.equal((await turnctl(scene, ['realm', 'set', REALM, '--user-quota', 'none'])).code, 0);
  t.same(await answersTo(t, scene, 'alice', 'secret-of-alice'), [0]);
});

test('S51: max-bps of a realm holds at once, for allocations that exist', async (t) => {
  const scene = await start(t, 'auth: {users: ["alice:secret-of-alice"]}\npeers: {unsafe-allow-loopback: true}\n');
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => peer.close());
  const client = await RawClient.open({ port: await scene.server.port('udp') });
  t.teardown(() => client.close());
  await client.allocated();
  await client.bind(0x4000, '127.0.0.1', peer.port);
  /** Of a hundred packets, how many exceed a rate. */
  const excess = async (): Promise<number> => {
    const dropped = async () => JSON.parse((await turnctl(scene, ['session', 'list', '--json'])).out).sessions[0];
    const { overRateFromClient: before } = await dropped();
    for (let packet = 0; packet < 100; packet++) client.sendChannel(0x4000, Buffer.alloc(100));
    await client.binding();
    return (await dropped()).overRateFromClient - before;
  };
  t.equal(await excess(), 0);
  t.equal((await turnctl(scene, ['realm', 'set', REALM, '--max-bps', '10'])).code, 0);
  t.ok((await excess()) >= 98, 'one packet uses ten seconds up');
  t.equal((await turnctl(scene, ['realm', 'set', REALM, '--max-bps', '0'])).code, 0);
  t.equal(await excess(), 0);
});

test('what others change in the store is seen by itself', async (t) => {
  const scene = await start(t);
  t.same(await answersTo(t, scene, 'dave', 'secret-of-dave'), [401]);
  const store = await openAside(t, `sqlite://${join(scene.directory, 'state', 'turnd.db')}`);
  await addUser(store, 'dave');
  t.equal(await allocateUntil(t, scene.server, 'dave', 0), 0);
  await store.removeUser({ realm: REALM, name: 'dave' });
  t.equal(await allocateUntil(t, scene.server, 'dave', 401), 401);
});

test('a reload applies what can change live and names the rest; a broken file changes nothing', async (t) => {
  const scene = await start(t, 'auth: {users: ["alice:secret-of-alice"]}\n');
  writeFileSync(
    scene.config,
    'auth: {users: ["erin:secret-of-erin"]}\nlimits: {max-lifetime: 1800, allocations: 500}\n',
  );
  const reloaded = await turnctl(scene, ['reload', '--json']);
  t.match(JSON.parse(reloaded.out), {
    applied: ['auth.users', 'limits.allocations'],
    restart: ['limits.max-lifetime'],
  });
  t.same(await answersTo(t, scene, 'erin', 'secret-of-erin'), [0]);
  t.same(await answersTo(t, scene, 'alice', 'secret-of-alice'), [401]);
  writeFileSync(scene.config, 'auth: {users: ["frank:secret-of-frank"]}\nlimits: {allocations: many}\nrelm: x\n');
  const refused = await turnctl(scene, ['reload']);
  t.equal(refused.code, 2);
  t.match(
    refused.err,
    /turnd\.yaml:2:23 limits\.allocations: expected number[\s\S]*turnd\.yaml:3:1 unknown key "relm"/,
  );
  t.same(await answersTo(t, scene, 'erin', 'secret-of-erin'), [0]);
  t.same(await answersTo(t, scene, 'frank', 'secret-of-frank'), [401]);
});

test('the log level changes in every process', async (t) => {
  const scene = await start(t, 'auth: {users: ["alice:secret-of-alice"]}\n');
  const made = () => scene.server.log.filter(({ msg }) => msg === 'allocation made').length;
  await answersTo(t, scene, 'alice', 'secret-of-alice');
  t.equal((await turnctl(scene, ['log-level', 'debug'])).code, 0);
  await answersTo(t, scene, 'alice', 'secret-of-alice');
  await scene.server.until('a line of each client', () => (made() === CLIENTS ? true : undefined));
  t.equal((await turnctl(scene, ['log-level', 'loud'])).code, 2);
});
