// docs/coturn.md says what the code does.

import { test } from 'tap';
import { optionNames } from '../../src/coturn/options.ts';
import { readPage, renewPage } from './coturn-table.ts';

test('the table of docs/coturn.md is up to date (node dist/test/docs/coturn-table.js --write)', async (t) => {
  t.equal(readPage(), renewPage(readPage()));
});

test('every option is in it', async (t) => {
  for (const name of optionNames()) t.match(readPage(), new RegExp(`^\\| \`${name}\` \\| [^|]+ \\|`, 'm'), name);
});

test('a page without the marks is refused', async (t) => {
  t.throws(() => renewPage('# nothing'), /needs/);
});
