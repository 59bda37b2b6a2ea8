// Every item of the security and reliability bar has a test that carries its number and a mutant that breaks it, or is
// named with the reason why not; and docs/security.md says the same.

import { test } from 'tap';
import { LIMITS, OPEN, readItems, readPage, renewPage } from './table.ts';

const items = readItems();

test('every item has a test that carries its number and a mutant that breaks it, or a reason why not', async (t) => {
  t.equal(items.length, 65 + 34);
  for (const { item, tests, mutants } of items) {
    const isProven = tests.length > 0 && mutants > 0;
    t.not(isProven, OPEN.has(item.id), `${item.id}: ${tests.length} tests, ${mutants} mutants`);
  }
});

test('what is said of items is said of items that there are', async (t) => {
  const ids = new Set(items.map(({ item }) => item.id));
  for (const id of [...OPEN.keys(), ...LIMITS.keys()]) t.ok(ids.has(id), id);
});

test('docs/security.md says the same', async (t) => {
  t.equal(readPage(), renewPage(readPage(), items));
});
