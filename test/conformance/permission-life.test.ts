// Permissions, RFC 8656 §9: how long they last, and to which allocation they belong.

import { test } from 'tap';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { Lab, transportAddress } from '../support/lab.ts';
import { REQUEST } from '../support/lab-client.ts';
import { allocated, hears, PEER, reaches } from '../support/lab-relayed.ts';
import { lifetime, requestedAddressFamily } from '../support/wire-attributes.ts';

test('TURN-54 S38 a permission lasts 300 s, to the millisecond', async (t) => {
  const { lab, client, peer, relayed } = await allocated();
  await client.permit(PEER);
  await lab.advance(299.999);
  t.equal(hears(client, peer, relayed), 1);
  t.equal(reaches(client, peer), 1);
  await lab.advance(0.001);
  t.equal(hears(client, peer, relayed), 0);
  t.equal(reaches(client, peer), 0);
});

test('TURN-54 data in either direction does not extend a permission', async (t) => {
  const { lab, client, peer, relayed } = await allocated();
  await client.bind(0x4000, PEER);
  for (let second = 10; second < 300; second += 10) {
    await lab.advance(10);
    t.equal(hears(client, peer, relayed), 1, `after ${second} s`);
    t.equal(reaches(client, peer), 1);
    client.sendChannel(0x4000, 'x');
    t.same(peer.take(), ['x']);
  }
  await lab.advance(10);
  t.equal(hears(client, peer, relayed), 0);
  t.equal(reaches(client, peer), 0);
});

test('TURN-54 CreatePermission sets a permission back to 300 s', async (t) => {
  const { lab, client, peer, relayed } = await allocated();
  await client.permit(PEER);
  await lab.advance(200);
  await client.permit(PEER);
  await lab.advance(299);
  t.equal(hears(client, peer, relayed), 1);
  await lab.advance(1);
  t.equal(hears(client, peer, relayed), 0);
});

test('TURN-54 Refresh of the allocation leaves permissions as they were', async (t) => {
  const { lab, client, peer, relayed } = await allocated();
  await client.permit(PEER);
  await lab.advance(250);
  t.equal((await client.request(REQUEST.refresh, [lifetime(3600)])).type, 0x0104);
  await lab.advance(50);
  t.equal(hears(client, peer, relayed), 0);
});

test('TURN-54 a permission that has ended can be installed again', async (t) => {
  const { lab, client, peer, relayed } = await allocated();
  await client.permit(PEER);
  await lab.advance(320);
  t.equal(client.allocation?.permissions.size, 0, 'and takes up no memory in between');
  t.equal((await client.permit(PEER)).type, 0x0108);
  t.equal(hears(client, peer, relayed), 1);
});

test('TURN-56 an allocation has no use of the permissions of another one by the same user', async (t) => {
  const { lab, client, peer, relayed } = await allocated();
  const second = lab.client();
  const other = await second.allocated();
  await client.permit(PEER);
  t.equal(hears(second, peer, other), 0);
  t.equal(reaches(second, peer), 0);
  t.equal(hears(client, peer, relayed), 1);
});

test('TURN-56 permissions end with their allocation', async (t) => {
  const { client, peer, relayed } = await allocated();
  await client.permit(PEER);
  await client.request(REQUEST.refresh, [lifetime(0)]);
  t.equal(hears(client, peer, relayed), 0);
  const again = await client.allocated();
  t.equal(hears(client, peer, again), 0, 'and are not inherited by the next one');
  t.equal(reaches(client, peer), 0);
});

test('S38 a peer is heard by the very address that has the permission: one bit beside it is another host', async (t) => {
  const { lab, client, peer, relayed } = await allocated();
  await client.permit(PEER);
  const octets = [93, 184, 216, 34];
  for (let bit = 0; bit < 32; bit++) {
    const other = octets.map((octet, at) => (at === bit >> 3 ? octet ^ (1 << (bit & 7)) : octet)).join('.');
    t.equal(hears(client, lab.peer(`${other}:5000`), relayed), 0, other);
    t.equal(reaches(client, lab.peer(`${other}:5000`)), 0, other);
  }
  t.equal(lab.engine.counters.dropped[DropReason.NO_PERMISSION_FROM_PEER], 32);
  t.equal(hears(client, peer, relayed), 1);
});

test('S38 the same for IPv6, all 128 bits', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const relayed = await client.allocated([requestedAddressFamily(6)]);
  const groups = [0x2600, 0x1f18, 0x8000, 0xd022, 0, 0xffff, 0x7fff, 5];
  const textOf = (words: readonly number[]): string => `[${words.map((word) => word.toString(16)).join(':')}]:7000`;
  // A peer is known by the usual way to write its address.
  const at = (words: readonly number[]) => lab.peer(transportAddress(textOf(words)).text);
  await client.permit(textOf(groups));
  for (let bit = 0; bit < 128; bit++) {
    const other = groups.map((group, index) => (index === bit >> 4 ? group ^ (1 << (bit & 15)) : group));
    t.equal(hears(client, at(other), relayed), 0, textOf(other));
    t.equal(reaches(client, at(other)), 0, textOf(other));
  }
  t.equal(hears(client, at(groups), relayed), 1);
});

test('S38 without a permission nobody is heard, whatever flows elsewhere; after 300 s nobody again', async (t) => {
  const { lab, client, peer, relayed } = await allocated();
  t.equal(hears(client, peer, relayed), 0, 'before');
  await client.bind(0x4000, PEER);
  t.equal(hears(client, peer, relayed), 1);
  await lab.advance(300);
  t.equal(hears(client, peer, relayed), 0, 'though the channel lives');
  client.sendChannel(0x4000, 'x');
  t.equal(client.allocation?.channels.size, 1);
  await client.permit(PEER);
  t.equal(hears(client, peer, relayed), 1);
  await lab.advance(299.999);
  t.equal(hears(client, peer, relayed), 1);
  await lab.advance(0.001);
  t.equal(hears(client, peer, relayed), 0);
});
