// coturn and turnd on one database: what turnadmin wrote is read and served, and what was written is listed by
// turnadmin and served by coturn itself. One suite; each kind of database says how coturn is told where it is.

import { execFile as execFileWithCallback } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Test, test } from 'tap';
import { openStore } from '../../../src/store/open-store.ts';
import type { Store } from '../../../src/store/store.ts';
import { storeUrl } from '../../store/urls.ts';
import { Child } from '../../support/child-process.ts';
import { coturnProgram, startCoturn } from '../../support/coturn.ts';
import { findProgram } from '../../support/foreign-program.ts';
import { TEST_USER } from '../../support/turn-server.ts';
import { startTurnd } from '../../support/turnd.ts';
import { runUclient, uclientProgram } from './uclient.ts';
import { checkComplete } from './uclient-modes.ts';

const execFile = promisify(execFileWithCallback);

const { realm } = TEST_USER;
const ORIGIN = 'https://a.example:443';

const turnadmin = findProgram('TURND_TEST_TURNADMIN', ['/usr/bin/turnadmin', '/usr/local/bin/turnadmin']);

/** The keys that uclient makes tokens with, and the name of the server that it makes them for. */
const UCLIENT_KEYS = [
  ['north', 'A256GCM', '01234567890123456789012345678901'],
  ['union', 'A128GCM', '1234567890123456'],
  ['oldempire', 'A256GCM', '12345678901234567890123456789012'],
] as const;
const UCLIENT_SERVER_NAME = 'blackdow.carleon.gov';

/** A database with coturn's tables and nothing in them. */
export interface SharedDatabase {
  /** For turnd. */
  readonly url: string;
  /** turnadmin's arguments. */
  readonly adminArguments: readonly string[];
  /** turnserver's argument. */
  readonly serverArgument: string;
}

/** Runs the suite; `makeDatabase` makes one for each test. */
export function describeSharedDatabase(
  kind: string,
  makeDatabase: (t: Test) => Promise<SharedDatabase>,
  skipDatabase: string | false,
): void {
  const skip = skipDatabase || turnadmin.skip || coturnProgram.skip || uclientProgram.skip;
  const check = (behaviour: string, run: (t: Test, shared: Shared) => Promise<void>): void => {
    void test(`${kind}: ${behaviour}`, { skip }, async (t) => run(t, new Shared(t, await makeDatabase(t))));
  };

  check('what turnadmin wrote is read', async (t, shared) => {
    await shared.admin('-a', '-u', 'ann', '-r', realm, '-p', 'north');
    await shared.admin('-s', 'logen', '-r', realm);
    await shared.admin('-O', '-o', ORIGIN, '-r', realm);
    await shared.admin('-g', '-r', realm, '--max-bps=7', '--total-quota=8', '--user-quota=9');
    await shared.admin('-A', '-u', 'boss', '-r', realm, '-p', 'magi');
    const store = await shared.open();
    t.same(await store.findUser({ realm, name: 'ann' }), {
      ...{ realm, name: 'ann' },
      ...{ md5Key: keyOf('md5', 'ann', 'north'), sha256Key: null },
    });
    t.same(await store.listUsers({ realm: null, after: null, limit: 9 }), [{ realm, name: 'ann' }]);
    t.same(await store.snapshot(), {
      secrets: [{ realm, value: 'logen', expiresAt: null }],
      peerRules: [],
      realms: [{ realm, maxBps: 7, totalQuota: 8, userQuota: 9 }],
      origins: [{ origin: ORIGIN, realm }],
    });
    t.match(await store.listAdmins(), [{ name: 'boss', realm, password: /^\$5\$/ }]);
  });

  check('a password that turnadmin changes takes the SHA-256 key with it', async (t, shared) => {
    const store = await shared.open();
    await store.putUser(userOf('ann', 'old'));
    await shared.admin('-a', '-u', 'ann', '-r', realm, '-p', 'new');
    const changed = await store.findUser({ realm, name: 'ann' });
    t.same([changed?.md5Key, changed?.sha256Key], [keyOf('md5', 'ann', 'new'), null]);
    await shared.admin('-d', '-u', 'ann', '-r', realm);
    t.equal(await store.findUser({ realm, name: 'ann' }), null);
  });

  check('what was written is listed by turnadmin', async (t, shared) => {
    const store = await shared.open();
    await store.putUser(userOf('bob', 'x'));
    await store.putSecret({ realm, value: 'bloody9', expiresAt: 99 });
    await store.putOrigin({ origin: ORIGIN, realm });
    await store.setRealmOption(realm, 'userQuota', 3);
    await store.putAdmin({ name: 'boss', realm, password: 'magi' });
    t.match(await shared.admin('-l'), `bob[${realm}]`);
    t.match(await shared.admin('-l', '-r', realm), `bob[${realm}]`);
    t.match(await shared.admin('-S', '-r', realm), `bloody9[${realm}]`);
    t.match(await shared.admin('-I'), `${ORIGIN} ==>> ${realm}`);
    // In the words of coturn's driver of Redis, or of its others.
    t.match(await shared.admin('-G'), /example\.org\/user-quota = 3|user-quota\[example\.org\]=3/);
    t.match(await shared.admin('-L'), `boss[${realm}]`);
  });

  check('users that turnctl adds authenticate to coturn', async (t, shared) => {
    await shared.turnctl(['user', 'add', 'bob', '--password-stdin'], 's3cret');
    const server = await startCoturn({ args: [shared.database.serverArgument] });
    t.teardown(() => server.close());
    checkComplete(t, await runUclient(server, 'udp', ['-u', 'bob', '-w', 's3cret', '-y', '-c']), 40);
    t.not((await runUclient(server, 'udp', ['-u', 'bob', '-w', 'wrong', '-y', '-c'])).code, 0);
  });

  check('secrets that turnctl adds authenticate to coturn', async (t, shared) => {
    const { value } = JSON.parse(await shared.turnctl(['secret', 'add', '--json'], '')) as { readonly value: string };
    const server = await startCoturn({ args: ['--use-auth-secret', shared.database.serverArgument] });
    t.teardown(() => server.close());
    checkComplete(t, await runUclient(server, 'udp', ['-u', 'bob', '-W', value, '-y', '-c']), 40);
  });

  check('tokens under OAuth keys that turnctl adds authenticate to coturn', async (t, shared) => {
    for (const [kid, algorithm, key] of UCLIENT_KEYS) {
      const add = ['oauth-key', 'add', kid, '--algorithm', algorithm, '--stdin'];
      await shared.turnctl(add, Buffer.from(key).toString('base64'));
    }
    const args = ['--oauth', `--server-name=${UCLIENT_SERVER_NAME}`, shared.database.serverArgument];
    const server = await startCoturn({ args });
    t.teardown(() => server.close());
    checkComplete(t, await runUclient(server, 'udp', ['-J', '-y', '-c']), 40);
  });

  check('users and secrets of turnadmin are served by turnd', async (t, shared) => {
    await shared.admin('-a', '-u', 'ann', '-r', realm, '-p', 'north');
    await shared.admin('-s', 'logen', '-r', realm);
    const server = await startTurnd({ env: { TURND_STORE: shared.database.url } });
    t.teardown(() => server.close());
    checkComplete(t, await runUclient(server, 'udp', ['-u', 'ann', '-w', 'north', '-y', '-c']), 40);
    checkComplete(t, await runUclient(server, 'udp', ['-u', 'carol', '-W', 'logen', '-y', '-c']), 40);
    t.not((await runUclient(server, 'udp', ['-u', 'ann', '-w', 'wrong', '-y', '-c'])).code, 0);
  });
}

/** A database in a test. */
class Shared {
  readonly database: SharedDatabase;
  readonly #test: Test;

  constructor(t: Test, database: SharedDatabase) {
    this.#test = t;
    this.database = database;
  }

  async open(): Promise<Store> {
    const store = await openStore(storeUrl(this.database.url));
    this.#test.teardown(() => store.close());
    return store;
  }

  /** Runs turnctl on the store, without a daemon, and returns what it prints. */
  async turnctl(args: readonly string[], input: string): Promise<string> {
    const program = fileURLToPath(new URL('../../../src/cli/turnctl.js', import.meta.url));
    const { url } = this.database;
    const running = execFile(process.execPath, [program, ...args, '--realm', realm, '--store', url]);
    running.child.stdin?.end(input);
    return (await running).stdout;
  }

  /** Runs turnadmin and returns what it prints. */
  async admin(...args: string[]): Promise<string> {
    const child = new Child(turnadmin.path, [...args, ...this.database.adminArguments]);
    await child.ended;
    await removeLogs(child.pid);
    return child.lines.join('\n');
  }
}

/** turnadmin logs into the first of these directories that it may write, and cannot be told not to. */
async function removeLogs(pid: number): Promise<void> {
  for (const directory of ['/var/log', '/var/tmp', '/tmp', '.']) {
    const logs = (await readdir(directory)).filter((name) => name.startsWith(`turn_${pid}_`));
    for (const log of logs) await rm(join(directory, log), { force: true });
  }
}

function userOf(name: string, password: string) {
  return { realm, name, md5Key: keyOf('md5', name, password), sha256Key: keyOf('sha256', name, password) };
}

function keyOf(algorithm: string, name: string, password: string): Buffer {
  return createHash(algorithm).update(`${name}:${realm}:${password}`).digest();
}
