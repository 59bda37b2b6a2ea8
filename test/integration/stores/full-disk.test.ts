// R25 for the store in a file: a disk without room. Whoever is in it is served, what cannot be written is told, and it
// heals.

import { execFileSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { askControl } from '../../../src/control/control-transport.ts';
import { longTermKeyMd5 } from '../../../src/stun/keys.ts';
import { fillUp, mountSmallDisk, NO_TMPFS } from '../../support/small-disk.ts';
import { temporaryDirectory } from '../../support/turnd-process.ts';
import { isWhole, startCall } from './call.ts';
import { allocateAs, REALM, startWith } from './scene.ts';

/** A file as coturn makes them, with two users. */
function makeStore(t: Test): { readonly disk: string; readonly path: string } {
  const disk = mountSmallDisk(t, 1024);
  const path = join(disk, 'turndb');
  const rows = ['alice', 'bob'].map((name) => {
    const key = longTermKeyMd5(name, REALM, `secret-of-${name}`).toString('hex');
    return `insert into turnusers_lt values ('${REALM}', '${name}', '${key}');`;
  });
  const table =
    'create table turnusers_lt (realm varchar(127), name varchar(512), hmackey char(128), primary key (realm, name));';
  execFileSync('sqlite3', [path, table + rows.join('')]);
  return { disk, path };
}

test('R25 on a full disk the users of an SQLite store are served, and changes are refused', {
  skip: NO_TMPFS,
}, async (t) => {
  const { disk, path } = makeStore(t);
  const directory = temporaryDirectory(t);
  const server = await startWith(t, { url: `sqlite://${path}`, directory });
  const call = await startCall(t, server);
  const address = { path: join(directory, 'state', 'turnd.sock'), timeout: 10_000 };
  const add = (name: string) =>
    askControl(address, {
      method: 'POST',
      target: `/v1/realms/${REALM}/users`,
      body: { name, password: `secret-of-${name}` },
    });
  fillUp(join(disk, 'rest'));
  t.equal(await allocateAs(t, server, 'alice'), 0, 'a user who is known');
  t.equal(await allocateAs(t, server, 'bob'), 0, 'a user who has to be read');
  await t.rejects(add('carol'), { fault: 'unavailable', message: /disk/ });
  t.ok(await isWhole(call));
  rmSync(join(disk, 'rest'));
  t.match(await add('carol'), { name: 'carol' });
  t.equal(await allocateAs(t, server, 'carol'), 0);
  t.ok(await isWhole(call));
  t.equal(server.stderr, '');
});
