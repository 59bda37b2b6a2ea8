// Credentials: every way to give them, the files that hold them, and that none of them is ever repeated.

import { test } from 'tap';
import { WEAK_PASSWORD, WEAK_SECRET } from '../../src/config/secret-strength.ts';
import { configOf, errorsOf, warningsOf } from './parse.ts';

const KEY = '0123456789abcdef0123456789ABCDEF';
/** As `openssl rand -hex 32` makes one. */
const STRONG = '7f1d0c5be2a94683f0c1d75a9be36d2488e1fa07c35b9d6e42a07f1b8cd3e965';

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

test('S55 files with secrets that every user can read cause a warning that says how to mend it', async (t) => {
  const yaml = 'auth: {secrets: [{value-file: s}]}\ntls: {certificates: [{certificate: c, key: k}]}';
  const files = { '/conf/s': STRONG, '/conf/k': 'key', '/conf/c': 'certificate' };
  const modes = { '/conf/s': 0o644, '/conf/k': 0o604, '/conf/c': 0o644, '/conf/turnd.yaml': 0o644 };
  t.same(warningsOf({ yaml, files, modes }), [
    'auth.secrets.0.value-file: /conf/s holds secrets and every user can read it (mode 0644): chmod o-rwx /conf/s',
    'tls.certificates.0.key: /conf/k holds secrets and every user can read it (mode 0604): chmod o-rwx /conf/k',
  ]);
  t.same(warningsOf({ yaml, files, modes: { '/conf/s': 0o640 } }), [], 'the group of the service may read');
  t.same(warningsOf({ yaml, files, modes: { ...modes, '/conf': 0o750 } }), [], 'others do not come as far');
});

test('S55 files with secrets that every user can write to are refused', async (t) => {
  const yaml = `auth: {secrets: [{value-file: s}], user-file: u}
store: sqlite:db
tls: {certificates: [{certificate: c, key: k}]}`;
  const files = { '/conf/s': STRONG, '/conf/u': 'a:b', '/conf/k': 'key', '/conf/c': '', '/conf/db': '' };
  const said = (file: string) => `/conf/${file} holds secrets and every user can write to it`;
  t.match(errorsOf({ yaml, files, modes: { '/conf/s': 0o666 } }), [`1:31 auth.secrets.0.value-file: ${said('s')}`]);
  t.match(errorsOf({ yaml, files, modes: { '/conf/u': 0o602 } }), [`1:47 auth.user-file: ${said('u')}`]);
  t.match(errorsOf({ yaml, files, modes: { '/conf/k': 0o662 } }), [`tls.certificates.0.key: ${said('k')}`]);
  t.match(errorsOf({ yaml, files, modes: { '/conf/db': 0o666 } }), [`${said('db')} (mode 0666): chmod o-rwx /conf/db`]);
  t.same(errorsOf({ yaml, files, modes: { '/conf/c': 0o666, '/conf/turnd.yaml': 0o666, '/conf/s': 0o660 } }), []);
  t.match(errorsOf({ yaml: `auth: {secrets: [${STRONG}]}`, modes: { '/conf/turnd.yaml': 0o666 } }), [
    '/conf/turnd.yaml holds secrets and every user can write to it',
  ]);
});

test('S55 the configuration file itself counts when a secret stands in it, and only then', async (t) => {
  const modes = { '/conf/turnd.yaml': 0o644 };
  const told = ['/conf/turnd.yaml holds secrets and every user can read it (mode 0644): chmod o-rwx /conf/turnd.yaml'];
  for (const yaml of [
    `auth: {secrets: [${STRONG}]}`,
    `auth: {users: ["a:${STRONG}"]}`,
    `auth: {users: [{name: a, key: ${KEY}}]}`,
    'store: postgres://turn:pass-word@db/turn',
    'statsdb: redis://:pass-word@db/0',
    'tls: {certificates: [{certificate: c, key: k, passphrase: pass-word}]}',
    `listening-port=3478\nstatic-auth-secret=${STRONG}\n`,
    `listening-port=3478\nrealm=x\nlt-cred-mech\nuser=a:${STRONG}\n`,
  ]) {
    t.same(
      warningsOf({ yaml, modes }).filter((line) => line.includes('holds secrets')),
      told,
      yaml,
    );
  }
  const env = { TURND_AUTH__SECRETS: `${STRONG}2` };
  t.same(warningsOf({ yaml: `auth: {secrets: [${STRONG}]}`, modes, env }), []);
  t.same(warningsOf({ yaml: 'realm: x\nstore: postgres://turn@db/turn', modes }), []);
});

test('S55 a database in a file that every user can read causes a warning', async (t) => {
  const given = { yaml: 'store: sqlite:db', files: { '/conf/db': '' } };
  t.match(warningsOf({ ...given, modes: { '/conf/db': 0o644 } }), [
    '/conf/db holds secrets and every user can read it',
  ]);
  t.same(warningsOf({ ...given, modes: { '/conf/db': 0o640 } }), []);
});

test('S55 secrets and passwords that can be guessed cause a warning that does not repeat them', async (t) => {
  const users = `["alice:CANARY", {name: bob, password: "${STRONG}"}, {name: carol, key: "${KEY}"}]`;
  const warnings = warningsOf({ yaml: `auth: {secrets: [CANARY, ${STRONG}], users: ${users}}` });
  t.same(warnings, [`auth.secrets.0: ${WEAK_SECRET}`, `auth.users: the password of "alice" ${WEAK_PASSWORD}`]);
});

test('many weak passwords are one warning', async (t) => {
  const files = { '/conf/u': ['a', 'b', 'c', 'd', 'e'].map((name) => `${name}:CANARY\n`).join('') };
  t.same(warningsOf({ yaml: 'auth: {user-file: u}', files }), [
    `auth.users: the passwords of "a", "b", "c", 2 more ${WEAK_PASSWORD}`,
  ]);
});

test('S55 every key that takes a file takes a credential of systemd', async (t) => {
  const yaml = `auth:
  secrets: [{value-file: "credential:secret"}]
  users: [{name: c, password-file: "credential:password"}]
  user-file: credential:users
store: {url-file: "credential:store"}
statsdb: {url-file: "credential:statsdb"}
tls: {certificates: [{certificate: "credential:chain", key: "credential:key"}]}`;
  const directory = '/run/credentials/turnd.service';
  const texts = {
    ...{ secret: STRONG, password: STRONG, users: `d:0x${KEY}`, chain: '', key: '' },
    ...{ store: 'postgres://a:b@db/turn', statsdb: 'redis://db/1' },
  };
  const files = Object.fromEntries(Object.entries(texts).map(([name, text]) => [`${directory}/${name}`, text]));
  const env = { CREDENTIALS_DIRECTORY: directory };
  const { auth, store, statsdb, tls } = configOf({ yaml, files, env });
  t.same(auth.secrets, [STRONG]);
  t.same(auth.users, [
    { name: 'c', password: STRONG },
    { name: 'd', key: KEY.toLowerCase() },
  ]);
  t.match(store, { url: { kind: 'postgres', password: 'b' } });
  t.match(statsdb, { kind: 'redis', database: '1' });
  t.match(tls.certificates, [{ certificate: `${directory}/chain`, key: `${directory}/key` }]);
  t.same(configOf({ env: { ...env, TURND_AUTH__SECRETS_FILE: 'credential:secret' }, files }).auth.secrets, [STRONG]);

  const missing = errorsOf({ yaml: 'tls: {certificates: [{certificate: /c, key: "credential:other"}]}', files, env });
  const advice = "LoadCredential=other:/path/of/the/file into the [Service] section of turnd's unit";
  t.same(missing, [`1:45 tls.certificates.0.key: there is no credential other in ${directory}: put ${advice}`]);
  t.same(errorsOf({ yaml: 'auth: {user-file: "credential:other"}' }), [
    `1:19 auth.user-file: systemd has handed over no credentials ($CREDENTIALS_DIRECTORY): put ${advice}`,
  ]);
  for (const bad of ['', '..', '../shadow', 'a/b']) {
    t.match(
      errorsOf({ yaml: `auth: {user-file: "credential:${bad}"}`, env }),
      [/needs a name of LoadCredential=/],
      bad,
    );
  }
});
