import { test } from 'tap';
import { MAX_REVOKED_NAMES, RevokedNames } from '../../src/auth/revoked-names.ts';

test('a name is refused until it would have expired, and then forgotten', async (t) => {
  let now = 1_000_000;
  const names = new RevokedNames(() => now);
  t.equal(names.add({ username: '1100:a', expiry: 1100 }), true);
  t.equal(names.add({ username: '1100:a', expiry: 1100 }), true);
  t.equal(names.add({ username: '1000:b', expiry: 1000 }), true, 'nothing to be done');
  t.same([names.has('1100:a'), names.has('1000:b'), names.has('1100:A')], [true, false, false]);
  t.same(names.list(), [{ username: '1100:a', expiry: 1100 }]);
  now = 1_100_000;
  t.same(names.list(), []);
  t.equal(names.has('1100:a'), false);
});

test('the list has an end, and room again when names have expired', async (t) => {
  let now = 0;
  const names = new RevokedNames(() => now);
  for (let at = 0; at < MAX_REVOKED_NAMES; at++)
    names.add({ username: `${at < 5 ? 10 : 20}:${at}`, expiry: at < 5 ? 10 : 20 });
  t.equal(names.add({ username: '20:more', expiry: 20 }), false);
  t.equal(names.add({ username: '20:7', expiry: 20 }), true, 'which is there already');
  now = 10_000;
  t.equal(names.add({ username: '20:more', expiry: 20 }), true);
  t.equal(names.list().length, MAX_REVOKED_NAMES - 4);
});
