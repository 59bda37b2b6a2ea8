// `turnctl token`, through a running turnd and without one; and turnctl at a turnd elsewhere.

import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'tap';
import { makeControlApp } from '../../src/control/control-app.ts';
import { openHttpListener } from '../../src/control/http-listener.ts';
import { NetworkGuard } from '../../src/control/network-guard.ts';
import { FAKE_NOW, fakeControl } from '../support/fake-control.ts';
import { withDaemon, withoutDaemon } from '../support/turnctl-run.ts';
import type { Teardown } from '../support/turnd-process.ts';

test('through the running turnd', async (t) => {
  const { run, control } = await withDaemon(t);
  t.match(await run('token list'), { status: 0, out: 'no tokens\n' });
  const made = await run('token add app --scope read,credentials --expires 1h');
  t.match(made, { status: 0, out: /^token app may credentials, read, until .* UTC\ntoken: turnd_made\n$/ });
  t.match(control.tokens.list, [{ name: 'app', scopes: ['credentials', 'read'] }]);
  const end = control.tokens.list[0]?.expiresAt ?? 0;
  t.ok(Math.abs(end - Date.now() - 3_600_000) < 60_000);
  t.match(await run('token add other --scope admin --quiet'), { out: 'turnd_made\n' });
  t.match(
    (await run('token list')).out,
    /NAME +SCOPES +ENDS +LAST USED\napp +credentials,read .*UTC +never\nother +admin +never +never/,
  );
  t.match(JSON.parse((await run('token list --json')).out), { tokens: [{ name: 'app' }, { name: 'other' }] });
  t.match(await run('token remove app --yes'), { status: 0, out: 'token app is removed\n' });
  t.match(await run('token remove app --yes'), { status: 3 });
  for (const scope of ['all', 'read,', 'read,all', 'READ'])
    t.match(await run(`token add x --scope ${scope}`), {
      status: 2,
      err: /--scope: expected credentials, read or admin/,
    });
  t.match(await run('token add x'), { status: 2, err: /--scope/ });
});

test('without turnd, the file of the state directory', async (t) => {
  const { run, cwd } = withoutDaemon(t);
  t.match(await run('token list'), { status: 1, err: /turnd is not running, and there is no .*\.turnd/ });
  t.notOk(existsSync(`${cwd}/.turnd`));
  mkdirSync(`${cwd}/.turnd`, { mode: 0o700 });
  const made = await run('token add app --scope admin --quiet');
  t.match(made, { status: 0, out: /^turnd_[\w-]{43}\n$/, err: '' });
  const file = `${cwd}/.turnd/tokens.json`;
  t.equal(statSync(file).mode & 0o777, 0o600);
  t.notMatch(readFileSync(file, 'utf8'), made.out.trim());
  t.match(await run('token list'), { out: /app +admin +never +never/, err: /turnd is not running: working on/ });
  t.match(await run('token add app --scope admin'), { status: 1, err: /there is a token "app" already/ });
  t.match(await run('token remove app --yes'), { status: 0 });
  t.match(await run('token remove app --yes'), { status: 3 });
});

async function elsewhere(t: Teardown) {
  const token = 'turnd_of-the-test';
  const guard = new NetworkGuard({
    tokens: { find: (presented) => (presented === token ? { name: 'test', scopes: ['read'] } : null) },
    settings: () => ({ listen: [], hosts: [], corsOrigins: [], requestsPerSecond: 0 }),
    now: () => 0,
    onGuessing: () => {},
  });
  const report = (error: unknown): never => {
    throw error;
  };
  const app = makeControlApp({ control: fakeControl(), now: () => FAKE_NOW, report, guard });
  const listener = await openHttpListener({ host: '127.0.0.1', port: 0, app, secure: null, key: '', report });
  t.teardown(() => listener.close());
  return { token, url: `http://127.0.0.1:${listener.port}` };
}

test('--url with a token from a file', async (t) => {
  const { run, cwd } = withoutDaemon(t);
  const { token, url } = await elsewhere(t);
  writeFileSync(`${cwd}/token`, `${token}\n`, { mode: 0o600 });
  writeFileSync(`${cwd}/wrong`, 'turnd_wrong\n', { mode: 0o600 });
  t.match(await run(`status --url ${url} --token-file token`), { status: 0, out: /example\.org/ });
  const env = { TURNCTL_TOKEN_FILE: 'token' };
  t.match(await run(`user list --url ${url}`, { env, cwd }), { status: 0 });
  t.match(await run(`user add bob --generate --url ${url}`, { env, cwd }), {
    status: 1,
    err: /needs a token with the scope admin/,
  });
  const wrong = await run(`status --url ${url} --token-file wrong`);
  t.match(wrong, { status: 4, err: /refuses the token/ });
  t.notMatch(wrong.err, 'turnd_wrong');
  t.match(await run(`status --url ${url}`), { status: 2, err: /--url needs a token: name its file/ });
  t.match(await run(`status --url ${url} --token-file none`), { status: 2, err: /--token-file: .*none/ });
  for (const bad of ['ftp://x', 'turn.example.org', 'http://user:CANARY@127.0.0.1:1']) {
    const refused = await run(`status --url ${bad} --token-file token`);
    t.match(refused, { status: 2, err: /--url/ });
    t.notMatch(refused.err, 'CANARY');
  }
  t.match(await run('user list --url http://127.0.0.1:1 --token-file token'), { status: 4 });
});
