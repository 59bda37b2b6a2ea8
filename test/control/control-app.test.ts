// The control API over a real Unix socket: what it answers, and that hostile requests harm nobody.

import { request } from 'node:http';
import { connect } from 'node:net';
import { test } from 'tap';
import { AdminError } from '../../src/control/administration.ts';
import { openControlSocket } from '../../src/control/control-socket.ts';
import { FAKE_NOW, type FakeControl, fakeControl, fakeSession } from '../support/fake-control.ts';
import { Gate } from '../support/gate.ts';
import { STORE_DOWN } from '../support/memory-store.ts';
import { type Teardown, temporaryDirectory } from '../support/turnd-process.ts';

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly text: string;
  readonly json: Body;
}

/** What some answers hold; which of it is there is what the tests say. */
interface Body {
  readonly sessions: readonly object[];
  readonly users: readonly { readonly name: string }[];
  readonly id: string;
  readonly rules: readonly object[];
  readonly realms: readonly object[];
  readonly iceServers: readonly object[];
}

interface Api {
  readonly control: FakeControl;
  readonly path: string;
  /** Faults of the program. */
  readonly reported: unknown[];
  ask(method: string, target: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  /** Bytes as they are, and all that comes back until the end. */
  raw(bytes: string): Promise<string>;
}

async function open(t: Teardown, own: { readonly requestTimeout?: number } = {}): Promise<Api> {
  const control = fakeControl();
  const reported: unknown[] = [];
  const path = `${temporaryDirectory(t)}/turnd.sock`;
  const report = (error: unknown): void => void reported.push(error);
  const socket = await openControlSocket({ path, control, report, now: () => FAKE_NOW, ...own });
  t.teardown(() => socket.close());
  return { control, path, reported, ask: (...args) => ask(path, ...args), raw: (bytes) => raw(path, bytes) };
}

function ask(path: string, method: string, target: string, body?: unknown, headers = {}): Promise<Answer> {
  const payload = typeof body === 'string' || body === undefined ? body : JSON.stringify(body);
  const type = payload === undefined ? {} : { 'content-type': 'application/json' };
  return new Promise((resolve, reject) => {
    const options = { socketPath: path, method, path: target, headers: { ...type, ...headers }, agent: false };
    const outgoing = request(options, (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => void chunks.push(chunk));
      incoming.on('end', () => {
        const text = Buffer.concat(chunks).toString();
        const status = incoming.statusCode ?? 0;
        resolve({
          status,
          type: incoming.headers['content-type'] ?? '',
          text,
          json: text === '' ? null : JSON.parse(text),
        });
      });
    });
    outgoing.on('error', reject);
    outgoing.end(payload);
  });
}

function raw(path: string, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect({ path });
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => void chunks.push(chunk));
    socket.on('error', () => {});
    socket.on('close', () => resolve(Buffer.concat(chunks).toString()));
    socket.write(bytes);
  });
}

test('drain and its end', async (t) => {
  const { ask, control } = await open(t);
  control.live = [fakeSession({ id: 1 })];
  t.match(await ask('POST', '/v1/drain'), { status: 200, json: { until: null, threshold: 7, stays: false } });
  const wish = { timeout: 60, threshold: 3, stays: true };
  const drain = { until: FAKE_NOW + 60_000, threshold: 3, stays: true, allocations: 1, isDone: false };
  t.match(await ask('POST', '/v1/drain', wish), { status: 200, json: drain });
  t.match(await ask('GET', '/v1/status'), { json: { drain } });
  for (const bad of [{ timeout: -1 }, { timeout: 1.5 }, { threshold: '3' }, { wait: true }, { timeout: 1e9 }])
    t.match(await ask('POST', '/v1/drain', bad), { status: 400, json: { fault: 'invalid' } });
  t.match(await ask('DELETE', '/v1/drain'), { status: 200, json: { draining: false } });
  t.match(await ask('GET', '/v1/status'), { json: { drain: null } });
});

test('status, reload and log level', async (t) => {
  const { ask, control } = await open(t);
  t.match(await ask('GET', '/v1/status'), { status: 200, json: { version: '1.2.3', realm: 'example.org' } });
  t.match(await ask('POST', '/v1/reload'), { status: 200, json: { applied: ['limits'], restart: ['listen'] } });
  control.reloadAnswer = async () => {
    throw new AdminError('invalid', 'turnd.yaml:1:1 one\nturnd.yaml:2:1 two');
  };
  t.match(await ask('POST', '/v1/reload'), {
    status: 400,
    type: 'application/problem+json',
    json: { fault: 'invalid', status: 400, detail: 'turnd.yaml:1:1 one\nturnd.yaml:2:1 two' },
  });
  t.match(await ask('PUT', '/v1/log-level', { level: 'debug' }), { status: 200, json: { level: 'debug' } });
  t.match(await ask('PUT', '/v1/log-level', { level: 'CANARY' }), { status: 400, json: { fault: 'invalid' } });
  t.same(control.done, ['log-level debug']);
});

test('sessions: filters, pages, one, ended', async (t) => {
  const { ask, control } = await open(t);
  control.live = [1, 2, 3, 4].map((id) => fakeSession({ id, user: id === 4 ? 'bob' : 'alice' }));
  const first = await ask('GET', '/v1/sessions?limit=3');
  t.match(first.json, { sessions: [{ id: 1 }, { id: 2 }, { id: 3 }], next: 3 });
  t.notHas(first.json.sessions[0], 'channelList');
  t.match((await ask('GET', '/v1/sessions?limit=3&after=3')).json, { sessions: [{ id: 4 }], next: null });
  t.match((await ask('GET', '/v1/sessions?user=bob')).json.sessions, [{ id: 4 }]);
  t.equal((await ask('GET', '/v1/sessions?client=192.0.2.2')).json.sessions.length, 0);
  t.equal((await ask('GET', '/v1/sessions?transport=tcp')).json.sessions.length, 0);
  t.match((await ask('GET', '/v1/sessions/2')).json, { id: 2, channelList: [{ number: 0x4001 }] });
  t.match(await ask('GET', '/v1/sessions/9'), { status: 404, json: { detail: 'there is no session 9' } });
  t.match(await ask('DELETE', '/v1/sessions/2'), { status: 200, json: { ended: 1 } });
  t.match(await ask('DELETE', '/v1/sessions/2'), { status: 404 });
  t.match(await ask('DELETE', '/v1/sessions?user=alice'), { status: 200, json: { ended: 2 } });
  t.equal((await ask('DELETE', '/v1/sessions')).status, 400, 'nobody ends all by leaving the filter out');
  for (const query of [
    'limit=0',
    'limit=1001',
    'limit=x',
    'after=-1',
    'after=1e3',
    'transport=x',
    'x=1',
    'user=a&user=b',
  ]) {
    t.match(await ask('GET', `/v1/sessions?${query}`), { status: 400, json: { fault: 'invalid' } }, query);
  }
  for (const id of ['x', '-1', '1.5', '0x10', '99999999999999999']) {
    t.equal((await ask('GET', `/v1/sessions/${id}`)).status, 400, id);
  }
});

const NAMES = [
  'a/b',
  '..',
  '.',
  '%2e%2e',
  '%',
  '100%25',
  'a b+c',
  '?x=1',
  '#x',
  'ü/名前/🦊',
  "'; drop--",
  '__proto__',
  ':name',
];

test('any name works in a path, encoded', async (t) => {
  const { ask, control } = await open(t);
  for (const name of NAMES) {
    for (const realm of ['example.org', name]) {
      const path = `/v1/realms/${encodeURIComponent(realm)}/users`;
      t.match(await ask('POST', path, { name, password: 'password' }), { status: 201, json: { name, realm } });
      t.match(await ask('GET', `${path}/${encodeURIComponent(name)}`), { status: 200, json: { name, realm } });
      const changed = await ask('PUT', `${path}/${encodeURIComponent(name)}/password`, { password: 'other' });
      t.match(changed, { status: 200, json: { name, realm } });
      t.equal((await ask('DELETE', `${path}/${encodeURIComponent(name)}`)).status, 204, name);
    }
  }
  t.equal(control.store.users.size, 0);
  t.equal((await ask('GET', '/v1/realms/r/users/')).status, 404);
  for (const bad of ['%', '%zz', '%ff', '%c3%28', '%ed%a0%80']) {
    t.match(await ask('GET', `/v1/realms/r/users/${bad}`), { status: 400, json: { fault: 'invalid' } }, bad);
  }
});

test('users are listed page by page', async (t) => {
  const { ask } = await open(t);
  for (const name of ['a', 'b', 'c']) await ask('POST', '/v1/realms/r/users', { name, password: 'password' });
  t.same(
    (await ask('GET', '/v1/users?limit=2')).json.users.map(({ name }: { name: string }) => name),
    ['a', 'b'],
  );
  t.same((await ask('GET', '/v1/users?limit=2&after=b&after-realm=r')).json.users, [{ realm: 'r', name: 'c' }]);
  t.same((await ask('GET', '/v1/users?realm=other')).json.users, []);
});

test('secrets appear in answers only where they are asked for (S55)', async (t) => {
  const { ask } = await open(t);
  const path = '/v1/realms/r/secrets';
  const added = await ask('POST', path, { value: 'CANARY-ONE' });
  t.equal(added.status, 201);
  t.notMatch(added.text, /CANARY/);
  t.match((await ask('POST', path, { reveal: true })).json, { value: 'made-secret-number-1' });
  t.notMatch((await ask('GET', '/v1/secrets')).text, /CANARY|made-secret/);
  t.match((await ask('GET', '/v1/secrets?reveal=true&realm=r')).text, /CANARY-ONE/);
  t.notMatch((await ask('POST', `${path}/rotate`, { value: 'CANARY-TWO', graceSeconds: 60 })).text, /CANARY/);
  t.match((await ask('POST', path, { value: 'CANARY-TWO' })).json, { fault: 'conflict' });
  const removed = await ask('DELETE', `${path}/${added.json.id}`);
  t.match(removed, { status: 200, json: { id: added.json.id } });
  t.notMatch(removed.text, /CANARY/);
  t.equal((await ask('GET', '/v1/secrets?reveal=yes')).status, 400);
});

test('OAuth keys appear in answers only where they are asked for (S55)', async (t) => {
  const { ask, control } = await open(t);
  const key = Buffer.alloc(32, 'canary').toString('base64');
  const added = await ask('POST', '/v1/oauth-keys', { kid: 'a/b', key });
  t.match(added, { status: 201, json: { kid: 'a/b', realm: 'example.org', algorithm: 'A256GCM', expiresAt: null } });
  t.match((await ask('POST', '/v1/oauth-keys', { kid: 'made', reveal: true })).json, { key: /^[\w+/]{43}=$/ });
  const one = '/v1/oauth-keys/a%2Fb';
  const list = await ask('GET', '/v1/oauth-keys?realm=example.org');
  t.match(list.json, { keys: [{ kid: 'a/b' }, { kid: 'made' }] });
  const changed = await ask('PATCH', one, { expiresAt: FAKE_NOW + 60_000 });
  t.match(changed.json, { realm: 'example.org', expiresAt: FAKE_NOW + 60_000 });
  const shown = await ask('GET', one);
  t.match((await ask('GET', `${one}?reveal=true`)).json, { kid: 'a/b', key });
  t.equal((await ask('GET', '/v1/oauth-keys?reveal=true')).status, 400, 'never in a list');
  const wrong = await ask('POST', '/v1/oauth-keys', { kid: 'c', key: `${key}=` });
  t.match(wrong.json, { fault: 'invalid', detail: 'the key is not Base64 with its padding' });
  const again = await ask('POST', '/v1/oauth-keys', { kid: 'a/b', key });
  t.match(again.json, { fault: 'conflict' });
  const removed = await ask('DELETE', one);
  t.match(removed, { status: 200, json: { kid: 'a/b' } });
  for (const { text } of [added, list, changed, shown, wrong, again, removed]) t.notMatch(text, 'Y2FuYXJ5');
  t.match(await ask('DELETE', one), { status: 404, json: { fault: 'not-found' } });
  control.administration = null;
  t.match((await ask('GET', '/v1/oauth-keys')).json, { fault: 'unavailable' });
});

test('peer rules, realms and origins', async (t) => {
  const { ask } = await open(t);
  const rule = { realm: '', kind: 'deny', range: '10.0.0.0/8' };
  t.equal((await ask('POST', '/v1/peers', rule)).status, 201);
  t.same((await ask('GET', '/v1/peers')).json.rules, [rule]);
  t.match(await ask('POST', '/v1/peers', { ...rule, range: 'x' }), { status: 400, json: { fault: 'invalid' } });
  t.equal((await ask('DELETE', '/v1/peers?realm=&kind=deny&range=10.0.0.0%2F8')).status, 204);
  t.equal((await ask('DELETE', '/v1/peers?realm=&kind=deny&range=10.0.0.0%2F8')).status, 404);
  t.equal((await ask('PATCH', '/v1/realms/r', { userQuota: 5, maxBps: null })).status, 204);
  t.equal((await ask('POST', '/v1/origins', { origin: 'https://x.example', realm: 'r' })).status, 201);
  t.match((await ask('GET', '/v1/realms')).json.realms, [
    { realm: 'example.org' },
    { realm: 'r', userQuota: 5, origins: ['https://x.example'] },
  ]);
  t.equal((await ask('DELETE', '/v1/origins?origin=https%3A%2F%2Fx.example')).status, 204);
});

test('credentials for apps: a label, a name of its own for whoever has none, and revocation', async (t) => {
  const { ask, control } = await open(t);
  const nameOf = async (body: object): Promise<string> => {
    const { json } = await ask('POST', '/v1/credentials', { ttl: 60, ...body });
    return (json.iceServers[1] as { readonly username: string }).username;
  };
  const expiry = FAKE_NOW / 1000 + 60;
  t.equal(await nameOf({}), `${expiry}`);
  t.equal(await nameOf({ user: 'carol', label: 'shop' }), `${expiry}:shop/carol`);
  const [first, second] = [await nameOf({ label: 'shop' }), await nameOf({ label: 'shop' })];
  t.match(first, /^\d+:shop\/[\w-]{12}$/);
  t.not(first, second);
  for (const label of ['', 'a/b', 'x'.repeat(65), 'a\u0000']) {
    const refused = await ask('POST', '/v1/credentials', { label });
    t.match(refused, { status: 400, json: { fault: 'invalid', detail: /label/ } }, JSON.stringify(label));
  }
  const target = `/v1/credentials/${encodeURIComponent(`${expiry}:shop/carol`)}`;
  t.match(await ask('DELETE', target), { status: 200, json: { ended: 0 } });
  t.same(control.done, [`revoke ${expiry}:shop/carol`]);
  t.equal(await nameOf({ user: 'carol', label: 'shop' }), `${expiry + 1}:shop/carol`, 'not the same one again');
});

test('credentials for apps: made under the secret, which stays inside', async (t) => {
  const { ask, control } = await open(t);
  const made = await ask('POST', '/v1/credentials', { ttl: 60, user: 'carol', host: '2001:db8::1' });
  const name = `${FAKE_NOW / 1000 + 60}:carol`;
  t.same(made.json.iceServers[0], { urls: ['stun:[2001:db8::1]:3478'] });
  t.match(made.json, {
    expiresAt: FAKE_NOW + 60_000,
    iceServers: [{}, { urls: ['turn:[2001:db8::1]:3478?transport=udp'], username: name }],
  });
  t.notMatch(made.text, /shared-secret-of-test/);
  for (const body of [
    { ttl: 0 },
    { ttl: 1e12 },
    { ttl: 1.5 },
    { user: '' },
    { user: 'a\n' },
    { host: 'a b' },
    { host: '' },
  ]) {
    t.match(
      await ask('POST', '/v1/credentials', body),
      { status: 400, json: { fault: 'invalid' } },
      JSON.stringify(body),
    );
  }
  control.secret = null;
  t.match(await ask('POST', '/v1/credentials'), { status: 404, json: { fault: 'not-found' } });
});

test('bad bodies are refused without repeating them (S55)', async (t) => {
  const { ask, control, reported } = await open(t);
  const path = '/v1/realms/r/users';
  const json = { 'content-type': 'application/json' };
  const bad: [unknown, number, Record<string, string>?][] = [
    ['{"name":"a","password":"CANARY"', 400],
    ['CANARY', 400],
    ['', 400],
    ['[]', 400],
    ['null', 400],
    [{ name: 'a' }, 400],
    [{ name: 'a', password: 1 }, 400],
    [{ name: 'a', password: 'p', CANARY: 1 }, 400],
    ['{"name":"a","password":"p","__proto__":{"x":1}}', 400],
    [{ name: 'a', password: 'CANARY\u0007' }, 400],
    [{ name: 'a', password: 'x'.repeat(5000) }, 400],
    [{ name: 'a', password: 'CANARY'.repeat(20_000) }, 413],
    [{ name: 'a', password: 'CANARY' }, 415, { 'content-type': 'text/plain' }],
    ['name=a&password=CANARY', 415, { 'content-type': 'application/x-www-form-urlencoded' }],
    ['x'.repeat(70_000), 413, { ...json, 'transfer-encoding': 'chunked' }],
  ];
  for (const [body, status, headers] of bad) {
    const answer = await ask('POST', path, body, headers);
    t.equal(answer.status, status, String(body).slice(0, 40));
    t.equal(answer.type, 'application/problem+json');
    t.notMatch(answer.text, /CANARY/);
  }
  t.equal(control.store.users.size, 0);
  t.same(reported, []);
});

test('what is not there, what fails and what is broken are problems too, without a stack', async (t) => {
  const { ask, control, reported } = await open(t);
  for (const [method, target] of [
    ['GET', '/'],
    ['GET', '/v1'],
    ['GET', '/v1/status/'],
    ['POST', '/v1/status'],
    ['GET', '/v1/../v1/status'],
    ['GET', '//v1/status'],
    ['PURGE', '/v1/status'],
  ] as const) {
    const answer = await ask(method, target);
    t.match(answer, { status: 404, type: 'application/problem+json', json: { fault: 'not-found' } }, target);
  }
  control.store.fail(STORE_DOWN);
  t.match(await ask('GET', '/v1/users'), { status: 503, json: { fault: 'unavailable', detail: STORE_DOWN.message } });
  control.administration = null;
  t.match(await ask('GET', '/v1/users'), { status: 503, json: { detail: /without a store/ } });
  t.same(reported, []);
  control.session = async () => {
    throw new TypeError('CANARY');
  };
  const broken = await ask('GET', '/v1/sessions/1');
  t.match(broken, { status: 500, json: { fault: 'internal' } });
  t.notMatch(broken.text, /CANARY|TypeError|\bat\b.*:\d+/);
  t.match(reported, [{ message: 'CANARY' }]);
});

test('hostile requests end, and the next one is served', async (t) => {
  const { raw, path } = await open(t, { requestTimeout: 400 });
  for (const bytes of [
    '\0\0\0\0\r\n\r\n',
    'GET / HTTP/9.9\r\n\r\n',
    'GET http://evil.example/v1/status HTTP/1.1\r\nHost: evil\r\nConnection: close\r\n\r\n',
    'GET /v1/status HTTP/1.1\r\nHost: a b/../c\r\nConnection: close\r\n\r\n',
    'GET \\v1\\status HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'OPTIONS * HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n',
    'CONNECT x:1 HTTP/1.1\r\nHost: x\r\n\r\n',
    'GET /v1/none HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nGET',
    `GET /${'x'.repeat(40_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
    'POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
    'POST /v1/reload HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n',
    // These stay in the middle of a header or a body: the time limit ends them.
    'GET /v1/status HTTP/1.1\r\nHost:',
    'POST /v1/realms/r/users HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{',
  ]) {
    const answer = await raw(bytes);
    t.notMatch(answer, /\bat .*\.js:|node_modules|"version"/, JSON.stringify(bytes.slice(0, 40)));
  }
  t.equal((await ask(path, 'GET', '/v1/status')).status, 200);
});

test('a client that leaves in the middle of an answer harms nobody', async (t) => {
  const { ask, control, path, reported } = await open(t);
  const gate = new Gate();
  const asked = new Promise<void>((resolve) => {
    control.session = (id) => {
      resolve();
      return gate.hold(fakeSession({ id }));
    };
  });
  const socket = connect({ path });
  socket.write('GET /v1/sessions/1 HTTP/1.1\r\nHost: x\r\n\r\n');
  await asked;
  socket.destroy();
  gate.release();
  t.equal((await ask('GET', '/v1/status')).status, 200);
  t.same(reported, []);
});
