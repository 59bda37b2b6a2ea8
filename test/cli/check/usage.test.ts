// The command line of `turnctl check`: what it refuses, and where credentials come from.

import { spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { type CredentialFlags, readCredential } from '../../../src/cli/check/credentials.ts';
import { systemFileReader } from '../../../src/config/file-reader.ts';
import { runCheck } from '../../support/check-run.ts';
import { type FakeIoOptions, fakeIo } from '../../support/command-io.ts';
import { temporaryDirectory } from '../../support/turnd-process.ts';
import { vectorNamed } from '../../support/vectors.ts';

test('every wrong URL is reported, status 2', async (t) => {
  t.strictSame(await runCheck(['turn.example.org', 'turn://h', 'stun:h?transport=udp', 'stun:ok']), {
    status: 2,
    out: '',
    err: [
      'error: "turn.example.org" does not begin with stun:, stuns:, turn: or turns: (write turn:turn.example.org)\n',
      'error: "turn://h" has slashes: write turn:host, not turn://host\n',
      'error: "stun:h?transport=udp" has "?transport=udp": stun URIs take none\n',
    ].join(''),
  });
});

test('wrong flags are status 2 and say what is expected', async (t) => {
  const refusals: readonly (readonly [readonly string[], RegExp])[] = [
    [[], /missing required argument 'url'/],
    [['stun:h', '--count', '0'], /--count <number>' argument '0' is invalid\. Expected a number from 1 to 10000/],
    [['stun:h', '--count', '1.5'], /Expected a number from 1/],
    [['stun:h', '--size', '5'], /from 12 to 1400/],
    [['stun:h', '--timeout', 'x'], /from 0\.1 to 60/],
    [['stun:h', '--watch', '0'], /a time such as 3600, 90m/],
    [['stun:h', '--watch', '2d'], /a time such as/],
    [['stun:h', '--ipv4', '--ipv6'], /cannot be used with/],
    [['stun:h', '--ca-file', '/nowhere'], /cannot read \/nowhere: no such file or directory/],
    [['stun:h', '--ca-file', '/etc/hostname'], /\/etc\/hostname holds no PEM certificate/],
  ];
  for (const [argv, pattern] of refusals) {
    const { status, err, out } = await runCheck(argv);
    t.match({ status, err, out }, { status: 2, err: pattern, out: '' }, argv.join(' '));
  }
});

test('the help tells steps, exit status and examples', async (t) => {
  const { status, out } = await runCheck(['--help']);
  t.equal(status, 0);
  for (const part of ['Exit status: 0', 'Examples:', 'TURNCTL_PASSWORD', '--secret-file']) t.match(out, part);
});

async function credential(flags: CredentialFlags, env: Record<string, string> = {}, more: FakeIoOptions = {}) {
  const io = { ...fakeIo({ env, cwd: '/', ...more }), reader: systemFileReader };
  const read = await readCredential(flags, io);
  if ('error' in read) return { error: read.error, warnings: io.refused };
  return { made: read.credential?.make(1_000_000_000) ?? null, warnings: io.refused };
}

test('passwords come from files, standard input and environment, secrets too', async (t) => {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'password');
  writeFileSync(file, 'from file\n', { mode: 0o600 });
  const made = (password: string) => ({ made: { username: 'alice', password }, warnings: [] });
  t.strictSame(await credential({ user: 'alice', passwordFile: file }), made('from file'));
  t.strictSame(await credential({ user: 'alice', passwordStdin: true }, {}, { line: 'typed' }), made('typed'));
  t.strictSame(await credential({ user: 'alice' }, { TURNCTL_PASSWORD: 'variable' }), made('variable'));
  t.strictSame(await credential({ user: 'alice' }, {}, { answers: ['asked for'] }), made('asked for'));
  t.strictSame(await credential({}), { made: null, warnings: [] });
  t.match(await credential({ secretFile: file }), { made: { username: '1003600' } });
  t.match(await credential({ user: 'bob' }, { TURNCTL_SECRET: 's' }), { made: { username: '1003600:bob' } });
  chmodSync(file, 0o644);
  chmodSync(directory, 0o755);
  t.match(await credential({ user: 'alice', passwordFile: file }), { warnings: [/every user can read it/] });
});

test('a time-limited password is that of the REST draft', async (t) => {
  const vector = vectorNamed('derived-turn-rest');
  const [expiry = '', user] = (vector.username ?? '').split(':');
  const flags = user === undefined ? {} : { user };
  const read = await readCredential({ secret: vector.secret ?? '', ...flags }, fakeIo());
  if ('error' in read) throw new Error(read.error);
  t.strictSame(read.credential?.make((Number(expiry) - 3600) * 1000), {
    username: vector.username,
    password: vector.password,
  });
});

test('what does not go together is refused; what is shown openly is warned about', async (t) => {
  t.match(await credential({ user: 'a', password: 'x', secretFile: 'y' }), {
    error: '--password and --secret-file exclude each other',
  });
  t.match(await credential({ user: 'a' }), { error: /--user needs --password-file/ });
  t.match(await credential({ password: 'x' }), { error: '--password needs --user', warnings: [/use --password-file/] });
  t.match(await credential({ secretFile: '/nowhere' }), { error: 'cannot read /nowhere: no such file or directory' });
  t.match(await credential({ user: 'a', passwordStdin: true }, {}, { line: null }), {
    error: '--password-stdin is empty',
  });
  const both = { TURNCTL_PASSWORD: 'x', TURNCTL_SECRET: 'y' };
  t.match(await credential({ user: 'a' }, both), { error: /exclude each other/ });
});

test('S55: a password on the command line is not to be seen while the check runs', async (t) => {
  const silent = createSocket('udp4').bind(0, '127.0.0.1');
  await once(silent, 'listening');
  t.teardown(() => silent.close());
  const program = fileURLToPath(new URL('../../../src/cli/turnctl.js', import.meta.url));
  const url = `turn:127.0.0.1:${silent.address().port}`;
  const child = spawn(process.execPath, [program, 'check', url, '--user', 'a', '--password', 'CANARY'], {
    stdio: 'ignore',
  });
  t.teardown(() => child.kill('SIGKILL'));
  // Its first datagram: by then the arguments must be gone.
  await once(silent, 'message');
  const shown = readFileSync(`/proc/${child.pid}/cmdline`, 'latin1');
  t.equal(shown.replaceAll('\0', ''), 'turnctl');
});
