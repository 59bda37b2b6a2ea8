// docs/metrics.md says what the code exposes.

import { test } from 'tap';
import { readPage, renewPage } from './metrics-table.ts';

test('the tables of docs/metrics.md are up to date (node dist/test/docs/metrics-table.js --write)', async (t) => {
  t.equal(readPage(), renewPage(readPage()));
});

test('a page without the marks is refused', async (t) => {
  t.throws(() => renewPage('# nothing'), /needs/);
});
