// Allocate where everything that it asks for takes its time (relay sockets, quota, reservations): whatever happens
// meanwhile, nothing stays behind. RFC 8656 §7.2.

import { test } from 'tap';
import type { ReservedPorts } from '../../src/turn/env.ts';
import { Gate } from '../support/gate.ts';
import { Lab, type LabOptions, labCredentials, RELAY_V4, settle } from '../support/lab.ts';
import { codeOf, nothingHeld, portOf } from '../support/lab-checks.ts';
import { type LabClient, REQUEST } from '../support/lab-client.ts';
import { laterLab } from '../support/later.ts';
import { attr, type Decoded, decode } from '../support/wire.ts';
import { evenPort, requestedTransport, reservationToken } from '../support/wire-attributes.ts';

/** Users whose reservations are counted, so that `mayHold` is asked. */
function limited(quotaLimit: number): LabOptions {
  const known = labCredentials();
  const find: typeof known.find = (name, realm) => {
    const found = known.find(name, realm);
    return Array.isArray(found) ? found.map((one) => ({ ...one, quotaLimit })) : found;
  };
  return { env: { credentials: { ...known, find } } };
}

/** What an Allocate that reserves waits for, one after another: may it, the quota, the sockets, the reservation. */
const STAGES = ['mayHold', 'quota', 'sockets', 'hold'] as const;

/** A client whose Allocate has come to wait for a stage. */
async function waitingAt(stage: number, transport: 'udp' | 'tcp' = 'udp') {
  const gate = new Gate();
  const lab = laterLab(gate, limited(5));
  const client = lab.client({ transport });
  await client.challenge();
  const bytes = client.signed(REQUEST.allocate, [requestedTransport(), evenPort(true)]);
  client.send(bytes);
  for (let passed = 0; passed < stage; passed++) {
    gate.release();
    await settle();
  }
  return { gate, lab, client, bytes };
}

async function drain(gate: Gate): Promise<void> {
  while (gate.waiting > 0) {
    gate.releaseAll();
    await settle();
  }
}

const answers = (client: LabClient): Decoded[] => client.take().map(decode);

/** Allocates with a reservation, through all stages; the token. */
async function reserved(gate: Gate, client: LabClient): Promise<{ relayed: string; token: Buffer }> {
  await client.challenge();
  client.send(client.signed(REQUEST.allocate, [requestedTransport(), evenPort(true)]));
  await drain(gate);
  const [answer] = answers(client);
  const token = answer?.get(attr.reservationToken);
  if (answer === undefined || token === undefined) throw new Error(`no reservation: ${answer?.errorCode}`);
  return { relayed: answer.xorAddress(attr.xorRelayedAddress) ?? '', token };
}

test('TURN-15, TURN-10: a port is reserved and redeemed, each in its time', async (t) => {
  const gate = new Gate();
  const lab = laterLab(gate);
  const { relayed, token } = await reserved(gate, lab.client());
  t.equal(token.length, 8);
  t.equal(lab.engine.reservations.size, 1);
  const other = lab.client({ user: 'bob' });
  await other.challenge();
  other.send(other.signed(REQUEST.allocate, [requestedTransport(), reservationToken(token)]));
  await drain(gate);
  t.equal(answers(other)[0]?.xorAddress(attr.xorRelayedAddress), `${RELAY_V4}:${portOf(relayed) + 1}`);
  t.equal(lab.engine.reservations.size, 0);
});

for (const [stage, name] of STAGES.entries()) {
  test(`TURN-41 a client that leaves while ${name} is waited for leaves nothing behind`, async (t) => {
    const { gate, lab, client } = await waitingAt(stage, 'tcp');
    t.equal(gate.waiting, 1);
    client.close();
    await drain(gate);
    t.same(client.take(), []);
    nothingHeld(t, lab);
    t.same(lab.observer.events, ['rejected 3 401'], 'there was no allocation to speak of');
  });

  test(`TURN-41 an engine that closes while ${name} is waited for keeps nothing`, async (t) => {
    const { gate, lab, client } = await waitingAt(stage);
    lab.engine.close();
    await drain(gate);
    t.same(answers(client).map(codeOf), [508]);
    t.notOk(client.retained);
    nothingHeld(t, lab);
  });

  test(`TURN-02, TURN-03: of Allocates on one five-tuple while ${name} is waited for one is served`, async (t) => {
    const { gate, lab, client, bytes } = await waitingAt(stage);
    t.equal(codeOf(await client.exchange(bytes)), -1, 'a retransmission');
    t.equal(codeOf(await client.exchange(client.signed(REQUEST.allocate, [requestedTransport()]))), 437);
    t.equal(gate.waiting, 1);
    await drain(gate);
    t.same(answers(client).map(codeOf), [0]);
    t.equal(lab.quota.total, 1);
    t.equal(lab.relays.sockets.size, 2);
    t.equal(lab.engine.allocations.size, 1);
    await lab.advance(602);
    nothingHeld(t, lab);
  });
}

test('S48 a holder who may not reserve gets 486, and nothing is taken', async (t) => {
  const gate = new Gate();
  const lab = laterLab(gate, limited(1));
  await reserved(gate, lab.client());
  const client = lab.client();
  await client.challenge();
  client.send(client.signed(REQUEST.allocate, [requestedTransport(), evenPort(true)]));
  await drain(gate);
  t.same(answers(client).map(codeOf), [486]);
  t.notOk(client.retained);
  t.equal(lab.quota.total, 1);
});

const BROKEN: Readonly<Record<string, () => never | Promise<never> | null>> = {
  'gives nothing': () => null,
  throws: () => {
    throw new Error('a bug');
  },
  rejects: () => Promise.reject(new Error('a bug')),
};

for (const [how, broken] of Object.entries(BROKEN)) {
  const reservations: ReservedPorts = {
    size: 0,
    mayHold: () => broken() ?? false,
    hold: broken,
    redeem: broken,
    tick: broken,
    close: broken,
  };

  test(`TURN-41 reservations of which each call ${how} cost one request, not a port or a quota`, async (t) => {
    const lab = new Lab({ env: { reservations } });
    for (const attrs of [[evenPort(true)], [reservationToken('0102030405060708')]]) {
      const client = lab.client();
      t.equal(codeOf(await client.allocate(attrs)), 508);
      t.notOk(client.retained);
    }
    const counted = new Lab({ env: { ...limited(1).env, reservations } });
    t.equal(codeOf(await counted.client().allocate([evenPort(true)])), 486);
    t.equal(codeOf(await counted.client().allocate()), 0, 'who reserves nothing is not disturbed');
    for (const one of [lab, counted]) {
      await one.advance(602);
      one.engine.close();
      t.equal(one.observer.failures.length > 0, how !== 'gives nothing');
      one.observer.failures.length = 0;
      nothingHeld(t, one);
    }
  });
}

test('TURN-09 of two clients that redeem a token together one gets the port', async (t) => {
  const gate = new Gate();
  const lab = laterLab(gate);
  const { token } = await reserved(gate, lab.client());
  const clients = [lab.client(), lab.client({ user: 'bob' })];
  for (const client of clients) {
    await client.challenge();
    client.send(client.signed(REQUEST.allocate, [requestedTransport(), reservationToken(token)]));
  }
  await drain(gate);
  t.same(clients.flatMap(answers).map(codeOf), [0, 508]);
  t.equal(lab.quota.total, 2);
  await lab.advance(602);
  nothingHeld(t, lab);
});

test('TURN-41 a client that leaves while its token is redeemed gives the port back', async (t) => {
  const gate = new Gate();
  const lab = laterLab(gate);
  const { token } = await reserved(gate, lab.client());
  const client = lab.client({ transport: 'tcp' });
  await client.challenge();
  client.send(client.signed(REQUEST.allocate, [requestedTransport(), reservationToken(token)]));
  gate.release();
  await settle();
  client.close();
  await drain(gate);
  t.equal(lab.relays.sockets.size, 1, 'the first client’s');
  t.equal(lab.quota.total, 1);
  t.equal(lab.engine.reservations.size, 0);
});
