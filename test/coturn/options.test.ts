// Every option of coturn is known, does what its entry says, and comes to the same Config as coturn's file and as the
// YAML that is made of it.

import { existsSync, readFileSync } from 'node:fs';
import { test } from 'tap';
import { listKeys } from '../../src/config/keys.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { suggest } from '../../src/config/suggest.ts';
import { importCoturn } from '../../src/coturn/import-coturn.ts';
import type { CoturnOption } from '../../src/coturn/option.ts';
import { findOption, optionNames } from '../../src/coturn/options.ts';
import { yamlText } from '../../src/coturn/yaml-text.ts';
import { fakeFiles } from '../config/fake-files.ts';
import { readFixture } from '../support/vectors.ts';
import { imported } from './import.ts';

const { options: OPTIONS, old: OLD } = JSON.parse(readFixture('coturn-options.json')) as {
  readonly options: readonly string[];
  readonly old: readonly string[];
};

/** A line for each option that is taken over, with another value than coturn's default, and lines that it needs. */
const SAMPLES: Readonly<Record<string, readonly string[]>> = {
  'listening-port': ['listening-port=3479'],
  'tls-listening-port': ['tls-listening-port=443'],
  'listening-ip': ['listening-ip=192.0.2.1'],
  'aux-server': ['aux-server=[2001:db8::1]:33478'],
  'no-udp': ['no-udp'],
  'no-tcp': ['no-tcp'],
  'no-tls': ['no-tls'],
  'relay-ip': ['relay-ip=192.0.2.5'],
  'external-ip': ['external-ip=198.51.100.7/192.0.2.5'],
  'min-port': ['min-port=20000'],
  'max-port': ['max-port=60000'],
  'relay-threads': ['relay-threads=2'],
  cpus: ['cpus=3'],
  'lt-cred-mech': ['lt-cred-mech'],
  'no-auth': ['no-auth'],
  user: ['user=carol:0xbc807ee29df3c9ffa736523fb2c4e8ee'],
  realm: ['realm=other.example'],
  'use-auth-secret': ['use-auth-secret'],
  'static-auth-secret': ['static-auth-secret=*north: #yes'],
  'rest-api-separator': ['rest-api-separator=|'],
  'secure-stun': ['secure-stun'],
  'stale-nonce': ['stale-nonce=1200'],
  userdb: ['userdb=/var/lib/turn/other db'],
  db: ['db=turndb'],
  'psql-userdb': ['psql-userdb="host=db.example dbname=turn user=turn password=\'p w\' sslmode=require"'],
  'sql-userdb': ['sql-userdb=postgresql://turn:pw@db.example/turn?connect_timeout=30'],
  'mysql-userdb': ['mysql-userdb="host=db.example dbname=turn user=turn password=a:b@c/d ca=ca.pem"'],
  'redis-userdb': ['redis-userdb="ip=192.0.2.9 dbname=2 password=pw port=6390 tls=yes sni=redis.example"'],
  'redis-statsdb': ['redis-statsdb="ip=192.0.2.9 dbname=0 password=pw"'],
  'secret-key-file': ['secret-key-file=/etc/turn.key'],
  'user-quota': ['user-quota=12'],
  'total-quota': ['total-quota=1200'],
  'max-bps': ['max-bps=250000'],
  'bps-capacity': ['max-bps=250000', 'bps-capacity=1000000'],
  'max-allocate-lifetime': ['max-allocate-lifetime=300'],
  'max-allocate-timeout': ['max-allocate-timeout=30'],
  'denied-peer-ip': ['denied-peer-ip=198.51.100.0-198.51.100.9'],
  'allowed-peer-ip': ['allowed-peer-ip=10.1.0.0-10.1.255.255'],
  'allow-loopback-peers': ['allow-loopback-peers'],
  'unauthorized-ratelimit': ['unauthorized-ratelimit=off'],
  'unauthorized-ratelimit-rps': ['unauthorized-ratelimit-rps=50'],
  'software-attribute': ['software-attribute'],
  'no-software-attribute': ['no-software-attribute'],
  prod: ['prod'],
  cert: ['cert=/etc/other.pem'],
  pkey: ['pkey=other.key'],
  'pkey-pwd': ['pkey-pwd=0123'],
  'no-tlsv1_2': ['no-tlsv1_2'],
  'rfc5766-channel-numbers': ['rfc5766-channel-numbers=0'],
  verbose: ['verbose'],
  Verbose: ['Verbose'],
  'log-min-level': ['log-min-level=warning'],
  'log-file': ['log-file=logs/turn.log'],
  'no-stdout-log': ['no-stdout-log'],
  syslog: ['syslog'],
  'drain-min-allocations': ['drain-min-allocations=5'],
  'tcp-proxy-port': ['tcp-proxy-port=5380'],
  prometheus: ['prometheus'],
  'prometheus-port': ['prometheus', 'prometheus-port=9642'],
  'prometheus-address': ['prometheus', 'prometheus-address=::1'],
  'prometheus-path': ['prometheus', 'prometheus-path=/m'],
};

/** What every sample stands below; beside the user, two would change nothing. */
const BASE = ['listening-port=3478', 'user=alice:secret-of-alice', 'realm=base.example'];
const FILES = ['/etc/turn_server_cert.pem', '/etc/turn_server_pkey.pem', '/etc/other.pem', '/cwd/etc/coturn/other.key'];

function baseOf(option: CoturnOption): readonly string[] {
  const isWithoutUser = option.name === 'no-auth' || option.name === 'lt-cred-mech';
  return BASE.filter((line) => !line.startsWith(`${option.name}=`) && !(isWithoutUser && line.startsWith('user')));
}

function configOf(text: string, path: string) {
  const reader = fakeFiles({ ...Object.fromEntries(FILES.map((file) => [file, 'x'])), [path]: text });
  const result = parseConfig({ env: {}, flags: [], file: { path, text }, cwd: '/cwd', reader });
  if (!result.ok) throw new Error(`${path}:\n${result.errors.join('\n')}\n${text}`);
  return { ...result.config, configFile: null };
}

test('there are the 143 options of coturn and the old ones', async (t) => {
  t.equal(OPTIONS.length, 143);
  for (const name of [...OPTIONS, ...OLD]) t.ok(findOption(name), `${name} is known`);
  t.same(
    [...optionNames()].filter((name) => !OPTIONS.includes(name) && !OLD.includes(name)),
    [],
    'and no other',
  );
});

for (const name of [...OPTIONS, ...OLD]) {
  const option = findOption(name) as CoturnOption;

  test(`${name}: ${option.kind}`, async (t) => {
    const base = baseOf(option);
    const before = imported(base, FILES);
    if (option.kind === 'mapped') {
      const after = imported([...base, ...(SAMPLES[name] ?? [])], FILES);
      t.not(SAMPLES[name], undefined, 'has a sample');
      t.notSame(after, before, 'it changes what comes out');
      return;
    }
    const withValue = (value: string) => imported([...base, value === '' ? name : `${name}=${value}`], FILES);
    const said = (value: string): readonly string[] => {
      const after = withValue(value);
      t.same(after.tree, before.tree, 'no key comes of it');
      t.same(after.faults, []);
      return after.warnings.filter((warning) => !before.warnings.includes(warning));
    };
    if (option.kind === 'built-in') {
      t.same(said(option.position ? 'yes' : 'no'), [], 'nothing is said of what turnd does anyway');
      t.same(said(option.position ? '0' : ''), [`${base.length + 1} ${name}: ${option.otherwise}`]);
    } else {
      t.same(said(option.form === 'switch' ? '' : '7'), [`${base.length + 1} ${name}: ${option.note}`]);
      for (const idle of option.form === 'switch' ? ['off'] : option.idle) t.same(said(idle), [], `${name}=${idle}`);
    }
  });
}

test('keys of mapped options are keys of the schema', async (t) => {
  const keys = listKeys().map(({ name }) => name);
  for (const name of optionNames()) {
    const option = findOption(name);
    if (option?.kind !== 'mapped') continue;
    for (const key of option.keys)
      t.ok(
        keys.some((known) => known === key || known.startsWith(`${key}.`)),
        `${name}: ${key}`,
      );
  }
});

for (const [name, lines] of Object.entries(SAMPLES)) {
  if (name === 'secret-key-file') continue;
  test(`the YAML made of ${name} is the same Config as coturn's file`, async (t) => {
    const text = [...baseOf(findOption(name) as CoturnOption), ...lines].join('\n');
    const host = { cwd: '/cwd', exists: (path: string) => FILES.includes(path) };
    const yaml = yamlText(importCoturn(text, host, suggest), '/etc/turnserver.conf');
    t.same(configOf(yaml, '/elsewhere/turnd.yaml'), configOf(text, '/etc/turnserver.conf'));
  });
}

test('a warning is for an operator: it ends without a full stop and names no key twice', async (t) => {
  for (const name of optionNames()) {
    const option = findOption(name);
    const text = option?.kind === 'built-in' ? option.otherwise : (option?.note ?? '');
    t.notMatch(text, /[.\n]$/, name);
    if (option?.kind !== 'mapped') t.not(text, '', name);
  }
});

const STOCK = '/etc/turnserver.conf';

function stockMissing(): string | false {
  if (existsSync(STOCK)) return false;
  const reason = `there is no ${STOCK} of Debian's coturn`;
  if (process.env['TURND_TEST_REQUIRE_ALL'] === '1') throw new Error(reason);
  return reason;
}

test("Debian's own file: each line that is commented out is either taken or refused by its line", {
  skip: stockMissing(),
}, async (t) => {
  const stock = readFileSync(STOCK, 'utf8').split('\n');
  const found = stock.flatMap((line, index) =>
    /^#[A-Za-z][\w-]*(?:[= "]|$)/.test(line) && findOption(/^#([\w-]+)/.exec(line)?.[1] ?? '') ? [index] : [],
  );
  t.ok(found.length > 100, `${found.length} lines`);
  for (const index of found) {
    const lines = stock.map((line, at) => (at === index ? line.slice(1) : line));
    const { faults } = imported(lines, FILES);
    for (const fault of faults) t.match(fault, new RegExp(`^${index + 1} `), `${lines[index]}: ${fault}`);
  }
});
