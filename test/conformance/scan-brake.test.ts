// The scan brake, S39: new peer addresses per allocation are limited. Calls do not notice, scanners do.

import { test } from 'tap';
import { engineLimits } from '../../src/server/engine-settings.ts';
import { configOf } from '../config/parse.ts';
import { type Lab, LIMITS } from '../support/lab.ts';
import type { LabClient } from '../support/lab-client.ts';
import { allocated, hears, PEER, PEER_B, PEER_V6, reaches } from '../support/lab-relayed.ts';
import { channelData } from '../support/wire.ts';

const limits = engineLimits(configOf({}));
const OK = 0x0108;
const BOUND = 0x0109;

const address = (index: number): string => `9.9.${index >> 8}.${index & 0xff}`;
const addresses = (count: number, from = 0): string[] => Array.from({ length: count }, (_, at) => address(from + at));

/** Uses up what may be named at once. */
async function exhaust(client: LabClient): Promise<void> {
  const answer = await client.permit(...addresses(limits.newPeersBurst));
  if (answer.type !== OK) throw new Error(`refused: ${answer.errorCode}`);
}

const scans = (lab: Lab): string[] => lab.observer.events.filter((event) => event.endsWith('new peers too fast'));

test('S39 thirty candidates at once are unaffected, in one request or in many', async (t) => {
  t.match(limits, { newPeersPerSecond: 5, newPeersBurst: 30 }, 'by default');
  const one = await allocated({ limits });
  t.equal((await one.client.permit(...addresses(30))).type, OK);
  const many = await allocated({ limits });
  for (const [at, ip] of addresses(30).entries()) {
    const answer = at % 2 === 0 ? await many.client.permit(ip) : await many.client.bind(0x4000 + at, `${ip}:7`);
    t.equal(answer.type, at % 2 === 0 ? OK : BOUND, ip);
  }
  t.equal(many.lab.engine.counters.scanLimited, 0);
  t.same(scans(many.lab), []);
});

test('S39 beyond, CreatePermission and ChannelBind are refused with 508, and nothing is installed', async (t) => {
  const { lab, client, peer, relayed } = await allocated({ limits });
  await exhaust(client);
  t.equal((await client.permit(PEER)).errorCode, 508);
  t.equal((await client.bind(0x4000, PEER)).errorCode, 508);
  t.equal(client.allocation?.permissions.size, 30);
  t.equal(client.allocation?.channels.size, 0);
  t.equal(reaches(client, peer), 0, 'by Send');
  client.sendChannel(0x4000, 'x');
  t.same(peer.take(), [], 'by ChannelData');
  t.equal(hears(client, peer, relayed), 0);
  t.equal(lab.engine.counters.scanLimited, 2);
  t.equal(lab.engine.counters.peerDenied, 0);
  t.same(scans(lab), ['denied 93.184.216.34:0 new peers too fast', 'denied 93.184.216.34:5000 new peers too fast']);
});

test('S39 five more may be named in each second, no sooner and no more', async (t) => {
  const { lab, client } = await allocated({ limits });
  await exhaust(client);
  let next = 30;
  for (let second = 0; second < 10; second++) {
    for (let fifth = 0; fifth < 5; fifth++) {
      await lab.advance(0.199);
      t.equal((await client.permit(address(next))).errorCode, 508);
      await lab.advance(0.001);
      t.equal((await client.permit(address(next++))).type, OK);
    }
  }
  t.equal(client.allocation?.permissions.size, 80);
  await lab.advance(60);
  t.equal((await client.permit(...addresses(31, next))).errorCode, 508, 'a pause saves up no more than the burst');
  t.equal((await client.permit(...addresses(30, next))).type, OK);
});

test('S39 a request is served whole or not at all, and a refused one takes nothing', async (t) => {
  const { client } = await allocated({ limits });
  await client.permit(...addresses(29));
  for (let tries = 0; tries < 3; tries++) t.equal((await client.permit(address(40), address(41))).errorCode, 508);
  t.equal(client.allocation?.permissions.size, 29);
  t.equal((await client.permit(address(40))).type, OK, 'there is room for one');
  t.equal((await client.permit(address(41))).errorCode, 508);
});

test('S39 peers that have a permission are free: refreshes, channels, other ports', async (t) => {
  const { lab, client, peer } = await allocated({ limits });
  await client.permit(PEER, ...addresses(29));
  for (let round = 0; round < 5; round++) {
    t.equal((await client.permit(PEER, ...addresses(29))).type, OK);
    t.equal((await client.bind(0x4000, PEER)).type, BOUND);
    t.equal((await client.bind(0x4001 + round, `${address(3)}:${round + 1}`)).type, BOUND);
    t.equal((await client.permit(address(99))).errorCode, 508, 'while a new one is refused');
    client.sendChannel(0x4000, 'goes on');
    t.same(peer.take(), ['goes on']);
  }
  await lab.advance(200);
  t.equal((await client.permit(PEER, ...addresses(29))).type, OK);
  await lab.advance(299);
  t.equal((await client.permit(PEER, ...addresses(29))).type, OK);
});

test('S39 a permission that has ended counts as new, though a channel is still bound to its address', async (t) => {
  const { lab, client } = await allocated({ limits });
  await client.bind(0x4000, PEER);
  await lab.advance(301);
  await exhaust(client);
  t.equal((await client.bind(0x4000, PEER)).errorCode, 508);
  t.equal((await client.permit(PEER)).errorCode, 508);
  await lab.advance(0.2);
  t.equal((await client.bind(0x4000, PEER)).type, BOUND);
});

test('S39 a scan of what is closed is a scan too: each refused address counts', async (t) => {
  const { lab, client } = await allocated({ limits });
  for (let host = 1; host <= 15; host++) {
    t.equal((await client.permit(`10.0.0.${host}`)).errorCode, 403);
    t.equal((await client.bind(0x4000, `10.0.1.${host}:22`)).errorCode, 403);
  }
  t.equal((await client.permit('10.0.0.16')).errorCode, 508, 'no policy is asked any more');
  t.equal((await client.bind(0x4000, '10.0.1.16:22')).errorCode, 508);
  t.equal((await client.permit(PEER)).errorCode, 508);
  t.match(lab.engine.counters, { peerDenied: 30, scanLimited: 3 });
});

test('S39 one private candidate does not cost what was named beside it', async (t) => {
  const { client } = await allocated({ limits });
  const good = addresses(28);
  t.equal((await client.permit(...good, '192.168.1.1')).errorCode, 403);
  t.equal(client.allocation?.permissions.size, 0);
  t.equal((await client.permit(...good)).type, OK, 'they can be asked for again at once');
});

test('S39 what is wrong anyway takes nothing', async (t) => {
  const { client } = await allocated({ limits: { ...limits, permissionsPerAllocation: 20 } });
  for (let tries = 0; tries < 40; tries++) {
    t.equal((await client.permit(PEER_V6)).errorCode, 443);
    t.equal((await client.bind(0x3fff, PEER)).errorCode, 400);
    t.equal((await client.permit(...addresses(21))).errorCode, 508, 'too many permissions');
  }
  t.equal((await client.permit(...addresses(20))).type, OK);
});

test('S39 other allocations, and what flows, do not notice', async (t) => {
  const { lab, client, peer, relayed } = await allocated({ limits });
  await client.bind(0x4000, PEER);
  await client.permit(...addresses(29));
  for (let tries = 0; tries < 200; tries++) await client.permit(address(100 + tries));
  t.equal(lab.engine.counters.scanLimited, 200);
  t.equal(hears(client, peer, relayed), 1);
  t.equal(reaches(client, peer), 1);
  const bob = lab.client({ user: 'bob' });
  const other = await bob.allocated();
  t.equal((await bob.permit(PEER_B)).type, OK);
  lab.peer(PEER_B).send(other, 'hello');
  t.equal(bob.take().length, 1);
  const second = lab.client();
  await second.allocated();
  t.equal((await second.permit(...addresses(30))).type, OK, 'not even another one of the same user');
  peer.send(relayed, 'to the channel');
  t.same(client.take(), [channelData(0x4000, 'to the channel')]);
});

test('S39 the limits may change while allocations live, and 0 is no limit', async (t) => {
  const { lab, client } = await allocated({ limits: { newPeersPerSecond: 0, newPeersBurst: 30 } });
  t.equal((await client.permit(...addresses(500))).type, OK);
  lab.engine.setLimits({ ...LIMITS, newPeersPerSecond: 10, newPeersBurst: 3 });
  t.equal((await client.permit(...addresses(4, 600))).errorCode, 508);
  t.equal((await client.permit(...addresses(3, 600))).type, OK, 'what was named without a limit is no debt');
  await lab.advance(0.1);
  t.equal((await client.permit(address(700))).type, OK);
  t.equal((await client.permit(address(701))).errorCode, 508);
  lab.engine.setLimits({ ...LIMITS, newPeersPerSecond: 10, newPeersBurst: 4 });
  t.equal((await client.permit(address(701))).type, OK);
  lab.engine.setLimits({ ...LIMITS, newPeersPerSecond: 0, newPeersBurst: 4 });
  t.equal((await client.permit(...addresses(100, 800))).type, OK);
});
