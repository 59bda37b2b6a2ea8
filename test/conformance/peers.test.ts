// Which peers clients may reach: RFC 8656 §21.1.4 and SECURITY §2.2, at every entry point.

import { type Test, test } from 'tap';
import { engineLimits } from '../../src/server/engine-settings.ts';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { configOf } from '../config/parse.ts';
import { Lab, type LabOptions } from '../support/lab.ts';
import type { LabClient } from '../support/lab-client.ts';
import { allocated, hears, PEER, PEER_B, reaches } from '../support/lab-relayed.ts';
import { channelData } from '../support/wire.ts';
import { requestedAddressFamily } from '../support/wire-attributes.ts';

/** Addresses that every list must refuse, in all their disguises. */
const IPV4 = ['0.0.0.0', '127.0.0.1', '169.254.169.254', '224.0.0.1', '255.255.255.255', '10.0.0.1', '192.168.1.1'];
const IPV6 = ['::', '::1', 'fe80::1', 'ff02::1', 'fd00:ec2::254', 'fec0::1'];
const DISGUISED = [
  '::ffff:127.0.0.1',
  '::127.0.0.1',
  '::ffff:0:7f00:1',
  '64:ff9b::7f00:1',
  '64:ff9b:1::7f00:1',
  '2002:7f00:1::',
  '2001:0:7f00:1::',
  '2600:1f18::5efe:7f00:1',
  '2600:1f18::200:5efe:a00:1',
];

const withPort = (ip: string, port = 5000) => (ip.includes(':') ? `[${ip}]:${port}` : `${ip}:${port}`);

async function client6(options: LabOptions = {}): Promise<{ lab: Lab; client: LabClient; relayed: string }> {
  const lab = new Lab(options);
  const client = lab.client();
  return { lab, client, relayed: await client.allocated([requestedAddressFamily(6)]) };
}

/** Asserts that no entry point takes the address for a peer. */
async function refusedEverywhere(t: Test, ip: string): Promise<void> {
  const { lab, client, relayed } = ip.includes(':') ? await client6() : await allocated();
  const peer = lab.peer(withPort(ip));
  const denied = () => lab.observer.events.filter((event) => event.startsWith('denied')).length;
  t.equal((await client.permit(ip)).errorCode, 403);
  t.equal(denied(), 1, 'the operator is told');
  t.equal((await client.bind(0x4000, withPort(ip))).errorCode, 403);
  t.equal(denied(), 2);
  t.equal(reaches(client, peer), 0, 'by Send');
  client.sendChannel(0x4000, 'x');
  t.equal(hears(client, peer, relayed), 0, 'on the way in');
  t.equal(lab.engine.counters.packetsToPeer, 0);
  t.equal(client.allocation?.permissions.size, 0);
  t.same(lab.relays.lost, []);
}

for (const ip of [...IPV4, ...IPV6]) {
  test(`TURN-102 TURN-103 BAD-29 ${ip} is refused by CreatePermission, ChannelBind, Send and on the way in`, (t) =>
    refusedEverywhere(t, ip));
}

for (const ip of DISGUISED) {
  test(`TURN-101 TURN-103 BAD-29 ${ip} is refused by CreatePermission, ChannelBind, Send and on the way in`, (t) =>
    refusedEverywhere(t, ip));
}

test('BAD-29 a forbidden address of a family that was not allocated is refused with 443', async (t) => {
  const { client } = await allocated();
  for (const ip of [...IPV6, ...DISGUISED]) {
    t.equal((await client.permit(ip)).errorCode, 443, ip);
    t.equal((await client.bind(0x4000, withPort(ip))).errorCode, 443, ip);
    client.sendTo(withPort(ip), 'x');
  }
  const { client: six } = await client6();
  for (const ip of IPV4) t.equal((await six.permit(ip)).errorCode, 443, ip);
});

test('TURN-102 an allow rule opens a private network, and only that one', async (t) => {
  const { lab, client, relayed } = await allocated({ allow: ['10.1.0.0/16'] });
  const peer = lab.peer('10.1.2.3:5000');
  t.equal((await client.permit('10.1.2.3')).type, 0x0108);
  t.equal(reaches(client, peer), 1);
  t.equal(hears(client, peer, relayed), 1);
  t.equal((await client.bind(0x4000, '10.1.2.3:5000')).type, 0x0109);
  t.equal((await client.permit('10.2.0.1')).errorCode, 403);
  t.equal((await client.bind(0x4001, '10.2.0.1:5000')).errorCode, 403);
});

test('TURN-102 S31 no allow rule opens loopback, link-local or multicast', async (t) => {
  const { client } = await allocated({ allow: ['0.0.0.0/0', '::/0'] });
  for (const ip of ['0.0.0.0', '127.0.0.1', '169.254.169.254', '224.0.0.1', '255.255.255.255']) {
    t.equal((await client.permit(ip)).errorCode, 403, ip);
    t.equal((await client.bind(0x4000, withPort(ip))).errorCode, 403, ip);
  }
  t.equal((await client.permit('192.168.1.1')).type, 0x0108);
});

test('TURN-103 a deny rule holds at every entry point', async (t) => {
  const { lab, client, relayed } = await allocated({ deny: ['93.184.216.0/24'], allow: ['93.184.216.34'] });
  t.equal((await client.permit(PEER)).errorCode, 403);
  t.equal((await client.bind(0x4000, PEER)).errorCode, 403);
  t.equal(reaches(client, lab.peer(PEER)), 0);
  t.equal(hears(client, lab.peer(PEER), relayed), 0);
});

test('S40 refusals disturb neither the allocation nor its other permissions and channels', async (t) => {
  const { lab, client, peer, relayed } = await allocated({ limits: engineLimits(configOf({})) });
  const other = lab.peer(PEER_B);
  await client.permit(PEER_B);
  await client.bind(0x4000, PEER);
  for (const ip of [...IPV4, '172.16.0.1', '100.64.0.1', '198.18.0.1']) {
    t.equal((await client.permit(ip)).errorCode, 403, ip);
    t.equal((await client.bind(0x4000, withPort(ip))).errorCode, 403, ip);
    client.sendChannel(0x4000, 'channel');
    t.same(peer.take(), ['channel']);
    peer.send(relayed, 'back');
    t.same(client.take(), [channelData(0x4000, 'back')]);
    t.equal(reaches(client, other), 1);
    t.equal(hears(client, other, relayed), 1);
  }
  t.equal(lab.engine.counters.dropped[DropReason.PEER_DENIED], 0);
  t.equal(lab.engine.allocations.size, 1);
});
