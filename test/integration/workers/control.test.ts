// What main offers to whoever controls it, however many processes it has: sessions, their end, counters, and changes of
// the host's addresses.

import { test } from 'tap';
import { makeLogger } from '../../../src/log/logger.ts';
import type { RunningServer } from '../../../src/server/running-server.ts';
import { startServer } from '../../../src/server.ts';
import { configOf, parse } from '../../config/parse.ts';
import { DatagramPeer } from '../../support/datagram-peer.ts';
import { RawClient } from '../../support/raw-client.ts';
import { type Teardown, temporaryDirectory } from '../../support/turnd-process.ts';

const SHAPES = ['{plane: linux, workers: 2}', '{plane: portable}'] as const;

const ANY = { user: null, realm: null, client: null, transport: null } as const;

async function start(t: Teardown, shape: string): Promise<{ server: RunningServer; lines: string[] }> {
  const yaml = `{${shape.slice(1, -1)}, listen: ["udp://127.0.0.1:0"], state-dir: ${temporaryDirectory(t)}/state,
    relay: {address: 127.0.0.1, external-address: none}, peers: {unsafe-allow-loopback: true},
    auth: {users: ["alice:secret-of-alice", "bob:secret-of-bob"]}}`;
  const lines: string[] = [];
  const forward = (line: string): void => void lines.push(line);
  const config = configOf({ yaml });
  const reload = () => parse({ yaml });
  const { server } = await startServer({
    config,
    tree: {},
    logger: makeLogger('info', null, forward),
    forward,
    version: '0',
    reload,
  });
  t.teardown(() => server.close());
  return { server, lines };
}

async function open(t: Teardown, { listeners }: RunningServer, user: string): Promise<RawClient> {
  const port = listeners[0]?.port ?? 0;
  const client = await RawClient.open({ port, user, password: `secret-of-${user}` });
  t.teardown(() => client.close());
  return client;
}

for (const shape of SHAPES) {
  test(`${shape}: sessions are listed page by page, and ended by id or user`, async (t) => {
    const { server, lines } = await start(t, shape);
    const clients: RawClient[] = [];
    for (const user of ['alice', 'alice', 'alice', 'alice', 'bob', 'bob']) {
      const client = await open(t, server, user);
      await client.allocated();
      clients.push(client);
    }
    const all = await server.sessions({ ...ANY, after: 0, limit: 100 });
    t.equal(all.length, 6);
    t.same(
      all.map(({ id }) => id),
      all.map(({ id }) => id).sort((left, right) => left - right),
    );
    t.equal(new Set(all.map(({ id }) => id)).size, 6);
    t.match(all[0], { transport: 'udp', permissions: 0, channels: 0, relayed: [/^127\.0\.0\.1:\d+$/], remaining: 600 });
    t.equal(JSON.stringify(JSON.parse(JSON.stringify(all))), JSON.stringify(all), 'plain data');
    const first = await server.sessions({ ...ANY, after: 0, limit: 4 });
    const second = await server.sessions({ ...ANY, after: first.at(-1)?.id ?? 0, limit: 4 });
    t.same([...first, ...second], all);
    t.equal((await server.sessions({ ...ANY, user: 'bob', after: 0, limit: 100 })).length, 2);
    // Numbers tell the worker first: the lowest may be anybody's.
    const id = all.find(({ user }) => user === 'alice')?.id ?? 0;
    t.equal(await server.end({ id }), 1);
    t.equal(await server.end({ id }), 0);
    t.equal(await server.end({ user: 'bob', realm: 'elsewhere' }), 0);
    t.equal(await server.end({ user: 'bob', realm: 'turnd' }), 2);
    t.equal((await server.sessions({ ...ANY, after: 0, limit: 100 })).length, 3);
    await server.close();
    const reasons = lines.flatMap((line) => /"reason":"(\w+)"/.exec(line)?.[1] ?? []);
    t.same(reasons.sort(), ['administrative', 'administrative', 'administrative', 'shutdown', 'shutdown', 'shutdown']);
  });

  test(`${shape}: sessions are filtered by client and transport, and shown with their peers`, async (t) => {
    const { server } = await start(t, shape);
    const peer = await DatagramPeer.open('127.0.0.1');
    t.teardown(() => peer.close());
    const [first, second] = [await open(t, server, 'alice'), await open(t, server, 'alice')];
    await first.allocated();
    await second.allocated();
    await first.bind(0x4001, '127.0.0.1', peer.port);
    first.sendChannel(0x4001, 'four');
    await peer.next();
    const all = await server.sessions({ ...ANY, after: 0, limit: 100 });
    const bound = all.find(({ channels }) => channels === 1);
    t.same(
      (await server.sessions({ ...ANY, client: bound?.client ?? '', after: 0, limit: 9 })).map(({ id }) => id),
      [bound?.id],
    );
    t.equal((await server.sessions({ ...ANY, client: '127.0.0.1', after: 0, limit: 9 })).length, 2);
    t.equal((await server.sessions({ ...ANY, client: '127.0.0.2', after: 0, limit: 9 })).length, 0);
    t.equal((await server.sessions({ ...ANY, transport: 'udp', after: 0, limit: 9 })).length, 2);
    t.equal((await server.sessions({ ...ANY, transport: 'tcp', after: 0, limit: 9 })).length, 0);
    t.equal((await server.sessions({ ...ANY, realm: 'turnd', after: 0, limit: 9 })).length, 2);
    t.equal((await server.sessions({ ...ANY, realm: 'elsewhere', after: 0, limit: 9 })).length, 0);
    const detail = await server.session(bound?.id ?? 0);
    t.match(detail, {
      user: 'alice',
      permissionList: [{ peer: '127.0.0.1', remaining: 300 }],
      channelList: [{ number: 0x4001, peer: `127.0.0.1:${peer.port}`, remaining: 600, bytesToPeer: 4 }],
    });
    t.equal(detail?.channelList[0]?.relayed, bound?.relayed[0]);
    const other = all.find(({ id }) => id !== bound?.id);
    t.match(await server.session(other?.id ?? 0), { permissionList: [], channelList: [] });
    t.equal(await server.session(1_000_000_007), null);
  });

  test(`${shape}: counters are summed`, async (t) => {
    const { server } = await start(t, shape);
    const peer = await DatagramPeer.open('127.0.0.1');
    t.teardown(() => peer.close());
    for (const user of ['alice', 'alice', 'alice', 'bob', 'bob', 'bob']) {
      const client = await open(t, server, user);
      await client.allocated();
      await client.bind(0x4000, '127.0.0.1', peer.port);
      client.sendChannel(0x4000, 'four');
      await peer.next();
    }
    t.match(await server.counters(), { engine: { packetsToPeer: 6, bytesToPeer: 24, requests: 18 } });
  });
}
