// RFC 8489 §9.2.4 beyond RFC 5389: password algorithms and their bid-down defence, SHA-256 integrity, USERHASH.

import { type Test, test } from 'tap';
import { isAuthentic } from '../support/known-message.ts';
import { Lab, REALM } from '../support/lab.ts';
import { REQUEST } from '../support/lab-client.ts';
import { chosen, keyOf, MD5, type Negotiation, negotiate, negotiated, RFC8489, SHA256 } from '../support/rfc8489.ts';
import { holdings, NOTHING } from '../support/untouched.ts';
import { vectorNamed } from '../support/vectors.ts';
import { type AttributeInput, attr } from '../support/wire.ts';
import { lifetime, passwordAlgorithm, passwordAlgorithms, userhash, username } from '../support/wire-attributes.ts';

const BOTH = passwordAlgorithms(SHA256, MD5);

// Sends an Allocate with these algorithm attributes, which must be refused with 400 and without a challenge.
async function refused(t: Test, lab: Lab, algorithms: readonly AttributeInput[]): Promise<void> {
  for (const hash of ['sha256', 'md5'] as const) {
    const answer = await negotiate(lab.client(), { algorithms, hash });
    t.equal(answer.errorCode, 400);
    t.same(answer.types, [attr.errorCode]);
  }
  t.same(holdings(lab), NOTHING);
}

test('AUTH-09 an RFC 5389 client echoes the nonce, names no algorithm and succeeds with MD5', async (t) => {
  const client = new Lab({ settings: RFC8489 }).client();
  const answer = await client.allocate();
  t.match(client.nonce, /^obMatJos2AAAD/);
  t.equal(answer.type, 0x0103);
  t.ok(answer.integrityOk(client.key, 'sha1'));
});

test('AUTH-10 only one of PASSWORD-ALGORITHM and PASSWORD-ALGORITHMS: 400', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  await refused(t, lab, [BOTH]);
  await refused(t, lab, [passwordAlgorithm(SHA256)]);
  await refused(t, lab, [passwordAlgorithm(MD5)]);
});

test('AUTH-11 PASSWORD-ALGORITHMS other than as offered: 400', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  const offers = [[MD5, SHA256], [MD5], [SHA256], [SHA256, MD5, 3], [SHA256, MD5, MD5], []];
  for (const offer of offers) {
    await refused(t, lab, [passwordAlgorithms(...offer), passwordAlgorithm(offer.includes(MD5) ? MD5 : SHA256)]);
  }
});

test('AUTH-11 a nonce whose feature bits were cleared on the way is stale: the stripped offer comes back', async (t) => {
  const client = new Lab({ settings: RFC8489 }).client();
  await client.challenge();
  client.nonce = client.nonce.replace('obMatJos2AAAD', 'obMatJos2AAAA');
  const answer = await client.allocate();
  t.equal(answer.errorCode, 438);
  t.ok(answer.has(attr.passwordAlgorithms));
});

test('AUTH-12 PASSWORD-ALGORITHM that is not in the list: 400', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  for (const algorithm of [3, 0, 0xffff]) await refused(t, lab, [BOTH, passwordAlgorithm(algorithm)]);
  await refused(t, lab, [BOTH, [attr.passwordAlgorithm, '0002000441414141']]);
});

test('AUTH-16 with both integrities, MESSAGE-INTEGRITY-SHA256 alone counts', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  const client = lab.client();
  await client.challenge();
  const bytes = negotiated(client, { more: { integrity: 'both' } });
  bytes[bytes.length - 1] = (bytes[bytes.length - 1] as number) ^ 0xff;
  t.equal(client.must(await client.exchange(bytes)).errorCode, 401);
  const garbage: AttributeInput = [attr.messageIntegrity, Buffer.alloc(20, 0x5a)];
  const signed = negotiated(client, { algorithms: [...chosen(SHA256), garbage] });
  const answer = client.must(await client.exchange(signed));
  t.equal(answer.type, 0x0103);
  t.ok(answer.integrityOk(keyOf(client, 'sha256'), 'sha256'));
});

test('AUTH-20 MD5 chosen explicitly: the MD5 key, and MESSAGE-INTEGRITY-SHA256 in the answer', async (t) => {
  for (const integrity of ['sha1', 'sha256', 'both'] as const) {
    const client = new Lab({ settings: RFC8489 }).client();
    const answer = await negotiate(client, { algorithms: chosen(MD5), hash: 'md5', more: { integrity } });
    t.equal(answer.type, 0x0103, integrity);
    t.ok(answer.integrityOk(keyOf(client, 'md5'), 'sha256'));
    t.notOk(answer.has(attr.messageIntegrity));
  }
});

test('AUTH-20 the key of the algorithm that was not chosen is wrong: 401', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  t.equal((await negotiate(lab.client(), { algorithms: chosen(MD5), hash: 'sha256' })).errorCode, 401);
  t.equal((await negotiate(lab.client(), { algorithms: chosen(SHA256), hash: 'md5' })).errorCode, 401);
  t.same(holdings(lab), NOTHING);
});

const hidden: Negotiation = { identity: [userhash('alice', REALM)] };

test('AUTH-21 USERHASH in place of USERNAME works when anonymity is on', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  const client = lab.client();
  t.equal((await negotiate(client, hidden)).type, 0x0103);
  const refreshed = await negotiate(client, { ...hidden, type: REQUEST.refresh, attrs: [lifetime(0)] });
  t.equal(refreshed.uint32(attr.lifetime), 0);
  t.ok(refreshed.integrityOk(keyOf(client, 'sha256'), 'sha256'));
  t.same(holdings(lab), NOTHING);
});

test('AUTH-21 USERHASH is nobody when anonymity is off', async (t) => {
  const lab = new Lab({ settings: { passwordAlgorithms: true } });
  t.equal((await negotiate(lab.client(), hidden)).errorCode, 401);
  t.same(holdings(lab), NOTHING);
});

test('AUTH-21 the known message with USERHASH verifies', async (t) => {
  const known = Buffer.from(vectorNamed('derived-allocate-userhash').hex, 'hex');
  t.ok(isAuthentic(known, { username: 'alice', negotiated: true }));
});

test('AUTH-22 USERNAME works as well when anonymity is on', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  t.equal((await negotiate(lab.client())).type, 0x0103);
  t.equal((await lab.client().allocate()).type, 0x0103);
});

test('AUTH-24 MESSAGE-INTEGRITY-SHA256 must not be truncated: 401, though it is right as far as it goes', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  for (const sha256Length of [16, 20, 28]) {
    t.equal((await negotiate(lab.client(), { more: { sha256Length } })).errorCode, 401, `${sha256Length} bytes`);
  }
  const known = Buffer.from(vectorNamed('derived-allocate-mi256-truncated16-NEGATIVE').hex, 'hex');
  t.notOk(isAuthentic(known, { username: 'alice', negotiated: true }));
  t.same(holdings(lab), NOTHING);
});

test('AUTH-24 MESSAGE-INTEGRITY-SHA256 covers the message up to itself, FINGERPRINT behind it or not', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  for (const name of ['derived-allocate-sha256', 'derived-allocate-both-mi']) {
    const known = Buffer.from(vectorNamed(name).hex, 'hex');
    t.ok(isAuthentic(known, { username: 'alice', negotiated: true }), name);
  }
  t.equal((await negotiate(lab.client(), { more: { fingerprint: true } })).type, 0x0103);
  const client = lab.client();
  await client.challenge();
  const bytes = negotiated(client, { attrs: [lifetime(600)] });
  bytes[27] = 1;
  t.equal(client.must(await client.exchange(bytes)).errorCode, 401);
});

test('BAD-21 PASSWORD-ALGORITHMS and PASSWORD-ALGORITHM of every wrong form: 400', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  const lists = ['0002ffff', '000200', '', '000200040000000000010000', '0002000000010001'];
  for (const list of lists) await refused(t, lab, [[attr.passwordAlgorithms, list], passwordAlgorithm(SHA256)]);
  for (const one of ['00000000', 'ffff0000', '0002', '', '00020001', '000200000000']) {
    await refused(t, lab, [BOTH, [attr.passwordAlgorithm, one]]);
  }
});

test('BAD-22 USERHASH of 31 or 33 bytes is nobody: 401', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  const client = lab.client();
  await client.challenge();
  const [type] = userhash('alice', REALM);
  for (const value of [Buffer.alloc(31), Buffer.alloc(33), Buffer.alloc(0)]) {
    const answer = await negotiate(client, { identity: [[type, value]] });
    t.equal(answer.errorCode, 401);
  }
  t.same(holdings(lab), NOTHING);
});

test('BAD-22 of USERNAME and USERHASH together, the one that was verified is the owner', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  const client = lab.client();
  const identity = [userhash('bob', REALM), username('alice')];
  t.equal((await negotiate(client, { identity })).type, 0x0103);
  t.equal(client.allocation?.credential?.username, 'alice');
  const other = lab.client();
  t.equal((await negotiate(other, { identity: [userhash('alice', REALM), username('bob')] })).errorCode, 401);
});
