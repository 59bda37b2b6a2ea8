// Long-term credentials (RFC 8489 §9.2): the challenge, its nonce and what it announces; nothing to learn from a 401.

import crypto from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { test } from 'tap';
import { type Credential, type Credentials, NoCredential } from '../../src/turn/env.ts';
import { Lab, labCredentials } from '../support/lab.ts';
import { type LabClient, peerAddress, REQUEST } from '../support/lab-client.ts';
import { negotiate, RFC8489 } from '../support/rfc8489.ts';
import { holdings, NOTHING } from '../support/untouched.ts';
import { type AttributeInput, attr, type Decoded, decode, message } from '../support/wire.ts';
import {
  lifetime,
  longTermKey,
  nonce,
  realm,
  requestedTransport,
  userhash,
  username,
} from '../support/wire-attributes.ts';

const FORGED_NONCE = 'obMatJos2AAAB5f3c1d2e0b9a8877';
const SETTINGS = [
  [{}, 'AAAA'],
  [{ passwordAlgorithms: true }, 'AAAB'],
  [{ usernameAnonymity: true }, 'AAAC'],
  [RFC8489, 'AAAD'],
] as const;

// All challenges that a client can be given: 401 bare, 401 for a wrong password, 401 for an unknown user, 438.
async function challenges(client: LabClient): Promise<Decoded[]> {
  const first = await client.challenge();
  const signed = async (name: string, key: Buffer, nonceText: string) => {
    const attrs = [requestedTransport(), username(name), realm('example.org'), nonce(nonceText)];
    return client.must(await client.exchange(message({ type: REQUEST.allocate, attrs, key })));
  };
  const wrong = longTermKey(client.user, 'example.org', 'wrong');
  return [
    first,
    await signed(client.user, wrong, client.nonce),
    await signed('nobody', wrong, client.nonce),
    await signed(client.user, client.key, FORGED_NONCE),
  ];
}

test('AUTH-01 a request without integrity: 401 with REALM and NONCE and nothing to identify anybody', async (t) => {
  const client = new Lab().client();
  for (const type of [REQUEST.allocate, REQUEST.refresh, REQUEST.createPermission, REQUEST.channelBind]) {
    const attrs = [username('alice'), lifetime(600), peerAddress('93.184.216.34:5000')];
    const answer = client.must(await client.exchange(message({ type, attrs })));
    t.equal(answer.errorCode, 401);
    t.same(answer.types, [attr.errorCode, attr.realm, attr.nonce]);
    t.equal(answer.text(attr.realm), 'example.org');
  }
});

test('AUTH-01 the challenge has PASSWORD-ALGORITHMS when they are offered', async (t) => {
  const client = new Lab({ settings: RFC8489 }).client();
  t.same((await client.challenge()).types, [attr.errorCode, attr.realm, attr.nonce, attr.passwordAlgorithms]);
});

test('AUTH-02 two source addresses or ports never get the same nonce', async (t) => {
  const lab = new Lab();
  const sources = ['198.51.100.7:1000', '198.51.100.7:1001', '198.51.100.8:1000', '[2001:db8::7]:1000'];
  sources.push('[2001:db8::8]:1000', '[2001:db8:0:1::7]:1000', '[::c633:6407]:1000');
  const nonces = new Set<string>();
  for (const address of sources) {
    const client = lab.client({ address });
    await client.challenge();
    nonces.add(client.nonce);
  }
  t.equal(nonces.size, sources.length);
});

test('AUTH-02 a nonce of one source is stale from another', async (t) => {
  const lab = new Lab();
  const [client, thief] = [lab.client({ address: '198.51.100.7:1000' }), lab.client({ address: '198.51.100.7:1001' })];
  await client.challenge();
  thief.nonce = client.nonce;
  t.equal((await thief.allocate()).errorCode, 438);
});

test('AUTH-03 every nonce starts with the cookie and four base64 characters', async (t) => {
  for (const [settings] of SETTINGS) {
    for (const answer of await challenges(new Lab({ settings }).client())) {
      t.match(answer.text(attr.nonce), /^obMatJos2[A-Za-z0-9+/]{4}/);
    }
  }
});

test('AUTH-04 the feature bits say what is configured', async (t) => {
  for (const [settings, bits] of SETTINGS) {
    const client = new Lab({ settings }).client();
    await client.challenge();
    t.equal(client.nonce.slice(9, 13), bits);
  }
});

test('AUTH-05 the algorithms bit is set exactly when PASSWORD-ALGORITHMS is there, in every 401 and 438', async (t) => {
  for (const [settings, bits] of SETTINGS) {
    const answers = await challenges(new Lab({ settings }).client());
    t.same(
      answers.map(({ errorCode }) => errorCode),
      [401, 401, 401, 438],
    );
    for (const answer of answers) {
      t.equal(answer.text(attr.nonce)?.slice(9, 13), bits);
      t.equal(answer.has(attr.passwordAlgorithms), 'passwordAlgorithms' in settings);
    }
  }
});

test('AUTH-06 a nonce is shorter than 128 characters, all qdtext', async (t) => {
  const lab = new Lab({ settings: RFC8489 });
  for (let i = 0; i < 200; i++) {
    const client = lab.client();
    await client.challenge();
    t.match(client.nonce, /^[\x21\x23-\x5b\x5d-\x7e]{13,127}$/);
  }
});

test('AUTH-07 PASSWORD-ALGORITHMS lists SHA-256 before MD5, without parameters', async (t) => {
  const answer = await new Lab({ settings: RFC8489 }).client().challenge();
  t.equal(answer.get(attr.passwordAlgorithms)?.toString('hex'), '0002000000010000');
});

const EXPIRED: Credentials = { find: () => NoCredential.EXPIRED, usernameOf: () => null };

// The answer to an Allocate in the name of `name`, signed with a wrong password under a fixed transaction ID.
async function refusal(lab: Lab, name: string, hidden: boolean): Promise<Buffer> {
  const client = lab.client({ address: '198.51.100.7:4000' });
  await client.challenge();
  const identity = hidden ? userhash(name, 'example.org') : username(name);
  const attrs = [requestedTransport(), identity, realm('example.org'), nonce(client.nonce)];
  const key = longTermKey(name, 'example.org', 'wrong');
  const bytes = message({ type: REQUEST.allocate, attrs, key, tid: '0102030405060708090a0b0c' });
  return client.must(await client.exchange(bytes)).bytes;
}

for (const [id, name, settings] of [
  ['AUTH-13', 'RFC 5389', {}],
  ['S18', 'RFC 8489', RFC8489],
] as const) {
  test(`${id} unknown user, wrong password and expired name get the same bytes (${name})`, async (t) => {
    const lab = new Lab({ settings });
    const [wrong, unknown] = [await refusal(lab, 'alice', false), await refusal(lab, 'mallory', false)];
    const hidden = [await refusal(lab, 'alice', true), await refusal(lab, 'mallory', true)];
    const expired = await refusal(new Lab({ settings, env: { credentials: EXPIRED } }), 'alice', false);
    t.equal(decode(wrong).errorCode, 401);
    for (const other of [unknown, expired, ...hidden]) t.same(other, wrong);
    const seen = lab.observer.events.filter((event) => event.startsWith('auth failed'));
    t.same(seen.slice(0, 2), ['auth failed alice wrong-password', 'auth failed mallory unknown-user']);
  });
}

test('AUTH-13 an unknown user costs an HMAC of its own: the decoy is no key that anybody can know', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.challenge();
  for (const key of [Buffer.alloc(16), Buffer.alloc(32), Buffer.alloc(0)]) {
    const attrs = [requestedTransport(), username('nobody'), realm('example.org'), nonce(client.nonce)];
    const answer = client.must(await client.exchange(message({ type: REQUEST.allocate, attrs, key })));
    t.equal(answer.errorCode, 401);
  }
  t.same(holdings(lab), NOTHING);
});

test('AUTH-13 a user without a SHA-256 key costs as many HMACs as an unknown one', async (t) => {
  const known = labCredentials();
  const find = (name: string, home: string) => {
    const found = known.find(name, home) as readonly Credential[] | NoCredential;
    return typeof found === 'string' ? found : found.map((credential) => ({ ...credential, sha256Key: null }));
  };
  const lab = new Lab({ settings: RFC8489, env: { credentials: { ...known, find } } });
  const digests = t.capture(crypto, 'hash', crypto.hash); // two make an HMAC
  syncBuiltinESMExports();
  t.teardown(() => {
    digests.restore();
    syncBuiltinESMExports();
  });
  const costs: number[] = [];
  for (const name of ['alice', 'nobody']) {
    const client = lab.client();
    await client.challenge();
    const claimed: AttributeInput[] = [
      [attr.passwordAlgorithms, '0002000000010000'],
      [attr.passwordAlgorithm, '00020000'],
      nonce(client.nonce),
    ];
    const attrs = [requestedTransport(), username(name), realm('example.org'), ...claimed];
    const bytes = message({ type: REQUEST.allocate, attrs, key: Buffer.alloc(32), integrity: 'sha256' });
    digests();
    client.send(bytes);
    costs.push(digests().length);
  }
  t.equal(costs[0], 6, 'an HMAC for the nonce, one over the message, one for the next nonce');
  t.equal(costs[0], costs[1]);
});

test('AUTH-14 a wrong password: 401 with REALM and NONCE and no integrity', async (t) => {
  const lab = new Lab();
  const client = lab.client({ password: 'wrong' });
  const answer = await client.allocate();
  t.equal(answer.errorCode, 401);
  t.same(answer.types, [attr.errorCode, attr.realm, attr.nonce]);
  t.same(holdings(lab), NOTHING);
});

test('AUTH-14 an integrity that is wrong in any byte: 401', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.challenge();
  for (let at = 1; at <= 20; at++) {
    const bytes = client.signed(REQUEST.allocate, [requestedTransport()]);
    bytes[bytes.length - at] = (bytes[bytes.length - at] as number) ^ 0x10;
    t.equal(client.must(await client.exchange(bytes)).errorCode, 401);
  }
  t.same(holdings(lab), NOTHING);
});

test('AUTH-14 a signed request that was changed anywhere: 401', async (t) => {
  const lab = new Lab();
  const client = lab.client();
  await client.challenge();
  const good = client.signed(REQUEST.allocate, [requestedTransport(), lifetime(600)]);
  for (const at of [8, 19, 24, 35]) {
    const bytes = Buffer.from(good);
    bytes[at] = (bytes[at] as number) ^ 0x01;
    t.equal(client.must(await client.exchange(bytes)).errorCode, 401, `byte ${at}`);
  }
  t.same(holdings(lab), NOTHING);
});

test('AUTH-15 a made-up nonce with good integrity: 438 whose nonce works at once', async (t) => {
  const client = new Lab().client();
  client.nonce = FORGED_NONCE;
  const stale = await client.allocate();
  t.equal(stale.errorCode, 438);
  t.equal(stale.text(attr.realm), 'example.org');
  client.nonce = stale.text(attr.nonce) ?? '';
  t.equal((await client.allocate()).type, 0x0103);
});

test('AUTH-15 a nonce past its lifetime: 438 whose nonce works at once, with the algorithms', async (t) => {
  const lab = new Lab({ settings: { ...RFC8489, nonceLifetime: 60 } });
  const client = lab.client();
  await client.challenge();
  await lab.advance(62);
  const stale = await negotiate(client);
  t.equal(stale.errorCode, 438);
  t.equal(stale.get(attr.passwordAlgorithms)?.toString('hex'), '0002000000010000');
  client.nonce = stale.text(attr.nonce) ?? '';
  t.equal((await negotiate(client)).type, 0x0103);
});

test('AUTH-15 with a stale nonce and a wrong password the nonce decides, for who would be told 401 has shown nothing', async (t) => {
  const lab = new Lab();
  for (const user of ['alice', 'nobody']) {
    const client = lab.client({ user, password: 'wrong' });
    client.nonce = FORGED_NONCE;
    const stale = await client.allocate();
    t.equal(stale.errorCode, 438);
    client.nonce = stale.text(attr.nonce) ?? '';
    t.equal((await client.allocate()).errorCode, 401, 'with the new one it is the password');
  }
});
