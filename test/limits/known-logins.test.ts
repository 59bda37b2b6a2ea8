import { test } from 'tap';
import { KnownLogins } from '../../src/limits/known-logins.ts';

const HOUR = 3_600_000;

test('a login is known for an hour, from the first moment of the clock on', async (t) => {
  for (const start of [0, 999, 1e12]) {
    const known = new KnownLogins(new Float64Array(16));
    t.notOk(known.has(5, 7, start), 'nobody is known before');
    known.add(5, 7, start);
    t.ok(known.has(5, 7, start));
    t.ok(known.has(5, 7, start + HOUR - 1000));
    t.notOk(known.has(5, 7, start + HOUR + 2000));
  }
});

test('who falls on the same place is known only by the second hash, and the later one stays', async (t) => {
  const known = new KnownLogins(new Float64Array(16));
  known.add(5, 7, 0);
  t.notOk(known.has(5, 8, 0));
  t.notOk(known.has(5, 0, 0));
  t.notOk(known.has(6, 7, 0));
  known.add(5 + 16, -8, 0);
  t.ok(known.has(5, -8, 0));
  t.notOk(known.has(5, 7, 0));
});
