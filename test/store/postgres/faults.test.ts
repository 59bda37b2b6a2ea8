// PostgreSQL under R10-R13, with wrong credentials and schemas, and over TLS.

import { postgresProgram, startPostgres } from '../../support/databases/postgres.ts';
import { describeServerFaults } from '../server-faults.ts';

describeServerFaults({
  kind: 'postgres',
  skip: postgresProgram.skip,
  start: startPostgres,
  lock: 'begin; lock table turnusers_lt in access exclusive mode; select pg_sleep(8); commit',
  countProcesses: "select count(*) from pg_stat_activity where usename = 'turnd'",
  stranger: (database, { name, password }) =>
    `create role ${name} login password '${password}'; grant connect on database ${database} to ${name}`,
  grantRead: (_database, { name }) => `grant select on turnusers_lt to ${name}`,
});
