// `turnctl config`, and the usage of turnctl as such.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';
import { runTurnctl } from '../../src/cli/turnctl-program.ts';
import { WEAK_SECRET } from '../../src/config/secret-strength.ts';
import { fakeIo } from '../support/command-io.ts';

/** Runs one command line on files in memory. */
async function run(argv: readonly string[], files: Readonly<Record<string, string>> = {}) {
  const io = fakeIo({ files });
  const status = await runTurnctl(argv, '1.2.3', io);
  return { status, out: io.printed.join(''), err: io.refused.join('') };
}

test('config check: a good file is ok, with warnings', async (t) => {
  const result = await run(['config', 'check', 'a.yaml'], { '/cwd/a.yaml': 'auth: {secrets: [short]}' });
  t.same(result, {
    status: 0,
    out: '/cwd/a.yaml: ok\n',
    err: `warning: auth.secrets.0: ${WEAK_SECRET}\n`,
  });
});

test('config check: every fault is reported, status 2', async (t) => {
  const result = await run(['config', 'check', 'a.yaml'], { '/cwd/a.yaml': 'relm: x\nworkers: x' });
  t.same(result, {
    status: 2,
    out: '',
    err:
      '/cwd/a.yaml:1:1 unknown key "relm" (did you mean "realm"?)\n' +
      '/cwd/a.yaml:2:10 workers: expected auto or a number from 0 to 250\n',
  });
});

test('config check: a file without credentials is refused unless anonymous (S12)', async (t) => {
  const stored = await run(['config', 'check'], { '/cwd/turnd.yaml': 'realm: x' });
  t.match(stored, { status: 0, err: /^warning: .*no credentials: .*turnctl user add.*in its store$/m });
  const refused = await run(['config', 'check'], { '/cwd/turnd.yaml': 'realm: x\nstore: none' });
  t.equal(refused.status, 2);
  t.match(refused.err, /^\/cwd\/turnd\.yaml: auth: no credentials: set auth\.secrets/);
  const anonymous = await run(['config', 'check'], { '/cwd/turnd.yaml': 'auth: {anonymous: true}' });
  t.equal(anonymous.status, 0);
  t.equal(
    (await run(['config', 'check'])).out,
    'no configuration file (looked for $TURND_CONFIG, ./turnd.yaml, /etc/turnd/turnd.yaml): ok\n',
  );
});

test('config check: a missing file is status 2', async (t) => {
  const result = await run(['config', 'check', 'gone']);
  t.match(result, { status: 2, err: 'cannot read /cwd/gone: no such file or directory\n' });
});

test('config print: effective values, secrets hidden (S55)', async (t) => {
  const result = await run(['config', 'print', 'a'], { '/cwd/a': 'realm: x\nauth: {secrets: [CANARY-CANARY-CANARY]}' });
  t.equal(result.status, 0);
  t.match(result.out, /^realm: x\n/);
  t.match(result.out, / {2}max-lifetime: 3600\n/);
  t.notMatch(result.out + result.err, /CANARY/);
});

test('config print: the effective state directory, and with --origin where values come from', async (t) => {
  const io = fakeIo({
    files: { '/cwd/etc/a': 'relay: {ports: 2000-3000}\nauth: {users: [alice:CANARY-PASSWORD]}\nstate-dir: state' },
    env: { TURND_REALM: 'x', TURND_PEERS__DENY: '192.0.2.0/24' },
  });
  t.equal(await runTurnctl(['config', 'print', 'etc/a', '--origin'], '1.2.3', io), 0);
  const out = io.printed.join('');
  t.match(out, '# TURND_REALM\nrealm: x\n');
  t.match(out, '# /cwd/etc/a\nstate-dir: /cwd/etc/state\n');
  t.match(out, '  # /cwd/etc/a\n  ports: 2000-3000\n');
  t.match(out, '  # /cwd/etc/a\n  users:\n    - alice:***\n');
  t.match(out, '  # TURND_PEERS__DENY\n  deny:\n    - 192.0.2.0/24\n');
  t.equal(out.match(/#/g)?.length, 5, 'a default has no comment');
  t.notMatch(out, /CANARY/);
  const { out: plain } = await run(['config', 'print']);
  t.match(plain, '\nstate-dir: /cwd/.turnd\n');
  t.notMatch(plain, /#/);
});

test('config schema: JSON Schema with defaults and descriptions', async (t) => {
  const { out } = await run(['config', 'schema']);
  t.match(JSON.parse(out), {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    additionalProperties: false,
    properties: {
      relay: { properties: { ports: { type: 'string', default: '49152-65535', description: /firewall/ } } },
    },
  });
});

test('bad usage is status 2 with a suggestion', async (t) => {
  t.same(await run(['confg']), { status: 2, out: '', err: "error: unknown command 'confg'\n(Did you mean config?)\n" });
  t.match(await run(['config', 'schem']), { status: 2, err: /Did you mean schema\?/ });
  t.match(await run(['config', 'check', 'a', 'b']), { status: 2, err: /too many arguments/ });
  t.match(await run(['config', 'check', '--x']), { status: 2, err: /unknown option/ });
  t.match(await run([]), { status: 2, err: /Usage: turnctl/ });
});

test('help and version are status 0', async (t) => {
  t.match(await run(['--help']), { status: 0, out: /Usage: turnctl/ });
  t.match(await run(['config', 'check', '--help']), { status: 0, out: /Usage: turnctl config check/ });
  t.match(await run(['--version']), { status: 0, out: '1.2.3\n' });
});

test('the built program runs: version, and status 2 on bad usage', async (t) => {
  const program = fileURLToPath(new URL('../../src/cli/turnctl.js', import.meta.url));
  const version = spawnSync(process.execPath, [program, '--version'], { encoding: 'utf8' });
  t.match(version.stdout, /^\d+\.\d+\.\d+\S*\n$/);
  t.equal(spawnSync(process.execPath, [program, 'nonsense']).status, 2);
});
