import { test } from 'tap';
import { BUDGET_BYTES, BudgetMemory, type BudgetTable } from '../../src/limits/budget-memory.ts';

const TABLES: readonly BudgetTable[] = [
  ...(['error-sources', 'error-networks', 'binding-sources', 'binding-networks'] as const),
  ...(['login-sources', 'login-networks', 'login-user-sources', 'login-user-networks'] as const),
  ...(['login-known', 'login-said', 'user-rates', 'server-rates'] as const),
];

test('no table shares memory with another or with the seeds, and nothing is left over', async (t) => {
  const bytes = new Uint8Array(BUDGET_BYTES);
  const memory = new BudgetMemory(bytes);
  for (const name of TABLES) {
    const table = memory.table(name);
    t.ok(
      table.every((value) => value === 0),
      `${name} is nobody else's`,
    );
    t.equal(Math.log2(table.length) % 1, 0, 'a power of two');
    table.fill(Math.PI);
  }
  t.same([memory.seedA, memory.seedB], [0, 0]);
  memory.sow({ fill: (target) => target.fill(0xff) });
  t.same([memory.seedA, memory.seedB], [0xffff_ffff, 0xffff_ffff]);
  t.notOk(bytes.includes(0, 8 + 7), 'up to the end');
  for (const name of TABLES) t.ok(memory.table(name).every((value) => value === Math.PI));
});

test('who sees the same bytes sees the same tables and seeds', async (t) => {
  const bytes = new Uint8Array(BUDGET_BYTES + 16).subarray(16);
  const [one, other] = [new BudgetMemory(bytes), new BudgetMemory(bytes)];
  one.sow({ fill: (target) => target.set(target.map((_, index) => index + 1)) });
  one.table('binding-networks')[3] = 7;
  t.equal(other.table('binding-networks')[3], 7);
  t.same([other.seedA, other.seedB], [one.seedA, one.seedB]);
  t.not(other.seedA, other.seedB);
});
