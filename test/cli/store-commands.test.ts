// `turnctl user`, `secret`, `realm` and `peer`: through a running turnd, and on the store itself while none runs.

import { existsSync, statSync, writeFileSync } from 'node:fs';
import { test } from 'tap';
import { WEAK_PASSWORD, WEAK_SECRET } from '../../src/config/secret-strength.ts';
import { STORE_DOWN } from '../support/memory-store.ts';
import { withDaemon, withoutDaemon } from '../support/turnctl-run.ts';

/** One that is not warned about. */
const PASSWORD = 'vT3q-9sLw_pX2';
/** A secret of 128 bits in which the canary sits. */
const GIVEN = 'CANARY-0c5be2a94683f0c1d75a9be36d2488e1';

test('user: added, listed, shown, changed, removed', async (t) => {
  const { run, control } = await withDaemon(t);
  t.match(await run('user list'), { status: 0, out: 'no users\n', err: '' });
  t.match(await run('user add alice', { line: PASSWORD }), {
    status: 0,
    out: 'user alice added to realm example.org\n',
    err: '',
  });
  t.match(await run('user add bob --realm other', { line: 'short' }), {
    status: 0,
    out: 'user bob added to realm other\n',
    err: `warning: the password ${WEAK_PASSWORD}\n`,
  });
  t.match(await run('user list'), {
    status: 0,
    out: 'USER   REALM\nalice  example.org\nbob    other\n',
  });
  t.match(await run('user list --quiet --realm other'), { status: 0, out: 'bob\n' });
  t.same(JSON.parse((await run('user list --json')).out), {
    users: [
      { realm: 'example.org', name: 'alice' },
      { realm: 'other', name: 'bob' },
    ],
  });
  t.match(await run('user show alice'), {
    status: 0,
    out: 'user   alice\nrealm  example.org\nkeys   MD5, SHA-256\n',
  });
  t.same(JSON.parse((await run('user show alice --json')).out), { realm: 'example.org', name: 'alice', sha256: true });
  const before = [...control.store.users.values()][0]?.md5Key.toString('hex');
  t.match(await run('user passwd alice --password-stdin', { line: 'another-password' }), {
    status: 0,
    out: 'user alice of realm example.org has a new password\n',
  });
  t.not([...control.store.users.values()][0]?.md5Key.toString('hex'), before);
  t.match(await run('user remove alice'), { status: 0, out: 'user alice removed from realm example.org\n' });
  t.match(await run('user remove bob --realm other --quiet'), { status: 0, out: '', err: '' });
  t.equal(control.store.users.size, 0);
});

test('user: what is refused', async (t) => {
  const { run, control } = await withDaemon(t);
  await run('user add alice', { line: PASSWORD });
  for (const [line, status, err] of [
    ['user add alice', 1, 'turnctl: user "alice" is there already in realm "example.org"\n'],
    ['user show nobody', 3, 'turnctl: there is no user "nobody" in realm "example.org"\n'],
    ['user passwd nobody', 3, 'turnctl: there is no user "nobody" in realm "example.org"\n'],
    ['user remove nobody', 3, 'turnctl: there is no user "nobody" in realm "example.org"\n'],
    ['user add a\u001b[31m', 2, /^turnctl: the user name "a\\u001b\[31m" has a character that is not allowed/],
    ['user add ', 2, 'turnctl: the user name is empty\n'],
    ['peer list --realm ', 2, 'turnctl: the realm is empty\n'],
    ['peer deny 10.0.0.1 --realm ', 2, 'turnctl: the realm is empty\n'],
    ['realm list --realm ', 2, 'turnctl: the realm is empty\n'],
    ['secret remove ', 2, 'turnctl: the id of a secret has up to 12 hexadecimal digits\n'],
    ['user list --realm ', 2, 'turnctl: the realm is empty\n'],
    ['user add', 2, /missing required argument 'name'/],
    ['user add x --password-stdin --generate', 2, /cannot be used with/],
    ['user list --timeout x', 2, 'turnctl: --timeout: expected a time such as 3600, 90m, 12h or 7d, up to an hour\n'],
  ] as const) {
    t.match(await run(line, { line: PASSWORD }), { status, out: '', err }, line);
  }
  t.match(await run('user add x'), { status: 2, err: 'turnctl: no password came on standard input (one line)\n' });
  for (const length of [1025, 10_000, 100_000]) {
    const ran = await run('user add x --password-stdin', { line: 'p'.repeat(length) });
    t.match(ran, { status: 2, err: 'turnctl: the password is longer than 1024 bytes\n' });
  }
  t.match(await run('secret add --stdin', { line: 's'.repeat(10_000) }), {
    status: 2,
    err: 'turnctl: the secret is longer than 256 bytes\n',
  });
  control.store.fail(STORE_DOWN);
  t.match(await run('user list'), { status: 1, err: `turnctl: ${STORE_DOWN.message}\n` });
});

test('user: a password is never taken from, or shown on, the command line (S55)', async (t) => {
  const { run, control } = await withDaemon(t);
  for (const line of ['user add x CANARY', 'user add x --password CANARY', 'user add x --password=CANARY']) {
    const { status, out, err } = await run(line, { line: PASSWORD });
    t.equal(status, 2, line);
    t.notMatch(out + err, /CANARY/, line);
  }
  t.equal(control.store.users.size, 0);
  for (const line of ['user add x', 'user passwd x', 'user show x --json', 'user add x']) {
    const { out, err } = await run(line, { line: 'CANARY-CANARY' });
    t.notMatch(out + err, /CANARY/, line);
  }
});

test('user: a person at the terminal is asked twice, and may cancel', async (t) => {
  const { run, control } = await withDaemon(t);
  t.match(await run('user add alice', { answers: ['password-1', 'password-1'] }), {
    status: 0,
    questions: ['New password', 'The password again'],
  });
  t.match(await run('user add bob', { answers: ['password-1', 'password-2'] }), {
    status: 2,
    err: 'turnctl: the two passwords differ\n',
  });
  t.match(await run('user add bob', { answers: [null] }), { status: 1, err: 'turnctl: cancelled\n' });
  t.match(await run('user remove alice', { answers: [false] }), {
    status: 1,
    out: '',
    err: 'turnctl: nothing was changed\n',
    questions: ['Remove user alice of realm example.org?'],
  });
  t.equal(control.store.users.size, 1);
  t.match(await run('user remove alice --yes', { answers: [] }), { status: 0, questions: [] });
  t.equal(control.store.users.size, 0);
});

test('user: a password is made and shown once', async (t) => {
  const { run } = await withDaemon(t);
  const added = await run('user add alice --generate');
  t.match(added.out, /^user alice added to realm example\.org\npassword: [\w-]{24}\n$/);
  const quiet = await run('user passwd alice --generate --quiet');
  t.match(quiet.out, /^[\w-]{24}\n$/);
  t.not(added.out.slice(-25), quiet.out, 'another one each time');
  t.match(JSON.parse((await run('user add bob --generate --json')).out), { name: 'bob', password: /^[\w-]{24}$/ });
});

test('secret: made, listed without values, rotated, removed', async (t) => {
  const { run, control } = await withDaemon(t);
  t.match(await run('secret list'), { status: 0, out: 'no secrets\n' });
  t.match(await run('secret rotate'), { status: 3, err: /^turnctl: realm "example.org" has no secret to rotate/ });
  const added = await run('secret add');
  t.match(added, {
    status: 0,
    out: /^secret [0-9a-f]{12} added to realm example\.org\nsecret: made-secret-number-2\n$/,
  });
  const id = added.out.slice(7, 19);
  t.match(await run('secret list'), { out: `ID            REALM        ENDS\n${id}  example.org  never\n` });
  t.match(await run('secret rotate --grace 12h --quiet'), { status: 0, out: 'made-secret-number-3\n', err: '' });
  const listed = await run('secret list');
  t.match(listed.out, new RegExp(`^${id} {2}example\\.org {2}2026-01-01 12:00:00 UTC$`, 'm'));
  t.notMatch(listed.out + (await run('secret list --json')).out, /made-secret/);
  t.match((await run('secret list --reveal')).out, /never +made-secret-number-3\n/);
  t.match(await run('secret list --reveal --quiet'), { out: /made-secret-number-3\n/ });
  t.match(await run(`secret remove ${id.slice(0, 6)}`), { out: `secret ${id} removed from realm example.org\n` });
  t.match(await run(`secret remove ${id}`), { status: 3 });
  t.match(await run('secret rotate --grace 0'), { err: 'the other secrets of realm example.org are removed\n' });
  t.equal(control.store.secrets.length, 1);
});

test('secret: one that the operator has comes in by standard input, and is not repeated', async (t) => {
  const { run, control } = await withDaemon(t);
  const added = await run('secret add --stdin', { line: GIVEN });
  t.match(added, { status: 0, out: /^secret [0-9a-f]{12} added to realm example\.org\n$/, err: '' });
  const weak = await run('secret rotate --stdin --json', { line: 'CANARY' });
  t.ok(weak.err.startsWith(`warning: the secret ${WEAK_SECRET}\n`), weak.err);
  t.notMatch(weak.out + weak.err, /CANARY/);
  t.same(
    control.store.secrets.map(({ value }) => value),
    ['CANARY', GIVEN],
  );
  t.match(await run('secret add --stdin', { line: 'CANARY' }), { status: 1, err: /is there already/ });
  for (const line of ['secret add CANARY', 'secret add --stdin=CANARY', 'secret rotate --grace x']) {
    const refused = await run(line, { line: 'other-secret-of-test' });
    t.equal(refused.status, 2, line);
    t.notMatch(refused.out + refused.err, /CANARY/, line);
  }
});

test('peer: rules are added together or not at all, listed and removed', async (t) => {
  const { run } = await withDaemon(t);
  t.match(await run('peer deny 10.0.0.0/8 x'), {
    status: 2,
    err: 'turnctl: "x" is not an IP address or a CIDR range\n',
  });
  t.match(await run('peer list'), { status: 0, out: 'no rules\n' });
  t.match(await run('peer deny 10.0.0.0/8 10.1.0.1-10.1.0.9'), {
    status: 0,
    out: 'rule deny 10.0.0.0/8 for all realms added\nrule deny 10.1.0.1-10.1.0.9 for all realms added\n',
  });
  t.match(await run('peer allow 10.0.0.1 --realm r'), { out: 'rule allow 10.0.0.1 of realm r added\n' });
  t.match(await run('peer list'), {
    out:
      'RULE   PEERS              REALM\n' +
      'deny   10.0.0.0/8         (all)\n' +
      'deny   10.1.0.1-10.1.0.9  (all)\n' +
      'allow  10.0.0.1           r\n',
  });
  t.match(await run('peer list --quiet --realm r'), { out: 'allow 10.0.0.1\n' });
  await run('peer allow 10.0.0.0/8');
  t.match(await run('peer remove 10.0.0.0/8'), { status: 2, err: /is both allowed and denied: add --allow or --deny/ });
  t.match(await run('peer remove 10.0.0.0/8 --deny'), {
    status: 0,
    out: 'rule deny 10.0.0.0/8 for all realms removed\n',
  });
  t.match(await run('peer remove 10.0.0.0/8'), { status: 0, out: 'rule allow 10.0.0.0/8 for all realms removed\n' });
  t.match(await run('peer remove 10.0.0.0/8'), {
    status: 3,
    err: 'turnctl: there is no rule "10.0.0.0/8" for all realms: name another with --realm\n',
  });
  await run('peer allow 10.7.0.0/16');
  t.match(await run('peer remove 10.7.0.0-10.7.255.255'), { status: 0 }, 'an allowed one, in another spelling');
  t.match(await run('peer remove 10.0.0.1 --realm r', { answers: [false] }), { status: 1 });
  t.same(JSON.parse((await run('peer list --json --realm r')).out), {
    rules: [{ realm: 'r', kind: 'allow', range: '10.0.0.1' }],
  });
});

test('realm: options and origins', async (t) => {
  const { run } = await withDaemon(t);
  t.match(await run('realm set r --user-quota 5 --max-bps 0'), {
    status: 0,
    out: 'realm r: max-bps no limit, user-quota 5\n',
    err: '',
  });
  t.match(await run('realm origin add https://a.example --realm r'), {
    out: 'origin https://a.example added to realm r\n',
  });
  t.match(await run('realm list'), {
    out:
      'REALM        MAX BPS   TOTAL QUOTA  USER QUOTA  ORIGINS\n' +
      'example.org  -         -            -           0\n' +
      'r            no limit  -            5           1\n',
  });
  t.match(await run('realm list --quiet'), { out: 'example.org\nr\n' });
  t.match(await run('realm show r'), {
    out: 'realm        r\nmax-bps      no limit\ntotal-quota  -\nuser-quota   5\norigins      https://a.example\n',
  });
  t.match(await run('realm set r --max-bps none'), { out: 'realm r: max-bps -\n' });
  t.match(JSON.parse((await run('realm show r --json')).out), { maxBps: null, userQuota: 5 });
  t.match(await run('realm show'), { status: 0, out: /^realm +example\.org\n/ });
  t.match(await run('realm show gone'), { status: 3, err: 'turnctl: realm "gone" has no options and no origins\n' });
  t.match(await run('realm set r'), { status: 2, err: /^turnctl: nothing to set/ });
  t.match(await run('realm set r --max-bps -1'), { status: 2 });
  t.match(await run('realm set r --user-quota 6 --max-bps x'), {
    status: 2,
    err: /^turnctl: --max-bps: expected a whole/,
  });
  t.match(JSON.parse((await run('realm show r --json')).out), { userQuota: 5 }, 'nothing was changed');
  t.match(await run('realm origin list'), { out: 'ORIGIN             REALM\nhttps://a.example  r\n' });
  t.match(await run('realm origin add https://a.example --realm q'), { status: 1, err: /belongs to realm "r"/ });
  t.match(await run('realm origin remove https://a.example'), { out: 'origin https://a.example removed\n' });
  t.match(await run('realm origin remove https://a.example'), { status: 3 });
});

const DIRECT = /^turnd is not running: working on sqlite:\/\/\/.*turnd\.db directly\n/;

test('while turnd is down, everything works on the store of the configuration', async (t) => {
  const { run, cwd } = withoutDaemon(t);
  writeFileSync(`${cwd}/turnd.yaml`, 'realm: r.example\nauth: {users: ["static:password-of-static"]}', { mode: 0o600 });
  t.match(await run('user add alice', { line: PASSWORD }), {
    status: 0,
    out: 'user alice added to realm r.example\n',
    err: DIRECT,
  });
  t.equal(statSync(`${cwd}/.turnd`).mode & 0o777, 0o700);
  t.match(await run('user list --quiet'), { status: 0, out: 'alice\n', err: '' });
  t.match(await run('user add static', { line: PASSWORD }), {
    status: 1,
    err: /is in the configuration file/,
  });
  t.match(await run('user add alice', { line: PASSWORD }), { status: 1, err: /is there already/ });
  t.match(await run('user remove nobody'), { status: 3 });
  for (const line of ['secret add', 'secret rotate', 'secret list', 'peer deny 10.0.0.1', 'peer list', 'realm list']) {
    t.match(await run(line), { status: 0, err: DIRECT }, line);
  }
});

test('a store is made only where a configuration or a state directory is, or where it is named', async (t) => {
  const { run, cwd } = withoutDaemon(t);
  t.match(await run('user list'), {
    status: 2,
    err: /^turnctl: turnd is not running, and there is neither a configuration nor/,
  });
  t.notOk(existsSync(`${cwd}/.turnd`));
  t.match(await run(`user add alice --store sqlite:${cwd}/own.db`, { line: PASSWORD }), {
    status: 0,
    out: 'user alice added to realm turnd\n',
    err: '',
  });
  t.match(await run('user list --quiet --store sqlite:own.db'), { out: 'alice\n' });
  t.match(await run('user list --store nonsense:x'), { status: 2, err: /^turnctl: --store: not the URL of a store/ });
  t.match(await run('user list --store sqlite:/gone/x.db'), { status: 1, err: /\/gone is not a directory/ });
  const refused = await run('user list --store postgres://u:CANARY@127.0.0.1:1/x');
  t.equal(refused.status, 1);
  t.notMatch(refused.err, /CANARY/);
  t.match(await run('user list --config gone.yaml'), { status: 2, err: /cannot read .*gone\.yaml/ });
  t.match(await run('user list --socket gone.sock'), { status: 4, err: /^turnctl: turnd is not running/ });
  writeFileSync(`${cwd}/turnd.yaml`, 'store: none');
  t.match(await run('user list'), { status: 2, err: /^turnctl: the configuration has no store/ });
  writeFileSync(`${cwd}/turnd.yaml`, 'relm: x');
  t.match(await run('user list'), { status: 2, err: /turnd\.yaml:1:1 unknown key "relm"/ });
});
