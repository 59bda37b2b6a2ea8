// A turnd on a real store: which kinds there are, how they are filled, and clients that know how long to wait.

import { openStore } from '../../../src/store/open-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { parseStoreUrl } from '../../../src/store/store-url.ts';
import { longTermKeyMd5 } from '../../../src/stun/keys.ts';
import { mariadbProgram, startMariadb } from '../../support/databases/mariadb.ts';
import { postgresProgram, startPostgres } from '../../support/databases/postgres.ts';
import { redisProgram, startRedis } from '../../support/databases/redis.ts';
import type { ServerProcess } from '../../support/databases/server-process.ts';
import { RawClient, REQUEST } from '../../support/raw-client.ts';
import { bareFlags, type Teardown, TurndProcess, temporaryDirectory } from '../../support/turnd-process.ts';
import { lifetime } from '../../support/wire-attributes.ts';

export const REALM = 'example.org';

/** A database server and the URL of an empty store on it. */
export interface TestDatabase {
  readonly url: string;
  readonly server: ServerProcess;
  close(): Promise<void>;
}

/** A kind of store behind a server. */
export interface ServerKind {
  readonly name: string;
  readonly skip: string | false;
  start(): Promise<TestDatabase>;
}

async function onSql(starting: ReturnType<typeof startPostgres>): Promise<TestDatabase> {
  const { makeDatabase, url, server, close } = await starting;
  return { url: url(await makeDatabase()), server, close };
}

export const POSTGRES: ServerKind = {
  name: 'PostgreSQL',
  skip: postgresProgram.skip,
  start: () => onSql(startPostgres()),
};

export const MARIADB: ServerKind = { name: 'MariaDB', skip: mariadbProgram.skip, start: () => onSql(startMariadb()) };

export const REDIS: ServerKind = { name: 'Redis', skip: redisProgram.skip, start: () => startRedis() };

/** Opens a store as a colleague of turnd would: changes through it are changes by others. */
export async function openAside(t: Teardown, url: string): Promise<Store> {
  const parsed = parseStoreUrl(url, (path) => path);
  if ('error' in parsed) throw new Error(parsed.error);
  const store = await openStore(parsed.value);
  t.teardown(() => store.close());
  return store;
}

/** Adds a user whose password is `secret-of-<name>`. */
export async function addUser(store: Store, name: string, realm: string = REALM): Promise<void> {
  const md5Key = longTermKeyMd5(name, realm, `secret-of-${name}`);
  await store.putUser({ realm, name, md5Key, sha256Key: null });
}

/** How a turnd is started on a store. */
export interface StoreStart {
  readonly url: string;
  readonly flags?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Where it keeps its state: a new one by default. */
  readonly directory?: string;
}

/** Starts turnd on a store, and waits until it serves. */
export function startOn(t: Teardown, url: string, ...flags: readonly string[]): Promise<TurndProcess> {
  return startWith(t, { url, flags });
}

/** As {@link startOn}. */
export async function startWith(t: Teardown, start: StoreStart): Promise<TurndProcess> {
  const { url, flags = [], env = {}, directory = temporaryDirectory(t) } = start;
  const all = [...bareFlags(directory), '--listen', 'udp://127.0.0.1:0', '--realm', REALM, ...flags];
  const server = new TurndProcess(all, { env: { TURND_STORE: url, ...env } });
  t.teardown(() => server.stop());
  await server.ready();
  return server;
}

/** A client of that turnd. */
export async function clientOf(t: Teardown, server: TurndProcess, user: string): Promise<RawClient> {
  const client = await RawClient.open({ port: await server.port('udp'), user, password: `secret-of-${user}` });
  t.teardown(() => client.close());
  return client;
}

/** What an Allocate of a fresh client of that name is answered with: 0 is success. */
export async function allocateAs(t: Teardown, server: TurndProcess, user: string): Promise<number> {
  const client = await clientOf(t, server, user);
  return (await client.allocate()).errorCode ?? 0;
}

const TRIES = 100;
/** So that the budget of answers to strangers, ten a second, is not used up. */
const PAUSE_MS = 200;

/** Allocates again and again until the answer is `wanted`; the last answer. For what becomes true by itself. */
export async function allocateUntil(t: Teardown, server: TurndProcess, user: string, wanted: number): Promise<number> {
  const client = await clientOf(t, server, user);
  let answer = -1;
  for (let tries = 0; tries < TRIES && answer !== wanted; tries++) {
    if (tries > 0) await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    // Its five-tuple must be free again.
    if (answer === 0) await client.request(REQUEST.refresh, [lifetime(0)]);
    answer = (await client.allocate()).errorCode ?? 0;
  }
  return answer;
}
