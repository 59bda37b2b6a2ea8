// Permissions, RFC 8656 §9 and §10: what CreatePermission installs, and what it refuses.

import { test } from 'tap';
import { Transport } from '../../src/turn/transport.ts';
import { Lab } from '../support/lab.ts';
import { peerAddress, REQUEST } from '../support/lab-client.ts';
import { allocated, hears, PEER, PEER_B, PEER_OTHER_PORT, PEER_V6, reaches } from '../support/lab-relayed.ts';
import { type AttributeInput, attr } from '../support/wire.ts';
import {
  additionalAddressFamily,
  lifetime,
  requestedAddressFamily,
  xorPeerAddress,
} from '../support/wire-attributes.ts';

const GOOD = '93.184.216.34';
const FORBIDDEN = '127.0.0.1';

/** Malformed values of XOR-PEER-ADDRESS, by what is wrong with them. */
const MALFORMED_PEERS: Readonly<Record<string, string>> = {
  'of length 0': '',
  'of length 4': '00011234',
  'of length 7': '00015c74e112a6',
  'of IPv4 with length 20': `0001${'5c74'.padEnd(36, '0')}`,
  'of family 0': '00005c74e112a6d4',
  'of family 3': '00035c74e112a6d4',
  'of family 9': '00095c74e112a6d4',
  'of IPv6 with length 8': '00025c74e112a6d4',
  'of IPv6 with length 19': `0002${'5c74'.padEnd(34, '0')}`,
};

test('TURN-48 CreatePermission without a peer is refused with 400', async (t) => {
  const { client } = await allocated();
  const answer = await client.request(REQUEST.createPermission, []);
  t.equal(answer.type, 0x0118);
  t.equal(answer.errorCode, 400);
  t.equal(client.allocation?.permissions.size, 0);
});

for (const [what, value] of Object.entries(MALFORMED_PEERS)) {
  test(`TURN-48 BAD-27 a peer ${what} is refused with 400, and nothing is installed`, async (t) => {
    const { client, peer, relayed } = await allocated();
    const bad: AttributeInput = [attr.xorPeerAddress, value];
    const attempts = [[bad], [peerAddress(GOOD), bad], [bad, peerAddress(GOOD)]];
    for (const attrs of attempts) t.equal((await client.request(REQUEST.createPermission, attrs)).errorCode, 400);
    t.equal(client.allocation?.permissions.size, 0);
    t.equal(hears(client, peer, relayed), 0);
    t.equal(reaches(client, peer), 0);
  });
}

test('TURN-49 every XOR-PEER-ADDRESS of a request is installed', async (t) => {
  const { lab, client, relayed } = await allocated();
  const peers = Array.from({ length: 10 }, (_, index) => `9.9.9.${index + 1}:4000`);
  t.equal((await client.permit(...peers)).type, 0x0108);
  for (const address of peers) {
    t.equal(hears(client, lab.peer(address), relayed), 1, `from ${address}`);
    t.equal(reaches(client, lab.peer(address)), 1, `to ${address}`);
  }
  t.equal(hears(client, lab.peer('9.9.9.11:4000'), relayed), 0, 'and no other');
});

test('TURN-50 a family that was not allocated is refused with 443', async (t) => {
  const lab = new Lab();
  const v4 = lab.client();
  const v6 = lab.client();
  await v4.allocated();
  await v6.allocated([requestedAddressFamily(6)]);
  t.equal((await v4.permit(PEER_V6)).errorCode, 443);
  t.equal((await v6.permit(PEER)).errorCode, 443);
  t.equal((await v4.permit(PEER, PEER_V6)).errorCode, 443);
  t.equal(v4.allocation?.permissions.size, 0);
  t.equal((await v6.permit(PEER_V6)).type, 0x0108);
});

test('TURN-50 a dual allocation takes peers of both families, each by its own relayed address', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const answer = await client.allocate([additionalAddressFamily()]);
  const [ipv4 = '', ipv6 = ''] = answer.xorAddresses(attr.xorRelayedAddress);
  t.equal((await client.permit(PEER, PEER_V6)).type, 0x0108);
  t.equal(hears(client, lab.peer(PEER), ipv4), 1);
  t.equal(hears(client, lab.peer(PEER_V6), ipv6), 1);
  client.sendTo(PEER, 'four');
  client.sendTo(PEER_V6, 'six');
  t.same(
    lab.peer(PEER).received.map(({ from }) => from),
    [ipv4],
  );
  t.same(
    lab.peer(PEER_V6).received.map(({ from }) => from),
    [ipv6],
  );
});

test('TURN-51 a forbidden peer is refused with 403', async (t) => {
  const { lab, client } = await allocated({ deny: ['9.9.9.0/24'] });
  for (const ip of [FORBIDDEN, '10.1.2.3', '9.9.9.9']) t.equal((await client.permit(ip)).errorCode, 403, ip);
  t.equal(client.allocation?.permissions.size, 0);
  t.match(lab.observer.events.filter((event) => event.startsWith('denied')).join(), /9\.9\.9\.9:0 deny 9\.9\.9\.0\/24/);
});

for (const peers of [
  [GOOD, FORBIDDEN],
  [FORBIDDEN, GOOD],
  [GOOD, FORBIDDEN, '8.8.4.4'],
]) {
  test(`TURN-52 S30 one forbidden peer refuses the whole request: ${peers.join(', ')}`, async (t) => {
    const { lab, client, peer, relayed } = await allocated();
    t.equal((await client.permit(...peers)).errorCode, 403);
    t.equal(client.allocation?.permissions.size, 0);
    t.equal(hears(client, peer, relayed), 0);
    t.equal(reaches(client, peer), 0);
    t.equal(hears(client, lab.peer('8.8.4.4:1'), relayed), 0);
    t.equal(hears(client, lab.peer(`${FORBIDDEN}:1`), relayed), 0);
  });
}

test('TURN-52 a refused request does not extend the permission of a good peer in it', async (t) => {
  const { lab, client, peer, relayed } = await allocated();
  await client.permit(GOOD);
  await lab.advance(200);
  t.equal((await client.permit(GOOD, FORBIDDEN)).errorCode, 403);
  t.equal(hears(client, peer, relayed), 1);
  await lab.advance(100);
  t.equal(hears(client, peer, relayed), 0);
});

test('TURN-53 a permission is for the address, whatever the port', async (t) => {
  const { lab, client, relayed } = await allocated();
  await client.permit(PEER);
  for (const address of [PEER, PEER_OTHER_PORT, `${GOOD}:1`]) {
    t.equal(hears(client, lab.peer(address), relayed), 1, `from ${address}`);
    t.equal(reaches(client, lab.peer(address)), 1, `to ${address}`);
  }
  t.equal((await client.permit('8.8.4.4:0')).type, 0x0108, 'even port 0');
  t.equal(hears(client, lab.peer(PEER_B), relayed), 1);
});

test('TURN-53 naming an address twice, with two ports, is one permission', async (t) => {
  const { client } = await allocated({ limits: { permissionsPerAllocation: 1 } });
  t.equal((await client.permit(PEER, PEER_OTHER_PORT)).type, 0x0108);
  t.equal(client.allocation?.permissions.size, 1);
});

test('TURN-55 S38 a datagram from an address without permission vanishes', async (t) => {
  const { lab, client, relayed } = await allocated();
  await client.permit('93.184.216.35');
  const before = lab.engine.counters.dropped.slice();
  const stranger = lab.peer(PEER);
  t.equal(hears(client, stranger, relayed), 0);
  t.same(stranger.take(), [], 'nothing comes back to the sender');
  t.equal(lab.engine.counters.dropped[9], (before[9] ?? 0) + 1, 'counted as NO_PERMISSION_FROM_PEER');
  t.equal(lab.engine.counters.packetsToClient, 0);
});

test('TURN-57 ChannelBind alone lets the peer send, from its other ports as well', async (t) => {
  const { lab, client, peer, relayed } = await allocated();
  t.equal((await client.bind(0x4000, PEER)).type, 0x0109);
  t.equal(hears(client, peer, relayed), 1);
  t.equal(hears(client, lab.peer(PEER_OTHER_PORT), relayed), 1);
  t.equal(reaches(client, lab.peer(PEER_OTHER_PORT)), 1);
});

test('TURN-57 ChannelBind extends the permission to 300 s from then', async (t) => {
  const { lab, client, peer, relayed } = await allocated();
  await client.permit(PEER);
  await lab.advance(200);
  await client.bind(0x4000, PEER);
  await lab.advance(299);
  t.equal(hears(client, peer, relayed), 1);
  await lab.advance(1);
  t.equal(hears(client, peer, relayed), 0);
});

test('TURN-58 permissions beyond the limit are refused with 508, and none of the request is installed', async (t) => {
  const { lab, client, peer, relayed } = await allocated({ limits: { permissionsPerAllocation: 3 } });
  await client.permit('9.9.9.1', '9.9.9.2');
  t.equal((await client.permit('9.9.9.3', PEER)).errorCode, 508);
  t.equal(hears(client, peer, relayed), 0);
  t.equal(hears(client, lab.peer('9.9.9.3:1'), relayed), 0);
  t.equal((await client.permit('9.9.9.1', '9.9.9.2')).type, 0x0108, 'what is installed may be extended');
  t.equal((await client.permit('9.9.9.1', '9.9.9.2', PEER)).type, 0x0108, 'and the limit may be reached');
  t.equal(hears(client, peer, relayed), 1);
  t.equal((await client.bind(0x4000, PEER_B)).errorCode, 508, 'ChannelBind adds a permission too');
});

test('TURN-58 a permission takes up room no longer than it lasts', async (t) => {
  const { lab, client, relayed } = await allocated({ limits: { permissionsPerAllocation: 2 } });
  await client.permit('9.9.9.1', '9.9.9.2');
  lab.clock.monotonic += 299_999;
  t.equal((await client.permit('9.9.9.3')).errorCode, 508);
  lab.clock.monotonic += 1;
  t.equal((await client.permit('9.9.9.3', '9.9.9.2')).type, 0x0108, 'no tick has come by since');
  t.equal(hears(client, lab.peer('9.9.9.3:1'), relayed), 1);
  t.equal(hears(client, lab.peer('9.9.9.1:1'), relayed), 0);
});

test('BAD-28 CreatePermission with hundreds of peers installs them all', async (t) => {
  const { lab, client, relayed } = await allocated({}, { transport: Transport.TCP });
  const ips = Array.from({ length: 1024 }, (_, index) => `9.9.${index >> 8}.${index & 0xff}`);
  t.equal((await client.permit(...ips)).type, 0x0108);
  const deaf = ips.filter((ip) => hears(client, lab.peer(`${ip}:7`), relayed) !== 1);
  t.same(deaf, []);
});

test('BAD-28 CreatePermission with as many peers as a message holds is refused with 508 and installs none', async (t) => {
  const { client } = await allocated({}, { transport: Transport.TCP });
  const peers = Array.from({ length: 5400 }, (_, index) => xorPeerAddress(`9.9.${index >> 8}.${index & 0xff}`, 0));
  t.equal((await client.request(REQUEST.createPermission, peers)).errorCode, 508);
  t.equal(client.allocation?.permissions.size, 0);
});

test('TURN-54 there is no way to delete a permission, not even with LIFETIME 0', async (t) => {
  const { client, peer, relayed } = await allocated();
  await client.permit(PEER);
  t.equal((await client.request(REQUEST.createPermission, [peerAddress(PEER), lifetime(0)])).type, 0x0108);
  t.equal(hears(client, peer, relayed), 1);
});
