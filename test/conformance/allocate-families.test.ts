// Address families in Allocate, RFC 8656 §7.2 steps 6, 7 and 9.

import { test } from 'tap';
import { Lab, RELAY_V4, RELAY_V6 } from '../support/lab.ts';
import { codeOf, nothingHeld } from '../support/lab-checks.ts';
import { type AttributeInput, attr } from '../support/wire.ts';
import { additionalAddressFamily, evenPort, requestedAddressFamily } from '../support/wire-attributes.ts';

const V4 = `${RELAY_V4}:`;
const V6 = `[${RELAY_V6}]:`;

const familyByte = (type: number, byte: number): AttributeInput => [type, Buffer.from([byte, 0, 0, 0])];

test('TURN-11 REQUESTED- and ADDITIONAL-ADDRESS-FAMILY do not go together', async (t) => {
  const lab = new Lab();
  for (const family of [4, 6] as const) {
    const client = lab.client();
    const both = [requestedAddressFamily(family), additionalAddressFamily()];
    t.equal(codeOf(await client.allocate(both)), 400);
    t.equal(codeOf(await client.allocate(both.reverse())), 400);
  }
  nothingHeld(t, lab);
});

test('TURN-12 a family that is not served is refused with 440', async (t) => {
  for (const [families, wanted] of [[[4], 6] as const, [[6], 4] as const]) {
    const lab = new Lab({ families });
    const client = lab.client();
    t.equal(codeOf(await client.allocate([requestedAddressFamily(wanted)])), 440, `IPv${wanted}`);
    nothingHeld(t, lab);
    t.equal(codeOf(await client.allocate([requestedAddressFamily(families[0])])), 0);
  }
});

test('TURN-12 each family is served as requested', async (t) => {
  const lab = new Lab();
  t.match(await lab.client().allocated([requestedAddressFamily(4)]), V4);
  const six = await lab.client().allocate([requestedAddressFamily(6)]);
  t.match(six.xorAddresses(attr.xorRelayedAddress), [V6]);
});

test('BAD-26 a family that does not exist is refused with 440, a wrong length with 400', async (t) => {
  const lab = new Lab();
  for (const byte of [0, 3, 255]) {
    const code = codeOf(await lab.client().allocate([familyByte(attr.requestedAddressFamily, byte)]));
    t.equal(code, 440, `family ${byte}`);
  }
  for (const value of ['', '01', '0200000000000000']) {
    t.equal(codeOf(await lab.client().allocate([[attr.requestedAddressFamily, value]])), 400);
  }
  nothingHeld(t, lab);
});

test('BAD-26 of two requested families the first counts', async (t) => {
  const lab = new Lab();
  const answer = await lab.client().allocate([requestedAddressFamily(6), requestedAddressFamily(4)]);
  t.match(answer.xorAddresses(attr.xorRelayedAddress), [V6]);
  t.equal(lab.relays.sockets.size, 1);
});

test('TURN-13 without the attribute the relay is IPv4, whatever family the client uses', async (t) => {
  const lab = new Lab();
  for (const address of ['198.51.100.9:5555', '[2a00:1450::9]:5555']) {
    const answer = await lab.client({ address }).allocate();
    t.match(answer.xorAddresses(attr.xorRelayedAddress), [V4], address);
    t.equal(answer.xorAddresses(attr.xorRelayedAddress).length, 1);
  }
});

test('TURN-13 without the attribute a server without IPv4 relays answers 440', async (t) => {
  const lab = new Lab({ families: [6] });
  t.equal(codeOf(await lab.client({ address: '[2a00:1450::9]:5555' }).allocate()), 440);
  nothingHeld(t, lab);
});

test('TURN-17 EVEN-PORT with reservation does not go with ADDITIONAL-ADDRESS-FAMILY', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  t.equal(codeOf(await client.allocate([evenPort(true), additionalAddressFamily()])), 400);
  nothingHeld(t, lab);
  const even = await client.allocate([evenPort(false), additionalAddressFamily()]);
  const ports = even.xorAddresses(attr.xorRelayedAddress).map((address) => Number(address.split(':').at(-1)));
  t.same(
    ports.map((port) => port % 2),
    [0, 0],
    'without reservation both are even',
  );
});

test('TURN-18 an additional family other than IPv6 is a bad request', async (t) => {
  const lab = new Lab();
  for (const byte of [0, 1, 3, 255]) {
    const code = codeOf(await lab.client().allocate([familyByte(attr.additionalAddressFamily, byte)]));
    t.equal(code, 400, `family ${byte}`);
  }
  for (const value of ['', '02', '0200000000000000']) {
    t.equal(codeOf(await lab.client().allocate([[attr.additionalAddressFamily, value]])), 400);
  }
  nothingHeld(t, lab);
});

for (const asyncOpen of [false, true]) {
  const when = asyncOpen ? 'later' : 'at once';

  test(`TURN-19 with an additional family there is one relayed address of each (sockets ${when})`, async (t) => {
    const lab = new Lab({ asyncOpen });
    const client = lab.client();
    const answer = await client.allocate([additionalAddressFamily()]);
    t.equal(answer.type, 0x0103);
    const relayed = answer.xorAddresses(attr.xorRelayedAddress);
    t.match(relayed, [V4, V6]);
    t.equal(relayed.length, 2);
    t.notOk(answer.has(attr.addressErrorCode));
    await client.permit('93.184.216.34');
    await client.permit('2606:2800:220:1::1');
    lab.peer('93.184.216.34:7').send(relayed[0] ?? '', 'four');
    lab.peer('[2606:2800:220:1::1]:7').send(relayed[1] ?? '', 'six');
    t.equal(client.take().length, 2, 'both relay');
    t.equal(lab.quota.total, 1, 'it is one allocation');
  });

  test(`TURN-20 of two families only the one that can be had is given, with the reason (sockets ${when})`, async (t) => {
    for (const [families, missing, relayed] of [[[4], 2, V4] as const, [[6], 1, V6] as const]) {
      const lab = new Lab({ families, asyncOpen });
      const answer = await lab.client().allocate([additionalAddressFamily()]);
      t.match(answer.xorAddresses(attr.xorRelayedAddress), [relayed]);
      t.equal(answer.xorAddresses(attr.xorRelayedAddress).length, 1);
      t.same(answer.get(attr.addressErrorCode)?.subarray(0, 4), Buffer.from([missing, 0, 4, 40]));
      t.equal(answer.all(attr.addressErrorCode).length, 1);
    }
  });

  test(`TURN-20 a family without a free port is reported as 508 (sockets ${when})`, async (t) => {
    for (const [taken, byte, left] of [[4, 1, V6] as const, [6, 2, V4] as const]) {
      const lab = new Lab({ ports: [50_000, 50_000], asyncOpen });
      await lab.client().allocated([requestedAddressFamily(taken)]);
      const answer = await lab.client().allocate([additionalAddressFamily()]);
      t.match(answer.xorAddresses(attr.xorRelayedAddress), [left]);
      t.same(answer.get(attr.addressErrorCode)?.subarray(0, 4), Buffer.from([byte, 0, 5, 8]));
    }
  });

  test(`TURN-20 if no family can be had the answer is 508 (sockets ${when})`, async (t) => {
    const none = new Lab({ families: [], asyncOpen });
    t.equal(codeOf(await none.client().allocate([additionalAddressFamily()])), 508);
    nothingHeld(t, none);
    const full = new Lab({ ports: [50_000, 50_000], asyncOpen });
    await full.client().allocated([additionalAddressFamily()]);
    t.equal(codeOf(await full.client().allocate([additionalAddressFamily()])), 508);
    t.equal(full.quota.total, 1);
    t.equal(full.relays.sockets.size, 2);
  });
}
