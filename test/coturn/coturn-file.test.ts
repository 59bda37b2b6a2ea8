// The form of coturn's file, and what tells it from YAML.

import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { test } from 'tap';
import { parseConfig } from '../../src/config/parse-config.ts';
import { parseCoturnFile } from '../../src/coturn/coturn-file.ts';
import { looksLikeCoturn } from '../../src/coturn/looks-like-coturn.ts';
import { optionNames } from '../../src/coturn/options.ts';
import { fakeFiles } from '../config/fake-files.ts';

function entries(text: string): string[] {
  return parseCoturnFile(text).entries.map(({ line, name, value }) => `${line} ${name}|${value}`);
}

test('name and value are parted by = or blanks, any number of them', async (t) => {
  t.same(entries('realm=a\nrealm b\nrealm\tc\nrealm = d\nrealm==e\nverbose'), [
    '1 realm|a',
    '2 realm|b',
    '3 realm|c',
    '4 realm|d',
    '5 realm|e',
    '6 verbose|',
  ]);
  t.same(entries('user=alice:p=q r'), ['1 user|alice:p=q r'], 'only the first separator counts');
});

test('blanks around a line, empty lines, comments, CRLF and a byte order mark do not count', async (t) => {
  t.same(entries('\ufeff  realm=a \r\n\r\n\t# a comment\r\n#realm=x\r\n \t verbose\t\r\n'), [
    '1 realm|a',
    '5 verbose|',
  ]);
  t.same(entries('realm=a # b'), ['1 realm|a # b'], '# begins a comment only at the start of a line');
});

test('double quotes around a value are taken off, others stay', async (t) => {
  t.same(entries('a="b c" \na "b\na=b"\na=\'b\'\na=""'), ['1 a|b c', '2 a|b', '3 a|b"', "4 a|'b'", '5 a|']);
});

test('a line too long for coturn, and a NUL, are faults that do not repeat the line', async (t) => {
  const { entries, faults } = parseCoturnFile(`realm=a\nuser=x:${'y'.repeat(1017)}\nuser=b:\0c\n#${'z'.repeat(3000)}`);
  t.same(entries.length, 1);
  t.same(
    faults.map(({ line }) => line),
    [2, 3],
  );
  t.notMatch(JSON.stringify(faults), /yyy|b:/);
  t.equal(parseCoturnFile(`user=x:${'y'.repeat(1015)}`).faults.length, 0, '1022 bytes are read whole');
});

test('a file is known by its content', async (t) => {
  for (const text of [
    'listening-port=3478',
    'listening-port 3478',
    '# comment\n\nverbose\n',
    'user=bob: password',
    'user bob: password',
    '\ufefffingerprint\r\nlt-cred-mech\r\n',
    '  realm = x',
    'what=is this\nno-cli',
    'unknown-option=1\nother=2',
    '#listening-port=3478\n# text\n',
    '#no-cli',
    'static-auth-secret=abc: def',
  ])
    t.ok(looksLikeCoturn(text), JSON.stringify(text));
  for (const text of [
    '',
    '\n\n',
    '# only a comment',
    '# realm: turnd',
    'realm: example.org',
    '---\nrealm: x',
    '{realm: x}',
    '"realm": x',
    "'realm': x",
    'auth: {secrets: [x=y]}',
    'auth:\n  users:\n    - name: alice\n      password: user=x',
    '- a',
    'listen: [udp://*:3478] # listening-port=3478',
    'relay:\n  external-address: none\nverbose',
    'garbage',
    '%YAML 1.2\n---\nrealm: x',
  ])
    t.notOk(looksLikeCoturn(text), JSON.stringify(text));
});

test("turnd's own example is YAML, whatever of it is commented out", async (t) => {
  const text = readFileSync(new URL('../../../conf/turnd.yaml', import.meta.url), 'utf8');
  t.notOk(looksLikeCoturn(text));
  t.notOk(looksLikeCoturn(text.replace(/^#(?=[^ \n]| {2})/gm, '')));
});

const line = fc.oneof(
  fc.string(),
  fc.string({ unit: 'binary' }),
  fc
    .tuple(fc.constantFrom(...optionNames()), fc.constantFrom('=', ' ', '\t', ' = ', ''), fc.string())
    .map((parts) => parts.join('')),
  fc
    .tuple(
      fc.constantFrom(
        'external-ip',
        'denied-peer-ip',
        'psql-userdb',
        'mysql-userdb',
        'redis-userdb',
        'redis-statsdb',
        'user',
      ),
      fc.constantFrom('"host=a', '1.2.3.4/', '10.0.0.0-', 'postgres://a@', 'dbname=', "password='", '\\', '%', 'tls=1'),
      fc.string(),
    )
    .map(([name, head, rest]) => `${name}=${head}${rest}`),
);

test('whatever stands in a file, it is judged and nothing throws', async (t) => {
  fc.assert(
    fc.property(fc.array(line, { maxLength: 8 }), (lines) => {
      const text = `listening-port=3478\n${lines.join('\n')}`;
      const file = { path: '/etc/turnserver.conf', text };
      const result = parseConfig({ env: {}, flags: [], file, cwd: '/', reader: fakeFiles({}) });
      if (result.ok) t.pass('taken');
      else for (const error of result.errors) t.match(error, /^\/etc\/turnserver\.conf(?::\d+)? /);
    }),
    { numRuns: 1500 },
  );
});

test('a file of YAML keys is never coturn’s', async (t) => {
  const key = fc.constantFrom('realm', 'listen', 'auth', 'relay', 'limits', 'user', 'verbose', 'x-y');
  const value = fc.oneof(
    fc.json(),
    fc.constantFrom('a=b', '', ' user=x:y', '|\n  user=a:b', '>\n  realm=x\n  verbose'),
  );
  fc.assert(
    fc.property(fc.array(fc.tuple(key, value), { minLength: 1, maxLength: 5 }), (pairs) => {
      t.notOk(looksLikeCoturn(pairs.map(([name, text]) => `${name}: ${text}`).join('\n')));
    }),
    { numRuns: 500 },
  );
});
