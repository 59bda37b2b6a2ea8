// The contract of stores on a real MariaDB.

import { test } from 'tap';
import { openStore } from '../../../src/store/open-store.ts';
import { mariadbProgram, startMariadb } from '../../support/databases/mariadb.ts';
import { describeStore } from '../contract.ts';
import { storeUrl } from '../urls.ts';

const { skip } = mariadbProgram;
const server = skip === false ? await startMariadb() : null;

const openEmpty = async () => {
  if (server === null) throw new Error('there is no server');
  return openStore(storeUrl(server.url(await server.makeDatabase())));
};

describeStore('mysql', openEmpty, skip);

void test('the server ends', { skip }, async () => server?.close());
