import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { projectRoot } from '../support/vectors.ts';
import { choose, faultOf, mutate, readMutants } from './mutant.ts';

const root = fileURLToPath(projectRoot);
const sample = { id: 'X', file: 'a.ts', find: 'a + b', replace: 'a - b', test: 't.ts' };

test('every listed mutant still fits its source and names a test that exists', async (t) => {
  const mutants = readMutants(root);
  t.ok(mutants.length > 0);
  for (const mutant of mutants) {
    t.equal(faultOf(mutant, readFileSync(join(root, mutant.file), 'utf8')), null, `${mutant.list} ${mutant.id}`);
    t.ok(existsSync(join(root, mutant.test)), mutant.test);
  }
});

test('a mutant must change exactly one place', async (t) => {
  t.equal(faultOf(sample, 'x = a + b;'), null);
  t.match(faultOf(sample, 'x = a * b;'), /0 times/);
  t.match(faultOf(sample, 'x = a + b + a + b;'), /2 times/);
  t.match(faultOf({ ...sample, replace: 'a + b' }, 'a + b'), /nothing/);
  t.match(faultOf({ ...sample, find: 'a\nb' }, 'a\nb'), /single line/);
  t.match(faultOf({ ...sample, id: undefined } as never, 'a + b'), /no id/);
  t.equal(mutate({ ...sample, replace: "$& $' a" }, 'x = a + b;'), "x = $& $' a;");
});

test('the same seed chooses the same mutants, no one twice', async (t) => {
  const items = Array.from({ length: 30 }, (_, index) => index);
  t.strictSame(choose(items, 10, 7), choose(items, 10, 7));
  t.notSame(choose(items, 10, 7), choose(items, 10, 8));
  t.equal(new Set(choose(items, 10, 7)).size, 10);
  t.equal(new Set(choose(items, 99, 7)).size, 30);
});
