// Allocate, RFC 8656 §7.2: who may, the five-tuple in use, and the checks of the attributes in their order.

import { type Test, test } from 'tap';
import { Lab, settle } from '../support/lab.ts';
import { codeOf, nothingHeld } from '../support/lab-checks.ts';
import { REQUEST } from '../support/lab-client.ts';
import { type AttributeInput, attr, message } from '../support/wire.ts';
import {
  additionalAddressFamily,
  dontFragment,
  evenPort,
  lifetime,
  requestedAddressFamily,
  requestedTransport,
  reservationToken,
} from '../support/wire-attributes.ts';

const TOKEN = reservationToken('0102030405060708');

test('TURN-01 an Allocate without credentials is challenged and makes nothing', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const answer = client.must(await client.exchange(message({ type: REQUEST.allocate, attrs: [requestedTransport()] })));
  t.equal(answer.type, 0x0113);
  t.equal(answer.errorCode, 401);
  t.ok(answer.has(attr.realm) && answer.has(attr.nonce));
  t.notOk(client.retained);
  nothingHeld(t, lab);
});

test('TURN-01 an Allocate without credentials succeeds where access is anonymous', async (t) => {
  const lab = new Lab({ settings: { anonymous: true } });
  const client = lab.client();
  const answer = await client.exchange(message({ type: REQUEST.allocate, attrs: [requestedTransport()] }));
  t.equal(answer?.type, 0x0103);
  t.equal(lab.engine.allocations.size, 1);
});

for (const asyncOpen of [false, true]) {
  const when = asyncOpen ? 'later' : 'at once';

  test(`TURN-02 a second Allocate is refused and the first stays as it is (sockets ${when})`, async (t) => {
    const lab = new Lab({ asyncOpen });
    const client = lab.client();
    const relayed = await client.allocated();
    await client.permit('93.184.216.34');
    t.equal(codeOf(await client.allocate()), 437);
    const bob = lab.client({ user: 'bob', address: client.address.text });
    t.equal(codeOf(await bob.allocate()), 0, 'another link is another five-tuple');
    t.same([...lab.relays.sockets.keys()].includes(relayed), true);
    const peer = lab.peer('93.184.216.34:5000');
    peer.send(relayed, 'still there');
    t.equal(client.take().length, 1);
    t.equal(lab.quota.total, 2);
  });

  test(`TURN-03 a retransmitted Allocate gets the same answer and takes no second port (sockets ${when})`, async (t) => {
    const lab = new Lab({ asyncOpen });
    const client = lab.client();
    await client.challenge();
    const bytes = client.signed(REQUEST.allocate, [requestedTransport(), evenPort(true), lifetime(900)]);
    const first = client.must(await client.exchange(bytes));
    t.equal(first.type, 0x0103);
    await lab.advance(5);
    const second = client.must(await client.exchange(bytes));
    t.same(second.xorAddresses(attr.xorRelayedAddress), first.xorAddresses(attr.xorRelayedAddress));
    t.same(second.get(attr.reservationToken), first.get(attr.reservationToken));
    t.same(second.tid, first.tid);
    t.ok(second.integrityOk(client.key));
    t.equal(lab.relays.sockets.size, 2, 'the port and the reserved one');
    t.equal(lab.quota.total, 1);
    t.equal(lab.engine.allocations.size, 1);
  });
}

test('TURN-03 a retransmission long after is another transaction', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.challenge();
  const bytes = client.signed(REQUEST.allocate, [requestedTransport()]);
  t.equal(codeOf(await client.exchange(bytes)), 0);
  await lab.advance(41);
  t.equal(codeOf(await client.exchange(bytes)), 437);
});

test('TURN-03 only the owner gets the answer again', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.challenge();
  const tid = '0a0b0c0d0e0f101112131415';
  t.equal(codeOf(await client.exchange(client.signed(REQUEST.allocate, [requestedTransport()], { tid }))), 0);
  const bob = lab.client({ user: 'bob' });
  const forged = message({
    type: REQUEST.allocate,
    tid,
    key: bob.key,
    attrs: [requestedTransport(), [attr.username, Buffer.from('bob')], ...client.credentials().slice(1)],
  });
  t.equal(codeOf(await client.exchange(forged)), 437);
});

test('TURN-04 a five-tuple in use is found before any fault in the attributes', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.allocated();
  t.equal(codeOf(await client.request(REQUEST.allocate, [])), 437);
  t.equal(codeOf(await client.request(REQUEST.allocate, [requestedTransport(6)])), 437);
  t.equal(codeOf(await client.allocate([dontFragment()])), 437);
});

/** Allocates with these attributes on a fresh five-tuple, and asserts that a refusal left nothing behind. */
async function outcome(t: Test, attrs: readonly AttributeInput[], lab = new Lab()): Promise<number> {
  const client = lab.client();
  const before = lab.relays.sockets.size;
  const code = codeOf(await client.request(REQUEST.allocate, attrs));
  if (code !== 0) {
    t.equal(lab.quota.total, 0, 'no quota');
    t.equal(lab.relays.sockets.size, before, 'no socket');
    t.notOk(client.retained, 'no memory');
  }
  return code;
}

test('TURN-05 a missing or malformed REQUESTED-TRANSPORT is a bad request', async (t) => {
  t.equal(await outcome(t, []), 400);
  for (const value of ['', '11', '110000', '1100000000000000']) {
    t.equal(await outcome(t, [[attr.requestedTransport, value]]), 400, `${value.length / 2} bytes`);
  }
});

test('BAD-23 REQUESTED-TRANSPORT of length 0, 1 and 8 is a bad request', async (t) => {
  for (const value of ['', '11', '1100000000000000']) {
    t.equal(await outcome(t, [[attr.requestedTransport, value]]), 400);
  }
});

test('TURN-06 only UDP is served, and the reserved bytes are ignored', async (t) => {
  for (const protocol of [0, 6, 132, 255]) t.equal(await outcome(t, [requestedTransport(protocol)]), 442);
  t.equal(await outcome(t, [[attr.requestedTransport, '11ffffff']]), 0);
});

test('TURN-07 DONT-FRAGMENT is unknown where DF cannot be set, and accepted where it can', async (t) => {
  const lab = new Lab();
  const answer = await lab.client().allocate([dontFragment()]);
  t.equal(answer.errorCode, 420);
  t.same(answer.unknownAttributes, [0x001a]);
  nothingHeld(t, lab);
  const able = new Lab({ env: { capabilities: { dontFragment: true } } });
  t.equal(codeOf(await able.client().allocate([dontFragment()])), 0);
});

const CONTRADICTIONS: readonly (readonly [name: string, other: AttributeInput])[] = [
  ['EVEN-PORT', evenPort(false)],
  ['REQUESTED-ADDRESS-FAMILY', requestedAddressFamily(4)],
  ['ADDITIONAL-ADDRESS-FAMILY', additionalAddressFamily()],
];

for (const [name, other] of CONTRADICTIONS) {
  test(`TURN-08 a RESERVATION-TOKEN does not go with ${name}, in either order`, async (t) => {
    t.equal(await outcome(t, [requestedTransport(), TOKEN, other]), 400);
    t.equal(await outcome(t, [requestedTransport(), other, TOKEN]), 400);
  });

  test(`TURN-08 a good RESERVATION-TOKEN survives a request with ${name}`, async (t) => {
    const lab = new Lab();
    const token = (await lab.client().allocate([evenPort(true)])).get(attr.reservationToken) ?? '';
    const client = lab.client();
    t.equal(codeOf(await client.allocate([reservationToken(token), other])), 400);
    t.equal(codeOf(await client.allocate([reservationToken(token)])), 0);
  });
}

test('TURN-24 a success has relayed address, lifetime and mapped address, and a token only for a reserved port', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const plain = await client.allocate();
  t.same(plain.types, [attr.xorRelayedAddress, attr.lifetime, attr.xorMappedAddress, attr.messageIntegrity]);
  t.equal(plain.xorAddress(attr.xorMappedAddress), client.address.text);
  t.notOk((await lab.client().allocate([evenPort(false)])).has(attr.reservationToken));
  t.ok((await lab.client().allocate([evenPort(true)])).has(attr.reservationToken));
});

test('TURN-24 a client reached over IPv6 learns its IPv6 address', async (t) => {
  const client = new Lab().client({ address: '[2a00:1450::5]:1234', server: '[2001:db8::1]:3478' });
  t.equal((await client.allocate()).xorAddress(attr.xorMappedAddress), '[2a00:1450::5]:1234');
});

for (const asyncOpen of [false, true]) {
  test(`TURN-29 a failed Allocate leaves nothing behind (sockets ${asyncOpen ? 'later' : 'at once'})`, async (t) => {
    const lab = new Lab({ asyncOpen, families: [4], ports: [50_001, 50_001] });
    const client = lab.client();
    t.equal(codeOf(await client.request(REQUEST.allocate, [requestedTransport(6)])), 442);
    t.equal(codeOf(await client.allocate([requestedAddressFamily(6)])), 440);
    t.equal(codeOf(await client.allocate([evenPort(false)])), 508);
    t.equal(codeOf(await client.allocate([TOKEN])), 508);
    t.notOk(client.retained);
    nothingHeld(t, lab);
    t.equal(codeOf(await client.allocate()), 0, 'the five-tuple can allocate right after');
    await settle();
    t.equal(lab.quota.total, 1);
  });
}
