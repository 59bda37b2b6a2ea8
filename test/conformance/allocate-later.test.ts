// Allocate while relay sockets, credentials or the quota take their time: retransmissions, other requests, a client
// that leaves and an engine that closes meanwhile.

import { test } from 'tap';
import type { Credentials, Quota } from '../../src/turn/env.ts';
import { NO_USER } from '../../src/turn/grant.ts';
import { Gate } from '../support/gate.ts';
import { Lab, type LabOptions, labCredentials, settle } from '../support/lab.ts';
import { codeOf, nothingHeld } from '../support/lab-checks.ts';
import { type LabClient, REQUEST } from '../support/lab-client.ts';
import { attr, decode } from '../support/wire.ts';
import { additionalAddressFamily, evenPort, requestedTransport, reservationToken } from '../support/wire-attributes.ts';

/** A lab whose relay sockets open when the gate lets them, and a client that has a nonce. */
async function gated(options: LabOptions = {}, transport: 'udp' | 'tcp' = 'udp') {
  const gate = new Gate();
  const lab = new Lab({ asyncOpen: gate, ...options });
  const client = lab.client({ transport });
  await client.challenge();
  return { gate, lab, client };
}

/** The codes of what a client has received since the last call. */
const codes = (client: LabClient): number[] => client.take().map((bytes) => codeOf(decode(bytes)));

test('TURN-03 a retransmission while the first is worked on gets no answer of its own', async (t) => {
  const { gate, lab, client } = await gated();
  const bytes = client.signed(REQUEST.allocate, [requestedTransport()]);
  client.send(bytes);
  t.equal(codeOf(await client.exchange(bytes)), -1);
  t.equal(codeOf(await client.exchange(bytes)), -1);
  t.equal(gate.waiting, 1, 'only one socket is asked for');
  gate.releaseAll();
  await settle();
  const [answer, ...more] = client.take();
  t.same(more, [], 'one answer in all');
  t.equal(codeOf(await client.exchange(bytes)), 0, 'a retransmission after the answer gets it again');
  t.ok(answer);
  t.equal(lab.quota.total, 1);
  t.equal(lab.relays.sockets.size, 1);
});

test('TURN-02 another Allocate while the first is worked on gets 437', async (t) => {
  const { gate, lab, client } = await gated();
  client.send(client.signed(REQUEST.allocate, [requestedTransport()]));
  t.equal(codeOf(await client.exchange(client.signed(REQUEST.allocate, [requestedTransport()]))), 437);
  gate.releaseAll();
  await settle();
  t.same(codes(client), [0]);
  t.equal(lab.quota.total, 1);
});

test('TURN-36 other requests while the Allocate is worked on get 437', async (t) => {
  const { gate, client } = await gated();
  client.send(client.signed(REQUEST.allocate, [requestedTransport()]));
  for (const type of [REQUEST.refresh, REQUEST.createPermission, REQUEST.channelBind]) {
    t.equal(codeOf(await client.exchange(client.signed(type, []))), 437);
  }
  t.equal(codeOf(await client.exchange(client.signed(REQUEST.binding, []))), 0);
  gate.releaseAll();
  await settle();
  t.same(codes(client), [0]);
});

test('TURN-29 a five-tuple can allocate again as soon as a slow Allocate has failed', async (t) => {
  const { gate, lab, client } = await gated({ ports: [50_001, 50_001] });
  client.send(client.signed(REQUEST.allocate, [requestedTransport(), evenPort(false)]));
  gate.releaseAll();
  await settle();
  t.same(codes(client), [508]);
  t.notOk(client.retained);
  client.send(client.signed(REQUEST.allocate, [requestedTransport()]));
  gate.releaseAll();
  await settle();
  t.same(codes(client), [0]);
  t.equal(lab.quota.total, 1);
});

const DUAL_OR_PAIR = [
  ['one', []],
  ['a pair', [evenPort(true)]],
  ['two families', [additionalAddressFamily()]],
] as const;

for (const [name, attrs] of DUAL_OR_PAIR) {
  test(`TURN-41 a client that leaves while sockets open leaves nothing behind (${name})`, async (t) => {
    const { gate, lab, client } = await gated({}, 'tcp');
    client.send(client.signed(REQUEST.allocate, [requestedTransport(), ...attrs]));
    client.close();
    while (gate.waiting > 0) {
      gate.release();
      await settle();
    }
    t.same(client.take(), [], 'nothing is sent to a closed connection');
    nothingHeld(t, lab);
    t.same(lab.observer.events, ['rejected 3 401'], 'there was no allocation to speak of');
  });

  test(`TURN-41 an engine that closes while sockets open keeps none (${name})`, async (t) => {
    const { gate, lab, client } = await gated();
    client.send(client.signed(REQUEST.allocate, [requestedTransport(), ...attrs]));
    lab.engine.close();
    while (gate.waiting > 0) {
      gate.release();
      await settle();
    }
    t.same(codes(client), [508]);
    t.notOk(client.retained);
    nothingHeld(t, lab);
  });
}

test('TURN-41 a closed engine makes nothing new', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.allocate([evenPort(true)]);
  const waiting = lab.client();
  await waiting.challenge();
  lab.engine.close();
  nothingHeld(t, lab);
  t.equal(codeOf(await waiting.allocate()), 508);
  t.equal(codeOf(await waiting.allocate([reservationToken('0102030405060708')])), 508);
  nothingHeld(t, lab);
});

test('TURN-41 a client that leaves while the quota is asked for gives back what it gets', async (t) => {
  const gate = new Gate();
  let held = 0;
  const quota: Quota = {
    acquire: () => {
      held++;
      return gate.hold(NO_USER);
    },
    release: () => {
      held--;
    },
  };
  const lab = new Lab({ env: { quota } });
  const client = lab.client({ transport: 'tcp' });
  await client.challenge();
  client.send(client.signed(REQUEST.allocate, [requestedTransport()]));
  client.close();
  gate.releaseAll();
  await settle();
  t.same(client.take(), []);
  t.equal(held, 0);
  nothingHeld(t, lab);
});

test('TURN-21 a quota that is refused later is refused all the same', async (t) => {
  const gate = new Gate();
  const quota: Quota = { acquire: () => gate.hold(null), release: () => t.fail('nothing was taken') };
  const lab = new Lab({ env: { quota } });
  const client = lab.client();
  await client.challenge();
  const bytes = client.signed(REQUEST.allocate, [requestedTransport()]);
  client.send(bytes);
  client.send(bytes);
  t.equal(gate.waiting, 1);
  gate.releaseAll();
  await settle();
  t.same(codes(client), [486]);
  t.notOk(client.retained);
  nothingHeld(t, lab);
});

/** Credentials that arrive when the gate lets them. */
function slowCredentials(gate: Gate): Credentials {
  const known = labCredentials();
  return { ...known, find: (name, realm) => gate.hold(known.find(name, realm)) };
}

test('TURN-03 copies of one Allocate that wait for credentials together make one allocation', async (t) => {
  const gate = new Gate();
  const lab = new Lab({ env: { credentials: slowCredentials(gate) } });
  const client = lab.client();
  await client.challenge();
  const bytes = client.signed(REQUEST.allocate, [requestedTransport()]);
  client.send(bytes);
  client.send(bytes);
  t.equal(gate.waiting, 2);
  gate.release(1);
  await settle();
  gate.release(0);
  await settle();
  const [first, second] = client.take().map(decode);
  t.equal(codeOf(first ?? null), 0);
  t.same(second?.bytes, first?.bytes, 'the second is answered as a retransmission');
  t.equal(lab.quota.total, 1);
  t.equal(lab.relays.sockets.size, 1);
});

test('TURN-02 of two Allocates that wait for credentials the first to be known gets the five-tuple', async (t) => {
  const gate = new Gate();
  const lab = new Lab({ env: { credentials: slowCredentials(gate) } });
  const client = lab.client();
  await client.challenge();
  client.send(client.signed(REQUEST.allocate, [requestedTransport()], { tid: '00'.repeat(12) }));
  client.send(client.signed(REQUEST.allocate, [requestedTransport()], { tid: '11'.repeat(12) }));
  gate.release(1);
  await settle();
  gate.release(0);
  await settle();
  const answers = client.take().map(decode);
  t.same(answers.map(codeOf), [0, 437]);
  t.same(answers[0]?.tid, Buffer.alloc(12, 0x11));
  t.equal(lab.quota.total, 1);
});

test('TURN-41 a client that leaves while its credentials are looked up leaves nothing behind', async (t) => {
  const gate = new Gate();
  const lab = new Lab({ env: { credentials: slowCredentials(gate) } });
  const client = lab.client({ transport: 'tcp' });
  await client.challenge();
  client.send(client.signed(REQUEST.allocate, [requestedTransport()]));
  client.close();
  gate.releaseAll();
  await settle();
  t.same(client.take(), []);
  nothingHeld(t, lab);
});

test('TURN-09 of two clients whose quota is asked for together only one redeems the token', async (t) => {
  const gate = new Gate();
  let slow = false;
  const quota: Quota = { acquire: () => (slow ? gate.hold(NO_USER) : NO_USER), release: () => undefined };
  const lab = new Lab({ env: { quota } });
  const token = (await lab.client().allocate([evenPort(true)])).get(attr.reservationToken) ?? '';
  slow = true;
  const clients = [lab.client(), lab.client({ user: 'bob' })];
  for (const client of clients) {
    await client.challenge();
    client.send(client.signed(REQUEST.allocate, [requestedTransport(), reservationToken(token)]));
  }
  gate.releaseAll();
  await settle();
  t.same(clients.flatMap(codes), [0, 508]);
});

test('TURN-09 a client that leaves while its quota is asked for does not use up the token', async (t) => {
  const gate = new Gate();
  let slow = false;
  const quota: Quota = { acquire: () => (slow ? gate.hold(NO_USER) : NO_USER), release: () => undefined };
  const lab = new Lab({ env: { quota } });
  const token = (await lab.client().allocate([evenPort(true)])).get(attr.reservationToken) ?? '';
  const [leaver, other] = [lab.client({ transport: 'tcp' }), lab.client()];
  for (const client of [leaver, other]) await client.challenge();
  slow = true;
  leaver.send(leaver.signed(REQUEST.allocate, [requestedTransport(), reservationToken(token)]));
  leaver.close();
  other.send(other.signed(REQUEST.allocate, [requestedTransport(), reservationToken(token)]));
  gate.releaseAll();
  await settle();
  t.same([leaver, other].map(codes), [[], [0]]);
});
