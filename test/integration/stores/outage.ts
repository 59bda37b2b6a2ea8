// R10, R11, R13: a real database is killed, stopped, or absent at start, and turnd goes on. One file runs it for each kind
// of store.

import { test } from 'tap';
import { isWhole, startCall } from './call.ts';
import { addUser, allocateAs, allocateUntil, openAside, type ServerKind, startOn } from './scene.ts';

/** Declares the tests for one kind of store. */
export function testOutages({ name, skip, start }: ServerKind): void {
  for (const [how, id] of [
    ['killed', 'R10'],
    ['stopped', 'R11'],
  ] as const) {
    test(`${id} ${name} is ${how}: calls and known users go on, others are told, and it heals`, { skip }, async (t) => {
      const database = await start();
      t.teardown(() => database.close());
      const store = await openAside(t, database.url);
      for (const user of ['alice', 'bob']) await addUser(store, user);
      const server = await startOn(t, database.url);
      const call = await startCall(t, server);
      t.ok(await isWhole(call));

      if (how === 'killed') await database.server.kill();
      else database.server.pause();
      t.equal(await allocateAs(t, server, 'bob'), 500, 'a definite answer for whom the store alone knows');
      const lost = await server.logged('the loss', ({ event }) => event === 'store-lost');
      t.match(lost.msg, /users that are not known yet are refused/);
      t.ok(await isWhole(call), 'the call goes on');
      t.equal(await allocateAs(t, server, 'alice'), 0, 'a known user is served');
      t.equal(await allocateAs(t, server, 'bob'), 500);

      if (how === 'killed') await database.server.start();
      else database.server.resume();
      t.equal(await allocateUntil(t, server, 'bob', 0), 0, 'by itself');
      await server.logged('the return', ({ event }) => event === 'store-back');
      t.ok(await isWhole(call));
      t.equal(server.log.filter(({ event }) => event === 'store-lost').length, 1, 'told once');
    });
  }

  test(`R13 ${name} is absent at start: turnd serves, says so, and finds it later`, { skip }, async (t) => {
    const database = await start();
    t.teardown(() => database.close());
    await addUser(await openAside(t, database.url), 'bob');
    await database.server.kill();
    const server = await startOn(t, database.url, '--user', 'alice:secret-of-alice');
    await server.logged('the loss', ({ event }) => event === 'store-lost');
    t.equal(await allocateAs(t, server, 'alice'), 0, 'a user of the configuration');
    t.equal(await allocateAs(t, server, 'bob'), 500);
    await database.server.start();
    t.equal(await allocateUntil(t, server, 'bob', 0), 0);
  });
}
