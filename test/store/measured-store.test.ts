import { test } from 'tap';
import { measuredStore, StoreCounters } from '../../src/store/measured-store.ts';
import { memoryStore, STORE_DOWN } from '../support/memory-store.ts';

test('calls of a store are timed, and failed ones counted by their fault', async (t) => {
  let now = 0;
  const counters = new StoreCounters();
  const bare = memoryStore();
  const store = measuredStore(bare, counters, () => {
    now += 20;
    return now;
  });
  await store.ping();
  t.equal(await store.findUser({ realm: 'r', name: 'nobody' }), null);
  bare.fail(STORE_DOWN);
  await t.rejects(store.snapshot(), STORE_DOWN);
  bare.fail(new TypeError('a bug'));
  await t.rejects(store.ping(), TypeError);
  t.same(
    [...counters.faults],
    [
      ['unreachable', 1],
      ['failed', 1],
    ],
  );
  t.ok(Math.abs(counters.calls.sum - 0.08) < 1e-9);
  t.equal(
    counters.calls.counts.reduce((sum, count) => sum + count),
    4,
  );
});
