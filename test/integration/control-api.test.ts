// The control API of a real server over TLS, as foreign programs find it: curl, openssl, and turnctl from elsewhere.

import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { t as root, type Test, test } from 'tap';
import { findProgram } from '../support/foreign-program.ts';
import { OpensslAuthority, opensslProgram } from '../support/openssl-authority.ts';
import { RawClient } from '../support/raw-client.ts';
import { labFlags, startTurndWith, type TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';

root.setTimeout(170_000);

const curl = findProgram('TURND_TEST_CURL', ['/usr/bin/curl', '/usr/local/bin/curl']);
const skip = curl.skip || opensslProgram.skip;
const TURNCTL = fileURLToPath(new URL('../../src/cli/turnctl.js', import.meta.url));

/** In the configuration, by its file. */
const OPERATORS = 'CANARY-3f9c0d7be1a84252-operators-token';

interface Ran {
  readonly status: number;
  readonly out: string;
  readonly err: string;
}

function run(program: string, args: readonly string[], input = '', env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { env: { PATH: process.env['PATH'] ?? '', ...env }, encoding: 'utf8', timeout: 120_000 } as const;
    const child = execFile(program, [...args], options, (error, out, err) =>
      resolve({ status: typeof error?.code === 'number' ? error.code : error === null ? 0 : -1, out, err }),
    );
    child.stdin?.on('error', () => {}); // it may end without reading
    child.stdin?.end(input);
  });
}

interface Scene {
  readonly server: TurndProcess;
  readonly directory: string;
  readonly ca: string;
  readonly https: string;
  readonly http: string;
  /** Made by turnctl before the server ran. */
  readonly early: string;
  ask(target: string, token: string, ...more: readonly string[]): Promise<Ran>;
  turnctl(...args: readonly string[]): Promise<Ran>;
  remote(token: string, ...args: readonly string[]): Promise<Ran>;
}

async function open(t: Test): Promise<Scene> {
  const directory = temporaryDirectory(t);
  const authority = new OpensslAuthority();
  t.teardown(() => authority.close());
  const { certificateFile, keyFile } = authority.issue({ names: 'DNS:localhost,IP:127.0.0.1' });
  const ca = authority.certificateFile;
  const config = `${directory}/turnd.yaml`;
  writeFileSync(`${directory}/operators`, `${OPERATORS}\n`, { mode: 0o600 });
  writeFileSync(
    config,
    `state-dir: ${directory}/state
control:
  listen: ['https://127.0.0.1:0', 'http://127.0.0.1:0']
  tls: {certificate: ${certificateFile}, key: ${keyFile}}
  cors-origins: ['https://app.example.com']
  tokens: [{name: operators, scopes: [admin], token-file: ${directory}/operators}]
`,
  );
  const turnctl = (...args: readonly string[]) => run(process.execPath, [TURNCTL, ...args, '--config', config]);
  mkdirSync(`${directory}/state`, { mode: 0o700 });
  const early = await turnctl('token', 'add', 'early', '--scope', 'read', '--quiet');
  t.equal(early.status, 0, early.err);
  const server = await startTurndWith(t, [...labFlags(directory), '--config', config]);
  const at = (scheme: string): string =>
    String(server.log.find(({ listening }) => String(listening).startsWith(`${scheme}:`))?.['listening']);
  const [https, http] = [at('https'), at('http')];
  return {
    ...{ server, directory, ca, https, http, turnctl, early: early.out.trim() },
    ask: (target, token, ...more) =>
      run(
        curl.path,
        ['-sS', '--cacert', ca, '-H', '@-', ...more, `${https}${target}`],
        `Authorization: Bearer ${token}\n`,
      ),
    remote: (token, ...args) => {
      writeFileSync(`${directory}/token`, `${token}\n`, { mode: 0o600 });
      const env = { TURNCTL_TOKEN_FILE: `${directory}/token` };
      return run(process.execPath, [TURNCTL, ...args, '--url', https, '--ca-file', ca], '', env);
    },
  };
}

test('S57, S59, S64 the control API over TLS, with foreign clients', { skip }, async (t) => {
  const scene = await open(t);
  await t.test('curl with a token that turnctl has made while no server ran', (t) => asksWithCurl(t, scene));
  await t.test('openssl: TLS 1.2 and 1.3, nothing older; plain HTTP is not answered there', (t) =>
    shakesHands(t, scene),
  );
  await t.test('turnctl administers from elsewhere, and a removed token counts no more', (t) => administers(t, scene));
  await t.test('the API is nobody’s peer', (t) => isNoPeer(t, scene));
  await t.test('S55 no token in the log, the answers, ps or the state directory', (t) => tellsNoToken(t, scene));
});

async function asksWithCurl(t: Test, { ask, early, http, ca, https }: Scene): Promise<void> {
  t.match(early, /^turnd_[\w-]{43}$/);
  const status = await ask('/v1/status', early, '-w', '\n%{http_code} %{http_version} %{ssl_verify_result}');
  t.match(status.out, /"realm":"turnd".*\n200 1\.1 0$/s, status.err);
  t.match((await ask('/v1/status', 'turnd_wrong', '-w', '%{http_code}')).out, /"fault":"unauthorized"\}401$/);
  t.match((await ask('/v1/reload', early, '-X', 'POST', '-w', '%{http_code}')).out, /scope admin.*403$/);
  const page = await run(curl.path, ['-sSi', '--cacert', ca, `${https}/v1/docs`]);
  t.match(page.out, /^HTTP\/1\.1 200 OK/);
  t.notMatch(page.out, /^(?:server|x-powered-by):|0\.1\.0/im, 'S64: no version');
  t.match((await run(curl.path, ['-sS', `${http}/v1/status`])).out, /"fault":"unauthorized"/);
  t.match((await ask('/v1/config', early)).out, /"token-file"/);
}

async function shakesHands(t: Test, { https, ca }: Scene): Promise<void> {
  const target = https.replace('https://', '');
  const shake = (...args: readonly string[]) =>
    run(opensslProgram.path, ['s_client', '-connect', target, '-CAfile', ca, '-verify_return_error', ...args], '');
  t.match((await shake('-tls1_3')).out, /Verify return code: 0/);
  t.match((await shake('-tls1_2', '-alpn', 'h2,http/1.1')).out, /ALPN protocol: http\/1\.1/);
  t.not((await shake('-tls1_1', '-cipher', 'DEFAULT@SECLEVEL=0')).status, 0);
  t.not((await run(curl.path, ['-sS', https.replace('https', 'http')])).status, 0);
}

async function administers(t: Test, { remote, turnctl, ask }: Scene): Promise<void> {
  t.match((await remote(OPERATORS, 'status', '--json')).out, /"realm": "turnd"/);
  const made = await remote(OPERATORS, 'token', 'add', 'short', '--scope', 'credentials', '--expires', '1h', '--quiet');
  const short = made.out.trim();
  t.match(short, /^turnd_/, made.err);
  const headers = ['-H', 'content-type: application/json', '-d', '{"user":"alice"}'];
  t.match((await ask('/v1/credentials', short, ...headers)).out, /no shared secret/);
  const ofApps = '/v1/turn/keys/short/credentials/generate';
  t.match(
    (await ask(ofApps, short, '-X', 'POST')).out,
    /no shared secret.*"result":null/,
    'in the words of Cloudflare',
  );
  t.match((await ask(ofApps.replace('short', 'early'), short, '-X', 'POST')).out, /"code":10000/);
  t.match((await remote(OPERATORS, 'user', 'add', 'bob', '--generate', '--quiet')).status, 0);
  t.match((await turnctl('user', 'list', '--quiet')).out, 'bob', 'the same, at the socket');
  t.match((await turnctl('token', 'list')).out, /early .*\n.*short|operators/s);
  t.equal((await turnctl('token', 'remove', 'short', '--yes')).status, 0);
  t.match((await ask('/v1/credentials', short, ...headers)).out, /unauthorized/);
  const refused = await remote('turnd_not-a-token', 'status');
  t.equal(refused.status, 4);
  t.match(refused.err, /refuses the token/);
  t.notMatch(refused.err, 'turnd_not-a-token');
  t.match((await remote(OPERATORS, 'token', 'remove', 'operators', '--yes')).err, /configuration file/);
}

async function isNoPeer(t: Test, { server, https, http }: Scene): Promise<void> {
  const client = await RawClient.open({ port: await server.port('udp') });
  t.teardown(() => client.close());
  await client.allocated();
  const portOf = (url: string): number => Number(new URL(url).port);
  t.equal((await client.bind(0x4001, '127.0.0.1', 9)).errorCode, undefined, 'the lab opens loopback');
  for (const [index, url] of [https, http].entries()) {
    t.equal((await client.bind(0x4010 + index, '127.0.0.1', portOf(url))).errorCode, 403, url);
    t.equal((await client.bind(0x4020 + index, '127.0.0.2', portOf(url))).errorCode, 403, 'nor by another own address');
  }
}

async function tellsNoToken(t: Test, { server, early, directory }: Scene): Promise<void> {
  const commands = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid) => readOrNothing(`/proc/${pid}/cmdline`));
  const kept = readFileSync(`${directory}/state/tokens.json`, 'utf8');
  for (const secret of [OPERATORS, early]) {
    t.notOk(
      commands.some((line) => line.includes(secret)),
      'ps',
    );
    t.notOk(
      [...server.stdout, server.stderr].some((line) => line.includes(secret)),
      'the log',
    );
    t.notOk(kept.includes(secret), 'the state directory');
  }
  t.match(kept, /"name": "early"/);
}

function readOrNothing(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // it has ended
  }
}
