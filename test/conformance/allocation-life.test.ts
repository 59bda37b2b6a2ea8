// The life of an allocation, RFC 8656 §5, §6, §7.2: how long it lasts, what ends it, and who may use it.

import { test } from 'tap';
import type { Credentials } from '../../src/turn/env.ts';
import { configOf, errorsOf } from '../config/parse.ts';
import { Gate } from '../support/gate.ts';
import { Lab, labCredentials, settle } from '../support/lab.ts';
import { codeOf, nothingHeld } from '../support/lab-checks.ts';
import { REQUEST } from '../support/lab-client.ts';
import { attr, channelData, decode, message } from '../support/wire.ts';
import { lifetime, requestedTransport } from '../support/wire-attributes.ts';

const PEER = '93.184.216.34:5000';
const MAX_UINT32 = 0xffff_ffff;

// [requested, granted] in seconds with a default of 600 and a maximum of 3600; null = no LIFETIME.
const LIFETIMES: readonly (readonly [requested: number | null, granted: number])[] = [
  [null, 600],
  [0, 600],
  [1, 600],
  [599, 600],
  [600, 600],
  [601, 601],
  [3599, 3599],
  [3600, 3600],
  [3601, 3600],
  [86_400, 3600],
  [MAX_UINT32, 3600],
];

// Nonces that outlast the allocations under test.
const LONG = { settings: { nonceLifetime: 100_000 } } as const;

test('TURN-27 the lifetime is what was asked for, but at least the default and at most the maximum', async (t) => {
  const lab = new Lab();
  for (const [requested, granted] of LIFETIMES) {
    const answer = await lab.client().allocate(requested === null ? [] : [lifetime(requested)]);
    t.equal(answer.uint32(attr.lifetime), granted, `${requested} s`);
  }
});

test('TURN-27 an allocation lasts exactly as long as LIFETIME says', async (t) => {
  for (const [requested, granted] of [[null, 600] as const, [700, 700] as const, [MAX_UINT32, 3600] as const]) {
    const lab = new Lab(LONG);
    const client = lab.client();
    await client.allocate(requested === null ? [] : [lifetime(requested)]);
    await lab.advance(granted - 1);
    t.equal(codeOf(await client.permit(PEER)), 0, `alive after ${granted - 1} s`);
    await lab.advance(1);
    t.equal(codeOf(await client.permit(PEER)), 437, `gone after ${granted} s`);
  }
});

test('TURN-28 no allocation lasts longer than an hour', async (t) => {
  const lab = new Lab(LONG);
  const client = lab.client();
  t.equal((await client.allocate([lifetime(86_400)])).uint32(attr.lifetime), 3600);
  await lab.advance(3602);
  nothingHeld(t, lab);
});

test('TURN-28 no configuration lets an allocation last longer than an hour', async (t) => {
  t.equal(configOf({}).limits.maxLifetime, 3600);
  t.match(errorsOf({ yaml: 'limits: {max-lifetime: 3601}' }).join(), 'max-lifetime');
  t.same(errorsOf({ yaml: 'limits: {max-lifetime: 3600}' }), []);
});

test('BAD-24 a LIFETIME of a wrong length is a bad request, and the largest one is clamped', async (t) => {
  const lab = new Lab();
  for (const value of ['', '0258', '0000025800000258']) {
    const client = lab.client();
    t.equal(codeOf(await client.allocate([[attr.lifetime, value]])), 400, `${value.length / 2} bytes`);
    t.notOk(client.retained);
  }
  nothingHeld(t, lab);
  const client = lab.client();
  t.equal((await client.allocate([[attr.lifetime, 'ffffffff']])).uint32(attr.lifetime), 3600);
  await lab.advance(3602);
  nothingHeld(t, lab, 'no overflow on the way to the deadline');
});

test('TURN-30 a new allocation has no permissions and no channels', async (t) => {
  const lab = new Lab();
  const client = lab.client({ address: '93.184.216.34:4000' });
  const relayed = await client.allocated();
  lab.peer(PEER).send(relayed, 'from the client’s own host');
  lab.peer('93.184.215.14:1').send(relayed, 'from elsewhere');
  client.sendChannel(0x4000, 'unbound');
  client.sendTo(PEER, 'without permission');
  t.same(client.take(), []);
  t.same(lab.peer(PEER).take(), []);
  t.same(lab.relays.lost, []);
});

test('TURN-30 the next allocation of a five-tuple inherits nothing', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.allocated();
  await client.bind(0x4000, PEER);
  await client.request(REQUEST.refresh, [lifetime(0)]);
  const relayed = await client.allocated();
  lab.peer(PEER).send(relayed, 'to the new port');
  client.sendChannel(0x4000, 'on the old channel');
  client.sendTo(PEER, 'by the old permission');
  t.same(client.take(), []);
  t.same(lab.peer(PEER).take(), []);
});

test('TURN-31 the same client address at another server address or transport is another five-tuple', async (t) => {
  const lab = new Lab();
  const address = '198.51.100.77:40404';
  const clients = [
    lab.client({ address }),
    lab.client({ address, server: '203.0.113.1:3479' }),
    lab.client({ address, transport: 'tcp' }),
  ];
  const relayed = new Set<string>();
  for (const client of clients) relayed.add(await client.allocated());
  t.equal(relayed.size, 3);
  t.equal(codeOf(await clients[0]!.request(REQUEST.refresh, [lifetime(0)])), 0);
  for (const client of clients.slice(1)) t.equal(codeOf(await client.permit(PEER)), 0, 'the others live on');
});

test('TURN-32 no client behind Teredo or 6to4 gets an allocation', async (t) => {
  const lab = new Lab();
  for (const address of ['[2001:0:1:2::3]:4444', '[2002:5db8:d822::1]:4444', '[2002::1]:4444']) {
    const client = lab.client({ address });
    t.equal(codeOf(await client.allocate()), 403, address);
    t.notOk(client.retained);
  }
  nothingHeld(t, lab);
  t.equal(codeOf(await lab.client({ address: '[2001:1::3]:4444' }).allocate()), 0, 'a neighbour of Teredo');
});

test('TURN-32 no peer behind Teredo or 6to4 gets a channel or a permission, whatever is allowed', async (t) => {
  const lab = new Lab({ allow: ['2001::/32', '2002::/16'] });
  const client = lab.client();
  await client.request(REQUEST.allocate, [requestedTransport(), [attr.requestedAddressFamily, '02000000']]);
  for (const peer of ['2001:0:1:2::3', '2002:5db8:d822::1']) {
    t.equal(codeOf(await client.bind(0x4000, `[${peer}]:5000`)), 403);
    t.equal(codeOf(await client.permit(peer)), 403);
  }
});

for (const transport of ['udp', 'tcp'] as const) {
  test(`TURN-34 an expired allocation is gone with all it had (${transport})`, async (t) => {
    const lab = new Lab(LONG);
    const client = lab.client({ transport });
    const relayed = await client.allocated();
    await client.bind(0x4000, PEER);
    await lab.advance(602);
    nothingHeld(t, lab);
    t.same(lab.observer.events.slice(-2), [`relay released ${relayed}`, 'released expired']);
    t.equal(codeOf(await client.permit(PEER)), 437);
    t.equal(codeOf(await client.bind(0x4000, PEER)), 437);
    t.equal(codeOf(await client.request(REQUEST.refresh, [])), 437);
    t.equal(codeOf(await client.allocate()), 0);
    t.equal(lab.quota.total, 1);
  });
}

test('TURN-34 an expired allocation is of no use even before any tick has found it', async (t) => {
  const expired = async () => {
    const lab = new Lab(LONG);
    const client = lab.client();
    const relayed = await client.allocated();
    await lab.advance(400);
    await client.bind(0x4000, PEER);
    lab.clock.monotonic += 200_000;
    return { lab, client, relayed };
  };
  const refreshed = await expired();
  t.equal(codeOf(await refreshed.client.request(REQUEST.refresh, [])), 437, 'no request revives it');
  nothingHeld(t, refreshed.lab);
  const allocated = await expired();
  t.equal(codeOf(await allocated.client.allocate()), 0, 'the five-tuple is free');
  t.equal(allocated.lab.quota.total, 1);
  const used = await expired();
  used.client.sendChannel(0x4000, 'by channel');
  used.client.sendTo(PEER, 'by indication');
  used.lab.peer(PEER).send(used.relayed, 'back');
  t.same(used.lab.peer(PEER).take(), []);
  t.same(used.lab.relays.lost, []);
  t.same(used.client.take(), []);
});

test('TURN-34 an allocation that expires during a look-up is gone when the look-up ends', async (t) => {
  const gate = new Gate();
  const known = labCredentials();
  const slowForBob: Credentials = {
    ...known,
    find: (name, realm) => (name === 'bob' ? gate.hold(known.find(name, realm)) : known.find(name, realm)),
  };
  const lab = new Lab({ ...LONG, env: { credentials: slowForBob } });
  const client = lab.client();
  await client.allocated();
  const bob = lab.client({ user: 'bob' });
  bob.nonce = client.nonce;
  client.send(bob.signed(REQUEST.allocate, [requestedTransport()]));
  lab.clock.monotonic += 600_000;
  gate.releaseAll();
  await settle();
  t.equal(codeOf(client.take().map(decode)[0] ?? null), 0);
  t.equal(lab.quota.held.get('alice'), 0);
});

test('TURN-35 neither data nor permissions nor channels extend an allocation', async (t) => {
  const lab = new Lab(LONG);
  const client = lab.client();
  const relayed = await client.allocated();
  const peer = lab.peer(PEER);
  for (let second = 0; second < 598; second += 23) {
    await client.permit(PEER);
    await client.bind(0x4000, PEER);
    client.sendChannel(0x4000, 'on');
    client.sendTo(PEER, 'and');
    peer.send(relayed, 'on');
    await lab.advance(23);
  }
  t.ok(peer.take().length > 40);
  await lab.advance(4);
  nothingHeld(t, lab);
});

test('TURN-36 requests on a five-tuple without allocation: first 401, then 437', async (t) => {
  const lab = new Lab();
  for (const type of [REQUEST.refresh, REQUEST.createPermission, REQUEST.channelBind]) {
    const client = lab.client();
    t.equal(codeOf(await client.exchange(message({ type }))), 401);
    t.equal(codeOf(await client.request(type, [])), 437);
    const stranger = lab.client({ password: 'wrong' });
    t.equal(codeOf(await stranger.request(type, [])), 401);
    t.notOk(client.retained);
  }
  nothingHeld(t, lab);
});

test('TURN-37 indications and ChannelData without allocation are dropped', async (t) => {
  const lab = new Lab();
  for (const transport of ['udp', 'tcp'] as const) {
    const client = lab.client({ transport });
    client.sendTo(PEER, 'to nobody');
    client.send(channelData(0x4000, 'on nothing', { pad: transport === 'tcp' }));
    client.send(message({ type: 0x0017, attrs: [[attr.data, 'aa']] }));
    t.same(client.take(), []);
    t.equal(client.allocation, null);
  }
  t.same(lab.relays.lost, []);
  nothingHeld(t, lab);
});

test('TURN-38 another user gets 441 on an allocation, and nothing happens', async (t) => {
  const lab = new Lab({ settings: { nonceLifetime: 100_000 } });
  const client = lab.client();
  const relayed = await client.allocated();
  const bob = lab.client({ user: 'bob', address: client.address.text });
  bob.nonce = client.nonce;
  const peer = lab.peer(PEER);
  const requests = [
    bob.signed(REQUEST.refresh, [lifetime(0)]),
    bob.signed(REQUEST.refresh, [lifetime(3600)]),
    bob.signed(REQUEST.createPermission, [[attr.xorPeerAddress, '0001a2997c5f0a1b']]),
    bob.signed(REQUEST.channelBind, [[attr.channelNumber, '40000000']]),
  ];
  for (const bytes of requests) t.equal(codeOf(await client.exchange(bytes)), 441);
  t.equal(codeOf(await client.exchange(bob.signed(REQUEST.allocate, [requestedTransport()]))), 437);
  peer.send(relayed, 'no permission came of it');
  t.same(client.take(), []);
  t.equal(codeOf(await client.permit(PEER)), 0, 'the owner goes on');
  await lab.advance(602);
  nothingHeld(t, lab, 'it was not extended');
});

test('TURN-39 an Allocate without magic cookie meets silence', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.challenge();
  const bytes = client.signed(REQUEST.allocate, [requestedTransport()], { cookie: 0x01020304 });
  t.equal(codeOf(await client.exchange(bytes)), -1);
  t.equal(codeOf(await client.exchange(message({ type: REQUEST.allocate, cookie: 0x01020304 }))), -1);
  nothingHeld(t, lab);
});
