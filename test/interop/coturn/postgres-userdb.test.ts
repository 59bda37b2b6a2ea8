// coturn and turnd on one PostgreSQL database, with the tables of coturn's own schema.sql.

import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { postgresProgram, startPostgres } from '../../support/databases/postgres.ts';
import { SQL_USER, type SqlServer } from '../../support/databases/sql-server.ts';
import { describeSharedDatabase } from './shared-database.ts';

const SCHEMA = '/usr/share/coturn/schema.sql';
const { skip } = postgresProgram;
let server: Promise<SqlServer> | null = null;

describeSharedDatabase(
  'postgres',
  async () => {
    server ??= startPostgres();
    const { port, makeDatabase, admin, url } = await server;
    const name = await makeDatabase();
    await admin(name, `set role ${SQL_USER.name}; ${readFileSync(SCHEMA, 'utf8')}`);
    const password = SQL_USER.password.replaceAll("'", "\\'");
    const connection = `host=127.0.0.1 port=${port} dbname=${name} user=${SQL_USER.name} password='${password}'`;
    return {
      url: url(name),
      adminArguments: ['-e', connection],
      serverArgument: `--psql-userdb=${connection}`,
    };
  },
  skip,
);

void test('the server ends', { skip }, async () => (await server)?.close());
