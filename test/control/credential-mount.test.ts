// The credential APIs of other services on TCP, behind the guard: its tokens, its counts, its judgement of web pages.

import { createServer } from 'node:http';
import { getRequestListener } from '@hono/node-server';
import { type Test, test } from 'tap';
import { makeControlApp } from '../../src/control/control-app.ts';
import { makeCredentialMount } from '../../src/control/credentials/credential-mount.ts';
import { NetworkGuard } from '../../src/control/network-guard.ts';
import { TokenBook } from '../../src/control/token-book.ts';
import { ask, basic, bearer, listen } from '../support/credential-app.ts';
import { FAKE_NOW, fakeControl } from '../support/fake-control.ts';
import { temporaryDirectory } from '../support/turnd-process.ts';

const APP = 'https://app.example.com';
const now = (): number => FAKE_NOW;

async function open(t: Test) {
  const control = fakeControl();
  const clock = { now: 1_000_000 };
  const report = (error: unknown): void => void t.fail(String(error));
  const path = `${temporaryDirectory(t)}/tokens.json`;
  const book = new TokenBook({ path, configured: () => [], now, report });
  const make = async (scope: 'credentials' | 'read' | 'admin') =>
    (await book.addToken({ name: scope, scopes: [scope], expiresAt: null })).token;
  const tokens = { credentials: await make('credentials'), read: await make('read'), admin: await make('admin') };
  const settings = { listen: [], hosts: [], corsOrigins: [APP], requestsPerSecond: 0 };
  const guard = new NetworkGuard({
    tokens: book,
    settings: () => settings,
    now: () => clock.now,
    onGuessing: () => {},
  });
  const mount = makeCredentialMount({
    source: () => control.iceSource(),
    revoke: (username) => control.revoke(username),
    ...{ now, report, tokens: guard },
  });
  const app = makeControlApp({ control, now, report, guard, mounts: [mount] });
  const listener = getRequestListener(app.fetch, { overrideGlobalObjects: false });
  const server = createServer((request, response) => void listener(request, response));
  const base = await listen(t, server);
  t.teardown(() => server.closeAllConnections());
  t.teardown(() => book.settled());
  return { control, clock, tokens, settings, ask: (...rest: Rest) => ask(base, ...rest) };
}

type Rest = [method: string, target: string, more?: RequestInit];

/** One request of each API with a login. */
function requests(name: string, token: string): readonly Rest[] {
  return [
    ['GET', `/turn?service=turn&key=${token}`],
    ['POST', '/turn', { body: new URLSearchParams({ service: 'turn', key: token }) }],
    ['POST', `/v1/turn/keys/${name}/credentials/generate`, { headers: bearer(token) }],
    ['POST', `/v1/turn/keys/${name}/credentials/1767229200:a/revoke`, { headers: bearer(token) }],
    ['POST', `/2010-04-01/Accounts/${name}/Tokens.json`, { headers: basic(name, token) }],
    ['PUT', '/_turn/my/channel', { headers: basic(name, token) }],
    ['POST', `/api/v1/turn/credential?secretKey=${token}`],
    ['GET', `/api/v1/turn/credentials?apiKey=${token}`],
  ];
}

test('S57 each API of another service takes tokens with the scope credentials and no others', async (t) => {
  const { ask, tokens, clock } = await open(t);
  for (const [index, request] of requests('credentials', tokens.credentials).entries()) {
    const what = request.slice(0, 2).join(' ').replaceAll(tokens.credentials, 'TOKEN');
    const statusOf = async (scope: 'read' | 'admin'): Promise<number> =>
      (await ask(...(requests(scope, tokens[scope])[index] as Rest))).status;
    t.match(String((await ask(...request)).status), /^20[014]$/, what);
    t.match(String(await statusOf('admin')), /^20[014]$/, `${what}: admin may all`);
    t.equal(await statusOf('read'), 403, `${what}: the scope is another`);
    for (let turn = 0; turn < 5; turn++)
      t.equal((await ask(...(requests('credentials', `guess-${turn}`)[index] as Rest))).status, 401, what);
    t.match(await ask(...request), { status: 429, json: { fault: 'too-many' } }, `${what}: five guesses, and it waits`);
    clock.now += 30_000;
  }
});

test('S57 a token has so many requests a second, whatever API is asked', async (t) => {
  const { ask, tokens, settings, clock } = await open(t);
  settings.requestsPerSecond = 1;
  for (const request of requests('credentials', tokens.credentials)) {
    t.match(String((await ask(...request)).status), /^20[014]$/);
    const refused = await ask(...request);
    t.strictSame([refused.status, refused.headers.get('retry-after')], [429, '1']);
    clock.now += 1000;
  }
});

test('S57 web pages: those of control.cors-origins may ask, others and foreign names are refused', async (t) => {
  const { ask, tokens, control } = await open(t);
  for (const [method, target, more = {}] of requests('credentials', tokens.credentials)) {
    const from = (origin: string) => ask(method, target, { ...more, headers: { ...more.headers, origin } });
    // Metered's list says that everyone may ask; who does is the guard's decision all the same.
    const allowed = target.startsWith('/api/v1/turn/credentials') ? '*' : APP;
    t.equal((await from(APP)).headers.get('access-control-allow-origin'), allowed, target.replace(/turnd_.*/, ''));
    control.done.length = 0;
    t.equal((await from('https://evil.example')).status, 403);
    t.same(control.done, []);
    const asked = { origin: APP, 'access-control-request-method': method };
    const preflight = await ask('OPTIONS', target, { headers: asked });
    t.strictSame([preflight.status, preflight.headers.get('access-control-allow-origin')], [204, APP]);
  }
});
