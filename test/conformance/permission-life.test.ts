// Permissions, RFC 8656 §9: how long they last, and to which allocation they belong.

import { test } from 'tap';
import { REQUEST } from '../support/lab-client.ts';
import { allocated, hears, PEER, reaches } from '../support/lab-relayed.ts';
import { lifetime } from '../support/wire-attributes.ts';

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
