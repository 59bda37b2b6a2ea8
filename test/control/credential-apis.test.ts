// The credential APIs that apps of other services speak: documented shapes, documented refusals, and who is let in. The
// shapes are those that the services document; Twilio's is read by Twilio's own client.

import { test } from 'tap';
import twilio from 'twilio';
import { accountSid } from '../../src/control/credentials/twilio.ts';
import { restPassword } from '../../src/stun/keys.ts';
import {
  basic,
  bearer,
  type CredentialApp,
  OTHER_TOKEN,
  serveCredentialApp,
  TOKEN,
  TOKEN_NAME,
} from '../support/credential-app.ts';
import {
  cloudflareOneShape,
  meteredListShape,
  meteredShape,
  restShape,
  twilioShape,
  xirsysLegacyShape,
  xirsysShape,
} from '../support/credential-shapes.ts';
import { FAKE_NOW } from '../support/fake-control.ts';

const STUN = 'stun:turn.example.org:3478';
const TURN = 'turn:turn.example.org:3478?transport=udp';
const NOW = FAKE_NOW / 1000;
const SID = accountSid(TOKEN_NAME);
const CLOUDFLARE = `/v1/turn/keys/${TOKEN_NAME}/credentials`;
const TWILIO = `/2010-04-01/Accounts/${SID}/Tokens.json`;

/** Whether a login is one that a TURN server of the fake's secret takes, until then. */
function isLogin(username: string, password: string, expiry: number): boolean {
  return username.startsWith(`${expiry}:`) && password === restPassword('shared-secret-of-test', username);
}

const json = (value: unknown): string => JSON.stringify(value);

test('Cloudflare: both forms, and revocation', async (t) => {
  const { ask, control } = await serveCredentialApp(t);
  const headers = { ...bearer(TOKEN), 'content-type': 'application/json' };
  const body = json({ ttl: 600, customIdentifier: 'user4523958' });
  const list = await ask('POST', `${CLOUDFLARE}/generate-ice-servers`, { headers, body });
  t.equal(list.status, 201);
  const username = `${NOW + 600}:user4523958`;
  const credential = restPassword('shared-secret-of-test', username);
  t.strictSame(list.json, { iceServers: [{ urls: [STUN] }, { urls: [TURN], username, credential }] });
  const one = await ask('POST', `${CLOUDFLARE}/generate`, { headers, body });
  t.equal(one.status, 201);
  t.strictSame(one.json, { iceServers: { urls: [STUN, TURN], username, credential } });
  const anonymous = await ask('POST', `${CLOUDFLARE}/generate`, { headers, body: json({ ttl: 600 }) });
  const { username: fresh, credential: password } = anonymous.as(cloudflareOneShape).iceServers;
  t.ok(isLogin(fresh, password, NOW + 600));
  t.not(fresh, username);
  const revoked = await ask('POST', `${CLOUDFLARE}/${username}/revoke`, { headers });
  t.strictSame([revoked.status, revoked.text], [204, '']);
  t.same(control.done, [`revoke ${username}`]);
  const again = await ask('POST', `${CLOUDFLARE}/generate`, { headers, body });
  t.equal(
    again.as(cloudflareOneShape).iceServers.username,
    `${NOW + 601}:user4523958`,
    'what is revoked is not given out again',
  );
});

test('Cloudflare: refusals have the envelope of its API', async (t) => {
  const { ask } = await serveCredentialApp(t);
  const target = `${CLOUDFLARE}/generate-ice-servers`;
  for (const [headers, status] of [
    [{}, 401],
    [bearer('wrong'), 401],
    [bearer(OTHER_TOKEN), 403],
    [basic(TOKEN_NAME, TOKEN), 401],
  ] as const) {
    const { status: found, json: envelope } = await ask('POST', target, { headers });
    t.match([found, envelope], [status, { success: false, errors: [{ code: 10000, message: /./ }], result: null }]);
  }
  const other = '/v1/turn/keys/other/credentials/generate';
  t.equal((await ask('POST', other, { headers: bearer(TOKEN) })).status, 401, 'the key of somebody else');
  for (const body of ['{', '[]', json({ ttl: 172_801 }), json({ ttl: 0 }), json({ ttl: 'x' }), json({ ttl: 1.5 })]) {
    const { status, json: envelope } = await ask('POST', target, { headers: bearer(TOKEN), body });
    t.match([status, envelope], [400, { success: false, errors: [{ code: 400 }] }], body);
  }
});

test('Twilio: its own client makes a token, and reads a refusal', async (t) => {
  const { base, control } = await serveCredentialApp(t);
  const client = twilio(SID, TOKEN);
  client.api.baseUrl = base;
  const token = await client.tokens.create({ ttl: 900 });
  t.match(token, { accountSid: SID, ttl: '900', dateCreated: new Date(FAKE_NOW), dateUpdated: new Date(FAKE_NOW) });
  t.ok(isLogin(token.username, token.password, NOW + 900));
  const { username, password: credential } = token;
  t.same(token.iceServers, [
    { url: STUN, urls: STUN },
    { url: TURN, urls: TURN, username, credential },
  ]);
  t.equal((await client.tokens.create()).ttl, '86400');
  const key = twilio(SID.replace('AC', 'SK'), TOKEN, { accountSid: SID });
  key.api.baseUrl = base;
  t.equal((await key.tokens.create({ ttl: 60 })).accountSid, SID, 'with an API key');
  await t.rejects(client.tokens.create({ ttl: 86_401 }), { status: 400, code: 20422 });
  const stranger = twilio(SID, 'wrong');
  stranger.api.baseUrl = base;
  await t.rejects(stranger.tokens.create(), { status: 401, code: 20003, message: 'Authenticate' });
  control.secret = null;
  await t.rejects(client.tokens.create(), { status: 404, code: 20404 });
});

test('Twilio: the answer and its refusals, as they are documented', async (t) => {
  const { ask } = await serveCredentialApp(t);
  const form = (body: string, auth = basic(SID, TOKEN)): RequestInit => ({
    headers: { ...auth, 'content-type': 'application/x-www-form-urlencoded' },
    body,
  });
  const made = await ask('POST', TWILIO, form('Ttl=900'));
  t.equal(made.status, 201);
  t.equal(made.as(twilioShape).date_created, 'Thu, 01 Jan 2026 00:00:00 +0000');
  const named = `/2010-04-01/Accounts/${TOKEN_NAME}/Tokens.json`;
  t.equal((await ask('POST', named, form('', basic(TOKEN_NAME, TOKEN)))).as(twilioShape).account_sid, TOKEN_NAME);
  for (const [auth, status, code] of [
    [basic(SID, OTHER_TOKEN), 403, 20006],
    [basic('AC00000000000000000000000000000000', TOKEN), 401, 20003],
    [bearer(TOKEN), 401, 20003],
    [{ authorization: 'Basic ?' }, 401, 20003],
  ] as const) {
    const refused = await ask('POST', TWILIO, form('', auth));
    const more_info = `https://www.twilio.com/docs/errors/${code}`;
    t.match([refused.status, refused.json], [status, { code, status, more_info, message: /./ }]);
  }
  for (const body of ['Ttl=x', 'Ttl=0', 'Ttl=-1', 'Ttl=1&Ttl=2', 'Ttl=1e3']) {
    t.match((await ask('POST', TWILIO, form(body))).json, { status: 400, code: 20422 }, body);
  }
  t.match(await ask('GET', TWILIO, { headers: basic(SID, TOKEN) }), { status: 405, json: { code: 20004 } });
});

test('Xirsys: URLs, the legacy form, and refusals', async (t) => {
  const { ask } = await serveCredentialApp(t);
  const put = (body: string, auth = basic(TOKEN_NAME, TOKEN), channel = 'my/channel') =>
    ask('PUT', `/_turn/${channel}`, { headers: { ...auth, 'content-type': 'application/json' }, body });
  const urls = await put(json({ format: 'urls', expire: '86400' }));
  t.equal(urls.status, 200);
  const { username, credential } = urls.as(xirsysShape).v.iceServers;
  t.strictSame(urls.json, { v: { iceServers: { username, urls: [STUN, TURN], credential } }, s: 'ok' });
  t.ok(isLogin(username, credential, NOW + 86_400));
  const legacy = await put(json({ expire: 60 }));
  const [, turn] = legacy.as(xirsysLegacyShape).v.iceServers;
  t.strictSame(legacy.json, {
    v: { iceServers: [{ url: STUN }, { username: turn.username, url: TURN, credential: turn.credential }] },
    s: 'ok',
  });
  t.ok(isLogin(turn.username, turn.credential, NOW + 60));
  t.equal((await put('', basic(TOKEN_NAME, TOKEN), 'default')).status, 200, 'nothing has to be said');
  for (const [auth, status] of [
    [basic(TOKEN_NAME, 'wrong'), 401],
    [basic('other', TOKEN), 401],
    [{ authorization: '' }, 401],
  ] as const) {
    t.match(await put('{}', auth), { status, json: { v: 'unauthorized', s: 'error' } });
  }
  t.match(await put('{}', basic(TOKEN_NAME, OTHER_TOKEN)), { status: 403, json: { v: /scope/, s: 'error' } });
  for (const body of ['{', json({ expire: 'soon' }), json({ expire: 0 }), json({ expire: 31_536_001 })]) {
    t.match(await put(body), { status: 400, json: { v: /./, s: 'error' } }, body);
  }
});

test('Metered: a credential by the secret key, its list by its own key', async (t) => {
  const { ask, control } = await serveCredentialApp(t);
  const create = (body: unknown) =>
    ask('POST', `/api/v1/turn/credential?secretKey=${TOKEN}`, {
      headers: { 'content-type': 'application/json' },
      body: json(body),
    });
  const made = await create({ expiryInSeconds: 3600, label: 'team a' });
  t.equal(made.status, 200);
  const { username, password, apiKey } = made.as(meteredShape);
  t.strictSame(made.json, { username, password, expiryInSeconds: 3600, label: 'team a', apiKey });
  t.match(username, new RegExp(`^${NOW + 3600}:team a/[\\w-]{12}$`));
  t.equal(password, restPassword('shared-secret-of-test', username));
  const list = await ask('GET', `/api/v1/turn/credentials?apiKey=${apiKey}&region=global`);
  t.strictSame(list.json, [{ urls: STUN }, { urls: TURN, username, credential: password }]);
  t.equal(list.headers.get('access-control-allow-origin'), '*', 'a browser may ask');
  t.equal((await create({})).as(meteredShape).expiryInSeconds, 31_536_000);
  const fresh = await ask('GET', `/api/v1/turn/credentials?apiKey=${TOKEN}`);
  const [, turn] = fresh.as(meteredListShape);
  t.ok(isLogin(turn.username, turn.credential, NOW + 86_400));
  const ended = await ask('DELETE', `/api/v1/turn/credential?secretKey=${TOKEN}`, { body: json({ username }) });
  t.match(ended, { status: 200, json: { success: true, message: /./ } });
  t.same(control.done, [`revoke ${username}`]);
  t.match(await ask('GET', `/api/v1/turn/credentials?apiKey=${apiKey}`), { status: 401 }, 'revoked');
});

test('Metered: refusals, as they are documented', async (t) => {
  const { ask, control } = await serveCredentialApp(t);
  const target = `/api/v1/turn/credential?secretKey=${TOKEN}`;
  const list = (key: string) => ask('GET', `/api/v1/turn/credentials?apiKey=${key}`);
  const keyOf = (username: string, secret = 'shared-secret-of-test'): string =>
    Buffer.from(`${restPassword(secret, username)}${username}`).toString('base64url');
  t.equal((await list(keyOf(`${NOW + 1}:x`))).status, 200);
  for (const key of ['', 'wrong', keyOf(`${NOW}:x`), keyOf(`${NOW + 1}:x`, 'another'), keyOf('alice')]) {
    const refused = await list(key);
    t.match([refused.status, refused.json], [401, { error: 'Invalid API Key' }], key);
    t.equal(refused.headers.get('access-control-allow-origin'), '*');
  }
  t.match(await list(OTHER_TOKEN), { status: 403, json: { message: /scope/ } });
  for (const key of ['', 'wrong', keyOf(`${NOW + 1}:x`)]) {
    const answer = await ask('POST', `/api/v1/turn/credential?secretKey=${key}`);
    t.match(answer, { status: 401, json: { error: 'Invalid Secret Key' } });
    t.equal((await ask('DELETE', `/api/v1/turn/credential?secretKey=${key}`)).status, 401);
  }
  for (const body of ['{', json({ expiryInSeconds: 0 }), json({ expiryInSeconds: '1' }), json({ label: 'a/b' })]) {
    t.match(await ask('POST', target, { body }), { status: 400, json: { message: /./ } }, body);
  }
  t.equal((await ask('DELETE', target, { body: '{}' })).status, 400);
  t.same(control.done, []);
});

test('REST-08 the draft: by GET and by POST, with problem details as refusals', async (t) => {
  const { ask } = await serveCredentialApp(t);
  const query = `service=turn&username=mbzrxpgjys&key=${TOKEN}`;
  const got = await ask('GET', `/turn?${query}`);
  const username = `${NOW + 86_400}:mbzrxpgjys`;
  const password = restPassword('shared-secret-of-test', username);
  t.equal(got.status, 200);
  t.strictSame(got.json, { username, password, ttl: 86_400, uris: [TURN] });
  t.strictSame((await ask('POST', `/turn?${query}`)).json, got.json, 'all in the query');
  const headers = { 'content-type': 'application/x-www-form-urlencoded' };
  t.strictSame((await ask('POST', '/turn', { headers, body: query })).json, got.json, 'all in the body');
  t.equal((await ask('GET', `/turn?${query}&ttl=60`)).as(restShape).username, `${NOW + 60}:mbzrxpgjys`);
  const nobody = await ask('GET', `/turn?service=turn&key=${TOKEN}`);
  const fresh = nobody.as(restShape);
  t.ok(isLogin(fresh.username, fresh.password, NOW + 86_400));
  for (const [target, status] of [
    ['/turn?service=turn', 401],
    ['/turn?service=turn&key=wrong', 401],
    [`/turn?service=turn&key=${OTHER_TOKEN}`, 403],
    [`/turn?service=stun&key=${TOKEN}`, 400],
    [`/turn?key=${TOKEN}`, 400],
    [`/turn?${query}&ttl=0`, 400],
    [`/turn?${query}&ttl=1d`, 400],
    [`/turn?${query}&ttl=1&ttl=2`, 400],
    [`/turn?service=turn&username=&key=${TOKEN}`, 400],
  ] as const) {
    const refused = await ask('GET', target);
    t.match([refused.status, refused.json], [status, { status, detail: /./ }], target);
    t.match(refused.headers.get('content-type'), 'application/problem+json');
  }
  t.equal((await ask('POST', '/turn', { headers, body: 'service=turn&key=wrong' })).status, 401);
});

test('S55 no answer repeats a token that was wrong, whatever API is asked', async (t) => {
  const { ask, reported } = await serveCredentialApp(t);
  const canary = 'CANARY-OF-APPS';
  const answers = await Promise.all([
    ask('POST', `${CLOUDFLARE}/generate`, { headers: bearer(canary) }),
    ask('POST', TWILIO, { headers: basic(SID, canary) }),
    ask('PUT', '/_turn/x', { headers: basic(TOKEN_NAME, canary) }),
    ask('POST', `/api/v1/turn/credential?secretKey=${canary}`),
    ask('GET', `/api/v1/turn/credentials?apiKey=${canary}`),
    ask('GET', `/turn?service=turn&key=${canary}`),
  ]);
  for (const { status, text } of answers) {
    t.equal(status, 401);
    t.notMatch(text, canary);
  }
  t.same(reported, []);
});

test('a fault of the program is reported, and told in the form of each API', async (t) => {
  const { ask, control, reported } = await serveCredentialApp(t);
  control.iceSource = async () => {
    throw new Error('CANARY');
  };
  const answers = await everyApi({ ask });
  t.same(
    answers.map(({ status }) => status),
    [500, 500, 500, 500, 500],
  );
  for (const { text } of answers) t.notMatch(text, 'CANARY');
  t.match(answers[0]?.json, { success: false });
  t.match(answers[1]?.json, { code: 20500 });
  t.match(answers[2]?.json, { s: 'error' });
  t.match(answers[3]?.json, { message: /log/ });
  t.match(answers[4]?.json, { fault: 'internal' });
  t.equal(reported.length, 5);
});

test('a body that is too large is refused by all that take one', async (t) => {
  const { ask } = await serveCredentialApp(t);
  const answers = await everyApi({ ask }, 'x'.repeat(65_537));
  t.same(
    answers.map(({ status }) => status),
    [413, 413, 413, 413, 413],
  );
});

function everyApi({ ask }: Pick<CredentialApp, 'ask'>, body = '') {
  return Promise.all([
    ask('POST', `${CLOUDFLARE}/generate`, { headers: bearer(TOKEN), body }),
    ask('POST', TWILIO, { headers: basic(SID, TOKEN), body }),
    ask('PUT', '/_turn/x', { headers: basic(TOKEN_NAME, TOKEN), body }),
    ask('POST', `/api/v1/turn/credential?secretKey=${TOKEN}`, { body }),
    ask('POST', `/turn?service=turn&key=${TOKEN}`, { body }),
  ]);
}
