// `turnctl oauth-key`: through a running turnd, and on the store itself while none runs.

import { test } from 'tap';
import { FAKE_NOW } from '../support/fake-control.ts';
import { STORE_DOWN } from '../support/memory-store.ts';
import { type Run, turnctl, withDaemon, withoutDaemon } from '../support/turnctl-run.ts';

const GIVEN = Buffer.alloc(16, 'canary').toString('base64');

test('oauth-key: added, listed, shown, changed, removed', async (t) => {
  const { run, control } = await withDaemon(t);
  t.match(await run('oauth-key list'), { status: 0, out: 'no OAuth keys\n', err: '' });
  t.match(await run('oauth-key add north'), {
    status: 0,
    out: /^OAuth key north added to realm example\.org\nkey: [\w+/]{43}=\n$/,
    err: '',
  });
  t.match(await run('oauth-key add union --algorithm A128GCM --stdin --realm other', { line: GIVEN }), {
    status: 0,
    out: 'OAuth key union added to realm other\n',
    err: '',
  });
  t.match(await run('oauth-key list'), {
    status: 0,
    out: 'ID     REALM        ALGORITHM  ENDS\nnorth  example.org  A256GCM    never\nunion  other        A128GCM    never\n',
  });
  t.match(await run('oauth-key list --quiet --realm other'), { status: 0, out: 'union\n' });
  const union = { kid: 'union', realm: 'other', algorithm: 'A128GCM', startsAt: FAKE_NOW, expiresAt: null };
  t.strictSame(JSON.parse((await run('oauth-key list --json --realm other')).out), { keys: [union] });
  t.match(await run('oauth-key show union'), {
    status: 0,
    out: 'ID         union\nrealm      other\nalgorithm  A128GCM\nstarts     2026-01-01 00:00:00 UTC\nends       never\n',
  });
  t.match(await run('oauth-key show union --reveal'), { status: 0, out: new RegExp(`\nkey {8}${GIVEN}\n$`) });
  t.match(await run('oauth-key show union --reveal --quiet'), { status: 0, out: `${GIVEN}\n` });
  t.match(await run('oauth-key set union --expires never --realm example.org'), {
    status: 0,
    out: 'OAuth key union of realm example.org ends: never\n',
  });
  t.match(await run('oauth-key set union --expires 10m'), {
    status: 0,
    out: /^OAuth key union of realm example\.org ends: \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC\n$/,
  });
  t.match(await run('oauth-key remove union', { answers: [false] }), {
    status: 1,
    questions: ['Remove OAuth key union? Tokens under it are refused by coturn.'],
    err: 'turnctl: nothing was changed\n',
  });
  t.match(await run('oauth-key remove union'), { status: 0, out: 'OAuth key union is removed\n' });
  t.match(await control.store.listOauthKeys(), [{ kid: 'north' }]);
});

test('oauth-key: what is refused, without a word of the key', async (t) => {
  const { run, control } = await withDaemon(t);
  await run('oauth-key add north');
  for (const [line, status, err] of [
    ['oauth-key add north', 1, /"north" is there already/],
    ['oauth-key add ', 2, 'turnctl: the ID of the key is empty\n'],
    ['oauth-key add x --stdin', 2, 'turnctl: the key is too short: A256GCM needs 32 bytes, in Base64\n'],
    ['oauth-key add x --algorithm HS256', 2, /Allowed choices are A256GCM, A128GCM/],
    ['oauth-key add x --expires soon', 2, /--expires: expected a time/],
    ['oauth-key add x --expires 100000d', 2, /the end of a key must be later than its start/],
    [`oauth-key add x ${GIVEN}`, 2, /too many arguments/],
    ['oauth-key show nobody', 3, 'turnctl: there is no OAuth key "nobody"\n'],
    ['oauth-key show ', 2, 'turnctl: the ID of the key is empty\n'],
    ['oauth-key set north', 2, 'turnctl: give --expires, --realm or both\n'],
    ['oauth-key set nobody --expires never', 3, 'turnctl: there is no OAuth key "nobody"\n'],
    ['oauth-key remove nobody', 3, 'turnctl: there is no OAuth key "nobody"\n'],
    ['oauth-key remove ', 2, 'turnctl: the ID of the key is empty\n'],
    ['oauth-key list --realm ', 2, 'turnctl: the realm is empty\n'],
  ] as const) {
    const ran = await run(line, { line: GIVEN });
    t.match(ran, { status, out: '', err }, line);
    t.notMatch(ran.err, GIVEN);
  }
  control.store.fail(STORE_DOWN);
  t.match(await run('oauth-key list'), { status: 1, err: `turnctl: ${STORE_DOWN.message}\n` });
});

test('oauth-key: while no turnd runs, the store itself is worked on', async (t) => {
  const { cwd } = withoutDaemon(t);
  const run: Run = (line, options) => turnctl(`${line} --store sqlite:keys.db`, { cwd, ...options });
  t.match(await run('oauth-key add north --quiet'), { status: 0, out: /^[\w+/]{43}=\n$/ });
  t.match(await run('oauth-key list --quiet'), { status: 0, out: 'north\n' });
  t.match(await run('oauth-key remove north --yes'), { status: 0 });
  t.match(await run('oauth-key remove north --yes'), { status: 3 });
  t.match(await turnctl('oauth-key list --socket none.sock', { cwd }), { status: 4, err: /turnd is not running/ });
});
