import { test } from 'tap';
import { NONCE_COOKIE, NONCE_COOKIE_LENGTH, nonceCookie, SecurityFeature } from '../../src/stun/nonce-cookie.ts';
import { readRegistry } from '../support/iana.ts';
import { readVectors, vectorNamed } from '../support/vectors.ts';

const { PASSWORD_ALGORITHMS, USERNAME_ANONYMITY } = SecurityFeature;

test('security features have the bits of the IANA registry, both ways', async (t) => {
  const bits = [...readRegistry('stun-security-features')].map(([bit, name]) => [
    name.replace(' ', '_').toUpperCase(),
    2 ** bit,
  ]);
  t.strictSame(Object.entries(SecurityFeature), bits);
});

test('AUTH-04 the nonce cookie carries the features by erratum 6290', async (t) => {
  t.equal(nonceCookie(0), vectorNamed('nonce-cookie-none').cookie);
  t.equal(nonceCookie(PASSWORD_ALGORITHMS), vectorNamed('nonce-cookie-passwordAlgorithms').cookie);
  t.equal(nonceCookie(USERNAME_ANONYMITY), vectorNamed('nonce-cookie-usernameAnonymity').cookie);
  t.equal(nonceCookie(PASSWORD_ALGORITHMS | USERNAME_ANONYMITY), vectorNamed('nonce-cookie-both').cookie);
});

test('AUTH-04 the superseded bit order is never produced', async (t) => {
  const superseded = readVectors().filter(({ name }) => name.endsWith('MSB-reading'));
  t.equal(superseded.length, 3);
  const ours = [0, 1, 2, 3].map(nonceCookie);
  for (const { cookie = '', name } of superseded) t.notOk(ours.includes(cookie), name);
});

test('AUTH-03 every nonce cookie is obMatJos2 and four base64 characters', async (t) => {
  for (let bit = 0; bit < 24; bit++) {
    const cookie = nonceCookie(2 ** bit);
    t.match(cookie, /^obMatJos2[A-Za-z0-9+/]{4}$/);
    t.equal(cookie.length, NONCE_COOKIE_LENGTH);
    t.ok(cookie.startsWith(NONCE_COOKIE));
  }
});
