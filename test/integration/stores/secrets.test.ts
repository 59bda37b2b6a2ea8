// S55: secrets of a store's and of statsdb's URL, and of users, are nowhere to be read: not in the log at its lowest level,
// in standard error, in `ps`, in the environment of workers, or in what the control socket says.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { askControl } from '../../../src/control/control-transport.ts';
import { redisProgram, startRedis, type TestRedis } from '../../support/databases/redis.ts';
import { SlowProxy } from '../../support/slow-proxy.ts';
import { bareFlags, startTurndWith, type TurndProcess, temporaryDirectory } from '../../support/turnd-process.ts';
import { commandLine, environmentOf, workersOf } from '../../support/worker-processes.ts';
import { addUser, allocateAs, openAside, REALM } from './scene.ts';

const { skip } = redisProgram;
const PASSWORD = 'c4nary/of:the@store';
const SHARED = 'c4nary-shared-secret-that-is-long';
const USERS = 'c4nary-of-carol';
const SECRETS = [PASSWORD, encodeURIComponent(PASSWORD), SHARED, USERS];
/** As old versions of Redis, and proxies before it, refuse a password. */
const ECHO = `-ERR unknown command 'AUTH', with args beginning with: '${PASSWORD}', \r\n`;

interface Started {
  readonly server: TurndProcess;
  readonly directory: string;
}

type Start = (t: Test, url: string) => Promise<Started>;

const byEnvironment: Start = async (t, url) => {
  const directory = temporaryDirectory(t);
  const flags = [...bareFlags(directory), '--listen', 'udp://127.0.0.1:0', '--realm', REALM, '--log-level', 'trace'];
  const more = ['--secret', SHARED, '--user', `carol:${USERS}`];
  const server = await startTurndWith(t, [...flags, ...more], { env: { TURND_STORE: url, TURND_STATSDB: url } });
  return { server, directory };
};

const byFile: Start = async (t, url) => {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'turnd.yaml');
  const auth = `auth: {secrets: ["${SHARED}"], users: ["carol:${USERS}"]}`;
  writeFileSync(config, `store: "${url}"\nstatsdb: "${url}"\n${auth}\n`, { mode: 0o600 });
  const flags = [...bareFlags(directory), '--listen', 'udp://127.0.0.1:0', '--realm', REALM, '--log-level', 'trace'];
  return { server: await startTurndWith(t, [...flags, '--config', config]), directory };
};

function holdsNone(t: Test, text: string, where: string): void {
  for (const secret of SECRETS) t.notOk(text.includes(secret), `${secret} in ${where}`);
}

/** All that others may see of the processes. */
async function isNowhere(t: Test, { server, directory }: Started): Promise<void> {
  const workers = [...workersOf(server).values()];
  for (const pid of [server.pid, ...workers]) holdsNone(t, commandLine(pid), 'ps');
  for (const pid of workers) holdsNone(t, environmentOf(pid), 'the environment of a worker');
  const address = { path: join(directory, 'state', 'turnd.sock'), timeout: 5000 };
  for (const target of ['/v1/status', '/v1/users', '/v1/secrets', '/v1/realms', '/v1/sessions']) {
    const said = await askControl(address, { method: 'GET', target }).catch((error: unknown) => String(error));
    holdsNone(t, JSON.stringify(said), target);
  }
}

for (const [how, start] of Object.entries({ environment: byEnvironment, file: byFile })) {
  test(`S55 secrets that come by ${how} are nowhere to be read, in good times and bad`, { skip }, async (t) => {
    const redis: TestRedis = await startRedis({ password: PASSWORD });
    t.teardown(() => redis.close());
    const store = await openAside(t, redis.url);
    await addUser(store, 'alice');
    await store.putSecret({ realm: REALM, value: `${SHARED}-stored`, expiresAt: null });
    const proxy = await SlowProxy.open(t, redis.port);
    const started = await start(t, redis.url.replace(`:${redis.port}/`, `:${proxy.port}/`));
    const { server } = started;
    t.equal(await allocateAs(t, server, 'alice'), 0);
    await isNowhere(t, started);

    proxy.mode = { kind: 'stranger', says: Buffer.from(ECHO) };
    t.equal(await allocateAs(t, server, 'nobody'), 500);
    await isNowhere(t, started);
    await redis.server.kill();
    await server.logged('the loss', ({ event }) => event === 'store-lost');
    await isNowhere(t, started);
    await server.stop();
    holdsNone(t, server.stdout.join('\n'), 'the log');
    holdsNone(t, server.stderr, 'standard error');
  });
}
