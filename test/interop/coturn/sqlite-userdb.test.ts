// coturn and turnd on one SQLite file, made by coturn's turnadmin.

import { join } from 'node:path';
import { describeSharedDatabase } from './shared-database.ts';

describeSharedDatabase(
  'sqlite',
  async (t) => {
    const path = join(t.testdir({}), 'turndb');
    return { url: `sqlite://${path}`, adminArguments: ['-b', path], serverArgument: `--userdb=${path}` };
  },
  false,
);
