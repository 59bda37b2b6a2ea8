import { test } from 'tap';
import { HandshakeBudget } from '../../src/tls/handshake-budget.ts';

test('S46 fifty handshakes at most are in progress', async (t) => {
  const budget = new HandshakeBudget(0);
  for (let count = 0; count < 50; count++) t.ok(budget.acquire(0));
  t.notOk(budget.acquire(0));
  t.notOk(budget.acquire(10_000), 'time makes no room');
  budget.release();
  t.ok(budget.acquire(10_000));
  t.notOk(budget.acquire(10_000));
});

test('S46 two hundred handshakes at most begin in a second', async (t) => {
  const budget = new HandshakeBudget(0);
  const burst = (now: number): number => {
    let begun = 0;
    for (let count = 0; count < 1000; count++) {
      if (!budget.acquire(now)) continue;
      budget.release();
      begun++;
    }
    return begun;
  };
  t.equal(burst(0), 200);
  t.equal(burst(4), 0);
  t.equal(burst(500), 100);
  t.equal(burst(3_600_000), 200, 'a quiet hour saves nothing up');
  t.equal(budget.inProgress, 0);
});
