// R10, R11, R13: a real database is killed, stopped, or absent at start, and turnd goes on. One file runs it for each kind
// of store.

import { test } from 'tap';
import { DatagramPeer } from '../../support/datagram-peer.ts';
import { type RawClient, REQUEST } from '../../support/raw-client.ts';
import type { Teardown, TurndProcess } from '../../support/turnd-process.ts';
import { lifetime } from '../../support/wire-attributes.ts';
import { addUser, allocateAs, allocateUntil, clientOf, openAside, type ServerKind, startOn } from './scene.ts';

/** A call of alice that runs. */
interface Call {
  readonly client: RawClient;
  readonly peer: DatagramPeer;
}

async function startCall(t: Teardown, server: TurndProcess): Promise<Call> {
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => peer.close());
  const client = await clientOf(t, server, 'alice');
  await client.allocated();
  await client.bind(0x4000, '127.0.0.1', peer.port);
  return { client, peer };
}

/** Whether packets flow both ways, and Refresh, CreatePermission and ChannelBind are answered with success. */
async function isWhole({ client, peer }: Call): Promise<boolean> {
  client.sendChannel(0x4000, 'there');
  const heard = await peer.next();
  await peer.send(Buffer.from('back'), heard.port, heard.address);
  const back = (await client.nextData()).toString();
  const answers = [
    await client.request(REQUEST.refresh, [lifetime(600)]),
    await client.permit('127.0.0.1'),
    await client.bind(0x4000, '127.0.0.1', peer.port),
  ];
  return heard.bytes.toString() === 'there' && back === 'back' && answers.every(({ errorCode }) => !errorCode);
}

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
