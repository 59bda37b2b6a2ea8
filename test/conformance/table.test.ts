// Every requirement of level M, S or D has a test that carries its number and a mutant that breaks it, or is named
// with the reason why not; and docs/conformance.md says the same.

import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { projectRoot } from '../support/vectors.ts';
import { readTable, renderTable, WAITING } from './table.ts';

const proofs = readTable();
const required = proofs.filter(({ row }) => row.level !== 'O' && !WAITING.has(row.id));

test('every required row has a test that carries its number', async (t) => {
  t.ok(required.length > 150);
  for (const { row, tests } of required) t.not(tests.length, 0, row.id);
});

test('every required row has a mutant', async (t) => {
  for (const { row, mutants } of required) t.not(mutants, 0, row.id);
});

test('no row waits that has a test already', async (t) => {
  for (const { row, tests } of proofs) if (WAITING.has(row.id)) t.same(tests, [], row.id);
});

test('docs/conformance.md says the same', async (t) => {
  t.equal(readFileSync(new URL('docs/conformance.md', projectRoot), 'utf8'), renderTable(proofs));
});
