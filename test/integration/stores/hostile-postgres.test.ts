import { postgresProgram, startPostgres } from '../../support/databases/postgres.ts';
import { testHostileNames } from './hostile-names.ts';

testHostileNames({
  name: 'PostgreSQL',
  skip: postgresProgram.skip,
  start: async (t) => {
    const server = await startPostgres();
    t.teardown(() => server.close());
    const database = await server.makeDatabase();
    let questions = 0;
    return {
      url: server.url(database),
      asked: async (text) => {
        // Its log comes through a pipe, in order: what was asked before this stands before it.
        const last = `the end of question ${++questions}`;
        await server.admin(database, `select '${last}'`);
        await server.server.hasSaid(last);
        const inLog = text.replaceAll("'", "''");
        const lines = server.server.output.split('\n');
        return { questions: lines.filter((line) => line.includes(inLog)), literal: ` = '${inLog}'` };
      },
    };
  },
});
