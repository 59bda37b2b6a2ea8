// Refresh, RFC 8656 §8: deleting and extending allocations, whole or by family.

import { type Test, test } from 'tap';
import { Lab } from '../support/lab.ts';
import { codeOf, nothingHeld } from '../support/lab-checks.ts';
import { type LabClient, REQUEST } from '../support/lab-client.ts';
import { attr } from '../support/wire.ts';
import { additionalAddressFamily, evenPort, lifetime, requestedAddressFamily } from '../support/wire-attributes.ts';

const PEER = '93.184.216.34:5000';
const PEER_V6 = '[2606:2800:220:1::1]:5000';

const refresh = (client: LabClient, ...attrs: Parameters<LabClient['signed']>[1]) =>
  client.request(REQUEST.refresh, attrs);

for (const transport of ['udp', 'tcp'] as const) {
  test(`TURN-42 LIFETIME 0 deletes the allocation with all it had, at once (${transport})`, async (t) => {
    const lab = new Lab();
    const client = lab.client({ transport });
    const relayed = await client.allocated();
    await client.permit(PEER);
    await client.bind(0x4000, PEER);
    const answer = await refresh(client, lifetime(0));
    t.equal(answer.type, 0x0104);
    t.equal(answer.uint32(attr.lifetime), 0);
    nothingHeld(t, lab);
    t.equal(lab.observer.events.at(-1), 'released deleted');
    lab.peer(PEER).send(relayed, 'to a dead port');
    client.sendChannel(0x4000, 'on a dead channel');
    client.sendTo(PEER, 'by a dead permission');
    t.same(client.take(), []);
    t.same(lab.peer(PEER).take(), []);
    t.equal(codeOf(await refresh(client)), 437);
    if (transport === 'udp') t.notOk(client.retained);
  });
}

test('TURN-42 a deletion does not touch what another client has', async (t) => {
  const lab = new Lab();
  const [client, other] = [lab.client(), lab.client()];
  await client.allocated();
  const relayed = await other.allocated();
  await other.bind(0x4000, PEER);
  await refresh(client, lifetime(0));
  lab.peer(PEER).send(relayed, 'still relayed');
  t.equal(other.take().length, 1);
});

const LIFETIMES: readonly (readonly [requested: number | null, granted: number])[] = [
  [null, 600],
  [1, 600],
  [599, 600],
  [601, 601],
  [3600, 3600],
  [86_400, 3600],
  [0xffff_ffff, 3600],
];

test('TURN-43 the lifetime is computed as in Allocate, and the answer says what was set', async (t) => {
  for (const [requested, granted] of LIFETIMES) {
    const lab = new Lab({ settings: { nonceLifetime: 100_000 } });
    const client = lab.client();
    await client.allocate([lifetime(1000)]);
    await lab.advance(100);
    const answer = await refresh(client, ...(requested === null ? [] : [lifetime(requested)]));
    t.equal(answer.type, 0x0104);
    t.equal(answer.uint32(attr.lifetime), granted, `${requested} s`);
    t.same(answer.types, [attr.lifetime, attr.messageIntegrity]);
    await lab.advance(granted - 1);
    t.equal(lab.engine.allocations.size, 1, `alive after ${granted - 1} s`);
    await lab.advance(3);
    nothingHeld(t, lab, `gone after ${granted} s`);
  }
});

test('TURN-43 a LIFETIME of a wrong length is a bad request and changes nothing', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.allocated();
  await lab.advance(500);
  for (const value of ['', '0000', '0000000000000000']) {
    t.equal(codeOf(await refresh(client, [attr.lifetime, value])), 400);
  }
  t.equal(lab.engine.allocations.size, 1, 'it was not deleted');
  await lab.advance(102);
  nothingHeld(t, lab, 'it was not extended');
});

for (const transport of ['udp', 'tcp'] as const) {
  test(`TURN-44 a retransmitted deletion is answered with 437 (${transport})`, async (t) => {
    const lab = new Lab();
    const client = lab.client({ transport });
    await client.allocated();
    const bytes = client.signed(REQUEST.refresh, [lifetime(0)]);
    t.equal(codeOf(await client.exchange(bytes)), 0);
    t.equal(codeOf(await client.exchange(bytes)), 437);
    t.equal(lab.quota.total, 0);
  });
}

test('TURN-44 a copy of a deletion that arrives after its nonce has expired is stale', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.allocated();
  const bytes = client.signed(REQUEST.refresh, [lifetime(0)]);
  await lab.advance(650);
  t.equal(codeOf(await client.exchange(bytes)), 438);
});

async function mismatch(t: Test, lab: Lab, client: LabClient, byte: number): Promise<void> {
  const family = Buffer.from([byte, 0, 0, 0]);
  const before = lab.engine.allocations.size;
  t.equal(codeOf(await refresh(client, [attr.requestedAddressFamily, family])), 443, `family ${byte}`);
  t.equal(codeOf(await refresh(client, lifetime(0), [attr.requestedAddressFamily, family])), 443);
  t.equal(lab.engine.allocations.size, before, 'nothing is deleted');
}

test('TURN-45 a family that the allocation does not have gets 443, and nothing happens', async (t) => {
  const lab = new Lab();
  const [four, six] = [lab.client(), lab.client()];
  await four.allocated();
  await six.allocated([requestedAddressFamily(6)]);
  for (const byte of [2, 0, 3, 255]) await mismatch(t, lab, four, byte);
  for (const byte of [1, 0, 3, 255]) await mismatch(t, lab, six, byte);
  for (const value of ['', '01', '0100000000000000']) {
    t.equal(codeOf(await refresh(four, [attr.requestedAddressFamily, value])), 400);
  }
  t.equal(codeOf(await refresh(four, requestedAddressFamily(4))), 0, 'its own family is right');
  t.equal(codeOf(await refresh(six, requestedAddressFamily(6))), 0);
});

/** A dual allocation with a channel and a permission in each family. */
async function dual() {
  const lab = new Lab({ settings: { nonceLifetime: 100_000 } });
  const client = lab.client();
  const answer = await client.allocate([additionalAddressFamily()]);
  const [v4 = '', v6 = ''] = answer.xorAddresses(attr.xorRelayedAddress);
  await client.bind(0x4004, PEER);
  await client.bind(0x4006, PEER_V6);
  return { lab, client, v4, v6 };
}

/** Whether data flows both ways over the channel of a family. */
function relays(lab: Lab, client: LabClient, number: number, peer: string, relayed: string): boolean[] {
  const host = lab.peer(peer);
  client.sendChannel(number, 'there');
  host.send(relayed, 'back');
  return [host.take().length === 1, client.take().length === 1];
}

test('TURN-46 deleting one family of a dual allocation leaves the other its permissions and channels', async (t) => {
  for (const family of [4, 6] as const) {
    const { lab, client, v4, v6 } = await dual();
    t.equal((await refresh(client, lifetime(0), requestedAddressFamily(family))).uint32(attr.lifetime), 0);
    t.same(relays(lab, client, 0x4004, PEER, v4), [family === 6, family === 6]);
    t.same(relays(lab, client, 0x4006, PEER_V6, v6), [family === 4, family === 4]);
    t.equal(lab.relays.sockets.size, 1);
    t.equal(lab.quota.total, 1);
    t.equal(codeOf(await refresh(client, requestedAddressFamily(family))), 443, 'it is gone');
    t.equal(codeOf(await client.permit(family === 4 ? PEER : PEER_V6)), 443);
    t.equal(codeOf(await refresh(client, lifetime(0), requestedAddressFamily(family === 4 ? 6 : 4))), 0);
    nothingHeld(t, lab);
  }
});

test('TURN-46 refreshing one family of a dual allocation lets the other expire', async (t) => {
  for (const family of [4, 6] as const) {
    const { lab, client, v4, v6 } = await dual();
    await lab.advance(400);
    t.equal(codeOf(await refresh(client, requestedAddressFamily(family))), 0);
    await client.bind(0x4004, PEER);
    await client.bind(0x4006, PEER_V6);
    await lab.advance(202);
    t.same(relays(lab, client, 0x4004, PEER, v4), [family === 4, family === 4]);
    t.same(relays(lab, client, 0x4006, PEER_V6, v6), [family === 6, family === 6]);
    t.equal(lab.engine.allocations.size, 1);
    await lab.advance(400);
    nothingHeld(t, lab);
  }
});

test('TURN-46 without a family both are refreshed or deleted', async (t) => {
  const { lab, client, v4, v6 } = await dual();
  await lab.advance(400);
  t.equal((await refresh(client, lifetime(900))).uint32(attr.lifetime), 900);
  await lab.advance(500);
  await client.bind(0x4004, PEER);
  await client.bind(0x4006, PEER_V6);
  t.same(relays(lab, client, 0x4004, PEER, v4), [true, true]);
  t.same(relays(lab, client, 0x4006, PEER_V6, v6), [true, true]);
  t.equal(codeOf(await refresh(client, lifetime(0))), 0);
  nothingHeld(t, lab);
});

for (const asyncOpen of [false, true]) {
  const when = asyncOpen ? 'later' : 'at once';
  test(`TURN-47 a new Allocate succeeds right after the deletion (sockets ${when})`, async (t) => {
    for (const transport of ['udp', 'tcp'] as const) {
      const lab = new Lab({ asyncOpen, ports: [50_000, 50_001], quotaPerUser: 1 });
      const client = lab.client({ transport });
      for (let i = 0; i < 5; i++) {
        t.equal(codeOf(await client.allocate([evenPort(false)])), 0);
        t.equal(codeOf(await refresh(client, lifetime(0))), 0);
      }
      nothingHeld(t, lab);
    }
  });
}

test('BAD-47 requests replayed byte for byte from another source port have no effect', async (t) => {
  const lab = new Lab();
  const client = lab.client({ address: '198.51.100.7:1000' });
  const relayed = await client.allocated();
  await client.permit(PEER);
  const thief = lab.client({ address: '198.51.100.7:1001' });
  const thiefRelay = lab.client({ address: '198.51.100.7:1002' });
  await thiefRelay.allocated();
  const requests = [
    client.signed(REQUEST.refresh, [lifetime(0)]),
    client.signed(REQUEST.refresh, [lifetime(3600)]),
    client.signed(REQUEST.createPermission, [[attr.xorPeerAddress, '0001a2997c1a5c30']]),
  ];
  for (const bytes of requests) {
    t.equal(codeOf(await thief.exchange(bytes)), 438);
    t.equal(codeOf(await thiefRelay.exchange(bytes)), 438);
  }
  t.notOk(thief.retained);
  t.equal(lab.engine.allocations.size, 2);
  lab.peer(PEER).send(relayed, 'the victim is not disturbed');
  t.equal(client.take().length, 1);
  await lab.advance(602);
  nothingHeld(t, lab, 'nothing was extended');
});
