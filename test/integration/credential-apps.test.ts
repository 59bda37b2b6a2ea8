// Credentials as apps get them, proven at a real turnd: each API's credentials allocate, and revoked ones end on every
// worker at once and stay refused after a restart.

import { statSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import twilio from 'twilio';
import { sessionsAnswer } from '../../src/control/answers.ts';
import { runUclient, uclientProgram } from '../interop/coturn/uclient.ts';
import { ask, basic, bearer, bridgeTo } from '../support/credential-app.ts';
import {
  cloudflareShape,
  meteredListShape,
  meteredShape,
  ownShape,
  restShape,
  xirsysShape,
} from '../support/credential-shapes.ts';
import type { AppIceServer } from '../support/ice-relay.ts';
import { planeUnderTest } from '../support/plane-under-test.ts';
import { RawClient } from '../support/raw-client.ts';
import { labFlags, startTurndWith, temporaryDirectory } from '../support/turnd-process.ts';

const SECRET = 'north-wind-secret-0123456789';
// coturn's client draws channel numbers as RFC 5766 had them.
const FLAGS = ['--secret', SECRET, '--listen', 'tcp://127.0.0.1:0', '--rfc5766-channel-numbers'] as const;
// All clients have one address here.
const ENV = { TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0', TURND_LIMITS__FAILED_LOGINS_PER_SECOND: '0' };
const SID = `AC${'0'.repeat(32)}`;
const json = (value: unknown): string => JSON.stringify(value);

interface Login {
  readonly user: string;
  readonly password: string;
}

interface UrlsLogin extends Login {
  readonly urls: readonly string[];
}

interface Lab {
  readonly base: string;
  readonly port: number;
  open(login: Login): Promise<RawClient>;
}

async function start(t: Test, directory: string): Promise<Lab & { stop(): Promise<unknown> }> {
  const server = await startTurndWith(t, labFlags(directory, ...FLAGS), { env: ENV });
  const port = await server.port('udp');
  const base = await bridgeTo(t, join(directory, 'state/turnd.sock'));
  const open = async (login: Login): Promise<RawClient> => {
    const client = await RawClient.open({ port, ...login });
    t.teardown(() => client.close());
    return client;
  };
  return { base, port, open, stop: () => server.stop() };
}

/** A login by each API: what an app of that service would hand to its browsers. */
async function loginsOf({ base }: Lab): Promise<Readonly<Record<string, UrlsLogin>>> {
  const own = await ask(base, 'POST', '/v1/credentials', {
    headers: { 'content-type': 'application/json' },
    body: json({ ttl: 600, user: 'alice', label: 'shop' }),
  });
  const keys = '/v1/turn/keys/any/credentials';
  const cloudflare = await ask(base, 'POST', `${keys}/generate-ice-servers`, {
    headers: bearer('x'),
    body: '{"ttl":600}',
  });
  const client = twilio(SID, 'any');
  client.api.baseUrl = base;
  const token = await client.tokens.create({ ttl: 600 });
  const xirsys = await ask(base, 'PUT', '/_turn/my', { headers: basic('a', 'b'), body: json({ format: 'urls' }) });
  const metered = await ask(base, 'POST', '/api/v1/turn/credential?secretKey=x', { body: '{"expiryInSeconds":600}' });
  const list = await ask(base, 'GET', `/api/v1/turn/credentials?apiKey=${metered.as(meteredShape).apiKey}`);
  const rest = (await ask(base, 'GET', '/turn?service=turn&username=bob&key=x')).as(restShape);
  return {
    own: loginOf(own.as(ownShape).iceServers),
    cloudflare: loginOf(cloudflare.as(cloudflareShape).iceServers),
    twilio: loginOf(token.iceServers as unknown as readonly AppIceServer[]),
    xirsys: loginOf([xirsys.as(xirsysShape).v.iceServers]),
    metered: loginOf(list.as(meteredListShape)),
    rest: { user: rest.username, password: rest.password, urls: ['stun:', ...rest.uris] },
  };
}

function loginOf(iceServers: readonly AppIceServer[]): UrlsLogin {
  const { username = '', credential = '' } = iceServers.at(-1) ?? {};
  return { user: username, password: credential, urls: iceServers.flatMap(({ urls }) => urls) };
}

test('REST-08 an app of each service gets credentials that work, and their end', async (t) => {
  const directory = temporaryDirectory(t);
  const lab = await start(t, directory);
  const logins = await loginsOf(lab);
  const clients = new Map<string, RawClient>();
  for (const [api, login] of Object.entries(logins)) {
    const client = await lab.open(login);
    await client.allocated();
    clients.set(api, client);
    t.match(login.urls[0], /^stun:/, `${api}: STUN comes first`);
    t.equal(login.urls[1], `turn:127.0.0.1:${lab.port}?transport=udp`, api);
    t.match(login.urls[2], /^turn:127\.0\.0\.1:\d+\?transport=tcp$/, api);
  }

  await t.test('coturn’s client relays with them', { skip: uclientProgram.skip }, async (t) => {
    const { user, password } = logins['rest'] as Login;
    const server = { ports: { udp: lab.port, tcp: 0, tls: 0 } };
    const { sent, received, code, output } = await runUclient(server, 'udp', ['-u', user, '-w', password, '-y', '-c']);
    t.strictSame([code, sent, received], [0, 40, 40], { output });
  });

  const victim = logins['cloudflare'] as Login;
  const others = await Promise.all(Array.from({ length: 15 }, () => lab.open(victim)));
  for (const client of others) await client.allocated();
  const sessions = async () =>
    (await ask(lab.base, 'GET', `/v1/sessions?user=${encodeURIComponent(victim.user)}`)).as(sessionsAnswer).sessions;
  const before = await sessions();
  t.equal(before.length, 16);
  if (planeUnderTest === 'linux') t.equal(new Set(before.map(({ worker }) => worker)).size, 2, 'on both workers');

  const revoked = await ask(lab.base, 'POST', `/v1/turn/keys/any/credentials/${victim.user}/revoke`);
  t.equal(revoked.status, 204);
  t.same(await sessions(), [], 'all have ended when the answer comes');
  for (let time = 0; time < 8; time++) {
    const answer = await (await lab.open(victim)).allocate();
    t.equal(answer.errorCode, 401, 'refused, whichever worker is asked');
  }
  t.equal((await clients.get('own')?.request(0x0004, []))?.errorCode, undefined, 'nobody else notices');

  const own = logins['own'] as Login;
  const target = `/v1/credentials/${encodeURIComponent(own.user)}`;
  t.match(await ask(lab.base, 'DELETE', target), { status: 200, json: { ended: 1 } });
  t.match(await ask(lab.base, 'DELETE', target), { status: 200, json: { ended: 0 } }, 'once more does no harm');
  t.match(await ask(lab.base, 'DELETE', '/v1/credentials/alice'), { status: 400, json: { detail: /time-limited/ } });
  const again = await ask(lab.base, 'POST', '/v1/credentials', {
    headers: { 'content-type': 'application/json' },
    body: json({ ttl: Number(own.user.split(':')[0]) - Math.floor(Date.now() / 1000), user: 'alice', label: 'shop' }),
  });
  t.not(again.as(ownShape).iceServers[1].username, own.user, 'a revoked name is not given out again');

  const file = join(directory, 'state/revoked-names');
  t.equal(statSync(file).mode & 0o777, 0o600);
  await lab.stop();
  const next = await start(t, directory);
  t.equal((await (await next.open(victim)).allocate()).errorCode, 401, 'refused after a restart');
  t.equal((await (await next.open(own)).allocate()).errorCode, 401);
  await (await next.open(logins['twilio'] as Login)).allocated();
});
