// coturn's file as the configuration: known by content, below flags and environment, its faults at their lines.

import { test } from 'tap';
import type { ConfigResult } from '../../src/config/parse-config.ts';
import { parseConfig } from '../../src/config/parse-config.ts';
import { escapeText } from '../../src/escape-text.ts';
import { fakeFiles } from './fake-files.ts';

const PATH = '/etc/turnserver.conf';

function parse(
  lines: readonly string[],
  options: { env?: Readonly<Record<string, string>>; mode?: number } = {},
): ConfigResult {
  const file = { path: PATH, text: lines.join('\n') };
  const reader = fakeFiles({ [PATH]: file.text }, { [PATH]: options.mode ?? 0o600 });
  return parseConfig({ env: options.env ?? {}, flags: [], file, cwd: '/srv', reader });
}

function errorsOf(...lines: readonly string[]): readonly string[] {
  const result = parse(lines);
  return result.ok ? [] : result.errors.map((error) => error.replace(`${PATH}:`, ''));
}

test('the file of the issue is taken as it is', async (t) => {
  const result = parse([
    ...['listening-port=3478', 'tls-listening-port=5349', 'external-ip=203.0.113.7', 'relay-ip=10.0.0.5'],
    ...['min-port=49152', 'max-port=65535', 'lt-cred-mech', 'user=scrum:PASSWORD', 'realm=scrum.yourdomain.com'],
    ...['log-file=/var/log/turnserver.log', 'verbose', 'fingerprint', 'no-multicast-peers', 'no-cli'],
    ...['total-quota=0', 'stale-nonce=600'],
  ]);
  t.match(result, {
    ok: true,
    config: {
      realm: 'scrum.yourdomain.com',
      relay: {
        address: { kind: 'listed', ipv4: '10.0.0.5' },
        externalAddress: { kind: 'listed', ipv4: '203.0.113.7' },
      },
      auth: { users: [{ name: 'scrum', password: 'PASSWORD' }], nonceLifetime: 600, anonymous: false },
      limits: { allocations: 0 },
      log: { level: 'debug', file: '/var/log/turnserver.log' },
      hasCredentials: true,
      configFile: PATH,
    },
  });
  t.ok(
    result.ok && result.warnings.some((warning) => warning.includes('peers.allow')),
    'private networks are spoken of',
  );
});

test('a fault that only the schema sees is told at its line, by the name of coturn', async (t) => {
  t.same(errorsOf('fingerprint', 'min-port=80', 'max-port=90'), ['3 max-port: "80-90" reaches outside 1024-65535']);
  t.same(errorsOf('min-port=50000', 'max-port=40000'), ['2 max-port: "50000-40000" begins after its end']);
  t.match(errorsOf('user=a:b', 'realm=a"b'), ['2 realm: must not contain " or \\']);
  t.match(errorsOf('user=a:b', 'user=b:0xabc'), ['2 user: must be 32 hexadecimal digits']);
  t.match(errorsOf('rest-api-separator=5'), ['1 rest-api-separator: must be one character that is not a digit']);
  t.match(errorsOf('relay-ip=0.0.0.0'), ['1 relay-ip: "0.0.0.0" does not name one address']);
  t.match(errorsOf('external-ip=1.2.3.4/10.0.0.1', 'external-ip=1.2.3.5/10.0.0.1'), [
    '1 external-ip: has a private address twice',
  ]);
  t.match(errorsOf('user=a:b', 'external-ip=not_an_address!'), ['2 external-ip: "not_an_address!" is neither']);
});

test('all faults are told, in the order of the lines', async (t) => {
  t.match(errorsOf('listening-port=x', 'foo', 'min-port=80', 'user=s3cret'), [
    /^1 listening-port/,
    /^2 foo/,
    /^3 min-port/,
    /^4 user/,
  ]);
});

test('flags and environment come before the file', async (t) => {
  const result = parse(['realm=a.example', 'user=a:b', 'total-quota=7'], { env: { TURND_REALM: 'b.example' } });
  t.match(result, { ok: true, config: { realm: 'b.example', limits: { allocations: 7 } } });
  const fault = parse(['realm=a.example'], { env: { TURND_REALM: '', TURND_WORKERS: 'x' } });
  t.match(fault, { ok: false, errors: ['TURND_WORKERS: expected auto or a number'] });
});

test('a file with a password that everyone can read is warned of', async (t) => {
  const result = parse(['user=a:long-enough'], { mode: 0o644 });
  t.ok(result.ok && result.warnings.some((warning) => /chmod o-rwx/.test(warning)));
});

test('what is said is safe for a terminal', async (t) => {
  const result = parse(['realm=x', 'cert=/x\u001b[2J.pem', 'relay-ip=\u202e1']);
  const texts = result.ok ? result.warnings : result.errors;
  for (const text of texts) t.equal(text, escapeText(text));
  t.equal(texts.length > 0, true);
});
