// `turnctl session`, `status`, `reload`, `log-level` and `credentials`.

import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { test } from 'tap';
import { AdminError } from '../../src/control/administration.ts';
import type { DrainStatus } from '../../src/control/server-control.ts';
import { restPassword } from '../../src/stun/keys.ts';
import { FAKE_NOW, fakeSession } from '../support/fake-control.ts';
import { withDaemon, withoutDaemon } from '../support/turnctl-run.ts';

test('session: listed with filters, shown, ended', async (t) => {
  const { run, control } = await withDaemon(t);
  t.match(await run('session list'), { status: 0, out: 'no sessions\n' });
  control.live = [fakeSession({ id: 1001 }), fakeSession({ id: 2002, user: 'bob\u001b[31m', transport: 'tls' })];
  t.match(await run('session list'), {
    status: 0,
    out:
      'ID    USER           REALM        CLIENT          VIA  RELAYED            AGE    LEFT  PEERS  SENT    RECEIVED\n' +
      '1001  alice          example.org  192.0.2.1:4000  udp  203.0.113.1:50000  1h 2m  10m   1      1.5 kB  3.0 MB\n' +
      '2002  bob\\u001b[31m  example.org  192.0.2.1:4000  tls  203.0.113.1:50000  1h 2m  10m   1      1.5 kB  3.0 MB\n',
  });
  t.match(await run('session list --quiet --transport tls'), { out: '2002\n' });
  t.match(await run('session list --quiet --user alice --limit 1'), { out: '1001\n' });
  t.match(await run('session list --client 192.0.2.9'), { out: 'no sessions\n' });
  t.match(await run('session list --quiet --client 192.0.2.1:4000'), { out: '1001\n2002\n' });
  for (const [client, shown] of [
    ['2001:DB8:0::1', '2001:db8::1'],
    ['[2001:DB8:0::1]:5', '[2001:db8::1]:5'],
    ['::ffff:1', '::ffff:1'],
  ] as const) {
    control.live = [fakeSession({ id: 7, client: shown })];
    t.match(await run(`session list --quiet --client ${client}`), { out: '7\n' }, client);
  }
  control.live = [fakeSession({ id: 1001 }), fakeSession({ id: 2002, user: 'bob\u001b[31m', transport: 'tls' })];
  t.match(JSON.parse((await run('session list --json')).out), { sessions: [{ id: 1001 }, { id: 2002 }] });
  t.match((await run('session show 1001')).out, /^0x4001 {3}198\.51\.100\.7:9000 {2}8m 20s {2}10 packets, 1\.5 kB/m);
  t.match((await run('session show 1001')).out, /^over rate {4}7 packets from client dropped, 0 to client$/m);
  t.match(JSON.parse((await run('session show 1001 --json')).out), { permissionList: [{ peer: '198.51.100.7' }] });
  t.match(await run('session show 9'), { status: 3, err: 'turnctl: there is no session 9\n' });
  t.match(await run('session end 1001', { answers: [false] }), { status: 1, questions: ['End session 1001?'] });
  t.equal(control.live.length, 2);
  t.match(await run('session end 1001'), { status: 0, out: '1 ended\n' });
  t.match(await run('session end 1001'), { status: 3, err: 'turnctl: there is no session 1001\n' });
  t.match(await run('session end --user nobody'), {
    status: 3,
    out: '',
    err: 'turnctl: there are no sessions of user "nobody"\n',
  });
  for (const line of [
    'session end',
    'session end 1 --user a',
    'session show x',
    'session list --transport x',
    'session list --limit 0',
    'session list --client 192.0.2',
    'session list --client 192.0.2.1:99999',
    'session list --client ',
    'session list --realm ',
  ]) {
    t.match(await run(line), { status: 2, out: '' }, line);
  }
});

test('session: a long list is fetched page by page', async (t) => {
  const { run, control } = await withDaemon(t);
  control.live = Array.from({ length: 2500 }, (_, at) => fakeSession({ id: at + 1 }));
  t.equal((await run('session list --quiet')).out.split('\n').length, 2501);
  t.equal((await run('session list')).out.match(/^ID /gm)?.length, 25, 'the head is there again for each 100');
  t.equal((await run('session list --quiet --limit 1500')).out.split('\n').length, 1501);
});

test('status, reload and log-level', async (t) => {
  const { run, control } = await withDaemon(t);
  const status = await run('status');
  t.match(status, { status: 0, err: '' });
  t.match(status.out, /^turnd {10}1\.2\.3, pid 4711, up \d+d/);
  t.match(status.out, /^store {10}sqlite:memory: answers\n/m);
  t.match(JSON.parse((await run('status --json')).out), { version: '1.2.3', counters: { engine: { requests: 5 } } });
  t.match(await run('status --quiet'), { status: 0, out: '', err: '' });
  t.match(await run('reload'), {
    status: 0,
    out: 'reloaded: limits\nneeds a restart: listen\n',
    err: 'warning: a warning\n',
  });
  t.match(await run('reload --quiet'), { status: 0, out: 'listen\n', err: '' });
  control.reloadAnswer = async () => ({ applied: [], restart: ['listen'], warnings: [] });
  t.match(await run('reload'), {
    status: 0,
    out: 'reloaded: nothing that counts at once has changed\nneeds a restart: listen\n',
  });
  control.reloadAnswer = async () => ({ applied: [], restart: [], warnings: [] });
  t.match(await run('reload'), { status: 0, out: 'reloaded: nothing has changed\n' });
  control.reloadAnswer = async () => {
    throw new AdminError('invalid', 'turnd.yaml:1:1 one\nturnd.yaml:2:1 two');
  };
  t.match(await run('reload'), {
    status: 2,
    out: '',
    err: 'turnctl: turnd.yaml:1:1 one\nturnctl: turnd.yaml:2:1 two\n',
  });
  t.match(await run('log-level'), { status: 0, out: 'log level info\n' });
  t.match(await run('log-level --quiet'), { out: 'info\n' });
  t.match(await run('log-level debug'), { status: 0, out: 'log level debug\n' });
  t.match(await run('log-level loud'), { status: 2, err: /^turnctl: the level is one of trace, debug/ });
  t.same(control.done, ['log-level debug']);
});

test('drain and undrain: what is asked for, how far it has come, and waiting for its end', async (t) => {
  const { run, control } = await withDaemon(t);
  control.live = [fakeSession({ id: 1001 })];
  t.match(await run('drain'), { status: 0, out: 'draining: 1 allocation left; turnd stops when they have ended\n' });
  t.match((await run('status')).out, /^drain +draining: 1 allocation left/m);
  const until = FAKE_NOW + 3_600_000;
  t.match(JSON.parse((await run('drain --timeout 1h --threshold 5 --json')).out), {
    until,
    threshold: 5,
    stays: false,
  });
  t.match((await run('drain --timeout 1h')).out, /ended, at 2026-01-01 01:00:00 UTC at the latest$/m);
  t.match(await run('drain --stay'), { out: 'draining: 1 allocation left\n' });
  t.match(await run('undrain'), { status: 0, out: 'allocations are made again\n' });
  t.equal(control.draining, null);
  const waiting = run('drain --stay --wait');
  while (control.draining === null) await new Promise((resolve) => setImmediate(resolve));
  control.draining = { ...(control.draining as DrainStatus), allocations: 0, isDone: true };
  t.match(await waiting, { status: 0, out: 'drained: 0 allocations left\n' });
  for (const line of ['drain --timeout soon', 'drain --threshold -1', 'drain --threshold 1000001', 'drain x'])
    t.equal((await run(line)).status, 2, line);
});

test('what needs a running turnd says so and ends with 4', async (t) => {
  const { run, cwd } = withoutDaemon(t);
  for (const line of [
    'status',
    'reload',
    'log-level',
    'log-level debug',
    'drain',
    'undrain',
    'session list',
    'session show 1',
    'session end 1',
  ]) {
    const { status, out, err } = await run(`${line} --json`);
    t.match({ status, out }, { status: 4, out: '' }, line);
    t.match(err, /^turnctl: turnd is not running: nobody listens at .*turnd\.sock, .* \(start it, or name its socket/);
  }
  // A configuration that is broken does not keep anybody from a turnd that runs.
  writeFileSync(`${cwd}/turnd.yaml`, 'relm: x');
  t.match(await run('status'), { status: 4 });
  t.match(await run('status --config turnd.yaml'), { status: 2, err: /unknown key "relm"/ });
  const { path } = await silentSocket(t, cwd);
  t.match(await run(`status --socket ${path} --timeout 1`), { status: 4, err: /does not answer at .* within 1 s/ });
  t.match(
    await run('user list --timeout 1', { env: { TURND_CONTROL__SOCKET: path } }),
    { status: 4, out: '', err: /^turnctl: turnd does not answer at / },
    'a store is not changed behind the back of one that hangs',
  );
});

async function silentSocket(t: { teardown(action: () => void): void }, cwd: string): Promise<{ path: string }> {
  const server = createServer((socket) => t.teardown(() => void socket.destroy()));
  server.listen(`${cwd}/silent.sock`);
  await once(server, 'listening');
  t.teardown(() => void server.close());
  return { path: `${cwd}/silent.sock` };
}

test('credentials: ready for an app, in three forms', async (t) => {
  const { run } = await withDaemon(t);
  const name = `${FAKE_NOW / 1000 + 3600}:carol`;
  const credential = restPassword('shared-secret-of-test', name);
  const iceServers = [
    { urls: ['stun:turn.example.org:3478'] },
    { urls: ['turn:turn.example.org:3478?transport=udp'], username: name, credential },
  ];
  const plain = await run('credentials --user carol --ttl 1h');
  t.match(plain, { status: 0, err: '' });
  t.same(JSON.parse(plain.out), { iceServers });
  t.same(JSON.parse((await run('credentials --user carol --ttl 1h --json')).out), {
    iceServers,
    expiresAt: FAKE_NOW + 3_600_000,
  });
  t.match(await run('credentials --user carol --ttl 1h --format env'), {
    out:
      "TURN_URLS='stun:turn.example.org:3478,turn:turn.example.org:3478?transport=udp'\n" +
      `TURN_USERNAME='${name}'\nTURN_CREDENTIAL='${credential}'\nTURN_EXPIRES='2026-01-01T01:00:00.000Z'\n`,
  });
  t.match((await run("credentials --user o'x --format env")).out, /^TURN_USERNAME='\d+:o'\\''x'$/m);
  t.match(
    (await run('credentials --format js --host h.example')).out,
    /^const iceServers = \[\n[\s\S]*"stun:h\.example:3478"[\s\S]*\];\n$/,
  );
  t.equal((await run('credentials --quiet')).out.split('\n').length, 2);
  for (const line of [
    'credentials --ttl x',
    'credentials --ttl 0',
    'credentials --ttl 99999d',
    'credentials --format xml',
    'credentials --host a/b',
  ]) {
    t.match(await run(line), { status: 2, out: '' }, line);
  }
});

test('credentials: a label stands in front of the user, and a name is revoked', async (t) => {
  const { run, control } = await withDaemon(t);
  const nameOf = async (line: string) => JSON.parse((await run(line)).out).iceServers[1].username;
  t.equal(await nameOf('credentials --label shop --user carol --ttl 1h'), `${FAKE_NOW / 1000 + 3600}:shop/carol`);
  t.match(await nameOf('credentials make --label shop'), /^\d+:shop\/[\w-]{12}$/);
  t.match(await run('credentials --label a/b'), { status: 2, err: /the label "a\/b"/ });
  control.live = [fakeSession({ id: 1 })];
  const revoked = await run('credentials revoke 1767229200:shop/carol');
  t.match(revoked, { status: 0, out: 'Revoked 1767229200:shop/carol: 1 session ended.\n' });
  t.same(JSON.parse((await run('credentials revoke 1767229200:x --json')).out), { ended: 1 });
  t.same(control.done.slice(-2), ['revoke 1767229200:shop/carol', 'revoke 1767229200:x']);
  t.equal((await run('credentials revoke')).status, 2);
});

test('credentials: a server without a secret has none to give', async (t) => {
  const { run, control } = await withDaemon(t);
  control.secret = null;
  t.match(await run('credentials'), { status: 3, err: /^turnctl: there is no shared secret: add one/ });
});

test('credentials while turnd is down: under a secret of the store, else of the configuration', async (t) => {
  const { run, cwd } = withoutDaemon(t);
  const secrets = 'auth: {secrets: [secret-of-configuration]}';
  writeFileSync(`${cwd}/turnd.yaml`, `realm: r\nlisten: ["udp://*:3478"]\n${secrets}`, { mode: 0o600 });
  t.match(await run('credentials'), { status: 2, err: /public address is not known .*: give --host/ });
  const entryOf = async () => JSON.parse((await run('credentials --host 192.0.2.1 --user x')).out).iceServers[1];
  const first = await entryOf();
  t.same(first.urls, ['turn:192.0.2.1:3478?transport=udp']);
  t.equal(first.credential, restPassword('secret-of-configuration', first.username));
  await run('secret add --stdin', { line: 'secret-of-store-old' });
  await run('secret rotate --stdin', { line: 'secret-of-store-new' });
  const second = await entryOf();
  t.equal(second.credential, restPassword('secret-of-store-new', second.username));
});
