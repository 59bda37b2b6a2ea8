// When garbage is collected for a server that is short of memory, and that it is.

import { test } from 'tap';
import { collectGarbage, GarbageCollector } from '../../src/state/garbage.ts';

test('R24 it is collected when a shortage begins, every half a minute while it lasts, and not otherwise', async (t) => {
  let isShort = false;
  const collected: number[] = [];
  let now = 0;
  const collector = new GarbageCollector(
    () => isShort,
    () => collected.push(now),
  );
  for (; now < 100_000; now += 1000) {
    isShort = now >= 10_000 && now < 75_000;
    collector.tick(now);
  }
  t.same(collected, [10_000, 40_000, 70_000]);
});

test('R24 what nobody holds any more is given back', async (t) => {
  let held: object[] | null = Array.from({ length: 300_000 }, (_, index) => ({ index, text: `${index}` }));
  collectGarbage();
  const before = process.memoryUsage().heapUsed;
  t.equal(held.length, 300_000);
  held = null;
  collectGarbage();
  const freed = before - process.memoryUsage().heapUsed;
  t.ok(freed > 10_000_000, `${freed} bytes`);
});
