import { join } from 'node:path';
import { temporaryDirectory } from '../../support/turnd-process.ts';
import { testHostileNames } from './hostile-names.ts';

testHostileNames({
  name: 'SQLite',
  skip: false,
  start: async (t) => ({ url: `sqlite://${join(temporaryDirectory(t), 'users.db')}`, asked: null }),
});
