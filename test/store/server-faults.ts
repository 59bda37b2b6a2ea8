// What SQL stores do when their server dies, hangs, is not there or says no (R10-R13): one suite over a real server
// of any kind, which really is killed and stopped.

import { readdirSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { inspect } from 'node:util';
import { type Test, test } from 'tap';
import { StoreError, type StoreFault } from '../../src/errors.ts';
import { openStore } from '../../src/store/open-store.ts';
import type { Store } from '../../src/store/store.ts';
import { SQL_USER, type SqlServer, type SqlServerOptions, type SqlUser } from '../support/databases/sql-server.ts';
import { findFreePort } from '../support/free-ports.ts';
import { userOf } from './contract.ts';
import { storeUrl } from './urls.ts';

/** What differs between the servers. */
export interface ServerUnderTest {
  readonly kind: 'postgres' | 'mysql';
  readonly skip: string | false;
  start(options?: SqlServerOptions): Promise<SqlServer>;
  /** SQL that locks the table of users for 8 seconds. */
  readonly lock: string;
  /** SQL that counts what the server does for the user of the databases. */
  readonly countProcesses: string;
  /** SQL that makes a user who may connect to the database, and nothing else. */
  stranger(database: string, user: SqlUser): string;
  /** SQL that lets that user read coturn's table of users. */
  grantRead(database: string, user: SqlUser): string;
}

const USER = userOf('r', 'alice', 'p');
const NOBODY = { realm: 'r', name: 'nobody' };
/** A call ends in 2 s; what is more is the machine's. */
const CALL_LIMIT_MS = 2600;

/** A test takes seconds: several calls in a row that take all their time. */
const TEST_LIMIT_MS = 30_000;

/** Runs the suite. */
export function describeServerFaults(under: ServerUnderTest): void {
  const { kind, skip } = under;

  // One server for all: each test has a database of its own, and leaves the server running.
  let shared: Promise<SqlServer> | null = null;
  const withServer = (
    behaviour: string,
    run: (t: Test, server: SqlServer, database: string) => Promise<void>,
  ): void => {
    void test(`${kind}: ${behaviour}`, { skip, timeout: TEST_LIMIT_MS }, async (t) => {
      shared ??= under.start();
      const server = await shared;
      await run(t, server, await server.makeDatabase());
    });
  };
  const open = async (t: Test, url: string): Promise<Store> => {
    const store = await openStore(storeUrl(url));
    t.teardown(() => store.close());
    return store;
  };

  withServer('R10: a killed server costs calls, and is found again', async (t, server, database) => {
    const store = await open(t, server.url(database));
    await store.putUser(USER);
    await server.server.kill();
    for (const call of [store.findUser(USER), store.snapshot(), store.putUser(USER), store.ping()]) {
      await isFault(t, call, 'unreachable');
    }
    const before = descriptors();
    for (let round = 0; round < 20; round++) await isFault(t, store.findUser(USER), 'unreachable');
    t.equal(descriptors(), before, 'no descriptor stays');
    await server.server.start();
    t.same((await store.findUser(USER))?.md5Key, USER.md5Key);
  });

  withServer('R10: idle connections that died with the server are not used again', async (t, server, database) => {
    const store = await open(t, server.url(database));
    await Promise.all(Array.from({ length: 20 }, () => store.findUser(USER)));
    await server.server.stop();
    await server.server.start();
    t.equal(await store.findUser(USER), null);
  });

  withServer('R11: calls to a stopped server end in time, each by itself', async (t, server, database) => {
    const before = descriptors();
    const store = await open(t, server.url(database));
    await store.putUser(USER);
    t.ok(descriptors() > before);
    server.server.pause();
    t.teardown(() => server.server.resume());
    const start = performance.now();
    const calls = Array.from({ length: 40 }, () => outcomeOf(store.findUser(USER)));
    const first = await Promise.all(calls);
    t.ok(performance.now() - start < CALL_LIMIT_MS, `${performance.now() - start} ms`);
    t.same([...new Set(first.map(({ fault }) => fault))], ['timeout']);
    const late = await Promise.all([store.ping(), store.putUser(USER), store.snapshot()].map(outcomeOf));
    t.same([...new Set(late.map(({ fault }) => fault))], ['timeout']);
    await untilDescriptors(before);
    t.equal(descriptors(), before, 'no connection that timed out is kept');
    server.server.resume();
    t.same((await store.findUser(USER))?.md5Key, USER.md5Key);
    t.ok(descriptors() <= before + 4);
  });

  withServer('R11: no more than 1,000 calls wait', async (t, server, database) => {
    const store = await open(t, server.url(database));
    server.server.pause();
    t.teardown(() => server.server.resume());
    const calls = Array.from({ length: 1200 }, () => outcomeOf(store.findUser(NOBODY)));
    const outcomes = await Promise.all(calls);
    t.equal(outcomes.filter(({ message }) => message.includes('too many calls wait')).length, 196);
    t.equal(outcomes.filter(({ fault }) => fault === 'timeout').length, 1200);
    server.server.resume();
    t.equal(await store.findUser(NOBODY), null);
  });

  withServer('R11: a store closes while its server is stopped', async (t, server, database) => {
    const store = await open(t, server.url(database));
    server.server.pause();
    t.teardown(() => server.server.resume());
    const calls = [store.ping(), store.findUser(NOBODY)].map(outcomeOf);
    const start = performance.now();
    await store.close();
    for (const { fault } of await Promise.all(calls)) t.ok(fault);
    t.ok(performance.now() - start < 1000);
  });

  withServer('R12: a server that is slow ends what nobody waits for', async (t, server, database) => {
    const store = await open(t, server.url(database));
    await store.putUser(USER);
    const locked = server.admin(database, under.lock);
    t.teardown(() => locked);
    let fault: StoreFault | null = null;
    while (fault === null) fault = (await outcomeOf(store.findUser(USER))).fault;
    t.equal(fault, 'timeout');
    for (let round = 0; round < 2; round++) {
      const ends = await Promise.all(Array.from({ length: 12 }, () => outcomeOf(store.findUser(USER))));
      for (const end of ends) t.match(end, { fault: 'timeout', message: /it did not answer in time/ });
    }
    const processes = Number(await server.admin(database, under.countProcesses));
    t.ok(processes <= 8, `${processes} processes are there, not one for each call`);
    await locked;
    t.same((await store.findUser(USER))?.md5Key, USER.md5Key);
  });

  withServer('R13: a server that is absent at the start is found later', async (t, server, database) => {
    await server.server.stop();
    const store = await open(t, server.url(database));
    await isFault(t, store.ping(), 'unreachable', /connection refused\): start the database/);
    await server.server.start();
    await store.putUser(USER);
    t.ok(await store.findUser(USER));
  });

  withServer('R13: a server that is stopped at the start is found later', async (t, server, database) => {
    server.server.pause();
    t.teardown(() => server.server.resume());
    const start = performance.now();
    const store = await open(t, server.url(database));
    t.ok(performance.now() - start < CALL_LIMIT_MS);
    server.server.resume();
    await store.ping();
  });

  withServer('what somebody has to mend is said at once', async (t, server, database) => {
    const refused = async (url: string, sentence: RegExp): Promise<void> => {
      const outcome = await outcomeOf(openStore(storeUrl(url)));
      t.match(outcome, { fault: 'denied', message: sentence });
      for (const secret of [SQL_USER.password, 'wr0ng-Canary']) t.notOk(outcome.text.includes(secret), outcome.text);
    };
    const wrong = { name: SQL_USER.name, password: 'wr0ng-Canary' };
    await refused(server.url(database, wrong), /wrong password for turnd.*correct user and password/);
    await refused(server.url('none'), /(no database none|[Aa]ccess denied.* to database 'none')/);
    await refused(`${server.url(database)}?tls=true`, /TLS: it does not offer any/);
    await refused(`${server.url(database)}?tls=true&ca=/none.pem`, /\/none\.pem: no such file/);
    const unknown = server.url(database).replace('127.0.0.1', 'nosuch.invalid');
    const store = await open(t, unknown);
    await isFault(t, store.ping(), 'unreachable', /host/);
    t.notOk(store.name.includes(SQL_USER.password));
  });

  withServer('missing permissions are named with what grants them', async (t, server, database) => {
    await (await openStore(storeUrl(server.url(database)))).close();
    const stranger = { name: 'stranger', password: 'nothing-2' };
    await server.admin(database, under.stranger(database, stranger));
    const { fault, message } = await outcomeOf(openStore(storeUrl(server.url(database, stranger))));
    t.equal(fault, 'denied');
    t.match(message, /denied.*turnusers_lt.*GRANT/);
  });

  withServer('a role that may only read an old schema is enough', async (t, server, database) => {
    const reader = { name: 'reader', password: 'nothing-3' };
    const hmackey = USER.md5Key.toString('hex').toUpperCase();
    const table = 'create table turnusers_lt (realm varchar(127), name varchar(512), hmackey varchar(40))';
    await server.admin(database, `${table}; insert into turnusers_lt values ('r', 'alice', '${hmackey}')`);
    await server.admin(database, `${under.stranger(database, reader)}; ${under.grantRead(database, reader)}`);
    const store = await open(t, server.url(database, reader));
    t.same((await store.findUser(USER))?.md5Key, USER.md5Key);
    t.same((await store.snapshot()).secrets, [], 'tables that lack are empty');
    await isFault(t, store.putUser(USER), 'denied', /turnd_user_key is missing and cannot be made/);
    await isFault(t, store.putUser({ ...USER, sha256Key: null }), 'denied', /denied.*GRANT/);
  });

  withServer('a wrong schema is a named fault', async (t, server, database) => {
    await server.admin(database, 'create table turnusers_lt (realm varchar(127), name varchar(512), secret text)');
    const grant = kind === 'postgres' ? `alter table turnusers_lt owner to ${SQL_USER.name}` : 'select 1';
    await server.admin(database, grant);
    const { fault, message } = await outcomeOf(openStore(storeUrl(server.url(database))));
    t.match({ fault, message }, { fault: 'schema', message: /hmackey.*compare the tables with coturn's schema\.sql/ });
  });

  withServer('a table that was dropped is made again', async (t, server, database) => {
    const store = await open(t, server.url(database));
    await store.putUser(USER);
    await server.admin(database, 'drop table turnusers_lt');
    await isFault(t, store.findUser(USER), 'schema');
    t.equal(await store.findUser(USER), null);
    await store.putUser(USER);
  });

  void test(`${kind}: TLS: only the right authority and name are trusted`, { skip }, async (t) => {
    const server = await under.start({ tls: true });
    t.teardown(() => server.close());
    await checkTls(t, server, await server.makeDatabase());
  });

  void test(`${kind}: the server ends`, { skip }, async () => (await shared)?.close());
}

async function checkTls(t: Test, server: SqlServer, database: string): Promise<void> {
  const { ca, otherCa } = server.authority ?? { ca: '', otherCa: '' };
  const works = async (query: string): Promise<void> => {
    const store = await openStore(storeUrl(`${server.url(database)}?${query}`));
    await store.putUser(USER);
    t.ok(await store.findUser(USER), query);
    await store.close();
  };
  const isRefused = async (query: string, sentence: RegExp): Promise<void> => {
    const outcome = await outcomeOf(openStore(storeUrl(`${server.url(database)}?${query}`)));
    t.match(outcome, { fault: 'denied', message: sentence }, query);
  };
  await works(`tls=true&ca=${ca}`);
  await works(`tls=true&ca=${ca}&servername=db.example.org`);
  await works(`tls=verify-ca&ca=${ca}`);
  await works('sslmode=require');
  await works(`tls=verify-ca&ca=${ca}&servername=other.example`);
  await works('tls=off');
  await isRefused('tls=true', /TLS: .*not trusted: name it by \?ca=/);
  await isRefused(`tls=true&ca=${otherCa}`, /TLS: /);
  await isRefused(`tls=verify-ca&ca=${otherCa}`, /TLS: /);
  await isRefused(`sslmode=require&sslrootcert=${otherCa}`, /TLS: /);
  await isRefused(`tls=true&ca=${ca}&servername=other.example`, /TLS: its certificate is for another name/);
  const elsewhere = server.url(database).replace(`${server.port}`, `${await findFreePort('127.0.0.1')}`);
  const store = await openStore(storeUrl(`${elsewhere}?tls=true&ca=${ca}`));
  await isFault(t, store.ping(), 'unreachable');
  await store.close();
}

interface Outcome {
  readonly fault: StoreFault | null;
  readonly message: string;
  /** All that a log could show of it. */
  readonly text: string;
}

/** How a call ended: its fault, or null. Rejects with whatever else it is. */
async function outcomeOf(call: Promise<unknown>): Promise<Outcome> {
  try {
    await call;
    return { fault: null, message: '', text: '' };
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    const cause = error.cause instanceof Error ? error.cause : null;
    const text = `${error.stack} ${cause?.stack} ${inspect(error)}`;
    return { fault: error.fault, message: error.message, text };
  }
}

async function isFault(t: Test, call: Promise<unknown>, fault: StoreFault, sentence = /./): Promise<void> {
  t.match(await outcomeOf(call), { fault, message: sentence });
}

/** How many descriptors this process has open. */
function descriptors(): number {
  return readdirSync('/proc/self/fd').length;
}

/** Resolves once no more than `count` are open: the last calls end in the same moment as the first. */
async function untilDescriptors(count: number): Promise<void> {
  while (descriptors() > count) await wait(5);
}
