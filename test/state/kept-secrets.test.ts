import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { keepLabUser, keepNonceKey } from '../../src/state/kept-secrets.ts';
import { StateDirectory } from '../../src/state/state-directory.ts';
import { SystemRandom } from '../../src/state/system-random.ts';

const random = new SystemRandom();

async function open(t: Test, path: string): Promise<StateDirectory> {
  const state = await StateDirectory.open(path);
  t.teardown(() => state.close());
  return state;
}

test('the nonce key has 32 bytes and survives a restart', async (t) => {
  const path = t.testdir();
  const first = await StateDirectory.open(path);
  const key = keepNonceKey(first, random);
  await first.close();
  t.equal(key.length, 32);
  t.not(key.toString('hex'), '00'.repeat(32));
  t.same(keepNonceKey(await open(t, path), random), key);
  t.equal(statSync(join(path, 'nonce-key')).mode & 0o777, 0o600);
});

test('the lab user has a long random password and survives a restart', async (t) => {
  const path = t.testdir();
  const first = await StateDirectory.open(path);
  const user = keepLabUser(first, random);
  await first.close();
  t.equal(user.name, 'lab');
  t.match(user.password, /^[A-Za-z0-9_-]{32}$/);
  t.same(keepLabUser(await open(t, path), random), user);
  t.same(JSON.parse(readFileSync(join(path, 'lab-user'), 'utf8')), user);
  t.equal(statSync(join(path, 'lab-user')).mode & 0o777, 0o600);
});

test('two state directories have different secrets', async (t) => {
  const base = t.testdir();
  const one = await open(t, join(base, 'one'));
  const two = await open(t, join(base, 'two'));
  t.notSame(keepNonceKey(one, random), keepNonceKey(two, random));
  t.not(keepLabUser(one, random).password, keepLabUser(two, random).password);
});

test('a damaged nonce key is refused by name and left as it is', async (t) => {
  const path = t.testdir({ 'nonce-key': 'short' });
  const state = await open(t, path);
  t.throws(() => keepNonceKey(state, random), { code: 'TURN_STATE_DIRECTORY', message: /nonce-key is damaged/ });
  t.equal(readFileSync(join(path, 'nonce-key'), 'utf8'), 'short');
});

test('a damaged lab user is refused by name', async (t) => {
  const path = t.testdir();
  const state = await open(t, path);
  for (const content of [
    '',
    '{',
    'null',
    '[]',
    '{"name":"lab"}',
    '{"name":"","password":"x"}',
    '{"name":1,"password":2}',
  ]) {
    writeFileSync(join(path, 'lab-user'), content);
    t.throws(
      () => keepLabUser(state, random),
      { code: 'TURN_STATE_DIRECTORY', message: /lab-user is damaged/ },
      content,
    );
  }
});
