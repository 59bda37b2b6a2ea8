// The contract of stores on a real PostgreSQL.

import { test } from 'tap';
import { openStore } from '../../../src/store/open-store.ts';
import { postgresProgram, startPostgres } from '../../support/databases/postgres.ts';
import { describeStore } from '../contract.ts';
import { storeUrl } from '../urls.ts';

const { skip } = postgresProgram;
const server = skip === false ? await startPostgres() : null;

const openEmpty = async () => {
  if (server === null) throw new Error('there is no server');
  return openStore(storeUrl(server.url(await server.makeDatabase())));
};

describeStore('postgres', openEmpty, skip);

void test('the server ends', { skip }, async () => server?.close());
