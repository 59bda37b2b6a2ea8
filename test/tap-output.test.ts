import { test } from 'tap';
import { summaryIn, TapFailures } from './tap-output.ts';

const OUTPUT = `TAP version 14
# Subtest: dist/test/a.test.js
    # Subtest: good
        ok 1 - should be equal
        not ok 2 - later # TODO not built
        1..2
    ok 1 - good # time=1.2ms
    # Subtest: bad
        ok 1 - should be equal
        not ok 2 - should be equal
          ---
          not ok of a diagnostic
          ...
        1..2
    not ok 2 - bad # time=3ms
    1..2
    # failed 1 of 2 tests
not ok 1 - dist/test/a.test.js # time=40ms
  ---
  exitCode: 1
  ...
# Subtest: dist/test/b.test.js
    # Subtest: never ends
not ok 2 - dist/test/b.test.js # time=600000ms
`;

test('what failed is named by its file and tests, once', async (t) => {
  const failures = new TapFailures();
  for (const line of OUTPUT.split('\n')) failures.read(line);
  t.strictSame(failures.found, ['dist/test/a.test.js > bad > should be equal', 'dist/test/b.test.js']);
});

test('the count of a run is its own line, not that of a test in it', async (t) => {
  t.strictSame(summaryIn('# { total: 7, pass: 4, fail: 1, todo: 1, skip: 1 }'), { pass: 4, fail: 1, skip: 2 });
  t.strictSame(summaryIn('# { total: 3, pass: 3 }'), { pass: 3, fail: 0, skip: 0 });
  t.equal(summaryIn('    # { total: 3, pass: 3 }'), null);
});
