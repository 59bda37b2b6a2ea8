// Attributes (RFC 8489 §6.3, §9, §14): unknown, repeated, misplaced, padded; FINGERPRINT; ERROR-CODE; sizes.

import { crc32 } from 'node:zlib';
import { test } from 'tap';
import { DropReason } from '../../src/turn/drop-reason.ts';
import { Lab } from '../support/lab.ts';
import { peerAddress, REQUEST } from '../support/lab-client.ts';
import { chosen, negotiate, RFC8489, SHA256 } from '../support/rfc8489.ts';
import { holdings, NOTHING } from '../support/untouched.ts';
import { vectorNamed } from '../support/vectors.ts';
import { attr, type Decoded, message } from '../support/wire.ts';
import { data, lifetime, requestedAddressFamily, requestedTransport } from '../support/wire-attributes.ts';

const PEER = '93.184.216.34:5000';

// Every byte between the end of a value and the next attribute.
function paddingOf(answer: Decoded): Buffer {
  const padding = [];
  for (let at = 20; at < answer.bytes.length; ) {
    const end = at + 4 + answer.bytes.readUInt16BE(at + 2);
    at = Math.ceil(end / 4) * 4;
    padding.push(answer.bytes.subarray(end, at));
  }
  return Buffer.concat(padding);
}

// A Binding request whose FINGERPRINT is right but for these attributes behind it, which its header counts.
function fingerprintBefore(tail: string): Buffer {
  const bytes = message({ type: REQUEST.binding, attrs: [[attr.fingerprint, '00000000']] });
  bytes.writeUInt16BE(8 + tail.length / 2, 2);
  bytes.writeUInt32BE((crc32(bytes.subarray(0, 20)) ^ 0x5354554e) >>> 0, 24);
  return Buffer.concat([bytes, Buffer.from(tail, 'hex')]);
}

test('STUN-14 unknown comprehension-required attributes: 420 that lists all of them', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const unknown = [
    [0x7777, '01'],
    [0x7778, ''],
  ] as const;
  const open = client.must(await client.exchange(message({ type: REQUEST.binding, attrs: unknown })));
  t.equal(open.errorCode, 420);
  t.same(open.unknownAttributes, [0x7777, 0x7778]);
  const signed = await client.allocate(unknown);
  t.equal(signed.errorCode, 420);
  t.same(signed.unknownAttributes, [0x7777, 0x7778]);
  t.same(holdings(lab), NOTHING);
});

test('STUN-14 attributes of features that are not served are listed as unknown', async (t) => {
  const client = new Lab().client();
  for (const type of [0x001b, 0x0026, 0x0027]) {
    const answer = await client.allocate([[type, '00000000']]);
    t.equal(answer.errorCode, 420);
    t.same(answer.unknownAttributes, [type]);
  }
  const change = client.must(await client.exchange(message({ type: REQUEST.binding, attrs: [[0x0003, '00000006']] })));
  t.same(change.unknownAttributes, [0x0003]);
});

test('STUN-15 one unknown attribute makes a list of length 2 with two zero bytes of padding', async (t) => {
  const client = new Lab().client();
  const answer = client.must(await client.exchange(message({ type: REQUEST.binding, attrs: [[0x7777, '']] })));
  t.match(answer.bytes.toString('hex'), /000a000277770000$/);
});

test('STUN-16 an indication with an unknown comprehension-required attribute has no effect', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const peer = lab.peer(PEER);
  await client.allocated();
  await client.permit(PEER);
  const attrs = [peerAddress(PEER), data('hi'), [0x7777, '']] as const;
  t.equal(await client.exchange(message({ type: 0x0016, attrs })), null);
  t.same(peer.take(), []);
  t.equal(lab.engine.counters.dropped[DropReason.BAD_INDICATION], 1);
});

test('STUN-17 unknown comprehension-optional attributes are ignored', async (t) => {
  const client = new Lab().client();
  const attrs = [
    [0xc057, '00010000'],
    [0xff05, 'ff'],
    [0x802f, '6874747073'],
    [0x8fff, ''],
  ] as const;
  t.equal(client.must(await client.exchange(message({ type: REQUEST.binding, attrs }))).type, 0x0101);
  t.equal((await client.allocate(attrs)).type, 0x0103);
});

test('STUN-19 what follows MESSAGE-INTEGRITY is not seen', async (t) => {
  const client = new Lab().client();
  const answer = await client.allocate([], { after: [[0x7777, ''], lifetime(3600), requestedAddressFamily(6)] });
  t.equal(answer.type, 0x0103);
  t.equal(answer.uint32(attr.lifetime), 600);
  t.match(answer.xorAddress(attr.xorRelayedAddress), /^203\.0\.113\.1:/);
});

test('STUN-19 what follows MESSAGE-INTEGRITY-SHA256 is not seen, whichever came before it', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  for (const integrity of ['sha256', 'both'] as const) {
    const answer = await negotiate(lab.client(), { more: { integrity, after: [[0x7777, ''], lifetime(3600)] } });
    t.equal(answer.type, 0x0103, integrity);
    t.equal(answer.uint32(attr.lifetime), 600, integrity);
  }
});

test('STUN-20 of a repeated attribute the first counts', async (t) => {
  const client = new Lab().client();
  t.equal((await client.allocate([lifetime(900), lifetime(1800)])).uint32(attr.lifetime), 900);
});

test('STUN-21 padding of any value is accepted', async (t) => {
  const client = new Lab().client();
  const answer = await client.allocate([[attr.software, '61']], { padding: 0x20 });
  t.equal(answer.type, 0x0103);
  const example = vectorNamed('rfc5769-2.1-request');
  const binding = client.must(await client.exchange(Buffer.from(example.hex, 'hex')));
  t.equal(binding.type, 0x0101);
});

test('STUN-21 padding is sent as zeros', async (t) => {
  const lab = new Lab({ settings: { ...RFC8489, realm: 'a.example', software: 'seven b' } });
  const client = lab.client();
  const answers = [
    client.must(await client.exchange(message({ type: REQUEST.allocate, attrs: [[0x0006, 'ffffffff']] }))),
    client.must(await client.exchange(message({ type: REQUEST.binding, attrs: [[0x7777, 'ff']] }))),
    client.must(await client.exchange(message({ type: REQUEST.binding }))),
  ];
  for (const answer of answers) {
    const padding = paddingOf(answer);
    t.ok(padding.length > 0);
    t.same(padding, Buffer.alloc(padding.length));
  }
});

test('STUN-22 authentication comes before unknown attributes, and FINGERPRINT before both', async (t) => {
  const client = new Lab().client();
  const attrs = [requestedTransport(), [0x7777, '']] as const;
  t.equal(client.must(await client.exchange(message({ type: REQUEST.allocate, attrs }))).errorCode, 401);
  const forged = message({ type: REQUEST.allocate, attrs, fingerprint: true });
  forged[forged.length - 1] = (forged[forged.length - 1] as number) ^ 1;
  t.equal(await client.exchange(forged), null);
});

test('STUN-22 unknown attributes come before the method: 420 without any allocation, not 437', async (t) => {
  const client = new Lab().client();
  t.equal((await client.request(REQUEST.refresh, [[0x7777, '']])).errorCode, 420);
});

test('STUN-23 FINGERPRINT is taken and given as the RFC computes it', async (t) => {
  const client = new Lab().client();
  const known = Buffer.from(vectorNamed('derived-binding-request-fingerprint').hex, 'hex');
  const answer = client.must(await client.exchange(known));
  t.equal(answer.type, 0x0101);
  t.ok(answer.fingerprintOk());
  const signed = await client.allocate([], { fingerprint: true });
  t.equal(signed.type, 0x0103);
  t.ok(signed.integrityOk(client.key));
  t.ok(signed.fingerprintOk());
});

test('STUN-24 a wrong FINGERPRINT gets silence', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  for (let bit = 0; bit < 32; bit++) {
    const bytes = message({ type: REQUEST.binding, fingerprint: true });
    const at = bytes.length - 4 + (bit >> 3);
    bytes[at] = (bytes[at] as number) ^ (1 << (bit & 7));
    t.equal(await client.exchange(bytes), null, `bit ${bit}`);
  }
  t.equal(lab.engine.counters.dropped[DropReason.BAD_FINGERPRINT], 32);
});

test('STUN-27 every error is a code of 300 to 699 with a short UTF-8 reason', async (t) => {
  const lab = new Lab({ quotaPerUser: 1, families: [4] });
  const [client, other] = [lab.client(), lab.client({ user: 'bob' })];
  const answers = [await client.challenge()];
  answers.push(await client.permit(PEER));
  answers.push(await client.allocate([requestedAddressFamily(6)]));
  answers.push(await client.request(REQUEST.allocate, [requestedTransport(6)]));
  await client.allocated();
  answers.push(await client.permit('127.0.0.1'), await client.permit('[2001:db8:9::1]:1'), await client.permit());
  answers.push(await client.request(REQUEST.refresh, [[0x7777, '']]));
  answers.push(await lab.client().allocate());
  other.nonce = 'obMatJos2AAAAmade up';
  answers.push(await other.allocate());
  const codes = answers.map(({ errorCode }) => errorCode);
  t.same(codes, [401, 437, 440, 442, 403, 443, 400, 420, 486, 438]);
  for (const answer of answers) {
    const reason = answer.get(attr.errorCode)?.subarray(4) ?? Buffer.alloc(0);
    t.ok([...(answer.reason ?? '')].length < 128);
    t.same(Buffer.from(answer.reason ?? '', 'utf8'), reason);
  }
});

test('STUN-30 the longest answers stay below 548 bytes', async (t) => {
  const lab = new Lab({ settings: { ...RFC8489, realm: 'r'.repeat(127), software: 's'.repeat(127) } });
  const client = lab.client({ address: '[2001:db8::7]:8080' });
  const unknown = Array.from({ length: 300 }, (_, i) => [0x6000 + i, ''] as const);
  const requests = [
    message({ type: REQUEST.allocate, fingerprint: true }),
    message({ type: REQUEST.binding, attrs: unknown, fingerprint: true }),
  ];
  for (const request of requests) {
    const answer = client.must(await client.exchange(request));
    t.ok(answer.bytes.length < 548, `${answer.bytes.length} bytes`);
  }
});

test('BAD-10 an attribute that overruns the message gets silence', async (t) => {
  const client = new Lab().client();
  for (const body of ['000600ff41414141', '0006000541414141', '8022000541414141']) {
    t.equal(await client.exchange(Buffer.from(`000100082112a4420102030405060708090a0b01${body}`, 'hex')), null);
  }
});

test('BAD-11 an attribute header without its value gets silence', async (t) => {
  const client = new Lab().client();
  t.equal(await client.exchange(Buffer.from('000100042112a4420102030405060708090a0b0180220004', 'hex')), null);
});

test('BAD-12 a FINGERPRINT of zeros gets silence', async (t) => {
  const client = new Lab().client();
  const bytes = Buffer.from('000100082112a4420102030405060708090a0b018028000400000000', 'hex');
  t.equal(await client.exchange(bytes), null);
});

test('BAD-13 FINGERPRINT of another length, not last, or twice gets silence', async (t) => {
  const client = new Lab().client();
  const bad = [
    message({ type: REQUEST.binding, attrs: [[attr.fingerprint, '']] }),
    message({ type: REQUEST.binding, attrs: [[attr.fingerprint, '010203']] }),
    message({ type: REQUEST.binding, attrs: [[attr.fingerprint, '0102030405060708']] }),
    fingerprintBefore('8022000161000000'),
    fingerprintBefore('8028000400000000'),
  ];
  for (const bytes of bad) t.equal(await client.exchange(bytes), null);
});

test('BAD-15 an unknown attribute between MESSAGE-INTEGRITY and FINGERPRINT makes no 420', async (t) => {
  const client = new Lab().client();
  t.equal((await client.allocate([], { after: [[0x7777, '']], fingerprint: true })).type, 0x0103);
});

test('BAD-16 an unauthenticated Allocate with an unknown attribute: 401, not 420', async (t) => {
  const client = new Lab().client();
  const bytes = message({ type: REQUEST.allocate, attrs: [requestedTransport(), [0x7777, '']] });
  t.equal(client.must(await client.exchange(bytes)).errorCode, 401);
});

test('BAD-17 100 unknown required attributes: 420 with a capped list, within the MTU', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  const client = lab.client();
  await client.challenge();
  const unknown = Array.from({ length: 100 }, (_, i) => [0x6000 + i, 'ff'] as const);
  const answer = await negotiate(client, { attrs: [requestedTransport(), ...unknown], algorithms: chosen(SHA256) });
  t.equal(answer.errorCode, 420);
  const listed = answer.unknownAttributes;
  t.ok(listed.length > 0);
  t.same(
    listed,
    unknown.slice(0, listed.length).map(([type]) => type),
  );
  t.ok(answer.bytes.length < 548);
  t.same(holdings(lab), NOTHING);
});
