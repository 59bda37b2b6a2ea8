// MariaDB under R10-R13, with wrong credentials and schemas, and over TLS.

import { mariadbProgram, startMariadb } from '../../support/databases/mariadb.ts';
import { describeServerFaults } from '../server-faults.ts';

describeServerFaults({
  kind: 'mysql',
  skip: mariadbProgram.skip,
  start: startMariadb,
  lock: 'lock tables turnusers_lt write; select sleep(8)',
  countProcesses: "select count(*) from information_schema.processlist where user = 'turnd'",
  // Without a right in a database nobody may connect to it: so one to something of no use.
  stranger: (database, { name, password }) =>
    `create user ${name}@'127.0.0.1' identified by '${password}'; ` +
    `create table other (a int); grant select on ${database}.other to ${name}@'127.0.0.1'`,
  // One who may read a single table is told of no other whether it is there.
  grantRead: (database, { name }) => `grant select on ${database}.* to ${name}@'127.0.0.1'`,
});
