// Options that hold together, and values that coturn would have dropped without a word.

import { test } from 'tap';
import { imported, settingAt } from './import.ts';

const faultsOf = (...lines: readonly string[]): readonly string[] => imported(lines).faults;
const warned = (pattern: RegExp, ...lines: readonly string[]): boolean =>
  imported(lines).warnings.some((warning) => pattern.test(warning));

test('listeners are addresses by ports by transports', async (t) => {
  const listen = (...lines: readonly string[]): unknown => settingAt(imported(lines), 'listen');
  t.equal(listen('realm=x'), undefined, 'the default of both');
  t.same(listen('listening-port=3479'), ['udp://*:3479', 'tcp+tls://*:3479', 'tcp+tls://*:5349']);
  t.same(listen('listening-ip=192.0.2.1', 'listening-ip=2001:db8::1', 'no-tls'), [
    'udp://192.0.2.1:3478',
    'tcp://192.0.2.1:3478',
    'udp://[2001:db8::1]:3478',
    'tcp://[2001:db8::1]:3478',
  ]);
  t.same(listen('no-tcp'), ['udp://*:3478', 'tls://*:5349']);
  t.same(listen('no-udp', 'no-tls'), ['tcp://*:3478']);
  t.same(listen('tls-listening-port=3478'), ['udp://*:3478', 'tcp+tls://*:3478'], 'one port for both');
  t.same(listen('tls-listening-port=3478', 'no-tcp'), ['udp://*:3478', 'tls://*:3478']);
  t.same(listen('listening-ip=192.0.2.1', 'listening-ip=192.0.2.1', 'no-tls', 'no-tcp'), ['udp://192.0.2.1:3478']);
  t.same(listen('aux-server=192.0.2.9:80', 'no-tls', 'no-tcp=0'), [
    'udp://*:3478',
    'tcp://*:3478',
    'udp://192.0.2.9:80',
    'tcp://192.0.2.9:80',
  ]);
  t.same(faultsOf('no-udp', 'no-tcp', 'no-tls'), ['3 no-tls: no-udp, no-tcp and no-tls leave nothing to listen on']);
});

test('tcp-proxy-port is a listener for proxies of private networks, until they are named', async (t) => {
  const lines = ['listening-ip=192.0.2.1', 'no-udp', 'tcp-proxy-port=5380'];
  t.same(settingAt(imported(lines), 'listen'), [
    'tcp+tls://192.0.2.1:3478',
    'tcp+tls://192.0.2.1:5349',
    'tcp+tls://192.0.2.1:5380?proxy-protocol',
  ]);
  t.match(settingAt(imported(lines), 'proxy-protocol.trusted'), ['127.0.0.0/8', '::1/128', '10.0.0.0/8']);
  t.ok(warned(/proxy-protocol.trusted/, ...lines));
  t.equal(settingAt(imported(['tcp-proxy-port=0']), 'proxy-protocol.trusted'), undefined, '0 is off');
  t.same(faultsOf('listening-ip=x', 'listening-ip=192.0.2.1', 'tcp-proxy-port=1'), [
    '1 listening-ip: must be an IP address; names are not looked up',
  ]);
});

test('the relay: addresses, the ones shown, ports and workers', async (t) => {
  const relay = (...lines: readonly string[]): unknown => settingAt(imported(lines), 'relay');
  t.same(relay('realm=x'), { 'external-address': 'none' });
  t.same(relay('relay-ip=192.0.2.5', 'relay-ip=2001:db8::5', 'external-ip=198.51.100.7'), {
    address: ['192.0.2.5', '2001:db8::5'],
    'external-address': '198.51.100.7',
  });
  t.same(relay('listening-ip=127.0.0.1', 'listening-ip=192.0.2.1', 'external-ip=turn.example.org'), {
    address: '192.0.2.1',
    'external-address': 'turn.example.org',
  });
  t.same(relay('listening-ip=0.0.0.0'), { 'external-address': 'none' }, 'a wildcard is no relay address');
  t.same(
    settingAt(
      imported(['external-ip=198.51.100.7/192.0.2.5', 'external-ip=198.51.100.8/192.0.2.6']),
      'relay.external-address',
    ),
    [
      { private: '192.0.2.5', public: '198.51.100.7' },
      { private: '192.0.2.6', public: '198.51.100.8' },
    ],
  );
  t.same(
    settingAt(
      imported(['relay-ip=192.0.2.5', 'external-ip=2001:db8::7/2001:db8::5', 'external-ip=198.51.100.7']),
      'relay.external-address',
    ),
    [
      { private: '2001:db8::5', public: '2001:db8::7' },
      { private: '192.0.2.5', public: '198.51.100.7' },
    ],
  );
  t.same(relay('max-port=50000'), { 'external-address': 'none', ports: '49152-50000' });
  t.equal(settingAt(imported(['relay-threads=0']), 'workers'), 0);
  t.equal(settingAt(imported(['relay-threads=-3']), 'workers'), 0);
  t.equal(settingAt(imported(['relay-threads=500']), 'workers'), 128);
  t.equal(settingAt(imported(['cpus=4', 'relay-threads=2']), 'workers'), 2);
  t.ok(
    warned(
      /^2 relay-ip: turnd relays from one address per family: 192\.0\.2\.5 is taken/,
      'relay-ip=192.0.2.5',
      'relay-ip=192.0.2.6',
    ),
  );
});

test('users, secrets and who needs neither', async (t) => {
  const auth = (...lines: readonly string[]): unknown => settingAt(imported(lines), 'auth');
  t.same(auth('user=alice:  pw', 'user=bob:0xBC807EE29DF3C9FFA736523FB2C4E8EE'), {
    users: [
      { name: 'alice', password: 'pw' },
      { name: 'bob', key: 'BC807EE29DF3C9FFA736523FB2C4E8EE' },
    ],
  });
  t.same(auth('static-auth-secret=a', 'static-auth-secret=b'), { secrets: [{ value: 'a' }, { value: 'b' }] });
  t.same(auth('no-auth'), { anonymous: true });
  t.same(auth('no-auth=0', 'user=a:b'), { users: [{ name: 'a', password: 'b' }] });
  t.same(auth('user=a:b', 'user=a:c'), { users: [{ name: 'a', password: 'c' }] }, 'the last one counts');
  t.ok(warned(/^1 user: the same user follows/, 'user=a:b', 'user=a:c'));
  t.match(faultsOf('no-auth', 'lt-cred-mech'), ['1 no-auth: cannot stand beside lt-cred-mech']);
  t.match(faultsOf('no-auth', 'static-auth-secret=x'), ['1 no-auth: cannot stand beside']);
  t.ok(warned(/turnd accepts both/, 'use-auth-secret', 'user=a:b'));
  t.ok(warned(/^- lt-cred-mech: .*coturn serves everyone/, 'fingerprint'), 'an open coturn');
  t.notOk(warned(/serves everyone/, 'use-auth-secret'));
  t.ok(warned(/^1 use-auth-secret: is on, whatever its value/, 'use-auth-secret=0'));
  t.notOk(warned(/whatever its value/, 'use-auth-secret'));
  t.same(auth('rest-api-separator=||'), { 'rest-separator': '|' });
  t.same(auth('stale-nonce'), { 'nonce-lifetime': 600 });
  t.same(auth('stale-nonce=0'), { 'nonce-lifetime': 3500 });
  t.same(auth('stale-nonce=7200'), { 'nonce-lifetime': 3500 });
  t.ok(warned(/^1 stale-nonce: a nonce lasts at most 3500 s/, 'stale-nonce=0'));
});

test('the store: the last database counts, and the default file where there is nothing else', async (t) => {
  const store = (...lines: readonly string[]): unknown => settingAt(imported(lines), 'store');
  const withFile = (...lines: readonly string[]) =>
    imported(lines, ['/var/lib/turn/turndb', '/etc/turn/x', '/etc/turndb']);
  t.equal(store('userdb=/a b/c#d'), 'sqlite:///a%20b/c%23d');
  t.equal(store('userdb=x.db'), 'sqlite:///cwd/x.db', 'from the working directory');
  t.equal(settingAt(withFile('db=turndb'), 'store'), 'sqlite:///etc/turndb', 'where coturn looks');
  t.equal(store('userdb=/x', 'redis-userdb=ip=192.0.2.1'), 'redis://192.0.2.1/0');
  t.ok(warned(/^1 userdb: another database follows/, 'userdb=/x', 'redis-userdb=ip=192.0.2.1'));
  t.equal(settingAt(withFile('lt-cred-mech'), 'store'), 'sqlite:///var/lib/turn/turndb');
  t.equal(settingAt(withFile('user=a:b'), 'store'), undefined);
  t.match(withFile('user=a:b').warnings.join('\n'), /coturn uses \/var\/lib\/turn\/turndb too/);
  t.equal(settingAt(withFile('no-auth'), 'store'), undefined);
  t.equal(store('mongo-userdb=mongodb://x'), undefined);
  t.match(faultsOf('mysql-userdb=host=h dbname=d user=u password=x', 'secret-key-file=/k'), [
    '2 secret-key-file: encrypted',
  ]);
  t.equal(
    settingAt(imported(['redis-statsdb=ip=192.0.2.1 tls=1 ca=a.pem']), 'statsdb'),
    'rediss://192.0.2.1/0?ca=%2Fcwd%2Fa.pem',
  );
});

test('peers: what is allowed wins in coturn', async (t) => {
  const peers = (...lines: readonly string[]): unknown => settingAt(imported(lines), 'peers');
  t.same(peers('denied-peer-ip=10.0.0.0-10.255.255.255', 'allowed-peer-ip=10.0.0.0-10.127.255.255'), {
    allow: ['10.0.0.0/9'],
    deny: ['10.128.0.0/9'],
  });
  t.same(peers('denied-peer-ip=192.0.2.1', 'allowed-peer-ip=192.0.2.1'), { allow: ['192.0.2.1/32'] });
  t.match(faultsOf('denied-peer-ip=10.0.0.0/8'), [
    '1 denied-peer-ip: coturn has no CIDR here: write 10.0.0.0-10.255.255.255',
  ]);
  t.match(faultsOf('denied-peer-ip=10.0.0.9-10.0.0.1'), ['1 denied-peer-ip: "10.0.0.9-10.0.0.1" begins after its end']);
  t.match(faultsOf('allowed-peer-ip=host.example'), ['1 allowed-peer-ip: "host.example" is not an IP address']);
  t.ok(warned(/stay closed in turnd/, 'allowed-peer-ip=127.0.0.1'));
  t.notOk(warned(/stay closed in turnd/, 'allowed-peer-ip=10.0.0.1'));
});

test('private networks: one warning, unless all of them are spoken of', async (t) => {
  const isWarned = (...lines: readonly string[]): boolean => warned(/^- allowed-peer-ip: .*peers\.allow/, ...lines);
  t.ok(isWarned('realm=x'));
  t.match(imported(['lt-cred-mech']).warnings[0], /peers\.allow/, 'it comes first');
  t.ok(isWarned('allowed-peer-ip=10.0.0.0-10.255.255.255'));
  const all = ['10.0.0.0-10.255.255.255', '172.16.0.0-172.31.255.255', '192.168.0.0-192.168.255.255'];
  t.notOk(isWarned(...all.map((range) => `allowed-peer-ip=${range}`)));
  t.notOk(isWarned(...all.map((range) => `denied-peer-ip=${range}`)), 'closed in coturn too');
});

test('quotas are those of coturn, where turnd has other defaults', async (t) => {
  t.same(settingAt(imported(['realm=x']), 'limits'), {
    allocations: 0,
    'allocations-per-user': 0,
    'allocations-per-rest-user': 0,
    'allocations-per-client-address': 0,
  });
  t.match(settingAt(imported(['user-quota=5', 'total-quota=50', 'max-allocate-lifetime=300']), 'limits'), {
    allocations: 50,
    'allocations-per-user': 5,
    'allocations-per-rest-user': 5,
    'max-lifetime': 300,
    'default-lifetime': 300,
  });
  t.equal(settingAt(imported(['max-allocate-lifetime=7200']), 'limits.max-lifetime'), 3600);
  t.equal(
    settingAt(
      imported(['unauthorized-ratelimit=0', 'unauthorized-ratelimit-rps=5']),
      'limits.unauthenticated-replies-per-second',
    ),
    0,
  );
});

test('bandwidth is in bits, and a capacity admits as many allocations as in coturn', async (t) => {
  const limits = (...lines: readonly string[]): unknown => settingAt(imported(lines), 'limits');
  t.match(limits('max-bps=250000'), { 'bandwidth-per-allocation': 2_000_000, allocations: 0 });
  t.notOk(Object.hasOwn(limits('max-bps=0', 'bps-capacity=0') as object, 'bandwidth'), '0 is no limit');
  const full = { 'bandwidth-per-allocation': 800, bandwidth: 2000, allocations: 3 };
  t.match(limits('max-bps=100', 'bps-capacity=250'), full, 'the third is promised what is left');
  t.match(limits('max-bps=100', 'bps-capacity=250', 'total-quota=5'), full);
  t.match(limits('max-bps=100', 'bps-capacity=250', 'total-quota=2'), { ...full, allocations: 2 });
  t.match(limits('max-bps=1', 'bps-capacity=4294967295'), { allocations: 1_000_000, bandwidth: 34_359_738_360 });
  t.match(imported(['max-bps=4294967296']).faults, ['1 max-bps: must be from 0 to 4294967295']);
});

test('certificates are searched where coturn searches', async (t) => {
  const files = ['/etc/turn_server_cert.pem', '/cwd/etc/turnserver/my.key', '/cwd/c.pem', '/etc/c.pem'];
  t.same(settingAt(imported(['realm=x', 'pkey=my.key'], files), 'tls.certificates'), [
    { certificate: '/etc/turn_server_cert.pem', key: '/cwd/etc/turnserver/my.key' },
  ]);
  t.same(settingAt(imported(['cert=c.pem', 'pkey=my.key', 'pkey-pwd=x'], files), 'tls.certificates'), [
    { certificate: '/cwd/c.pem', key: '/cwd/etc/turnserver/my.key', passphrase: 'x' },
  ]);
  t.ok(warned(/^1 cert: there is no file "\/gone\.pem": TLS is served with a self-made certificate/, 'cert=/gone.pem'));
  t.ok(warned(/^1 cert: there is no file "\/a\\u2028b": /, 'cert=/a\u2028b'), 'S56 on one line');
  t.ok(warned(/^- cert: is absent/, 'realm=x'));
  t.notOk(warned(/self-made/, 'no-tls'));
});

test('the log goes where coturn’s goes', async (t) => {
  const log = (...lines: readonly string[]): unknown => settingAt(imported(lines), 'log');
  t.same(log('log-file=/var/log/t.log', 'simple-log'), { file: '/var/log/t.log' });
  t.same(log('log-file=t.log', 'Verbose'), { level: 'trace', file: '/cwd/t.log' });
  t.equal(log('log-file=stdout'), undefined);
  t.equal(log('log-file=-'), undefined);
  t.equal(log('log-file=/x', 'syslog'), undefined);
  t.equal(log('log-file=syslog'), undefined);
  t.ok(warned(/does not speak to syslog/, 'log-file=syslog'));
  t.same(log('verbose=0'), { level: 'info' });
  t.same(log('verbose', 'log-min-level=error'), { level: 'error' });
  t.ok(warned(/no process id and no date/, 'log-file=/x'));
  t.notOk(warned(/no process id/, 'log-file=/x', 'simple-log'));
});

test('a value that coturn would have dropped is a fault with its line, and is not repeated where it is secret', async (t) => {
  const cases: readonly (readonly [string, RegExp])[] = [
    ['listening-port=99999', /^1 listening-port: must be from 0 to 65535$/],
    ['listening-port=34x', /^1 listening-port: must be a whole number$/],
    ['min-port=20000 # low', /^1 min-port: must be a whole number; a comment needs a line of its own$/],
    ['total-quota=5;', /^1 total-quota: must be a whole number, without the semicolon$/],
    ['user-quota=-1', /^1 user-quota: must be from 0 to 1000000$/],
    ['listening-ip=eth0', /^1 listening-ip: must be an IP address/],
    ['relay-ip=300.1.1.1', /^1 relay-ip: must be an IP address/],
    ['external-ip=1.2.3.4/host', /^1 external-ip: must be PUBLIC\/PRIVATE/],
    ['aux-server=1.2.3.4', /^1 aux-server: must be ADDRESS:PORT/],
    ['user=s3cret', /^1 user: must have the form NAME:PASSWORD or NAME:0xKEY$/],
    ['user=:s3cret', /^1 user: must have the form/],
    ['realm', /^1 realm: needs a value$/],
    ['static-auth-secret=', /^1 static-auth-secret: needs a value$/],
    ['verbose=maybe', /^1 verbose: must be on or off/],
    ['mobility=maybe', /^1 mobility: must be on or off/],
    ['log-min-level=loud', /^1 log-min-level: must be debug, info, warning or error$/],
    ['psql-userdb=host=h user=u password=s3cret junk', /^1 psql-userdb: the connection string is not of the form/],
    [
      'mysql-userdb=host=h user=u passwort=s3cret',
      /^1 mysql-userdb: the connection string has a key that is not known/,
    ],
    ['redis-userdb=ip=h s3cret', /^1 redis-userdb: the connection string has a word without =/],
    ['redis-userdb=ip=h dbname=users', /^1 redis-userdb: dbname is not the number/],
    ['mysql-userdb=host=h dbname=d', /^1 mysql-userdb: user is missing$/],
    ['relm=x', /^1 relm: is no option of coturn \(did you mean "realm"\?\)$/],
    ['--realm=x', /^1 --realm: is written without dashes in a file$/],
    ['r x', /^1 r: short options are for the command line only/],
    ['alice:s3cret', /^1 : the line does not begin with the name of an option$/],
  ];
  for (const [line, pattern] of cases) {
    const faults = faultsOf(line);
    t.match(faults, [pattern], line);
    t.notMatch(faults.join(), /s3cret/, line);
  }
});

test('a second external-ip without its private part is a fault, as coturn drops it', async (t) => {
  t.match(faultsOf('external-ip=1.2.3.4', 'external-ip=1.2.3.5'), ['2 external-ip: is there twice']);
});

test('what is odd in any line is said', async (t) => {
  t.ok(warned(/^1 realm: is there again below/, 'realm=a', 'realm=b'));
  t.ok(warned(/^1 realm: # does not begin a comment here/, 'realm=a # b'));
  t.ok(warned(/^1 realm: the semicolon/, 'realm=a;'));
});

test('metrics: at all addresses as in coturn, under its names', async (t) => {
  const metrics = (...lines: string[]) => settingAt(imported(lines), 'metrics');
  t.same(metrics('prometheus'), { listen: ['http://*:9641'], 'coturn-names': true });
  t.same(metrics('prometheus', 'prometheus-port=9000', 'prometheus-address=::1', 'prometheus-path=/m'), {
    listen: ['http://[::1]:9000'],
    'coturn-names': true,
    path: '/m',
  });
  t.equal(metrics('prometheus=0', 'prometheus-port=9000'), undefined);
  t.ok(warned(/^1 prometheus-port: has no effect without prometheus, as in coturn$/, 'prometheus-port=9000'));
  t.match(imported(['prometheus', 'prometheus-address=eth0']).faults, [/prometheus-address: must be an IP address/]);
  t.ok(warned(/no labels of users/, 'prometheus', 'prometheus-username-labels'));
});
