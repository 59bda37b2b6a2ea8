import { test } from 'tap';
import { type StaticUser, StaticUsers } from '../../src/auth/static-users.ts';
import { ConfigError } from '../../src/errors.ts';
import type { Credential } from '../../src/turn/env.ts';

// Keys by RFC 8489 §9.2.2 and §18.5.1.2 for user:realm:pass; the USERHASH is that of RFC 8489 App. B.1.
const MD5_KEY = '8493fbc53ba582fb4c044c456bdc40eb';
const SHA256_KEY = '07e934117abd40836e7c6329b54731b2b2d2a5f9a71f544922d75e0730d8251b';
const MATRIX = '\u30de\u30c8\u30ea\u30c3\u30af\u30b9';
const MATRIX_USERHASH = '4a3cf38fef6992bda952c6780417da0f24819415569e60b205c46e41407f1704';

function users(list: readonly StaticUser[], realm = 'realm', allocationsPerUser = 0): StaticUsers {
  return new StaticUsers({ realm, allocationsPerUser }, list);
}

function only(found: unknown): Credential | undefined {
  return Array.isArray(found) && found.length === 1 ? found[0] : undefined;
}

function problems(action: () => unknown): readonly string[] {
  try {
    action();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

test('AUTH-19: a user with a password has the MD5 and the SHA-256 key of the RFC', async (t) => {
  const found = only(users([{ name: 'user', password: 'pass' }]).find('user', 'realm'));
  t.equal(found?.md5Key.toString('hex'), MD5_KEY);
  t.equal(found?.sha256Key?.toString('hex'), SHA256_KEY);
  t.equal(found?.username, 'user');
});

test('a user with a key has that MD5 key and no SHA-256 key', async (t) => {
  const found = only(users([{ name: 'user', key: MD5_KEY.toUpperCase() }]).find('user', 'realm'));
  t.equal(found?.md5Key.toString('hex'), MD5_KEY);
  t.equal(found?.sha256Key, null);
});

test('AUTH-27: passwords that OpaqueString makes the same have the same key', async (t) => {
  const password = 'p\u00e4ss word';
  const plain = only(users([{ name: 'user', password }]).find('user', 'realm'));
  const other = only(users([{ name: 'user', password: 'pa\u0308ss\u1680word' }]).find('user', 'realm'));
  t.ok(plain);
  t.same(other?.md5Key, plain?.md5Key);
  t.same(other?.sha256Key, plain?.sha256Key);
});

test('A5-10: the SASLprep result of the RFC vectors is a password, its source text is refused', async (t) => {
  t.ok(only(users([{ name: 'user', password: 'TheMatrIX' }]).find('user', 'realm')));
  const refused = problems(() => users([{ name: 'neo', password: 'The\u00adM\u00aatr\u2168' }]));
  t.equal(refused.length, 1);
  t.match(refused[0], /"neo".*OpaqueString/);
});

test('every user who cannot be taken is named at once, without the password or key', async (t) => {
  const found = problems(() =>
    users([
      { name: 'empty', password: '' },
      { name: 'fine', password: 'pass' },
      { name: 'control', password: 'hush\u0007' },
      { name: 'short', key: '8493fbc5' },
      { name: 'bad\ufffdname', password: 'pass' },
      { name: '', password: 'pass' },
    ]),
  );
  t.equal(found.length, 5);
  for (const [index, name] of ['empty', 'control', 'short', 'bad\ufffdname', ''].entries()) {
    t.match(found[index], JSON.stringify(name));
  }
  t.notMatch(found.join('\n'), /hush|8493fbc5/);
});

test('S23: hostile names find nobody', async (t) => {
  const source = users([{ name: 'user', password: 'pass' }]);
  const hostile = ['__proto__', 'constructor', 'toString', "' OR 1=1--", '%s%n%x', '\r\nDEL x', 'user\0', 'User', ''];
  for (const name of [...hostile, 'u'.repeat(763), 'u'.repeat(764), 'user\ufffd', 'user\ud800', 'us\u00ader']) {
    t.equal(source.find(name, 'realm'), 'unknown-user', JSON.stringify(name.slice(0, 20)));
  }
});

test('S23: users may have the names of object properties', async (t) => {
  const source = users([{ name: '__proto__', password: 'pass' }]);
  t.equal(only(source.find('__proto__', 'realm'))?.username, '__proto__');
  t.equal(source.find('constructor', 'realm'), 'unknown-user');
});

test('a name has 1 to 763 bytes, not characters', async (t) => {
  t.same(
    problems(() => users([{ name: 'u'.repeat(763), password: 'pass' }])),
    [],
  );
  t.equal(problems(() => users([{ name: 'u'.repeat(764), password: 'pass' }])).length, 1);
  t.equal(problems(() => users([{ name: '\u00e4'.repeat(382), password: 'pass' }])).length, 1);
});

test('another realm has none of the users', async (t) => {
  const source = users([{ name: 'user', password: 'pass' }]);
  t.equal(source.find('user', 'realm2'), 'unknown-user');
});

test('AUTH-21: a USERHASH leads to the name', async (t) => {
  const source = users([{ name: MATRIX, password: 'TheMatrIX' }], 'example.org');
  const hash = Buffer.from(MATRIX_USERHASH, 'hex');
  t.equal(source.usernameOf(hash, 'example.org'), MATRIX);
  t.equal(source.usernameOf(hash, 'example.com'), null);
  t.equal(source.usernameOf(Buffer.alloc(32), 'example.org'), null);
});

test('two names with one USERHASH are refused', async (t) => {
  const found = problems(() =>
    users([
      { name: '\u00e4', password: 'pass' },
      { name: 'a\u0308', password: 'pass' },
    ]),
  );
  t.equal(found.length, 1);
  t.match(found[0], 'Unicode');
});

test('a removed user is unknown by name and by USERHASH', async (t) => {
  const source = users([{ name: MATRIX, password: 'TheMatrIX' }], 'example.org');
  t.equal(source.remove(MATRIX), true);
  t.equal(source.remove(MATRIX), false);
  t.equal(source.find(MATRIX, 'example.org'), 'unknown-user');
  t.equal(source.usernameOf(Buffer.from(MATRIX_USERHASH, 'hex'), 'example.org'), null);
  t.equal(source.isEmpty, true);
});

test('a user can be added and replaced while others stay', async (t) => {
  const source = users([{ name: 'other', password: 'pass' }]);
  source.add({ name: 'user', password: 'old' });
  source.add({ name: 'user', password: 'pass' });
  t.equal(only(source.find('user', 'realm'))?.md5Key.toString('hex'), MD5_KEY);
  t.ok(only(source.find('other', 'realm')));
});

test('a replacement that cannot be taken leaves the user as it was', async (t) => {
  const source = users([{ name: 'user', password: 'pass' }]);
  t.equal(problems(() => source.add({ name: 'user', password: '' })).length, 1);
  t.equal(only(source.find('user', 'realm'))?.md5Key.toString('hex'), MD5_KEY);
});

test('SHA-256 keys are promised only while every user has one', async (t) => {
  const source = users([{ name: 'user', password: 'pass' }]);
  t.equal(source.derivesSha256, true);
  source.add({ name: 'old', key: MD5_KEY });
  t.equal(source.derivesSha256, false);
  source.add({ name: 'old', password: 'pass' });
  t.equal(source.derivesSha256, true);
  source.add({ name: 'old', key: MD5_KEY });
  source.remove('old');
  t.equal(source.derivesSha256, true);
});

test('static users carry the limit for one user', async (t) => {
  t.equal(only(users([{ name: 'user', password: 'pass' }], 'realm', 7).find('user', 'realm'))?.quotaLimit, 7);
  t.equal(only(users([{ name: 'user', password: 'pass' }]).find('user', 'realm'))?.quotaLimit, 0);
});
