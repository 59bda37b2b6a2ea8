import { postgresProgram, startPostgres } from '../../support/databases/postgres.ts';
import { testHostileNames } from './hostile-names.ts';

testHostileNames({
  name: 'PostgreSQL',
  skip: postgresProgram.skip,
  start: async (t) => {
    const server = await startPostgres();
    t.teardown(() => server.close());
    return {
      url: server.url(await server.makeDatabase()),
      asked: async (text) => {
        const inLog = text.replaceAll("'", "''");
        const questions = server.server.output.split('\n').filter((line) => line.includes(inLog));
        return { questions, literal: ` = '${inLog}'` };
      },
    };
  },
});
