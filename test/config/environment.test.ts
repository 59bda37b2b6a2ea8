// The environment as a source of settings (DESIGN.md §1).

import { test } from 'tap';
import { configOf, errorsOf, warningsOf } from './parse.ts';

test('every form of value can be set by a variable', async (t) => {
  const config = configOf({
    env: {
      TURND_REALM: 'r',
      TURND_RELAY__EXTERNAL_ADDRESS: '192.0.2.1',
      TURND_RELAY__ADDRESS: '127.0.0.1,::1',
      TURND_LISTEN: 'udp://*:1, tcp://*:2',
      TURND_PEERS__DENY: '["198.51.100.0/24"]',
      TURND_LIMITS__CONNECTIONS: '7',
      TURND_AUTH__ANONYMOUS: 'true',
      TURND_AUTH__USERS: '[{"name": "a", "password": "with,comma"}]',
      TURND_WORKERS: '0',
    },
  });
  t.equal(config.realm, 'r');
  t.same(config.relay.externalAddress, { kind: 'listed', ipv4: '192.0.2.1', ipv6: null });
  t.same(config.relay.address, { kind: 'listed', ipv4: '127.0.0.1', ipv6: '::1' });
  t.same(
    config.listen.map(({ port }) => port),
    [1, 2],
  );
  t.same(config.peers.deny, ['198.51.100.0/24']);
  t.equal(config.limits.connections, 7);
  t.equal(config.auth.anonymous, true);
  t.same(config.auth.users, [{ name: 'a', password: 'with,comma' }]);
  t.equal(config.workers, 0);
});

test('a text that looks like a number stays text where text is wanted', async (t) => {
  t.equal(configOf({ env: { TURND_REALM: '12345' } }).realm, '12345');
});

test('_FILE reads the value from a file, lists one element in each line', async (t) => {
  const config = configOf({
    env: { TURND_AUTH__SECRETS_FILE: '/run/s', TURND_REALM_FILE: '/run/r', TURND_LOG__FILE: '/log' },
    files: { '/run/s': 'a-secret,with-comma\nsecond-long-secret\n', '/run/r': 'realm\n' },
  });
  t.same(config.auth.secrets, ['a-secret,with-comma', 'second-long-secret']);
  t.equal(config.realm, 'realm');
  t.equal(config.log.file, '/log', 'a key that is itself called file');
});

test('a secret in a file that every user can read causes a warning', async (t) => {
  const env = { TURND_AUTH__SECRETS_FILE: '/run/s' };
  const warnings = warningsOf({ env, files: { '/run/s': 'a-very-long-secret' }, modes: { '/run/s': 0o644 } });
  t.match(warnings, ['/run/s holds secrets and every user can read it (mode 0644): chmod o-rwx /run/s']);
});

test('unknown variables, broken values and unreadable files are errors that name the variable', async (t) => {
  const errors = errorsOf({
    env: {
      TURND_LISTENS: 'x',
      TURND_AUTH__USERS: '[CANARY',
      TURND_REALM_FILE: '/gone',
      TURND_LIMITS__CONNECTIONS: 'many',
      TURND_PLANE: 'auto',
      TURND_PLANE_FILE: '/p',
    },
  });
  t.same(errors, [
    'TURND_LIMITS__CONNECTIONS: expected number, received string',
    'TURND_LISTENS: unknown variable (did you mean "TURND_LISTEN"?)',
    'TURND_AUTH__USERS: is not valid JSON',
    'TURND_REALM_FILE: cannot read /gone: no such file or directory',
    'TURND_PLANE_FILE: TURND_PLANE is set as well; keep one',
  ]);
});

test('empty variables, TURND_CONFIG, TURND_TEST_… and foreign names are left alone', async (t) => {
  const env = { TURND_REALM: '', TURND_CONFIG: '/x', TURND_TEST_REQUIRE_ALL: '1', TURNDX: '1', PATH: '/' };
  t.equal(configOf({ env }).realm, 'turnd');
});
