// Credentials: every way to give them, the files that hold them, and that none of them is ever repeated.

import { test } from 'tap';
import { configOf, errorsOf, warningsOf } from './parse.ts';

const KEY = '0123456789abcdef0123456789ABCDEF';

test('secrets and users come from values, files and the user file together', async (t) => {
  const yaml = `auth:
  secrets: [one-long-secret-text, {value: two-long-secret-text}, {value-file: three}]
  users: ["a:with:colon", {name: b, key: "0x${KEY}"}, {name: c, password-file: /p}]
  user-file: users`;
  const files = {
    '/conf/three': 'three-long-secret\n',
    '/p': 'password-c\r\nsecond line',
    '/conf/users': `# comment\n\nd:password-d\ne:0x${KEY}\n`,
  };
  const { auth, hasCredentials } = configOf({ yaml, files });
  t.same(auth.secrets, ['one-long-secret-text', 'two-long-secret-text', 'three-long-secret']);
  t.same(auth.users, [
    { name: 'a', password: 'with:colon' },
    { name: 'b', key: KEY.toLowerCase() },
    { name: 'c', password: 'password-c' },
    { name: 'd', password: 'password-d' },
    { name: 'e', key: KEY.toLowerCase() },
  ]);
  t.equal(hasCredentials, true);
});

test('a file without any credentials is told apart (S12)', async (t) => {
  t.equal(configOf({ yaml: 'realm: x' }).hasCredentials, false);
  t.equal(configOf({ yaml: 'auth: {user-file: u}', files: { '/conf/u': '# nobody yet\n' } }).hasCredentials, false);
});

test('each file that cannot be used is named with its key', async (t) => {
  const yaml = `auth:
  secrets: [{value-file: gone}, {value-file: empty}]
  users: [{name: a, password-file: closed}]
  user-file: users`;
  const files = {
    '/conf/empty': '\n',
    '/conf/closed': 'EACCES',
    '/conf/users': 'CANARY\n:CANARY\nx:0xCANARY\nok:pass-word\n',
  };
  const errors = errorsOf({ yaml, files });
  t.same(errors, [
    '2:26 auth.secrets.0.value-file: cannot read /conf/gone: no such file or directory',
    '2:46 auth.secrets.1.value-file: /conf/empty is empty',
    '3:36 auth.users.0.password-file: cannot read /conf/closed: permission denied',
    '4:14 auth.user-file: /conf/users:1: must have the form name:password',
    '4:14 auth.user-file: /conf/users:2: must have the form name:password',
    '4:14 auth.user-file: /conf/users:3: a password that begins with 0x is a key, and a key must be 32 hexadecimal digits',
  ]);
  t.notMatch(errors.join('\n'), /CANARY/, 'S55');
});

test('files with secrets that every user can read cause a warning (S55)', async (t) => {
  const yaml = 'auth: {secrets: [{value-file: s}]}\ntls: {certificates: [{certificate: c, key: k}]}';
  const files = { '/conf/s': 'a-very-long-secret', '/conf/k': 'key', '/conf/c': 'certificate' };
  const modes = { '/conf/s': 0o644, '/conf/k': 0o604, '/conf/c': 0o644, '/conf/turnd.yaml': 0o644 };
  t.same(warningsOf({ yaml, files, modes }), [
    'auth.secrets.0.value-file: /conf/s holds secrets and every user can read it (mode 0644): chmod o-rwx it',
    'tls.certificates.0.key: /conf/k holds secrets and every user can read it (mode 0604): chmod o-rwx it',
  ]);
  t.same(warningsOf({ yaml, files, modes: { '/conf/s': 0o640 } }), []);
});

test('the configuration file itself counts when secrets stand in it, and only then', async (t) => {
  const modes = { '/conf/turnd.yaml': 0o644 };
  const yaml = 'auth: {secrets: [a-very-long-secret]}';
  t.same(warningsOf({ yaml, modes }), [
    '/conf/turnd.yaml holds secrets and every user can read it (mode 0644): chmod o-rwx it',
  ]);
  t.same(warningsOf({ yaml, modes, env: { TURND_AUTH__SECRETS: 'another-long-secret' } }), []);
  t.same(warningsOf({ yaml: 'realm: x', modes }), []);
});

test('short secrets and passwords cause a warning that does not repeat them', async (t) => {
  const warnings = warningsOf({ yaml: 'auth: {secrets: [CANARY], users: ["alice:CANARY", "bob:long-enough"]}' });
  t.same(warnings, [
    'auth.secrets.0: has fewer than 16 characters',
    'auth.users: the password of "alice" has fewer than 8 characters',
  ]);
});
