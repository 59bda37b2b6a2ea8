// S55: canaries in every secret that a server can be given, and everything that others may see of it in good times and bad.
// S64: what strangers are told of the program.

import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { connect as connectTls } from 'node:tls';
import { fileURLToPath } from 'node:url';
import { type Test, test } from 'tap';
import { askControl } from '../../src/control/control-transport.ts';
import { patiently, RawClient, REQUEST } from '../support/raw-client.ts';
import { makeCertificate } from '../support/self-made-certificate.ts';
import { bareFlags, TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';
import { attr, message } from '../support/wire.ts';
import { commandLine, environmentOf, workersOf } from '../support/worker-processes.ts';

const TURNCTL = fileURLToPath(new URL('../../src/cli/turnctl.js', import.meta.url));
/** In Base64. */
const OAUTH_KEY = `${'canary/oauth/key'.padEnd(43, 'A')}=`;
const HA1 = 'c0ffee00c0ffee00c0ffee00c0ffee00';

interface Scene {
  readonly server: TurndProcess;
  readonly directory: string;
  readonly config: string;
  readonly env: Readonly<Record<string, string>>;
  readonly canaries: readonly string[];
}

/** A server that has a secret from everywhere. */
async function start(t: Test): Promise<Scene> {
  const directory = temporaryDirectory(t);
  const credentials = join(directory, 'credentials');
  mkdirSync(credentials, { mode: 0o700 });
  const put = (name: string, content: string): string => {
    const path = join(credentials, name);
    writeFileSync(path, content, { mode: 0o600 });
    return path;
  };
  const { certificate, key } = await makeCertificate('127.0.0.1');
  const pem = ['tls.crt', 'tls.key', 'plain.key'].map((name) => join(credentials, name)) as [string, string, string];
  put('plain.key', key);
  execFileSync('openssl', ['pkey', '-in', pem[2], '-aes256', '-passout', 'pass:canary-passphrase', '-out', pem[1]]);
  put('tls.crt', certificate);
  put('secret', 'canary-secret-file\n');
  put('password', 'canary-password-file\n');
  put('users', `carol:canary-user-file\ndave:0x${HA1}\n`);
  put('statsdb', 'redis://:canary-statsdb@127.0.0.1:1/0\n');
  const config = join(directory, 'turnd.yaml');
  writeFileSync(
    config,
    `auth:
  secrets: [{value-file: "credential:secret"}, {value: canary-inline-secret}]
  users: [{name: alice, password: canary-inline-password}, {name: bob, password-file: "credential:password"}]
  user-file: credential:users
statsdb: {url-file: "credential:statsdb"}
tls: {certificates: [{certificate: "credential:tls.crt", key: "credential:tls.key", passphrase: canary-passphrase}]}
`,
    { mode: 0o600 },
  );
  const env = {
    CREDENTIALS_DIRECTORY: credentials,
    TURND_PROTOCOL__SOFTWARE: '',
    TURND_STORE: `sqlite:${directory}/canary.db`,
  };
  const listen = ['udp', 'tcp', 'tls'].flatMap((kind) => ['--listen', `${kind}://127.0.0.1:0`]);
  const flags = [
    ...bareFlags(directory),
    ...listen,
    '--config',
    config,
    '--realm',
    'example.org',
    '--log-level',
    'trace',
  ];
  const server = new TurndProcess(flags, { env, cwd: directory });
  t.teardown(() => server.stop());
  await server.ready();
  const keyLines = key.split('\n').filter((line) => line.length > 40);
  const ofFile = [
    'secret-file',
    'password-file',
    'user-file',
    'statsdb',
    'inline-secret',
    'inline-password',
    'passphrase',
  ];
  const canaries = [
    ...ofFile.map((name) => `canary-${name}`),
    HA1,
    OAUTH_KEY,
    'canary-sent',
    'canary-guess',
    ...keyLines,
  ];
  return { server, directory, config, env, canaries };
}

test('S55 no canary of any secret leaves the server, whatever is asked of it', async (t) => {
  const { server, directory, config, env, canaries } = await start(t);
  const holdsNone = (said: string, where: string): void => {
    for (const canary of canaries) t.notOk(said.includes(canary), `${canary} in ${where}`);
  };
  // Whoever knows a password is let in: it is the one that was given.
  for (const [user, password] of Object.entries({
    alice: 'inline-password',
    bob: 'password-file',
    carol: 'user-file',
  })) {
    const client = await RawClient.open({ port: await server.port('udp'), user, password: `canary-${password}` });
    t.teardown(() => client.close());
    t.equal((await client.allocate()).cls, 2, user);
  }
  const wrong = await RawClient.open({ port: await server.port('udp'), password: 'canary-guess' });
  t.teardown(() => wrong.close());
  t.equal((await wrong.allocate()).errorCode, 401);

  const address = { path: join(directory, 'state', 'turnd.sock'), timeout: 10_000 };
  const users = '/v1/realms/example.org/users';
  for (const [method, target, body] of [
    ['POST', users, { name: 'erin', password: 'canary-sent' }],
    ['POST', users, { name: 'erin', password: 'canary-sent' }],
    ['POST', users, { name: 'erin', passwort: 'canary-sent' }],
    ['PUT', `${users}/nobody/password`, { password: 'canary-sent' }],
    ['POST', '/v1/realms/example.org/secrets', { value: 'canary-sent' }],
    ['POST', '/v1/realms/example.org/secrets', { value: ['canary-sent'] }],
    ['POST', '/v1/oauth-keys', { kid: 'north', key: 'canary-sent' }],
    ['POST', '/v1/oauth-keys', { kid: 'north', key: OAUTH_KEY }],
    ['POST', '/v1/oauth-keys', { kid: 'north', key: OAUTH_KEY }],
    ['POST', '/v1/reload', {}],
    ...['/v1/status', '/v1/users', '/v1/secrets', '/v1/oauth-keys', '/v1/sessions', users].map(
      (path) => ['GET', path, undefined] as const,
    ),
  ] as const) {
    const said = await askControl(address, { method, target, body }).catch(String);
    holdsNone(JSON.stringify(said ?? ''), `${method} ${target}`);
  }
  for (const command of [['print', '--origin'], ['check']]) {
    const ran = spawnSync(process.execPath, [TURNCTL, 'config', ...command, config], { encoding: 'utf8', env });
    t.equal(ran.status, 0, ran.stderr);
    holdsNone(ran.stdout + ran.stderr, `turnctl config ${command}`);
  }
  const workers = [...workersOf(server).values()];
  for (const pid of [server.pid, ...workers]) holdsNone(commandLine(pid), 'ps');
  for (const pid of workers) holdsNone(environmentOf(pid), 'the environment of a worker');
  // Signals by which Node could be told to write a report or a heap snapshot.
  const before = readdirSync(directory);
  for (const pid of [server.pid, ...workers])
    for (const signal of ['SIGUSR1', 'SIGUSR2'] as const) process.kill(pid, signal);
  t.equal((await wrong.binding()).cls, 2);
  t.same(readdirSync(directory), before, 'nothing was written');

  writeFileSync(config, readFileSync(config, 'utf8').replace('auth:', 'auth: {canary-inline-secret: ['), {
    mode: 0o600,
  });
  holdsNone(
    String(await askControl(address, { method: 'POST', target: '/v1/reload', body: {} }).catch(String)),
    'a fault',
  );
  await server.stop();
  holdsNone(server.stdout.join('\n'), 'the log');
  holdsNone(server.stderr, 'standard error');
});

test('S55 a diagnostic report of Node has no setting of the environment', async (t) => {
  const directory = temporaryDirectory(t);
  const NODE_OPTIONS = `--report-on-signal --report-signal=SIGQUIT --report-directory=${directory}`;
  const env = { NODE_OPTIONS, TURND_AUTH__USERS: 'bob:canary-environment' };
  const server = new TurndProcess([...bareFlags(directory), '--listen', 'udp://127.0.0.1:0'], { env });
  t.teardown(() => server.stop());
  await server.ready();
  const reports = (): string[] => readdirSync(directory).filter((name) => name.startsWith('report'));
  const pids = [server.pid, ...workersOf(server).values()];
  const written = new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const whole = reports().filter((name) => readFileSync(join(directory, name), 'utf8').trimEnd().endsWith('}'));
      if (whole.length < pids.length) return;
      clearInterval(timer);
      resolve();
    }, 20);
    t.teardown(() => clearInterval(timer));
  });
  for (const pid of pids) process.kill(pid, 'SIGQUIT');
  await patiently('the reports', written, 30_000);
  for (const name of reports()) t.notMatch(readFileSync(join(directory, name), 'utf8'), /canary/, name);
});

test('S64 strangers are told neither program nor version', async (t) => {
  const { server } = await start(t);
  const isSilent = (bytes: Buffer | string, where: string): void => {
    const said = bytes.toString('latin1' as BufferEncoding);
    t.notMatch(said, /turnd|node|v?\d+\.\d+\.\d+(?!\.)|openssl|hono/i, where);
  };
  for (const transport of ['udp', 'tcp', 'tls'] as const) {
    const client = await RawClient.open({ transport, port: await server.port(transport) });
    t.teardown(() => client.close());
    for (const type of [REQUEST.binding, REQUEST.allocate, REQUEST.refresh]) {
      for (const attrs of [[], [[0x7fff, ''] as const]]) {
        const answer = await client.exchange(message({ type, attrs }));
        t.equal(answer.get(attr.software), undefined, `${transport} ${type}`);
        isSilent(answer.bytes, `${transport} ${type}`);
      }
    }
  }
  const http = connect(await server.port('tcp'), '127.0.0.1');
  http.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  isSilent(
    await patiently(
      'the end of HTTP',
      text(http.on('error', () => undefined)).catch(() => ''),
    ),
    'HTTP',
  );
  const tls = connectTls({ port: await server.port('tls'), host: '127.0.0.1', rejectUnauthorized: false });
  tls.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  isSilent(
    await patiently(
      'the end of HTTPS',
      text(tls.on('error', () => undefined)).catch(() => ''),
    ),
    'HTTPS',
  );
});
