// Relay ports and reservations, RFC 8656 §6, §7.2: EVEN-PORT, RESERVATION-TOKEN, uniqueness, external addresses.

import { test } from 'tap';
import type { Credential, NoCredential } from '../../src/turn/env.ts';
import { Lab, labCredentials, RELAY_PRIVATE_V4, RELAY_V4 } from '../support/lab.ts';
import { codeOf, nothingHeld, portOf } from '../support/lab-checks.ts';
import { REQUEST } from '../support/lab-client.ts';
import { attr } from '../support/wire.ts';
import {
  additionalAddressFamily,
  evenPort,
  lifetime,
  requestedAddressFamily,
  reservationToken,
} from '../support/wire-attributes.ts';

/** Allocates with EVEN-PORT R=1: the relayed address and the token. */
async function reserve(lab: Lab): Promise<{ relayed: string; token: Buffer }> {
  const answer = await lab.client().allocate([evenPort(true)]);
  const relayed = answer.xorAddress(attr.xorRelayedAddress);
  const token = answer.get(attr.reservationToken);
  if (relayed === undefined || token === undefined) throw new Error(`no reservation: ${answer.errorCode}`);
  return { relayed, token };
}

test('TURN-09 an unknown token is refused with 508, one of a wrong length with 400', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  t.equal(codeOf(await client.allocate([reservationToken('f00dfeedf00dfeed')])), 508);
  for (const value of ['', '01020304', '010203040506070809']) {
    t.equal(codeOf(await client.allocate([reservationToken(value)])), 400, `${value.length / 2} bytes`);
  }
  t.notOk(client.retained);
  nothingHeld(t, lab);
});

test('TURN-09 a token works once', async (t) => {
  const lab = new Lab();
  const { token } = await reserve(lab);
  t.equal(codeOf(await lab.client().allocate([reservationToken(token)])), 0);
  const late = lab.client();
  t.equal(codeOf(await late.allocate([reservationToken(token)])), 508);
  t.notOk(late.retained);
  t.equal(lab.quota.total, 2);
});

test('BAD-25 EVEN-PORT of length 0 and RESERVATION-TOKEN of length 4 are bad requests, a random token gets 508', async (t) => {
  const lab = new Lab();
  t.equal(codeOf(await lab.client().allocate([[attr.evenPort, '']])), 400);
  t.equal(codeOf(await lab.client().allocate([[attr.evenPort, '80000000']])), 400);
  t.equal(codeOf(await lab.client().allocate([reservationToken('01020304')])), 400);
  t.equal(codeOf(await lab.client().allocate([reservationToken('8899aabbccddeeff')])), 508);
  nothingHeld(t, lab);
});

test('TURN-10 a token gives port N+1 on the same address to whoever has it, over any transport', async (t) => {
  for (const transport of ['udp', 'tcp', 'tls'] as const) {
    const lab = new Lab();
    const { relayed, token } = await reserve(lab);
    const other = lab.client({ user: 'bob', transport, address: '[2a00:1450::7]:999', server: '[2001:db8::1]:5349' });
    t.equal(await other.allocated([reservationToken(token)]), `${RELAY_V4}:${portOf(relayed) + 1}`);
    await other.permit('93.184.216.34');
    lab.peer('93.184.216.34:9').send(`${RELAY_V4}:${portOf(relayed) + 1}`, 'to the reserved port');
    t.equal(other.take().length, 1);
  }
});

test('TURN-10 a reservation outlives the allocation that made it', async (t) => {
  const lab = new Lab();
  const first = lab.client();
  const answer = await first.allocate([evenPort(true), requestedAddressFamily(6)]);
  await first.request(REQUEST.refresh, [lifetime(0)]);
  const relayed = await lab.client().allocated([reservationToken(answer.get(attr.reservationToken) ?? '')]);
  t.equal(relayed, `[2001:db8::1]:${portOf(answer.xorAddress(attr.xorRelayedAddress) ?? '') + 1}`);
});

test('S48 a user holds no more reservations than the quota allows allocations, whatever became of those', async (t) => {
  const known = labCredentials();
  const find = (name: string, home: string) => {
    const found = known.find(name, home) as readonly Credential[] | NoCredential;
    return typeof found === 'string' ? found : found.map((credential) => ({ ...credential, quotaLimit: 2 }));
  };
  const lab = new Lab({ env: { credentials: { ...known, find } } });
  const client = lab.client();
  const tokens: Buffer[] = [];
  for (let round = 0; round < 2; round++) {
    const answer = await client.allocate([evenPort(true)]);
    tokens.push(answer.get(attr.reservationToken) ?? Buffer.alloc(0));
    await client.request(REQUEST.refresh, [lifetime(0)]);
  }
  t.equal(codeOf(await client.allocate([evenPort(true)])), 486);
  t.notOk(client.retained);
  t.equal(lab.relays.sockets.size, 2, 'the two that are reserved');
  t.equal(codeOf(await lab.client({ user: 'bob' }).allocate([evenPort(true)])), 0, 'another user has his own');
  t.equal(codeOf(await lab.client().allocate([reservationToken(tokens[0] ?? '')])), 0);
  t.equal(codeOf(await client.allocate([evenPort(true)])), 0, 'what is redeemed counts no more');
});

for (const asyncOpen of [false, true]) {
  const when = asyncOpen ? 'later' : 'at once';

  test(`TURN-14 EVEN-PORT gives an even port (sockets ${when})`, async (t) => {
    const lab = new Lab({ asyncOpen });
    for (let i = 0; i < 20; i++) t.equal(portOf(await lab.client().allocated([evenPort(false)])) % 2, 0);
    t.equal(lab.relays.sockets.size, 20, 'and reserves nothing');
    const dual = await lab.client().allocate([evenPort(false), additionalAddressFamily()]);
    for (const relayed of dual.xorAddresses(attr.xorRelayedAddress)) t.equal(portOf(relayed) % 2, 0);
  });

  test(`TURN-15 EVEN-PORT with reservation holds the next port for a token (sockets ${when})`, async (t) => {
    const lab = new Lab({ asyncOpen });
    for (let i = 0; i < 20; i++) {
      const { relayed, token } = await reserve(lab);
      t.equal(portOf(relayed) % 2, 0);
      t.equal(token.length, 8);
      t.ok(lab.relays.sockets.has(`${RELAY_V4}:${portOf(relayed) + 1}`));
    }
    t.equal(lab.engine.reservations.size, 20);
  });

  test(`TURN-17 an EVEN-PORT that cannot be satisfied gets 508 (sockets ${when})`, async (t) => {
    const odd = new Lab({ ports: [50_001, 50_001], asyncOpen });
    t.equal(codeOf(await odd.client().allocate([evenPort(false)])), 508);
    t.equal(codeOf(await odd.client().allocate([evenPort(true)])), 508);
    nothingHeld(t, odd);
    const single = new Lab({ ports: [50_000, 50_000], asyncOpen });
    t.equal(codeOf(await single.client().allocate([evenPort(true)])), 508, 'no room for the next port');
    nothingHeld(t, single);
    t.equal(codeOf(await single.client().allocate([evenPort(false)])), 0);
  });
}

test('TURN-16 a reservation is held for more than 30 seconds and then given back', async (t) => {
  const early = new Lab();
  const kept = await reserve(early);
  await early.advance(30);
  t.equal(codeOf(await early.client().allocate([reservationToken(kept.token)])), 0, 'good after 30 s');

  const late = new Lab();
  const { relayed, token } = await reserve(late);
  await late.advance(32);
  t.equal(codeOf(await late.client().allocate([reservationToken(token)])), 508, 'void afterwards');
  t.equal(late.engine.reservations.size, 0);
  t.notOk(late.relays.sockets.has(`${RELAY_V4}:${portOf(relayed) + 1}`), 'the port is free');
});

test('TURN-16 a void token is refused even before any tick has found it', async (t) => {
  const lab = new Lab();
  const { token } = await reserve(lab);
  lab.clock.monotonic += 31_000;
  t.equal(codeOf(await lab.client().allocate([reservationToken(token)])), 508);
});

test('TURN-26 no relayed address is given twice', async (t) => {
  const lab = new Lab();
  const seen = new Set<string>();
  const note = (address: string): void => {
    t.notOk(seen.has(address), `${address} is new`);
    seen.add(address);
  };
  for (let i = 0; i < 50; i++) {
    note(await lab.client().allocated());
    note(await lab.client().allocated([requestedAddressFamily(6)]));
    for (const address of (await lab.client().allocate([additionalAddressFamily()])).xorAddresses(
      attr.xorRelayedAddress,
    )) {
      note(address);
    }
    const { relayed, token } = await reserve(lab);
    note(relayed);
    note(await lab.client().allocated());
    note(await lab.client().allocated([reservationToken(token)]));
  }
  t.equal(lab.relays.sockets.size, seen.size);
});

test('TURN-33 the relayed address is the external one with the real port', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const answer = await client.allocate([additionalAddressFamily()]);
  const sockets = [...lab.relays.sockets.values()];
  t.equal(sockets[0]?.local.ip.text, RELAY_PRIVATE_V4, 'it is bound to a private one');
  t.same(answer.xorAddresses(attr.xorRelayedAddress), [
    `${RELAY_V4}:${sockets[0]?.local.port}`,
    `[2001:db8::1]:${sockets[1]?.local.port}`,
  ]);
});
