import { test } from 'tap';
import { HandshakeBudget } from '../../src/tls/handshake-budget.ts';

test('S46 the stalled handshakes of one client leave room for others', async (t) => {
  const budget = new HandshakeBudget(0);
  for (let count = 0; count < 10; count++) t.ok(budget.acquire(0, 'mallory'));
  t.notOk(budget.acquire(0, 'mallory'));
  t.ok(budget.acquire(0, 'alice'));
  budget.release('mallory');
  t.ok(budget.acquire(0, 'mallory'));
  t.notOk(budget.acquire(10_000, 'mallory'), 'time makes no room');
});

/** How many of a thousand handshakes may begin, each of which is over at once. */
function burst(budget: HandshakeBudget, now: number, client: (count: number) => string): number {
  let begun = 0;
  for (let count = 0; count < 1000; count++) {
    if (!budget.acquire(now, client(count))) continue;
    budget.release(client(count));
    begun++;
  }
  return begun;
}

test('S46 two hundred handshakes at most begin in a second', async (t) => {
  const budget = new HandshakeBudget(0);
  const anyone = (count: number): string => `client ${count % 100}`;
  t.equal(burst(budget, 0, anyone), 200);
  t.equal(burst(budget, 4, anyone), 0);
  t.equal(burst(budget, 500, anyone), 100);
  t.equal(burst(budget, 3_600_000, anyone), 200, 'a quiet hour saves nothing up');
});

test('S46 a flood from one client leaves the others half of what may begin', async (t) => {
  const budget = new HandshakeBudget(0);
  const mallory = (): string => 'mallory';
  t.equal(burst(budget, 0, mallory), 100);
  t.equal(
    burst(budget, 0, (count) => `client ${count}`),
    100,
  );
  let [flood, others] = [0, 0];
  for (let now = 5; now < 5000; now += 5) {
    flood += burst(budget, now, mallory);
    if (now % 20 === 0 && budget.acquire(now, `other ${now}`)) others++;
  }
  t.equal(others, 249, 'fifty a second of others: all');
  t.ok(flood >= 600 && flood + others <= 1000, `${flood} of the flood: what is left, no more`);
});
