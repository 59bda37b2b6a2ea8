import { test } from 'tap';
import { CachedText, TEXT_AGE_MS } from '../../src/metrics/cached-text.ts';

test('S58 a thousand scrapes of one moment cost one collection, and none begins before the last has ended', async (t) => {
  let now = 0;
  let made = 0;
  let finish: (text: string) => void = () => undefined;
  const cache = new CachedText({
    now: () => now,
    collect: () => {
      made++;
      return new Promise((resolve) => {
        finish = resolve;
      });
    },
  });
  const waiting = Array.from({ length: 1000 }, () => cache.read());
  finish('one');
  t.same(new Set(await Promise.all(waiting)), new Set(['one']));
  now = TEXT_AGE_MS - 1;
  t.equal(await cache.read(), 'one');
  t.equal(made, 1);
  now = TEXT_AGE_MS;
  const second = [cache.read(), cache.read()];
  finish('two');
  t.same(await Promise.all(second), ['two', 'two']);
  t.equal(made, 2);
});

test('a collection that fails is told to those who wait, and tried again', async (t) => {
  let fails = true;
  const cache = new CachedText({
    now: () => 0,
    collect: async () => {
      if (fails) throw new Error('no');
      return 'yes';
    },
  });
  await t.rejects(cache.read(), { message: 'no' });
  fails = false;
  t.equal(await cache.read(), 'yes');
});
