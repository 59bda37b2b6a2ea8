// coturn and turnd on one MariaDB database, with the tables of coturn's own schema.sql: their collation takes letters
// of either case for equal, and spaces at the end for nothing.

import { readFileSync } from 'node:fs';
import { test } from 'tap';
import { mariadbProgram, startMariadb } from '../../support/databases/mariadb.ts';
import { SQL_USER, type SqlServer } from '../../support/databases/sql-server.ts';
import { describeSharedDatabase } from './shared-database.ts';

const SCHEMA = '/usr/share/coturn/schema.sql';
const { skip } = mariadbProgram;
let server: Promise<SqlServer> | null = null;

describeSharedDatabase(
  'mysql',
  async () => {
    server ??= startMariadb();
    const { port, makeDatabase, admin, url } = await server;
    const name = await makeDatabase();
    await admin(name, readFileSync(SCHEMA, 'utf8'));
    const connection =
      `host=127.0.0.1 port=${port} dbname=${name} user=${SQL_USER.name} password=${SQL_USER.password} ` +
      'connect_timeout=10 read_timeout=10';
    return {
      url: url(name),
      adminArguments: ['-M', connection],
      serverArgument: `--mysql-userdb=${connection}`,
    };
  },
  skip,
);

void test('the server ends', { skip }, async () => (await server)?.close());
