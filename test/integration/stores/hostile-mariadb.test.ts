import { readFileSync } from 'node:fs';
import { mariadbProgram, startMariadb } from '../../support/databases/mariadb.ts';
import { testHostileNames } from './hostile-names.ts';

testHostileNames({
  name: 'MariaDB',
  skip: mariadbProgram.skip,
  start: async (t) => {
    const server = await startMariadb();
    t.teardown(() => server.close());
    const database = await server.makeDatabase();
    const log = await server.admin(database, 'select @@general_log_file');
    return {
      url: server.url(database),
      asked: async (text) => {
        const inLog = text.replaceAll("'", "\\'").replaceAll('"', '\\"');
        const lines = readFileSync(log, 'utf8').split('\n');
        return { questions: lines.filter((line) => line.includes(inLog)), literal: ` = '${inLog}'` };
      },
    };
  },
});
