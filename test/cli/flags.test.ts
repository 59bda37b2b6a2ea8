// The flags of `turnd`.

import { test } from 'tap';
import { type ParsedFlags, parseFlags } from '../../src/cli/flags.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { fakeFiles } from '../config/fake-files.ts';

/** Parses flags and the configuration that they make. */
function load(argv: readonly string[], files: Readonly<Record<string, string>> = {}) {
  const parsed = parseFlags(argv, '1.2.3');
  if (parsed.kind === 'exit') throw new Error(parsed.stderr);
  return parseConfig({ flags: parsed.flags, env: {}, file: null, cwd: '/cwd', reader: fakeFiles(files) });
}

function errorsOf(argv: readonly string[]): readonly string[] {
  const result = load(argv);
  return result.ok ? [] : result.errors;
}

function exitOf(argv: readonly string[]): Extract<ParsedFlags, { kind: 'exit' }> {
  const parsed = parseFlags(argv, '1.2.3');
  if (parsed.kind !== 'exit') throw new Error('it would run');
  return parsed;
}

const HINT = 'turnd: --help lists the flags\n';

test('every flag sets its key', async (t) => {
  const argv = [
    ...['--listen', 'udp://*:1', 'tcp://*:2', '--listen', 'tls://*:3', '--realm', '123', '--user', 'a:p:w,x'],
    ...['--user', 'b:password', '--user-file', 'users', '--secret', '[s', '--secret', '-t', '--secret-file', 'f'],
    ...['--user-quota', '9', '--relay-address', '127.0.0.1', '--relay-address', '::1', '--external-address', 'none'],
    ...[
      '--relay-ports',
      '2000-3000',
      '--allow-peer',
      '10.0.0.0/8',
      '--deny-peer',
      '192.0.2.0/24',
      '--deny-peer',
      '::1',
    ],
    ...['--state-dir', 's', '--tls-cert', 'c', '--tls-key', 'k', '--plane', 'portable', '--workers', '0'],
    ...['--rfc5766-channel-numbers', '--anonymous', '--unsafe-allow-loopback-peers'],
    ...['--log-level', 'debug', '--log-format', 'json', '--log-file', 'l'],
  ];
  const result = load(argv, { '/cwd/users': 'c:0123456789', '/cwd/f': 'from-file\n' });
  if (!result.ok) throw new Error(result.errors.join('\n'));
  const { config } = result;
  t.same(
    config.listen.map(({ transport, port }) => `${transport} ${port}`),
    ['udp 1', 'tcp 2', 'tls 3'],
  );
  t.equal(config.realm, '123');
  t.same(config.auth.secrets, ['[s', '-t', 'from-file']);
  t.same(config.auth.users, [
    { name: 'a', password: 'p:w,x' },
    { name: 'b', password: 'password' },
    { name: 'c', password: '0123456789' },
  ]);
  t.equal(config.limits.allocationsPerUser, 9);
  t.equal(config.limits.allocationsPerRestUser, 9);
  t.same(config.relay.address, { kind: 'listed', ipv4: '127.0.0.1', ipv6: '::1' });
  t.same(config.relay.externalAddress, { kind: 'none' });
  t.same(config.relay.ports, { min: 2000, max: 3000 });
  t.same(config.peers, {
    allow: ['10.0.0.0/8'],
    deny: ['192.0.2.0/24', '::1/128'],
    realms: [],
    unsafeAllowLoopback: true,
  });
  t.equal(config.stateDir, '/cwd/s');
  t.same(config.tls.certificates, [{ certificate: '/cwd/c', key: '/cwd/k' }]);
  t.equal(config.plane, 'portable');
  t.equal(config.workers, 0);
  t.equal(config.protocol.rfc5766ChannelNumbers, true);
  t.equal(config.auth.anonymous, true);
  t.same(config.log, { level: 'debug', format: 'json', file: '/cwd/l' });
});

test('--config is kept apart, and no flag sets nothing', async (t) => {
  t.same(parseFlags(['--config', 'x.yaml'], ''), { kind: 'run', flags: [], configFile: 'x.yaml' });
  t.same(parseFlags([], ''), { kind: 'run', flags: [], configFile: null });
});

test('bad values name the flag', async (t) => {
  t.same(errorsOf(['--workers', 'x', '--user-quota', '-1', '--relay-ports', '1-2', '--deny-peer', '10.1.0.0/8']), [
    '--relay-ports: "1-2" reaches outside 1024-65535',
    '--user-quota: must be at least 0',
    '--deny-peer: "10.1.0.0/8" has bits set beyond its prefix; the network is 10.0.0.0/8',
    '--workers: expected auto or a number from 0 to 250',
  ]);
  t.same(errorsOf(['--secret', 'long-enough-secret', '--secret-file', 'gone']), [
    '--secret-file: cannot read /cwd/gone: no such file or directory',
  ]);
});

test('a user without a password is refused without being repeated (S55)', async (t) => {
  t.same(errorsOf(['--user', 'CANARY']), ['--user: must have the form NAME:PASSWORD']);
});

test('an unknown flag ends with status 2 and a suggestion, its value not repeated (S55)', async (t) => {
  const { status, stderr } = exitOf(['--secrt=CANARY']);
  t.equal(status, 2);
  t.equal(stderr, `turnd: unknown option '--secrt' (did you mean "--secret"?)\n${HINT}`);
  t.equal(exitOf(['--lisen', 'udp://*']).stderr, `turnd: unknown option '--lisen'\n(Did you mean --listen?)\n${HINT}`);
});

test('a missing value, a surplus argument and half a certificate end with status 2', async (t) => {
  t.match(exitOf(['--realm']), { status: 2, stderr: `turnd: option '--realm <realm>' argument missing\n${HINT}` });
  t.match(exitOf(['extra']), { status: 2, stderr: /^turnd: too many arguments/ });
  t.notMatch(exitOf(['extra']).stderr, /extra|--config/, 'what may be a secret is not repeated');
  t.match(exitOf(['etc/x.yaml']).stderr, /^turnd: did you mean --config etc\/x\.yaml\?$/m);
  t.match(exitOf(['/etc/turnserver.conf']).stderr, /did you mean --config \/etc\/turnserver\.conf\?/);
  t.match(exitOf(['--tls-cert', 'c']), { status: 2, stderr: 'turnd: --tls-cert, --tls-key: one needs the other\n' });
});

test('--version and --help are printed to standard output with status 0', async (t) => {
  t.same(exitOf(['--version']), { kind: 'exit', status: 0, stdout: '1.2.3\n', stderr: '' });
  const help = exitOf(['--help']);
  t.equal(help.status, 0);
  t.match(help.stdout, /--unsafe-allow-loopback-peers\s.*labs only/);
  t.equal(help.stderr, '');
});
