import { test } from 'tap';
import { HandshakeBudget } from '../../src/tls/handshake-budget.ts';

test('S46 fifty handshakes at most are in progress', async (t) => {
  const budget = new HandshakeBudget(0);
  for (let count = 0; count < 50; count++) t.ok(budget.acquire(0, `client ${count}`));
  t.notOk(budget.acquire(0, 'another'));
  t.notOk(budget.acquire(10_000, 'another'), 'time makes no room');
  budget.release('client 7');
  t.ok(budget.acquire(10_000, 'another'));
  t.notOk(budget.acquire(10_000, 'yet another'));
});

test('S46 the stalled handshakes of one client leave room for others', async (t) => {
  const budget = new HandshakeBudget(0);
  for (let count = 0; count < 10; count++) t.ok(budget.acquire(0, 'mallory'));
  t.notOk(budget.acquire(0, 'mallory'));
  t.ok(budget.acquire(0, 'alice'));
  budget.release('mallory');
  t.ok(budget.acquire(0, 'mallory'));
  t.equal(budget.inProgress, 11);
});

test('S46 two hundred handshakes at most begin in a second', async (t) => {
  const budget = new HandshakeBudget(0);
  const burst = (now: number): number => {
    let begun = 0;
    for (let count = 0; count < 1000; count++) {
      if (!budget.acquire(now, 'anyone')) continue;
      budget.release('anyone');
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
