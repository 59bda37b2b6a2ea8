import { test } from 'tap';
import { LoopLag } from '../../src/state/loop-lag.ts';

test('a loop is as late as its timer beyond the interval', async (t) => {
  let now = 0;
  const loop = new LoopLag(100, () => now);
  for (const at of [100, 199, 339]) {
    now = at;
    loop.tick();
  }
  t.ok(Math.abs(loop.lag.sum - 0.04) < 1e-9, 'early is not late');
  t.equal(loop.lag.counts[0], 2);
});
