// Hosts that the server itself is configured with, S36: nobody's peers, whatever is allowed; and no more than those.

import { test } from 'tap';
import { RealmTable } from '../../src/auth/realm-table.ts';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { Lab, RELAY_PRIVATE_V4, RELAY_V4 } from '../support/lab.ts';
import { allocated, hears, PEER, PEER_B, reaches } from '../support/lab-relayed.ts';
import { channelData } from '../support/wire.ts';
import { requestedAddressFamily } from '../support/wire-attributes.ts';

const DB = '93.184.216.34';
const DB_V6 = '2600:1f18::5';

const denials = (lab: Lab): string[] => lab.observer.events.filter((event) => event.startsWith('denied'));

for (const allow of [[], ['0.0.0.0/0', '::/0'], [DB, DB_V6]]) {
  test(`S36 a configured host is no peer at any port, though allow is [${allow}]`, async (t) => {
    const { lab, client, peer, relayed } = await allocated({ backends: [DB, DB_V6], allow });
    t.equal((await client.permit(DB)).errorCode, 403);
    for (const port of [1, 22, 5000, 5432]) t.equal((await client.bind(0x4000, `${DB}:${port}`)).errorCode, 403);
    t.equal(reaches(client, peer), 0, 'by Send');
    client.sendChannel(0x4000, 'x');
    t.equal(hears(client, peer, relayed), 0);
    t.equal((await client.permit(DB, PEER_B)).errorCode, 403);
    t.equal(reaches(client, lab.peer(PEER_B)), 0);
    t.same(lab.relays.lost, []);
    t.equal(client.allocation?.permissions.size, 0);
    t.ok(denials(lab).every((event) => event.endsWith(' configured host')));
    t.equal((await client.permit(PEER_B, '93.184.216.35')).type, 0x0108, 'its neighbours are');
    const six = lab.client();
    await six.allocated([requestedAddressFamily(6)]);
    t.equal((await six.permit(DB_V6)).errorCode, 403);
    t.equal((await six.bind(0x4000, `[${DB_V6}]:5432`)).errorCode, 403);
    t.equal((await six.permit('2600:1f18::6')).type, 0x0108);
  });
}

test('S36 no realm’s rules open a configured host', async (t) => {
  const realms = new RealmTable({ allow: [], deny: [], realms: [], unsafeAllowLoopback: false });
  realms.update({
    realms: [],
    origins: [],
    rates: [],
    peers: [{ realm: 'example.org', allow: [`${DB}/32`, '10.0.0.0/8'], deny: [] }],
  });
  const { client } = await allocated({ backends: [DB, '10.1.2.3'], env: { realms, peers: realms } });
  t.equal((await client.permit('10.1.2.4')).type, 0x0108);
  t.equal((await client.permit('10.1.2.3')).errorCode, 403);
  t.equal((await client.permit(DB)).errorCode, 403);
});

test('S36 S28 no translator or tunnel leads to a configured host', async (t) => {
  const lab = new Lab({ backends: [DB], allow: ['64:ff9b::/96', '64:ff9b:1::/48', '::/0'] });
  const client = lab.client();
  await client.allocated([requestedAddressFamily(6)]);
  for (const prefix of ['64:ff9b::', '64:ff9b:1::', '2600:1f18::5efe:', '2600:1f18::200:5efe:']) {
    t.equal((await client.permit(`${prefix}5db8:d822`)).errorCode, 403, prefix);
    t.equal((await client.bind(0x4000, `[${prefix}5db8:d822]:5432`)).errorCode, 403);
    t.equal((await client.permit(`${prefix}5db8:d823`)).type, 0x0108, 'but to its neighbour');
  }
});

test('S35 S28 no translator or tunnel leads to an own address, which is judged by its port', async (t) => {
  const lab = new Lab({ allow: ['64:ff9b::/96', '::/0', '10.0.0.0/8'] });
  const client = lab.client();
  await client.allocated([requestedAddressFamily(6)]);
  for (const prefix of ['64:ff9b::', '2600:1f18::5efe:']) {
    for (const ip of [RELAY_PRIVATE_V4, RELAY_V4]) {
      t.equal((await client.permit(`${prefix}${ip}`)).errorCode, 403, prefix + ip);
      t.equal((await client.bind(0x4000, `[${prefix}${ip}]:22`)).errorCode, 403);
    }
    t.equal((await client.permit(`${prefix}10.9.0.2`)).type, 0x0108);
  }
});

test('S36 S34 clients reach each other at an address where a database runs too, and nothing of it', async (t) => {
  const lab = new Lab({ backends: [RELAY_V4] });
  const [alice, bob] = [lab.client(), lab.client({ user: 'bob' })];
  const [a, b] = [await alice.allocated(), await bob.allocated()];
  t.equal((await alice.permit(b)).type, 0x0108);
  t.equal((await bob.bind(0x4000, a)).type, 0x0109);
  alice.sendTo(b, 'to bob');
  t.same(bob.take(), [channelData(0x4000, 'to bob')]);
  bob.sendChannel(0x4000, 'to alice');
  t.equal(alice.take().length, 1);
  t.equal((await alice.bind(0x4001, `${RELAY_V4}:5432`)).errorCode, 403);
  alice.sendTo(`${RELAY_V4}:5432`, 'x');
  t.same(lab.relays.lost, []);
  t.equal(lab.engine.counters.dropped[DropReason.PEER_DENIED], 1);
  t.equal(lab.engine.counters.peerDenied, 2, 'the request and the datagram');
});

test('S36 a host that becomes configured is no peer any more when its permission is to be extended', async (t) => {
  const backends: string[] = [];
  const { lab, client, peer } = await allocated({ backends });
  await client.bind(0x4000, PEER);
  backends.push(DB);
  t.equal((await client.permit(DB)).errorCode, 403);
  t.equal((await client.bind(0x4000, PEER)).errorCode, 403);
  await lab.advance(300);
  t.equal(reaches(client, peer), 0);
});
