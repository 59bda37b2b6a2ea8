// One Config from all sources: defaults, precedence, paths, and every kind of bad input with its exact message.

import fc from 'fast-check';
import { test } from 'tap';
import { configOf, errorsOf, parse } from './parse.ts';

test('without any source the defaults are complete', async (t) => {
  const config = configOf({});
  t.equal(config.realm, 'turnd');
  t.equal(config.stateDir, '/cwd/.turnd');
  t.same(config.listen, [
    { transport: 'udp', host: '*', port: 3478 },
    { transport: 'tcp+tls', host: '*', port: 3478 },
    { transport: 'tcp+tls', host: '*', port: 5349 },
  ]);
  t.same(config.relay, {
    address: { kind: 'auto' },
    externalAddress: { kind: 'auto' },
    ports: { min: 49152, max: 65535 },
    stunServers: [],
    coalescing: 175,
  });
  t.equal(config.limits.allocationsPerRestUser, 100);
  t.equal(config.limits.defaultLifetime, 600);
  t.equal(config.protocol.software, '', 'no version goes to clients (S64)');
  t.equal(config.log.file, null);
  t.equal(config.configFile, null);
  t.equal(config.hasCredentials, false);
});

test('a Config is frozen at every depth', async (t) => {
  const visit = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    t.ok(Object.isFrozen(value));
    Object.values(value).forEach(visit);
  };
  const hash = '0'.repeat(64);
  const control = `control: {listen: ["http://[::1]:1"], tls: {certificate: /c, key: /k}, tokens: [{name: a, scopes: [read], token-hash: "${hash}"}]}`;
  visit(configOf({ yaml: `auth: {secrets: [0123456789abcdef], users: ["a:password1"]}\n${control}` }));
});

test('flags come before the environment, and it before the file', async (t) => {
  const yaml = 'realm: file\nrelay: {ports: 2000-2001}\nlog: {level: warn}';
  const env = { TURND_REALM: 'env', TURND_LOG__LEVEL: 'debug' };
  const flags = [{ path: ['realm'], value: 'flag', source: '--realm' }];
  const config = configOf({ yaml, env, flags });
  t.equal(config.realm, 'flag');
  t.equal(config.log.level, 'debug');
  t.same(config.relay.ports, { min: 2000, max: 2001 });
});

test('relative paths count from the file, or from the working directory for flags and environment', async (t) => {
  const certificates = 'tls: {certificates: [{certificate: c.pem, key: ../k.pem}]}';
  const config = configOf({ yaml: `state-dir: state\n${certificates}`, env: { TURND_LOG__FILE: 'x.log' } });
  t.equal(config.stateDir, '/conf/state');
  t.same(config.tls.certificates, [{ certificate: '/conf/c.pem', key: '/k.pem' }]);
  t.equal(config.log.file, '/cwd/x.log');
});

test('the state directory of systemd is used when none is set', async (t) => {
  t.equal(configOf({ env: { STATE_DIRECTORY: '/var/lib/turnd:/other' } }).stateDir, '/var/lib/turnd');
  t.equal(configOf({ env: { STATE_DIRECTORY: '/x' }, yaml: 'state-dir: /y' }).stateDir, '/y');
});

test('relay and external addresses take all their forms', async (t) => {
  const relay = (text: string) => configOf({ yaml: `relay: {${text}}` }).relay;
  t.same(relay('address: 127.0.0.1').address, { kind: 'listed', ipv4: '127.0.0.1', ipv6: null });
  t.same(relay('address: [::1, 127.0.0.1]').address, { kind: 'listed', ipv4: '127.0.0.1', ipv6: '::1' });
  t.same(relay('address: [auto]').address, { kind: 'auto' });
  t.same(relay('external-address: none').externalAddress, { kind: 'none' });
  t.same(relay('external-address: a.example').externalAddress, { kind: 'name', name: 'a.example' });
  t.same(relay('external-address: 192.0.2.1').externalAddress, { kind: 'listed', ipv4: '192.0.2.1', ipv6: null });
  t.same(relay('external-address: {ipv6: "::1"}').externalAddress, { kind: 'listed', ipv4: null, ipv6: '::1' });
  t.same(relay('external-address: [{private: 10.0.0.1, public: 192.0.2.1}]').externalAddress, {
    kind: 'pairs',
    pairs: [{ private: '10.0.0.1', public: '192.0.2.1' }],
  });
  t.same(configOf({ env: { TURND_RELAY__EXTERNAL_ADDRESS: '192.0.2.1,2001:db8::1' } }).relay.externalAddress, {
    kind: 'listed',
    ipv4: '192.0.2.1',
    ipv6: '2001:db8::1',
  });
});

test('a section whose keys are all comments counts as absent', async (t) => {
  t.equal(configOf({ yaml: 'limits:\n  #connections: 5\nrealm:\n' }).limits.connections, 10_000);
});

const BAD_VALUES: readonly (readonly [string, string])[] = [
  ['relm: x', '1:1 unknown key "relm" (did you mean "realm"?)'],
  ['limits:\n  alocations: 1', '2:3 limits: unknown key "alocations" (did you mean "allocations"?)'],
  ['zzzzzzzz: 1', '1:1 unknown key "zzzzzzzz"'],
  ['realm: 5', '1:8 realm: expected string, received number; put it between quotes'],
  ['realm: ""', '1:8 realm: must not be empty'],
  [`realm: ${'x'.repeat(128)}`, '1:8 realm: must not be longer than 127 characters'],
  ['realm: a"b', '1:8 realm: must not contain " or \\ (RFC 8489 §14.9)'],
  ['realm: "a\\nb"', '1:8 realm: must not contain control characters'],
  ['listen: udp://*', '1:9 listen: expected array, received string'],
  ['listen: []', '1:9 listen: must not be empty'],
  ['listen: [udp://*:1, foo]', '1:21 listen.1: "foo" is not a listen URL such as udp://*:3478'],
  [
    'listen: [tcp://*:1, tls://*:1]',
    '1:21 listen.1: tls://*:1 takes the port of an earlier entry (tcp+tls:// serves both on one port)',
  ],
  ['relay: {address: 1.2.3}', '1:18 relay.address: "1.2.3" is not an IP address'],
  ['relay: {address: [1.2.3.4, 5.6.7.8]}', '1:18 relay.address: has more than one IPv4 address'],
  ['relay: {address: []}', '1:18 relay.address: must not be empty'],
  ['relay: {address: 0.0.0.0}', '1:18 relay.address: "0.0.0.0" does not name one address'],
  [
    'relay: {external-address: 1.2.3}',
    '1:27 relay.external-address: "1.2.3" is neither auto, none, one IP address nor a DNS name',
  ],
  ['relay: {external-address: {ipv4: "::1"}}', '1:34 relay.external-address.ipv4: must be an IPv4 address'],
  ['relay: {external-address: {ip: 1.2.3.4}}', '1:28 relay.external-address: unknown key "ip"'],
  [
    'relay: {external-address: [{private: 10.0.0.1, public: "::1"}]}',
    '1:28 relay.external-address.0: private and public must be of one family',
  ],
  ['relay: {external-address: [{private: 10.0.0.1}]}', '1:28 relay.external-address.0.public: is missing'],
  [
    'relay: {external-address: 5}',
    '1:27 relay.external-address: expected auto, none, an IP address, a DNS name, {ipv4: …, ipv6: …} ' +
      'or a list of {private: …, public: …}',
  ],
  ['relay: {ports: 80-90}', '1:16 relay.ports: "80-90" reaches outside 1024-65535'],
  ['relay: {stun-servers: ["a b"]}', '1:24 relay.stun-servers.0: "a b" is not host:port'],
  ['relay: 5', '1:8 relay: expected object, received number'],
  ['auth: {secrets: [{}]}', '1:18 auth.secrets.0: needs either value or value-file'],
  ['auth: {secrets: [5]}', '1:18 auth.secrets.0: expected {value: …} or {value-file: …}'],
  ['auth: {users: [{name: a}]}', '1:16 auth.users.0: needs exactly one of password, password-file and key'],
  ['auth: {users: [{name: a, key: xyz}]}', '1:31 auth.users.0.key: must be 32 hexadecimal digits'],
  ['auth: {users: [{nam: a, key: x}]}', '1:17 auth.users.0: unknown key "nam" (did you mean "name"?)'],
  ['auth: {users: [CANARY]}', '1:16 auth.users.0: must have the form NAME:PASSWORD'],
  ['auth: {users: ["a:password1", "a:password2"]}', '1:15 auth.users: user "a" is there twice'],
  ['auth: {anonymous: yes}', '1:19 auth.anonymous: expected boolean, received string'],
  ['auth: {nonce-lifetime: 0}', '1:24 auth.nonce-lifetime: must be at least 1'],
  ['auth: {rest-separator: "5"}', '1:24 auth.rest-separator: must be one character that is not a digit'],
  ['tls: {certificates: [{certificate: a}]}', '1:22 tls.certificates.0.key: is missing'],
  ['tls: {min-version: 1.1}', '1:20 tls.min-version: expected 1.2 or 1.3'],
  ['limits: {max-lifetime: 3601}', '1:24 limits.max-lifetime: must be at most 3600'],
  ['limits: {max-lifetime: 100}', '1:9 limits.default-lifetime: must not be longer than limits.max-lifetime'],
  ['limits: {connections: 1.5}', '1:23 limits.connections: expected int, received number'],
  [
    'peers: {deny: [10.0.0.1/8]}',
    '1:16 peers.deny.0: "10.0.0.1/8" has bits set beyond its prefix; the network is 10.0.0.0/8',
  ],
  ['{plane: linux, workers: 0}', '1:25 workers: must not be 0: the linux plane needs a worker'],
  ['{plane: portable, workers: 2}', '1:28 workers: must be 0: the portable plane has no workers'],
  [
    '{proxy-protocol: {trusted: []}, listen: ["tcp://*:1?proxy-protocol"]}',
    '1:28 proxy-protocol.trusted: must name the proxies in front of the listeners with ?proxy-protocol',
  ],
  ['relay: {coalescing: 1001}', '1:21 relay.coalescing: must be at most 1000'],
  ['plane: xdp', '1:8 plane: must be auto, portable or linux'],
  ['workers: -1', '1:10 workers: must be at least 0'],
  ['workers: many', '1:10 workers: expected auto or a number from 0 to 250'],
  ['log: {file: ""}', '1:13 log.file: must not be empty'],
];

for (const [yaml, expected] of BAD_VALUES) {
  test(`S32: ${yaml.slice(0, 60)} is refused with its place`, async (t) => {
    const errors = errorsOf({ yaml });
    t.ok(errors.includes(expected), errors.join('\n'));
  });
}

const BAD_YAML: readonly (readonly [string, string])[] = [
  ['- a', '1:1 must be a mapping such as "realm: turn.example.com"'],
  ['just text', '1:1 must be a mapping such as "realm: turn.example.com"'],
  ['realm: a\nrealm: b', '2:1 Map keys must be unique'],
  ['realm: *CANARY', '1:8 an unquoted * begins an alias, and no anchor has this name; put the text between quotes'],
  ['realm: !CANARY x', '1:8 an unquoted ! begins a tag, and this one is unknown; put the text between quotes'],
  ['realm: "\\CANARY"', '1:9 an unknown escape sequence between double quotes; use single quotes'],
  ['realm: "CANARY', '1:15 Missing closing "quote'],
];

for (const [yaml, expected] of BAD_YAML) {
  test(`bad YAML ${JSON.stringify(yaml)} is refused with its place, its text not repeated (S55)`, async (t) => {
    const errors = errorsOf({ yaml });
    t.ok(errors.includes(expected), errors.join('\n'));
    t.notMatch(errors.join('\n'), /CANARY/);
  });
}

test('aliases that multiply are refused', async (t) => {
  const levels = Array.from({ length: 12 }, (_, i) => `a${i + 1}: &a${i + 1} [${`*a${i},`.repeat(9)}]`);
  t.same(errorsOf({ yaml: `a0: &a0 [x]\n${levels.join('\n')}` }), ['1:1 has aliases (*name) that cannot be resolved']);
});

test('all faults are reported at once, each with its source: file, flag, variable', async (t) => {
  const errors = errorsOf({
    yaml: 'workers: x\nrealm: 5\nauth: {secrets: [{value-file: gone}]}',
    env: { TURND_LOG__LEVEL: 'loud', TURND_REALMM: 'x' },
    flags: [{ path: ['listen'], value: ['udp://x'], source: '--listen' }],
  });
  t.same(errors, [
    '1:10 workers: expected auto or a number from 0 to 250',
    '2:8 realm: expected string, received number; put it between quotes',
    '3:31 auth.secrets.0.value-file: cannot read /conf/gone: no such file or directory',
    '--listen: "udp://x": the host must be *, an IPv4 address or an [IPv6 address]',
    'TURND_LOG__LEVEL: must be trace, debug, info, warn, error, fatal or silent',
    'TURND_REALMM: unknown variable (did you mean "TURND_REALM"?)',
  ]);
});

test('the file is named in front of each of its faults', async (t) => {
  const result = parse({ yaml: 'relm: x' });
  t.same(result.ok ? [] : result.errors, ['/conf/turnd.yaml:1:1 unknown key "relm" (did you mean "realm"?)']);
});

test('hostile keys are escaped in messages (S56)', async (t) => {
  const [error = ''] = errorsOf({ yaml: '"a\\e[31m\\u2028\\nb": 1' });
  t.match(error, /unknown key "a\\u001b\[31m\\u2028\\nb"/);
});

test('property: no YAML text makes the parser throw', async (t) => {
  const words = [
    'realm',
    'listen',
    'auth',
    'users',
    ':',
    ' ',
    '\n',
    '  ',
    '- ',
    '[',
    ']',
    '{',
    '}',
    '"',
    '*a',
    '&a',
    '!',
    '#',
    '__proto__',
    '1',
  ];
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom(...words)).map((parts) => parts.join('')),
  );
  fc.assert(
    fc.property(text, (yaml) => typeof parse({ yaml }).ok === 'boolean'),
    { numRuns: 150 },
  );
  t.pass();
});

test('property: no tree and no environment makes the parser throw', async (t) => {
  const names = fc.constantFrom('realm', 'listen', 'relay', 'auth', 'tls', 'limits', 'peers', 'workers', 'log', 'x');
  const tree = fc.dictionary(
    names,
    fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom('users', 'secrets', 'address', 'external-address', 'deny'), fc.jsonValue()),
    ),
  );
  const env = fc.dictionary(
    fc.constantFrom('TURND_LISTEN', 'TURND_AUTH__USERS', 'TURND_AUTH__SECRETS_FILE', 'TURND_WORKERS', 'TURND_X'),
    fc.string(),
  );
  const property = fc.property(tree, env, (value, variables) => {
    return typeof parse({ yaml: JSON.stringify(value), env: variables }).ok === 'boolean';
  });
  fc.assert(property, { numRuns: 150 });
  t.pass();
});
