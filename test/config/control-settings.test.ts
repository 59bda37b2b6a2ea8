// The keys of the control API: what they take, what they refuse, and that no token leaves them.

import { createHash } from 'node:crypto';
import { test } from 'tap';
import { compareConfigs } from '../../src/config/live-changes.ts';
import { printConfig, redactedConfig } from '../../src/config/print-config.ts';
import { configOf, errorsOf, parse, warningsOf as warnings } from './parse.ts';

const STRONG = '5f0c2d7be1a842523f9c0d7be1a84252';
const AUTH = `auth: {secrets: [${STRONG}]}\n`;
const control = (yaml: string) => ({ yaml: `${AUTH}control: {${yaml}}` });
const hash = (text: string): string => createHash('sha256').update(text).digest('hex');

test('S57 off by default', async (t) => {
  t.match(configOf({ yaml: AUTH }).control, { listen: [], hosts: [], corsOrigins: [], tokens: [], tls: null });
});

test('addresses, names and origins are read as they are compared', async (t) => {
  const read = configOf(
    control(
      "listen: ['https://*:8443', 'http://127.0.0.1:0', 'http://[::1]:80/', 'http://localhost:81'], hosts: [Turn.Example.org, '2001:DB8::1'], cors-origins: ['https://a.example:8443'], tls: {certificate: /c, key: /k}",
    ),
  );
  t.same(read.control.listen, [
    { scheme: 'https', host: '*', port: 8443 },
    { scheme: 'http', host: '127.0.0.1', port: 0 },
    { scheme: 'http', host: '::1', port: 80 },
    { scheme: 'http', host: '127.0.0.1', port: 81 },
  ]);
  t.same(read.control.hosts, ['turn.example.org', '2001:db8::1']);
  t.same(read.control.corsOrigins, ['https://a.example:8443']);
  t.same(read.control.tls, { certificate: '/c', key: '/k' });
});

test('what cannot be meant is refused, with its place', async (t) => {
  for (const [yaml, where] of [
    ["listen: ['https://*']", 'control.listen'],
    ["listen: ['https://host.example:1']", 'control.listen'],
    ["listen: ['ftp://*:1']", 'control.listen'],
    ["listen: ['http://*:70000']", 'control.listen'],
    ["listen: ['http://127.0.0.1:8080', 'https://127.0.0.1:8080']", 'control.listen.1'],
    ["hosts: ['https://turn.example.org']", 'control.hosts'],
    ["hosts: ['turn.example.org:8443']", 'control.hosts'],
    ["cors-origins: ['*']", 'control.cors-origins'],
    ["cors-origins: ['https://a.example/']", 'control.cors-origins'],
    ["cors-origins: ['https://A.example']", 'control.cors-origins'],
    ['tls: {certificate: /c}', 'control.tls.key'],
    ['tokens: [{name: a, scopes: [all], token-hash: x}]', 'control.tokens.0'],
    ['tokens: [{name: a, scopes: []}]', 'control.tokens.0'],
    ['tokens: [{name: "a b", scopes: [read], token-file: /t}]', 'control.tokens.0.name'],
    [`tokens: [{name: a, scopes: [read], token: ${STRONG}, token-hash: ${hash('x')}}]`, 'control.tokens.0'],
    [
      `tokens: [{name: a, scopes: [read], token: ${STRONG}}, {name: a, scopes: [read], token: ${STRONG}x}]`,
      'control.tokens.1',
    ],
  ] as const) {
    const errors = errorsOf(control(yaml));
    t.ok(
      errors.some((line) => line.includes(where)),
      `${yaml}: ${errors.join('; ')}`,
    );
    t.notMatch(errors.join(), STRONG);
  }
});

test('S57 a token that is empty, or can be guessed, is refused and not repeated', async (t) => {
  for (const token of [
    '""',
    'changeme',
    'CANARY',
    'password123',
    '"with space CANARY-5f0c2d7be1a842523f9c0d7be1a84252"',
  ]) {
    const errors = errorsOf(control(`tokens: [{name: a, scopes: [read], token: ${token}}]`));
    t.match(errors, [/control\.tokens\.0\.token/]);
    t.notMatch(errors.join(), /CANARY|changeme/);
  }
  const files = { '/t': 'CANARY\n' };
  const errors = errorsOf({ ...control('tokens: [{name: a, scopes: [read], token-file: /t}]'), files });
  t.match(errors, [/control\.tokens\.0\.token-file: its first line can be guessed/]);
  t.notMatch(errors.join(), /CANARY/);
  t.match(errorsOf(control('tokens: [{name: a, scopes: [read], token-file: /none}]')), [/\/none/]);
});

test('S55 tokens are kept as hashes, and never printed', async (t) => {
  const yaml = `tokens: [{name: a, scopes: [read], token: ${STRONG}}, {name: b, scopes: [admin], token-file: /t}, {name: c, scopes: [credentials], token-hash: ${hash('x').toUpperCase()}}]`;
  const result = parse({ ...control(yaml), files: { '/t': `${STRONG}b\nrest` } });
  if (!result.ok) throw new Error(result.errors.join());
  t.same(result.config.control.tokens, [
    { name: 'a', scopes: ['read'], hash: hash(STRONG) },
    { name: 'b', scopes: ['admin'], hash: hash(`${STRONG}b`) },
    { name: 'c', scopes: ['credentials'], hash: hash('x') },
  ]);
  const secrets = new RegExp(`${STRONG}|${hash('x')}`, 'i');
  t.notMatch(JSON.stringify(result.config.control), STRONG);
  t.notMatch(printConfig(result.tree), secrets);
  t.notMatch(JSON.stringify(redactedConfig(result.tree)), secrets);
  t.match(redactedConfig(result.tree), { control: { tokens: [{ name: 'a' }, { 'token-file': '/t' }] } });
});

test('plain HTTP off loopback is warned of', async (t) => {
  const warningsOf = (yaml: string) => warnings(control(yaml)).join('\n');
  t.match(warningsOf("listen: ['http://*:80']"), /http:\/\/\*:80 shows tokens/);
  t.notMatch(warningsOf("listen: ['http://127.0.0.1:80', 'http://[::1]:80', 'https://*:443']"), /shows tokens/);
});

test('tokens, names and origins are live; addresses are not', async (t) => {
  const old = configOf(control("listen: ['http://127.0.0.1:80']"));
  const next = configOf(
    control(
      `listen: ['http://127.0.0.1:81'], hosts: [a.example], cors-origins: ['https://a.example'], requests-per-second: 7, tokens: [{name: a, scopes: [read], token: ${STRONG}}]`,
    ),
  );
  const { live, restart, config } = compareConfigs(old, next);
  t.same(live, ['control.hosts', 'control.cors-origins', 'control.tokens', 'control.requests-per-second']);
  t.same(restart, ['control.listen']);
  t.match(config.control, {
    listen: [{ port: 80 }],
    hosts: ['a.example'],
    requestsPerSecond: 7,
    tokens: [{ name: 'a' }],
  });
});
