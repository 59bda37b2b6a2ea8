import fc from 'fast-check';
import { test } from 'tap';
import {
  escapeGlob,
  ORIGIN_KEYS,
  optionKey,
  parseRealmKey,
  parseUserKey,
  peersKey,
  secretsKey,
  sha256KeyOf,
  userKey,
} from '../../../src/store/redis/redis-keys.ts';

const awkwardText = fc
  .array(fc.constantFrom('/', 'user', '/user/', 'key', '/key', '-sha256', 'secret', 'a', '*', '\\', '%s', ' '), {
    maxLength: 6,
  })
  .map((parts) => parts.join(''));

function userKeyOrNull(realm: string, name: string): string | null {
  try {
    return userKey({ realm, name });
  } catch {
    return null;
  }
}

test('a key belongs to one user, or is refused', async (t) => {
  fc.assert(
    fc.property(awkwardText, awkwardText, (realm, name) => {
      const key = userKeyOrNull(realm, name);
      if (key === null) return realm.includes('/user');
      const found = parseUserKey(key);
      return found?.realm === realm && found.name === name && parseRealmKey(key) === null;
    }),
  );
  t.throws(() => userKey({ realm: 'a/user/b', name: 'c' }), {
    message: /realm "a\/user\/b".*use another/,
  });
  t.throws(() => userKey({ realm: 'a/user', name: 'c' }), { message: /use another realm/ });
  t.throws(() => userKey({ realm: 'a', name: 'b\0' }), { message: /NUL/ });
  t.throws(() => userKey({ realm: 'a', name: '\ud800' }), { message: /half/ });
});

test('keys are spelled as coturn spells them', async (t) => {
  t.equal(userKey({ realm: 'north.gov', name: 'gorst' }), 'turn/realm/north.gov/user/gorst/key');
  t.equal(userKey({ realm: '', name: 'gorst' }), 'turn/realm//user/gorst/key');
  t.equal(secretsKey('north.gov'), 'turn/realm/north.gov/secret');
  t.equal(peersKey('north.gov', 'allow'), 'turn/realm/north.gov/allowed-peer-ip');
  t.equal(peersKey('north.gov', 'deny'), 'turn/realm/north.gov/denied-peer-ip');
  t.equal(optionKey('north.gov', 'maxBps'), 'turn/realm/north.gov/max-bps');
  t.equal(ORIGIN_KEYS.key('http://crinna.org:80'), 'turn/origin/http://crinna.org:80');
});

test('a key of turnd is none of coturn’s', async (t) => {
  t.equal(parseUserKey(sha256KeyOf(userKey({ realm: 'a', name: 'b' }))), null);
  t.equal(parseRealmKey('turn/realm/a/secret-end'), null);
  t.equal(parseRealmKey('turn/realm/a/constructor'), null);
  t.equal(parseRealmKey('turn/realm/secret'), null, 'no realm at all');
  t.match(parseRealmKey('turn/realm//secret'), { realm: '' });
});

test('wildcards are letters', async (t) => {
  t.equal(escapeGlob('a*b?[c]\\d'), 'a\\*b\\?\\[c\\]\\\\d');
});
