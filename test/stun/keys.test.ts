import { test } from 'tap';
import { longTermKeyMd5, longTermKeySha256, PasswordAlgorithm, restPassword, userhash } from '../../src/stun/keys.ts';
import { compareWithRegistry } from '../support/iana.ts';
import { readVectors, type Vector, vectorNamed } from '../support/vectors.ts';

const signed = readVectors().filter(
  (vector) => vector.keyHex !== undefined && vector.credential !== 'short-term' && vector.kind !== 'oauth-token',
);

function keyOf({ username = '', realm = '', password = '', keyAlg }: Vector): Buffer {
  return keyAlg === 'MD5' ? longTermKeyMd5(username, realm, password) : longTermKeySha256(username, realm, password);
}

test('password algorithms are those of the IANA registry, both ways', async (t) => {
  const { foreign, lacking } = compareWithRegistry(PasswordAlgorithm, 'stun-password-algorithms');
  t.strictSame({ foreign, lacking }, { foreign: [], lacking: [] });
});

test('AUTH-19 long-term keys are those of the vectors', async (t) => {
  t.ok(signed.length >= 15, `${signed.length} vectors`);
  for (const vector of signed) t.equal(keyOf(vector).toString('hex'), vector.keyHex, vector.name);
});

test('AUTH-21 userhashes are those of the vectors', async (t) => {
  const hashed = readVectors().filter((vector) => vector.userhash !== undefined);
  t.ok(hashed.length >= 4);
  for (const { username, realm, userhash: expected, name } of hashed)
    t.equal(userhash(username ?? '', realm ?? '').toString('hex'), expected, name);
});

test('the REST password is that of the draft', async (t) => {
  const { secret, username, password } = vectorNamed('derived-turn-rest');
  t.equal(restPassword(secret ?? '', username ?? ''), password);
});
