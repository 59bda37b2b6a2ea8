// Long-term keys (RFC 8489 §9.2.2, §14.3, §14.5; RFC 8265 §4.2): from what they are made, over what they sign, where
// they are kept.

import { readFileSync } from 'node:fs';
import { inspect } from 'node:util';
import { test } from 'tap';
import { longTermKeyMd5 } from '../../src/stun/keys.ts';
import { opaqueString } from '../../src/stun/opaque-string.ts';
import { type Credentials, NoCredential } from '../../src/turn/env.ts';
import { isAuthentic } from '../support/known-message.ts';
import { Lab, labCredentials, REALM, USERS } from '../support/lab.ts';
import { type LabClient, REQUEST } from '../support/lab-client.ts';
import { RFC8489 } from '../support/rfc8489.ts';
import { holdings, NOTHING } from '../support/untouched.ts';
import { projectRoot, vectorNamed } from '../support/vectors.ts';
import { type Decoded, message } from '../support/wire.ts';
import { lifetime, longTermKey, nonce, realm, requestedTransport, username } from '../support/wire-attributes.ts';

// Allocates in the name of `name`, with this key and this text in REALM.
async function allocateAs(client: LabClient, name: string, key: Buffer, realmText = REALM): Promise<Decoded> {
  await client.challenge();
  const attrs = [requestedTransport(), username(name), realm(realmText), nonce(client.nonce)];
  return client.must(await client.exchange(message({ type: REQUEST.allocate, attrs, key })));
}

// A server whose only user is `user` with `password`, under `realmText`, both prepared as an operator's entries are.
function prepared(realmText: string, password: string): Lab {
  const ready = opaqueString(realmText) ?? '';
  const md5Key = longTermKeyMd5('user', ready, opaqueString(password) ?? '');
  const credential = {
    md5Key,
    sha256Key: null,
    username: 'user',
    realm: ready,
    quotaKey: null,
    quotaLimit: 0,
    realmLimit: 0,
  };
  const credentials: Credentials = {
    find: (name) => (name === 'user' ? [credential] : NoCredential.UNKNOWN_USER),
    usernameOf: () => null,
  };
  return new Lab({ settings: { realm: ready }, env: { credentials } });
}

test('AUTH-19 the key is the hash of username, realm and password: the known keys open the door', async (t) => {
  const md5 = Buffer.from(vectorNamed('rfc8489-9.2.2-md5-key').keyHex ?? '', 'hex');
  t.equal((await allocateAs(prepared('realm', 'pass').client(), 'user', md5, 'realm')).type, 0x0103);
  t.equal((await allocateAs(prepared('realm', 'Pass').client(), 'user', md5, 'realm')).errorCode, 401);
  t.equal((await allocateAs(prepared('Realm', 'pass').client(), 'user', md5, 'realm')).errorCode, 401);
});

test('AUTH-19 the known SHA-256 message verifies', async (t) => {
  const known = Buffer.from(vectorNamed('derived-allocate-sha256').hex, 'hex');
  t.ok(isAuthentic(known, { username: 'alice', negotiated: true }));
  t.notOk(isAuthentic(known, { username: 'alice' }), 'not under the MD5 key');
});

test('AUTH-19 trailing NULs of USERNAME are stripped', async (t) => {
  const client = new Lab().client();
  t.equal((await allocateAs(client, 'alice\0\0', client.key)).type, 0x0103);
});

test('AUTH-19 a client that takes another realm has another key: 401', async (t) => {
  const key = longTermKey('alice', 'elsewhere', USERS.get('alice') ?? '');
  t.equal((await allocateAs(new Lab().client(), 'alice', key, 'elsewhere')).errorCode, 401);
});

test('AUTH-23 MESSAGE-INTEGRITY covers the header, its length adjusted, and all attributes before it', async (t) => {
  const users = new Map([...USERS, ['マトリックス', 'TheMatrIX']]);
  for (const [name, username] of [
    ['rfc5769-2.4-long-term-request', 'マトリックス'],
    ['derived-allocate-legacy-md5-mi', 'alice'],
  ] as const) {
    const known = Buffer.from(vectorNamed(name).hex, 'hex');
    t.ok(isAuthentic(known, { username, users }), name);
    known[12] = (known[12] as number) ^ 1;
    t.notOk(isAuthentic(known, { username, users }), `${name}, changed`);
  }
  const client = new Lab({ settings: RFC8489 }).client();
  t.equal((await client.allocate([], { fingerprint: true })).type, 0x0103);
});

test('AUTH-26 MACs and nonces are compared in constant time, and in no other way', (t) => {
  for (const [file, calls] of [
    ['src/stun/integrity.ts', 1],
    ['src/turn/nonce.ts', 1],
    ['src/turn/authenticator.ts', 0],
  ] as const) {
    const source = readFileSync(new URL(file, projectRoot), 'utf8');
    t.equal(source.split('timingSafeEqual(').length - 1, calls, file);
    t.notMatch(
      source,
      /(mac|given|expected|nonce)\.(equals|compare)\(|(mac|expected|given) ={2,3} |={2,3} (mac|expected|given)\b(?!\.)/i,
    );
  }
  t.end();
});

test('AUTH-27 realm and password are OpaqueStrings: what an operator types in another form is the same', async (t) => {
  // U+1680 is a space; e + U+0301 composes to é.
  const key = longTermKey('user', 'caf\u00e9 1', 'p\u00e9 ss');
  const forms = [
    ['cafe\u0301\u16801', 'pe\u0301 ss'],
    ['caf\u00e9\u00a01', 'p\u00e9\u3000ss'],
  ] as const;
  for (const [realmText, password] of forms) {
    const answer = await allocateAs(prepared(realmText, password).client(), 'user', key, 'caf\u00e9 1');
    t.equal(answer.type, 0x0103);
  }
});

test('AUTH-27 OpaqueString maps neither case nor width', async (t) => {
  const key = longTermKey('user', 'realm', 'pass');
  for (const password of ['PASS', 'pas\uff53', 'paß']) {
    t.equal((await allocateAs(prepared('realm', password).client(), 'user', key, 'realm')).errorCode, 401);
  }
  for (const bad of ['', 'a\u0000b', 'a\u0007', 'a\u00adb']) t.equal(opaqueString(bad), null);
});

test('AUTH-28 a USERNAME of 508 bytes is usable, and longer ones up to 763 bytes still parse', async (t) => {
  const names = ['é'.repeat(254), 'b'.repeat(508), 'c'.repeat(763)];
  const users = new Map(names.map((name) => [name, 'pass']));
  const lab = new Lab({ env: { credentials: labCredentials(users) } });
  for (const name of names) {
    t.equal((await allocateAs(lab.client(), name, longTermKey(name, REALM, 'pass'))).type, 0x0103);
    t.equal((await allocateAs(lab.client(), name, longTermKey(name, REALM, 'wrong'))).errorCode, 401);
  }
});

test('AUTH-28 a USERNAME of 764 bytes is nobody, and no store is asked', async (t) => {
  const name = 'd'.repeat(764);
  const users = new Map([[name, 'pass']]);
  const lab = new Lab({ env: { credentials: labCredentials(users) } });
  t.equal((await allocateAs(lab.client(), name, longTermKey(name, REALM, 'pass'))).errorCode, 401);
  t.same(holdings(lab), NOTHING);
});

test('AUTH-32 an allocation keeps the key, which serves when the store has forgotten the user', async (t) => {
  const users = new Map(USERS);
  const lab = new Lab({ env: { credentials: labCredentials(users) } });
  const client = lab.client();
  await client.allocated();
  const kept = inspect(client.allocation?.credential, { depth: 9, showHidden: true });
  t.notMatch(kept, /s3cret-Pass/);
  users.clear();
  const answer = await client.request(REQUEST.refresh, [lifetime(0)]);
  t.equal(answer.type, 0x0104);
  t.ok(answer.integrityOk(client.key));
});
