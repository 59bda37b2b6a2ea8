// The key `webhooks`: what it takes, what it refuses, and that no secret leaves it.

import { test } from 'tap';
import { compareConfigs } from '../../src/config/live-changes.ts';
import { printConfig, redactedConfig } from '../../src/config/print-config.ts';
import { harmless } from '../../src/server/worker-wire.ts';
import { configOf, errorsOf, parse, warningsOf } from './parse.ts';

const SECRET = '5f0c2d7be1a842523f9c0d7be1a84252';
const WHSEC = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const AUTH = `auth: {secrets: [${SECRET}]}\n`;
const webhooks = (yaml: string) => ({ yaml: `${AUTH}webhooks: [${yaml}]`, modes: { '/conf/turnd.yaml': 0o600 } });

test('none by default; a URL with a secret is told of what others bill and alert by', async (t) => {
  t.same(configOf({ yaml: AUTH }).webhooks, []);
  const { webhooks: read } = configOf(
    webhooks(
      `{url: 'HTTPS://App.example.com', secret: ${SECRET}}, {url: 'http://[::1]:81/x#y', secret: ${WHSEC}, events: [traffic, allocated]}`,
    ),
  );
  t.strictSame(read, [
    { url: 'https://app.example.com/', secret: SECRET, events: ['allocated', 'released', 'auth-failed', 'denied'] },
    { url: 'http://[::1]:81/x', secret: WHSEC, events: ['allocated', 'traffic'] },
  ]);
});

test('the secret may stand in a file, and all of it in the environment', async (t) => {
  const entry = "{url: 'https://a.example/', secret-file: /s}";
  const read = configOf({ ...webhooks(entry), files: { '/s': `${SECRET}\nmore\n` } });
  t.equal(read.webhooks[0]?.secret, SECRET);
  const env = { TURND_WEBHOOKS: JSON.stringify([{ url: 'https://a.example/', secret: SECRET }]) };
  t.match(configOf({ yaml: AUTH, env }).webhooks, [{ url: 'https://a.example/' }]);
  t.match(errorsOf(webhooks(entry)).join(), /webhooks\.0\.secret-file.*no such file/);
  t.match(
    errorsOf({ ...webhooks(entry), files: { '/s': 'short\n' } }).join(),
    /secret-file: its first line can be guessed/,
  );
});

test('what cannot be meant is refused, with its place and without repeating it', async (t) => {
  const refused = (yaml: string): string => errorsOf(webhooks(yaml)).join('\n');
  const good = `secret: ${SECRET}`;
  for (const [yaml, why] of [
    [`{url: 'ftp://CANARY.example/', ${good}}`, /webhooks\.0\.url: is not a URL/],
    [`{url: 'CANARY', ${good}}`, /webhooks\.0\.url: is not a URL/],
    [`{url: 'https://u:CANARY@a.example/', ${good}}`, /webhooks\.0\.url: must have no user/],
    [`{url: 'https://a.example:0/', ${good}}`, /webhooks\.0\.url: has the port 0/],
    ["{url: 'https://a.example/'}", /webhooks\.0: needs either secret or secret-file/],
    [`{url: 'https://a.example/', ${good}, secret-file: /s}`, /webhooks\.0/],
    ["{url: 'https://a.example/', secret: CANARY}", /webhooks\.0\.secret: can be guessed/],
    ["{url: 'https://a.example/', secret: whsec_CANARY!CANARY}", /webhooks\.0\.secret: has no base64/],
    [`{url: 'https://a.example/', ${good}, events: []}`, /webhooks\.0\.events: must not be empty/],
    [`{url: 'https://a.example/', ${good}, events: [other]}`, /webhooks\.0\.events\.0/],
    [
      `{url: 'https://a.example', ${good}}, {url: 'https://A.example/', ${good}}`,
      /webhooks\.1\.url: has an entry already/,
    ],
    [Array.from({ length: 17 }, (_, at) => `{url: 'https://a.example/${at}', ${good}}`).join(), /webhooks/],
  ] as const) {
    t.match(refused(yaml), why, yaml.slice(0, 80));
    t.notMatch(refused(yaml), /CANARY/);
  }
});

test('names on the wire in the clear are warned of, but not on this very host', async (t) => {
  const warned = (url: string) => warningsOf(webhooks(`{url: '${url}', secret: ${SECRET}}`)).join();
  t.match(warned('http://a.example/CANARY'), /webhooks\.0\.url: http:\/\/ shows names/);
  t.notMatch(warned('http://a.example/CANARY'), /CANARY/);
  for (const url of ['https://a.example/', 'http://127.0.0.1/', 'http://[::1]:8/', 'http://localhost:1/'])
    t.equal(warned(url), '', url);
});

test('S55 neither secret nor path is shown, and workers are told of no webhook', async (t) => {
  const given = webhooks(
    "{url: 'https://a.example:8443/CANARY?CANARY', secret: CANARY-5f0c2d7be1a842523f9c0d7be1a84252}, {url: 'https://b.example', secret-file: /s}",
  );
  const result = parse({ ...given, files: { '/s': `CANARY-${SECRET}` } });
  if (!result.ok) throw new Error(result.errors.join());
  const shown = redactedConfig(result.tree);
  t.same(shown['webhooks'], [
    { url: 'https://a.example:8443/***', secret: '***' },
    { url: 'https://b.example', 'secret-file': '/s' },
  ]);
  t.notMatch(printConfig(result.tree), /CANARY/);
  t.notMatch(JSON.stringify(harmless(result.config)), /CANARY/);
});

test('S55 a file with a secret in it that others can read is warned of', async (t) => {
  const open = { ...webhooks(`{url: 'https://a.example/', secret: ${SECRET}}`), modes: { '/conf/turnd.yaml': 0o644 } };
  t.match(
    warningsOf({ ...open, yaml: open.yaml.replace(AUTH, 'auth: {anonymous: true}\n') }).join(),
    /every user can read/,
  );
});

test('webhooks come and go with a reload', async (t) => {
  const old = configOf(webhooks(''));
  const next = configOf(webhooks(`{url: 'https://a.example/', secret: ${SECRET}}`));
  const { live, restart, config } = compareConfigs(old, next);
  t.same([live, restart], [['webhooks'], []]);
  t.same(config.webhooks, next.webhooks);
  const other = configOf(webhooks(`{url: 'https://a.example/', secret: ${SECRET}0}`));
  t.same(compareConfigs(next, other).live, ['webhooks'], 'another secret alone');
});
