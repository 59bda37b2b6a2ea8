import { test } from 'tap';
import type { Allocation } from '../../src/turn/allocation.ts';
import { type Observer, ReleaseReason } from '../../src/turn/env.ts';
import { Lab, type LabOptions } from '../support/lab.ts';
import { nothingHeld } from '../support/lab-checks.ts';
import type { LabClient } from '../support/lab-client.ts';
import { attr } from '../support/wire.ts';
import { additionalAddressFamily } from '../support/wire-attributes.ts';

const PEER = '93.184.216.34:5000';
const PEER_V6 = '[2606:2800:220:1::1]:5000';

async function dual(options: LabOptions = {}) {
  const lab = new Lab(options);
  const client = lab.client();
  const answer = await client.allocate([additionalAddressFamily()]);
  const [v4 = '', v6 = ''] = answer.xorAddresses(attr.xorRelayedAddress);
  await client.bind(0x4004, PEER);
  await client.bind(0x4006, PEER_V6);
  lab.observer.events.length = 0;
  return { lab, client, v4, v6, allocation: allocationOf(client) };
}

function allocationOf(client: LabClient): Allocation {
  const { allocation } = client;
  if (allocation === null) throw new Error('no allocation');
  return allocation;
}

test('ending one family keeps the permissions and channels of the other', async (t) => {
  const { lab, allocation, v6 } = await dual();
  const { ipv6 } = allocation;
  lab.engine.allocations.closeRelays(allocation, ipv6 === null ? [] : [ipv6], ReleaseReason.DELETED);
  t.same([...allocation.channels.keys()], [0x4004]);
  t.same(
    allocation.permissions.list().map(({ peer }) => peer.text),
    ['93.184.216.34'],
  );
  t.notOk(allocation.closed);
  t.equal(allocation.ipv6, null);
  t.equal(allocation.relay(4), allocation.ipv4);
  t.same(
    allocation.relays().map(({ family }) => family),
    [4],
  );
  t.same(lab.observer.events, ['unbound 4006', `relay released ${v6}`]);
});

test('with the last family the allocation ends, and everything is told in order', async (t) => {
  const { lab, allocation, v4, v6 } = await dual();
  lab.engine.release(allocation, ReleaseReason.ADMINISTRATIVE);
  t.ok(allocation.closed);
  t.same(lab.observer.events, [
    'unbound 4004',
    `relay released ${v4}`,
    'unbound 4006',
    `relay released ${v6}`,
    'released administrative',
  ]);
  nothingHeld(t, lab);
});

test('ending an allocation twice is ending it once', async (t) => {
  const { lab, allocation } = await dual();
  lab.engine.release(allocation, ReleaseReason.DELETED);
  const { length } = lab.observer.events;
  lab.engine.release(allocation, ReleaseReason.DELETED);
  lab.engine.allocations.expire(allocation);
  lab.engine.close();
  t.equal(lab.observer.events.length, length);
  t.equal(lab.quota.total, 0);
});

test('totals of families that are gone and of those that live add up', async (t) => {
  const { lab, client, allocation, v4, v6 } = await dual();
  client.sendChannel(0x4004, 'four');
  client.sendTo(PEER, 'fourfour');
  client.sendChannel(0x4006, 'sixsix');
  lab.peer(PEER).send(v4, 'abc');
  lab.peer(PEER_V6).send(v6, 'defgh');
  lab.peer('[2606:2800:220:1::1]:6').send(v6, 'ij');
  const { ipv4, ipv6 } = allocation;
  t.match(ipv4, { packetsToPeer: 2, bytesToPeer: 12, packetsToClient: 1, bytesToClient: 3 });
  t.match(ipv6, { packetsToPeer: 1, bytesToPeer: 6, packetsToClient: 2, bytesToClient: 7 });
  t.match(allocation.channels.get(0x4006), { packetsToPeer: 1, bytesToPeer: 6, packetsToClient: 1, bytesToClient: 5 });
  t.equal(allocation.bytesToPeer, 0);
  lab.engine.allocations.closeRelays(allocation, ipv6 === null ? [] : [ipv6], ReleaseReason.DELETED);
  t.match(allocation, { packetsToPeer: 1, bytesToPeer: 6, packetsToClient: 2, bytesToClient: 7 });
  lab.engine.release(allocation, ReleaseReason.DELETED);
  t.match(allocation, { packetsToPeer: 3, bytesToPeer: 18, packetsToClient: 3, bytesToClient: 10 });
  t.match(lab.engine.counters, { packetsToPeer: 3, bytesToPeer: 18, packetsToClient: 3, bytesToClient: 10 });
});

test('a socket that still delivers after its end reaches nobody', async (t) => {
  const { lab, client, allocation, v4 } = await dual();
  const socket = lab.relays.sockets.get(v4);
  lab.engine.release(allocation, ReleaseReason.DELETED);
  if (socket !== undefined) lab.relays.sockets.set(v4, socket);
  lab.peer(PEER).send(v4, 'late');
  t.same(client.take(), []);
});

test('permissions and channels that are over are swept up, those in use are not', async (t) => {
  const { lab, client, allocation } = await dual({ settings: { nonceLifetime: 100_000, defaultLifetime: 3600 } });
  await client.permit('93.184.215.14', '93.184.216.34');
  t.equal(allocation.permissions.size, 3);
  await lab.advance(312);
  t.equal(allocation.permissions.size, 2, 'those of the channels stay, though over');
  await lab.advance(300);
  t.equal(allocation.permissions.size, 0);
  t.equal(allocation.channels.size, 0);
  t.same(lab.observer.events.slice(-2).sort(), ['unbound 4004', 'unbound 4006']);
  t.equal(lab.engine.allocations.size, 1);
});

test('a permission or channel that is installed again is not told again', async (t) => {
  const { lab, client } = await dual();
  await client.permit(PEER);
  await client.bind(0x4004, PEER);
  t.same(lab.observer.events, []);
});

test('an observer that throws disturbs nobody', async (t) => {
  const broken = new Proxy({} as Observer, {
    get: () => () => {
      throw new Error('observer');
    },
  });
  const lab = new Lab({ env: { observer: broken } });
  const client = lab.client();
  await client.allocated();
  await client.bind(0x4000, PEER);
  client.close();
  t.equal(lab.engine.allocations.size, 0);
  nothingHeld(t, lab);
});

for (const [worker, ids] of [
  [0, [1, 2, 3]],
  [1, [1001, 2001, 3001]],
  [253, [1253, 2253, 3253]],
] as const) {
  test(`allocations are numbered so that no other process has the same number (worker ${worker})`, async (t) => {
    const lab = new Lab({ settings: { worker } });
    const clients = [lab.client(), lab.client(), lab.client()];
    for (const client of clients) await client.allocated();
    t.same(
      clients.map(({ allocation }) => allocation?.id),
      ids,
    );
  });
}

test('all live allocations are listed, with an owner and a number of their own', async (t) => {
  const lab = new Lab();
  const clients = [lab.client(), lab.client({ user: 'bob' })];
  for (const client of clients) await client.allocated();
  const listed = [...lab.engine.allocations.list()];
  t.same(
    listed.map(({ credential }) => credential?.username),
    ['alice', 'bob'],
  );
  t.equal(new Set(listed.map(({ id }) => id)).size, 2);
  t.ok(listed.every(({ createdAt }) => createdAt === lab.clock.now()));
});
