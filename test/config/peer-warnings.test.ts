// Rules about peers that have no effect, or less than it seems: said at check and start.

import { test } from 'tap';
import { errorsOf, warningsOf } from './parse.ts';

const SECRET = 'auth: {secrets: [8f2c51e09ad47b36c1f5e8028d94a7be]}\n';

const warnings = (peers: string, more = ''): readonly string[] =>
  warningsOf({ yaml: `${SECRET}${more}peers: ${peers}\n` });

test('S31 an allowed network that stays closed is named, with what closes it and what to do', async (t) => {
  t.same(warnings('{allow: [127.0.0.0/8]}'), [
    'peers.allow: 127.0.0.0/8 has no effect: 127.0.0.0/8 (loopback) stays closed, whatever is allowed; a lab opens its own ' +
      'host with peers.unsafe-allow-loopback, others let services listen on another address',
  ]);
  const closed = {
    '169.254.169.254': '169.254.0.0/16 (link-local)',
    '239.1.2.0/24': '224.0.0.0/4 (multicast)',
    '"fe80::/64"': 'fe80::/10 (link-local)',
    '"2002:c000:200::/40"': '2002::/16 (6to4)',
    '"::/96"': '::/96 (ipv4-compatible)',
  };
  for (const [allow, range] of Object.entries(closed)) {
    const [warning, ...others] = warnings(`{allow: [${allow}]}`);
    t.match(warning, `has no effect: ${range} stays closed, whatever is allowed`);
    t.same(others, []);
  }
});

test('S31 of a wider network it is said what it does not open', async (t) => {
  const [ipv4] = warnings('{allow: [0.0.0.0/0]}');
  for (const range of ['0.0.0.0/8', '127.0.0.0/8', '169.254.0.0/16', '224.0.0.0/4', '240.0.0.0/4'])
    t.match(ipv4, `${range} (`);
  t.match(ipv4, /^peers\.allow: 0\.0\.0\.0\/0 does not open /);
  t.match(warnings('{allow: ["fe00::/8"]}')[0], 'does not open fe80::/10 (link-local), fec0::/10 (site-local):');
});

test('a rule that opens what it says is no warning', async (t) => {
  const fine = '10.0.0.0/8, 198.18.0.0/15, 100.64.0.0/10, 192.168.1.1, "fd00::/8", "64:ff9b::/96", 8.8.8.8';
  t.same(warnings(`{allow: [${fine}], deny: [127.0.0.0/8, 10.9.0.0/16]}`), []);
  t.same(warnings('{allow: [127.0.0.0/8], unsafe-allow-loopback: true}'), [], 'nor in a lab');
});

test('an allowed network that is denied as a whole is named with the stronger rule', async (t) => {
  const said = 'peers.allow: 10.1.0.0/16 has no effect: 10.0.0.0/8 is denied, and that comes first';
  t.same(warnings('{allow: [10.1.0.0/16], deny: [10.0.0.0/8]}'), [said]);
});

test('rules for realms are warned of alike, and so are realms that nobody serves', async (t) => {
  const realm = '{realm: app.example, allow: [10.1.0.0/16, 127.0.0.1], deny: [10.1.0.0/16]}';
  const [first, second, ...others] = warnings(`{realms: [${realm}]}`);
  t.match(first, /^peers\.realms\.0\.allow: 10\.1\.0\.0\/16 has no effect: 10\.1\.0\.0\/16 is denied/);
  t.match(second, /^peers\.realms\.0\.allow: 127\.0\.0\.1\/32 has no effect/);
  t.same(others, []);
  const unserved = 'peers.realms.0: has no effect: the realm "app.example" is not served (realms come from a store)';
  t.same(warnings('{realms: [{realm: app.example}]}', 'store: none\n'), [unserved]);
  t.same(warnings('{realms: [{realm: turnd}]}', 'store: none\n'), []);
});

test('S32 an entry for a realm that is malformed, empty or there twice is refused with its place', async (t) => {
  const faults = {
    '[{allow: [10.0.0.0/8]}]': /^2:\d+ peers\.realms\.0.*realm/,
    '[{realm: "", deny: []}]': /^2:\d+ peers\.realms\.0\.realm: is empty/,
    '[{realm: a, deny: [10.0.0.1/8]}]': /^2:\d+ peers\.realms\.0\.deny\.0: .*bits set beyond its prefix/,
    '[{realm: a, denied: []}]': /^2:\d+ peers\.realms\.0: unknown key "denied"/,
    '[{realm: a}, {realm: "a"}]': /^2:\d+ peers\.realms\.1\.realm: has an entry already/,
  };
  for (const [realms, expected] of Object.entries(faults)) {
    t.match(errorsOf({ yaml: `${SECRET}peers: {realms: ${realms}}\n` })[0], expected, realms);
  }
});
