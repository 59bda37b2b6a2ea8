// Long-term credentials (RFC 8489 §9.2.4): how a request is judged, how its answer is protected, what a refused one
// leaves behind, and how long a nonce serves an allocation.

import { test } from 'tap';
import { Lab, REALM } from '../support/lab.ts';
import { type LabClient, peerAddress, REQUEST } from '../support/lab-client.ts';
import { keyOf, negotiate, negotiated, RFC8489 } from '../support/rfc8489.ts';
import { holdings, NOTHING } from '../support/untouched.ts';
import { attr, type Decoded, message } from '../support/wire.ts';
import {
  channelNumber,
  data,
  lifetime,
  nonce,
  realm,
  requestedAddressFamily,
  requestedTransport,
  username,
} from '../support/wire-attributes.ts';

const PEER = '93.184.216.34:5000';

test('AUTH-08 integrity without USERNAME, REALM or NONCE: 400 without REALM, NONCE or integrity', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.challenge();
  const parts = [username('alice'), realm(REALM), nonce(client.nonce)];
  for (const missing of parts) {
    const attrs = [requestedTransport(), ...parts.filter((part) => part !== missing)];
    const answer = client.must(await client.exchange(message({ type: REQUEST.allocate, attrs, key: client.key })));
    t.equal(answer.errorCode, 400);
    t.same(answer.types, [attr.errorCode]);
  }
  t.same(holdings(lab), NOTHING);
});

// Exactly one integrity attribute, right, and nothing of the challenge.
function isProtected(answer: Decoded, key: Buffer, kind: 'sha1' | 'sha256'): boolean {
  const other = kind === 'sha1' ? attr.messageIntegritySha256 : attr.messageIntegrity;
  const leaks = [attr.username, attr.userhash, attr.realm, attr.nonce, other].some((type) => answer.has(type));
  return answer.integrityOk(key, kind) && !leaks;
}

test('AUTH-17 answers to a legacy request carry MESSAGE-INTEGRITY and nothing of the credentials', async (t) => {
  for (const settings of [{}, RFC8489]) {
    const client = new Lab({ settings }).client();
    t.ok(isProtected(await client.allocate(), client.key, 'sha1'));
    t.ok(isProtected(await client.request(REQUEST.refresh, []), client.key, 'sha1'));
    t.ok(isProtected(await client.permit('127.0.0.1'), client.key, 'sha1'));
  }
});

test('AUTH-17 answers to a request that chose an algorithm carry MESSAGE-INTEGRITY-SHA256 only', async (t) => {
  const client = new Lab({ settings: RFC8489 }).client();
  for (const integrity of ['sha256', 'both'] as const) {
    for (const attrs of [[], [[0x7777, '']]] as const) {
      const answer = await negotiate(client, { type: REQUEST.refresh, attrs, more: { integrity } });
      t.ok(isProtected(answer, keyOf(client, 'sha256'), 'sha256'));
    }
  }
  t.ok(isProtected(await negotiate(client), keyOf(client, 'sha256'), 'sha256'));
});

test('AUTH-18 errors of the method are protected like a success', async (t) => {
  const lab = new Lab({ quotaPerUser: 1, families: [4], ports: [50_000, 50_000] });
  const client = lab.client();
  const bob = lab.client({ user: 'bob' });
  const answers: [number, Decoded, LabClient][] = [
    [437, await client.permit(PEER), client],
    [440, await client.allocate([requestedAddressFamily(6)]), client],
    [442, await client.request(REQUEST.allocate, [requestedTransport(6)]), client],
    [400, await client.request(REQUEST.allocate, []), client],
  ];
  await client.allocated();
  answers.push([437, await client.allocate(), client], [403, await client.permit('127.0.0.1'), client]);
  answers.push([443, await client.permit('[2606:4700::1]:1'), client], [508, await bob.allocate(), bob]);
  answers.push([420, await client.request(REQUEST.refresh, [[0x7777, '']]), client]);
  const second = lab.client();
  answers.push([486, await second.allocate(), second]);
  for (const [code, answer, { key }] of answers) {
    t.equal(answer.errorCode, code);
    t.ok(isProtected(answer, key, 'sha1'), `${code} is protected`);
  }
});

test("AUTH-18 441 to another valid user is protected with that user's key", async (t) => {
  const lab = new Lab();
  const client = lab.client({ address: '198.51.100.7:4000' });
  await client.allocated();
  const bob = lab.client({ user: 'bob' });
  const attrs = [lifetime(0), username('bob'), realm(REALM), nonce(client.nonce)];
  const answer = client.must(await client.exchange(message({ type: REQUEST.refresh, attrs, key: bob.key })));
  t.equal(answer.errorCode, 441);
  t.ok(isProtected(answer, bob.key, 'sha1'));
  t.equal(lab.engine.allocations.size, 1);
});

test('AUTH-18 500 after authentication is protected', async (t) => {
  const broken = (): never => {
    throw new Error('no policy today');
  };
  const client = new Lab({ env: { peers: { check: broken, checkShown: broken, isOpened: broken } } }).client();
  await client.allocated();
  const answer = await client.permit('93.184.216.34');
  t.equal(answer.errorCode, 500);
  t.ok(isProtected(answer, client.key, 'sha1'));
});

test('AUTH-25 a request that fails authentication changes nothing', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const peer = lab.peer(PEER);
  await client.allocated();
  const before = holdings(lab);
  const { deadline } = client.allocation?.ipv4 ?? {};
  await lab.advance(5);
  const forge = async (type: number, attrs: Parameters<LabClient['signed']>[1]) =>
    client.must(await client.exchange(client.signed(type, attrs, { key: Buffer.alloc(16) }))).errorCode;
  t.equal(await forge(REQUEST.refresh, [lifetime(0)]), 401);
  t.equal(await forge(REQUEST.refresh, [lifetime(3600)]), 401);
  t.equal(await forge(REQUEST.createPermission, [peerAddress(PEER)]), 401);
  t.equal(await forge(REQUEST.channelBind, [channelNumber(0x4000), peerAddress(PEER)]), 401);
  t.equal(await forge(REQUEST.allocate, [requestedTransport()]), 401);
  client.sendTo(PEER, 'no permission');
  client.sendChannel(0x4000, 'no channel');
  t.same(peer.take(), []);
  t.same(holdings(lab), before);
  t.equal(client.allocation?.ipv4?.deadline, deadline);
});

test('AUTH-25 a failed Allocate takes no quota and no memory', async (t) => {
  const lab = new Lab();
  const client = lab.client({ password: 'wrong' });
  await client.allocate();
  t.same(holdings(lab), NOTHING);
  t.notOk(client.retained);
});

test('AUTH-29 while an allocation lives its nonces expire: 438, then on with the new one', async (t) => {
  const lab = new Lab({ settings: { nonceLifetime: 600 } });
  const client = lab.client();
  await client.allocated([lifetime(3600)]);
  const first = client.nonce;
  await lab.advance(620);
  const stale = await client.request(REQUEST.refresh, [lifetime(3600)]);
  t.equal(stale.errorCode, 438);
  client.nonce = stale.text(attr.nonce) ?? '';
  t.not(client.nonce, first);
  t.equal((await client.request(REQUEST.refresh, [lifetime(3600)])).type, 0x0104);
});

test('AUTH-30 a nonce that one worker handed out is good at every other', async (t) => {
  const address = '198.51.100.7:4000';
  const [here, there] = [new Lab().client({ address }), new Lab().client({ address })];
  await here.challenge();
  there.nonce = here.nonce;
  t.equal((await there.allocate()).type, 0x0103);
});

test('AUTH-31 a stale nonce mid-allocation: 438 with REALM, never 401', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.allocated([lifetime(3600)]);
  await lab.advance(700);
  const requests = [
    [REQUEST.refresh, []],
    [REQUEST.createPermission, [peerAddress(PEER)]],
    [REQUEST.channelBind, [channelNumber(0x4000), peerAddress(PEER)]],
  ] as const;
  for (const [type, attrs] of requests) {
    const answer = await client.request(type, attrs);
    t.equal(answer.errorCode, 438);
    t.equal(answer.text(attr.realm), REALM);
    t.ok(answer.has(attr.nonce));
  }
});

test('AUTH-34 indications need no integrity, and none is checked', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  const peer = lab.peer(PEER);
  await client.allocated();
  await client.permit(PEER);
  client.sendTo(PEER, 'bare');
  const attrs = [peerAddress(PEER), data('badly signed')];
  client.send(message({ type: 0x0016, attrs, key: Buffer.alloc(16) }));
  t.same(peer.take(), ['bare', 'badly signed']);
  t.same(client.take(), []);
});

test('BAD-16 a negotiated request is judged before its unknown attributes', async (t) => {
  const client = new Lab({ settings: RFC8489 }).client();
  await client.challenge();
  const bytes = negotiated(client, { attrs: [requestedTransport(), [0x7777, '']], hash: 'md5' });
  t.equal(client.must(await client.exchange(bytes)).errorCode, 401);
});
