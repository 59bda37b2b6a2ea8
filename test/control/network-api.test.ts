// The control API on TCP: who is let in, and that hostile requests harm nobody (S57).

import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { Hono } from 'hono';
import { test } from 'tap';
import { controlRoutes, type Mount, makeControlApp } from '../../src/control/control-app.ts';
import { openHttpListener } from '../../src/control/http-listener.ts';
import { NetworkGuard } from '../../src/control/network-guard.ts';
import { TokenBook } from '../../src/control/token-book.ts';
import { FAKE_NOW, fakeControl, fakeSession } from '../support/fake-control.ts';
import { type Teardown, temporaryDirectory } from '../support/turnd-process.ts';

interface Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

const LOCAL = '127.0.0.1';
const APP = 'https://app.example.com';

async function open(
  t: Teardown,
  own: { requestTimeout?: number; mounts?: (book: TokenBook) => readonly Mount[] } = {},
) {
  const control = fakeControl();
  control.live = [fakeSession({ id: 1 })];
  const clock = { now: 1_000_000 };
  const told: string[] = [];
  const reported: unknown[] = [];
  const warn = (message: string): void => void told.push(message);
  const path = `${temporaryDirectory(t)}/tokens.json`;
  const book = new TokenBook({ path, configured: () => [], now: () => FAKE_NOW, report: warn });
  const make = async (scope: 'credentials' | 'read' | 'admin') =>
    (await book.addToken({ name: scope, scopes: [scope], expiresAt: null })).token;
  const tokens = { credentials: await make('credentials'), read: await make('read'), admin: await make('admin') };
  const settings = { listen: [], hosts: ['turn.example.org'], corsOrigins: [APP], requestsPerSecond: 0 };
  const guard = new NetworkGuard({ tokens: book, settings: () => settings, now: () => clock.now, onGuessing: warn });
  const report = (error: unknown): void => void reported.push(error);
  const mounts = own.mounts?.(book) ?? [];
  const app = makeControlApp({ control, now: () => FAKE_NOW, report, guard, mounts });
  const { requestTimeout = 10_000 } = own;
  const options = { host: LOCAL, port: 0, app, secure: null, key: 'control.listen', report, requestTimeout };
  const listener = await openHttpListener(options);
  t.teardown(() => listener.close());
  t.teardown(() => book.settled());
  const { port } = listener;
  const ask = (method: string, target: string, more: Parameters<typeof send>[3] = {}) =>
    send(port, method, target, more);
  return { ...{ control, clock, told, reported, book, tokens, settings, guard, port, ask, listener } };
}

function send(
  port: number,
  method: string,
  path: string,
  { token, headers = {}, body, from = LOCAL }: { token?: string; headers?: object; body?: string; from?: string },
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const all = { ...(token === undefined ? {} : { authorization: `Bearer ${token}` }), ...headers };
    const options = { host: LOCAL, localAddress: from, port, method, path, headers: all, agent: false };
    const outgoing = request(options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => void chunks.push(chunk));
      incoming.on('end', () =>
        resolve({
          status: incoming.statusCode ?? 0,
          headers: incoming.headers,
          text: Buffer.concat(chunks).toString(),
        }),
      );
    });
    outgoing.on('error', reject);
    outgoing.end(body);
  });
}

function raw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ host: LOCAL, port });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => void chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
    socket.write(bytes);
  });
}

test('S57 each route takes the tokens of its scope and no others', async (t) => {
  const { ask, tokens, control } = await open(t);
  control.maxReaders = 0; // a stream would have no end
  for (const { method, path, scope, id } of controlRoutes(control, () => FAKE_NOW)) {
    const target = path.replace(':id', '7').replace(/:\w+/g, 'none');
    const statusOf = async (token?: string): Promise<number> =>
      (await ask(method.toUpperCase(), target, token === undefined ? {} : { token })).status;
    if (scope === null) {
      t.equal(await statusOf(), 200, `${id}: for everyone`);
      continue;
    }
    const none = await ask(method.toUpperCase(), target);
    t.match(none, { status: 401, headers: { 'www-authenticate': 'Bearer realm="turnd"', 'content-type': /problem/ } });
    for (const one of ['credentials', 'read', 'admin'] as const) {
      const status = await statusOf(tokens[one]);
      const isRight = one === 'admin' || one === scope;
      if (isRight) t.notOk([401, 403].includes(status), `${id}: ${one} is let in (${status})`);
      else t.equal(status, 403, `${id}: ${one} is not let in`);
    }
  }
  t.match(await ask('GET', '/v1/status', { token: tokens.credentials }), {
    status: 403,
    headers: { 'www-authenticate': 'Bearer realm="turnd", error="insufficient_scope", scope="read"' },
    text: /"detail":"this needs a token with the scope read"/,
  });
});

test('S57 secrets are revealed to admin alone', async (t) => {
  const { ask, tokens, control } = await open(t);
  await control.administration?.addOauthKey({
    ...{ kid: 'north', realm: null, algorithm: 'A256GCM', key: null, expiresAt: null },
  });
  t.equal((await ask('GET', '/v1/oauth-keys/north', { token: tokens.read })).status, 200);
  t.equal((await ask('GET', '/v1/oauth-keys/north?reveal=true', { token: tokens.read })).status, 403);
  t.equal((await ask('GET', '/v1/oauth-keys/north?reveal=true', { token: tokens.admin })).status, 200);
  t.equal((await ask('GET', '/v1/secrets', { token: tokens.read })).status, 200);
  t.equal((await ask('GET', '/v1/secrets?reveal=true', { token: tokens.read })).status, 403);
  t.equal((await ask('GET', '/v1/secrets?reveal=true', { token: tokens.admin })).status, 200);
});

test('S57 five wrong tokens of one source: it waits 30 s, others do not', async (t) => {
  const { ask, tokens, clock, told } = await open(t);
  for (let turn = 0; turn < 20; turn++) t.equal((await ask('GET', '/v1/status')).status, 401, 'no token is no guess');
  for (let turn = 0; turn < 4; turn++)
    t.equal((await ask('GET', '/v1/status', { token: `guess-${turn}` })).status, 401);
  t.equal((await ask('GET', '/v1/status', { token: tokens.read })).status, 200);
  t.match(await ask('GET', '/v1/status', { token: 'guess-5' }), {
    status: 401,
    headers: { 'www-authenticate': 'Bearer realm="turnd", error="invalid_token"' },
  });
  for (const token of ['guess-6', tokens.admin])
    t.match(await ask('GET', '/v1/status', { token }), { status: 429, headers: { 'retry-after': '30' } });
  t.equal((await ask('GET', '/v1/status', { token: tokens.admin, from: '127.0.0.2' })).status, 200, 'another source');
  t.same(told, [LOCAL], 'told once');
  clock.now += 29_999;
  t.equal((await ask('GET', '/v1/status', { token: tokens.admin })).status, 429);
  clock.now += 1;
  t.equal((await ask('GET', '/v1/status', { token: tokens.admin })).status, 200);
});

test('S57 a token has so many requests a second', async (t) => {
  const { ask, tokens, clock, settings } = await open(t);
  settings.requestsPerSecond = 3;
  const statuses = async (count: number) => {
    const found: number[] = [];
    for (let turn = 0; turn < count; turn++) found.push((await ask('GET', '/v1/stats', { token: tokens.read })).status);
    return found;
  };
  t.same(await statuses(5), [200, 200, 200, 429, 429]);
  t.equal((await ask('GET', '/v1/stats', { token: tokens.admin })).status, 200, 'each for itself');
  clock.now += 334;
  t.same(await statuses(2), [200, 429]);
});

test('S57 a foreign name in Host is refused: DNS rebinding', async (t) => {
  const { ask, tokens, port, control } = await open(t);
  const statusWith = async (host: string, target = '/v1/status'): Promise<number> =>
    (await ask('GET', target, { token: tokens.admin, headers: { host } })).status;
  for (const host of [
    'evil.example',
    `evil.example:${port}`,
    '127.0.0.1.evil.example',
    'localhost.evil.example',
    '10.0.0.1',
    '[::1]',
  ])
    for (const target of ['/v1/status', '/v1/docs', '/nothing']) t.equal(await statusWith(host, target), 403, host);
  for (const host of [
    `${LOCAL}:${port}`,
    LOCAL,
    'localhost',
    `LOCALHOST:${port}`,
    'turn.example.org',
    'Turn.Example.Org:443',
  ])
    t.equal(await statusWith(host), 200, host);
  for (const host of ['[::1]x', '::', `a@${LOCAL}`, `${LOCAL}:1:1`])
    t.equal(await statusWith(host), 400, `${host} is no host`);
  t.match(await raw(port, 'GET /v1/status HTTP/1.0\r\n\r\n'), /^HTTP\/1\.1 403 /, 'none at all');
  t.same(control.done, []);
});

test('S57 pages of other origins may ask for credentials where they are named, and nothing else', async (t) => {
  const { ask, tokens, port, control } = await open(t);
  const post = (target: string, origin: string, token = tokens.admin) =>
    ask('POST', target, { token, headers: { origin, 'content-type': 'application/json' }, body: '{}' });
  t.match(await post('/v1/credentials', APP, tokens.credentials), {
    status: 201,
    headers: { 'access-control-allow-origin': APP, vary: /Origin/i },
  });
  for (const origin of [
    'https://evil.example',
    'null',
    `${APP}:444`,
    'http://app.example.com',
    `${APP}.evil.example`,
    '',
  ])
    t.match(await post('/v1/credentials', origin), {
      status: 403,
      headers: { 'access-control-allow-origin': undefined },
    });
  t.equal((await post('/v1/reload', APP)).status, 403, 'not for the rest');
  t.equal((await post('/v1/reload', `http://${LOCAL}:${port}`)).status, 200, 'pages of the API itself');
  const preflight = (target: string, origin: string) =>
    ask('OPTIONS', target, { headers: { origin, 'access-control-request-method': 'POST' } });
  t.match(await preflight('/v1/credentials', APP), {
    status: 204,
    headers: { 'access-control-allow-origin': APP, 'access-control-allow-headers': 'authorization,content-type' },
  });
  t.equal((await preflight('/v1/credentials', 'https://evil.example')).status, 403);
  t.equal((await preflight('/v1/reload', APP)).status, 403);
  t.match(await post('/v1/credentials', APP, 'wrong'), {
    status: 401,
    headers: { 'access-control-allow-origin': APP },
  });
  t.notHas(await post('/v1/credentials', APP), { headers: { 'access-control-allow-credentials': 'true' } });
  t.same(control.done, []);
});

test('S57 cookies, forms and tokens in the URL are nothing; no cookie is set', async (t) => {
  const { ask, tokens } = await open(t);
  const { admin } = tokens;
  t.equal((await ask('GET', '/v1/status', { headers: { cookie: `token=${admin}` } })).status, 401);
  t.equal((await ask('GET', `/v1/status?token=${admin}`)).status, 401);
  t.equal((await ask('GET', '/v1/status', { headers: { authorization: `Basic ${btoa(`x:${admin}`)}` } })).status, 401);
  t.equal((await ask('GET', '/v1/status', { headers: { authorization: `Bearer ${admin} x` } })).status, 401);
  for (const type of ['application/x-www-form-urlencoded', 'text/plain', 'multipart/form-data; boundary=x']) {
    const headers = { 'content-type': type };
    const answer = await ask('PUT', '/v1/log-level', { token: admin, headers, body: '{"level":"debug"}' });
    t.match(answer, { status: 415, headers: { 'set-cookie': undefined, 'cache-control': 'no-store' } });
  }
});

test('S57 bodies, headers and pipelines that are too long or none', async (t) => {
  const { ask, tokens, port, control, reported } = await open(t);
  const headers = { 'content-type': 'application/json' };
  t.equal((await ask('PUT', '/v1/log-level', { token: tokens.admin, headers, body: ' '.repeat(70_000) })).status, 413);
  t.equal((await ask('PUT', '/v1/log-level', { headers, body: '{' })).status, 401, 'the token comes first');
  const head = `Host: ${LOCAL}\r\nAuthorization: Bearer ${tokens.admin}\r\n`;
  t.match(await raw(port, `GET /v1/status HTTP/1.1\r\n${head}X: ${'y'.repeat(20_000)}\r\n\r\n`), /^HTTP\/1\.1 431 /);
  for (const bad of [
    'X: a\nb\r\n',
    'X : a\r\n',
    'Content-Length: 1\r\nTransfer-Encoding: chunked\r\n',
    'X: \0\r\n',
    `Host: evil\r\n`,
  ])
    t.match(
      await raw(port, `GET /v1/status HTTP/1.1\r\n${head}${bad}Connection: close\r\n\r\n`),
      /^HTTP\/1\.1 (?:400|403|200) /,
    );
  t.match(await raw(port, '\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03'), /^(?:HTTP\/1\.1 400 |$)/);
  const one = `PUT /v1/log-level HTTP/1.1\r\n${head}Content-Type: application/json\r\nContent-Length: 17\r\n\r\n{"level":"debug"}`;
  await raw(port, one.repeat(500));
  t.ok(control.done.length <= 1, 'requests that do not wait for their answers are not worked off');
  t.same(reported, []);
  t.equal((await ask('GET', '/v1/status', { token: tokens.read })).status, 200);
});

test('S57 a thousand connections of one source keep nobody else out', async (t) => {
  const { ask, tokens, port } = await open(t);
  const sockets: Socket[] = [];
  let closed = 0;
  await new Promise<void>((resolve) => {
    for (let turn = 0; turn < 1000; turn++) {
      const socket = connect({ host: LOCAL, port }).resume();
      socket.on('error', () => {});
      socket.on('close', () => {
        if (++closed === 700) resolve();
      });
      sockets.push(socket);
    }
  });
  t.equal((await ask('GET', '/v1/status', { token: tokens.read, from: '127.0.0.2' })).status, 200);
  for (const socket of sockets) socket.destroy();
});

test('S57 a request that comes slowly is not waited for', async (t) => {
  const { ask, tokens, port } = await open(t, { requestTimeout: 1000 });
  t.match(await raw(port, 'GET /v1/status HTTP/1.1\r\nHost: '), /^(?:HTTP\/1\.1 408 |$)/);
  t.equal((await ask('GET', '/v1/status', { token: tokens.read })).status, 200);
});

test('S57 applications with logins of their own: guessers wait there too, and pages may ask', async (t) => {
  const mounts = (book: TokenBook): readonly Mount[] => {
    const app = new Hono();
    app.get('/foreign/:key/ice', (context) =>
      book.find(context.req.query('key') ?? '') === null ? context.text('no', 401) : context.text('yes'),
    );
    return [{ app, paths: ['/foreign/:key/ice'], scope: null }];
  };
  const { ask, tokens, clock } = await open(t, { mounts });
  const get = (key: string, headers = {}) => ask('GET', `/foreign/k/ice?key=${key}`, { headers });
  t.match(await get(tokens.credentials, { origin: APP }), {
    status: 200,
    headers: { 'access-control-allow-origin': APP },
  });
  t.equal((await get(tokens.credentials, { origin: 'https://evil.example' })).status, 403);
  t.equal((await get(tokens.credentials, { host: 'evil.example' })).status, 403);
  for (let turn = 0; turn < 5; turn++) t.equal((await get(`guess-${turn}`)).status, 401);
  t.equal((await get(tokens.credentials)).status, 429);
  t.equal((await ask('GET', '/v1/status', { token: tokens.read })).status, 429, 'the source is one');
  clock.now += 30_000;
  t.equal((await get(tokens.credentials)).status, 200);
});

test('an address that is taken is named, and what to change', async (t) => {
  const { port, listener } = await open(t);
  const options = { host: LOCAL, port, app: new Hono(), secure: null, key: 'control.listen', report: () => {} };
  await t.rejects(openHttpListener(options), { message: /127\.0\.0\.1:\d+: .*: change control\.listen/ });
  await listener.close();
  await listener.close();
});
