// The contract of stores on SQLite, by each of its libraries that is there.

import { join } from 'node:path';
import { openSqliteStore } from '../../../src/store/sqlite/open-sqlite-store.ts';
import { sqliteLibraries } from '../../../src/store/sqlite/sqlite-database.ts';
import { describeStore } from '../contract.ts';

for (const library of sqliteLibraries(process.versions.node)) {
  const open = (path: string) => openSqliteStore({ kind: 'sqlite', path }, [library]);
  describeStore('sqlite', (t) => open(join(t.testdir({}), 'turnd.db')), false);
}
