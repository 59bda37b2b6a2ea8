// `turnctl config import-coturn`: a configuration as YAML, and one store copied into another.

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { runTurnctl } from '../../src/cli/turnctl-program.ts';
import { systemFileReader } from '../../src/config/file-reader.ts';
import { openStore } from '../../src/store/open-store.ts';
import { fakeIo } from '../support/command-io.ts';
import { temporaryDirectory } from '../support/turnd-process.ts';

const GOOD = 'listening-port=3479\nuser=alice:secret-of-alice\nrealm=example.org\nmobility\nno-cli\n';

/** Runs turnctl in a directory of its own. */
async function run(directory: string, ...argv: readonly string[]) {
  const io = { ...fakeIo({ cwd: directory }), reader: systemFileReader };
  const status = await runTurnctl(['config', 'import-coturn', ...argv], '1.2.3', io);
  return { status, out: io.printed.join(''), err: io.refused.join('') };
}

function directoryWith(t: Test, files: Readonly<Record<string, string>>): string {
  const directory = temporaryDirectory(t);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(directory, name), text, { mode: 0o600 });
  return directory;
}

test('a file is printed as YAML, with what came of each option', async (t) => {
  const directory = directoryWith(t, { 'turnserver.conf': GOOD });
  const { status, out, err } = await run(directory, 'turnserver.conf');
  t.equal(status, 0);
  t.match(out, /^# Made of .*turnserver\.conf by turnctl config import-coturn/);
  t.match(out, /^# - mobility \(line 4\): mobility \(RFC 8016\) is not built yet/m);
  t.match(out, /^# - no-cli \(line 5\): there is no telnet CLI/m);
  t.match(out, /^# Keys in a database are made with it\.\nrealm: example\.org$/m);
  t.match(err, /^warning: .*turnserver\.conf:4 mobility: /m);
});

test('--output writes a file for its owner only, which loads, and none is overwritten without --force', async (t) => {
  const directory = directoryWith(t, { 'turnserver.conf': GOOD, 'kept.yaml': 'realm: kept' });
  const written = await run(directory, 'turnserver.conf', '--output', 'turnd.yaml');
  t.match(written, { status: 0, out: `${join(directory, 'turnd.yaml')}: written\n` });
  t.equal(statSync(join(directory, 'turnd.yaml')).mode & 0o777, 0o600);
  const io = { ...fakeIo({ cwd: directory }), reader: systemFileReader };
  t.equal(await runTurnctl(['config', 'check', 'turnd.yaml'], '1.2.3', io), 0, io.refused.join(''));
  const refused = await run(directory, 'turnserver.conf', '--output', 'kept.yaml');
  t.equal(refused.status, 1);
  t.match(refused.err, /kept\.yaml is there already: choose another name, or overwrite it by --force\n$/);
  t.equal(readFileSync(join(directory, 'kept.yaml'), 'utf8'), 'realm: kept');
  t.equal((await run(directory, 'turnserver.conf', '--output', 'kept.yaml', '--force')).status, 0);
  t.match(readFileSync(join(directory, 'kept.yaml'), 'utf8'), /realm: example\.org/);
  t.same(readdirSync(directory).toSorted(), ['kept.yaml', 'turnd.yaml', 'turnserver.conf'], 'nothing is left behind');
});

test('a half-broken file: every line is reported, nothing is written', async (t) => {
  const broken = 'listening-port=99999\nuser=s3cret\nrealm="a\\b"\nfoo=1\nrelay-ip=x\nmin-port=80\n';
  const directory = directoryWith(t, { 'turnserver.conf': broken });
  const { status, out, err } = await run(directory, 'turnserver.conf', '--output', 'turnd.yaml');
  t.match({ status, out }, { status: 2, out: '' });
  for (const [line, option] of Object.entries({
    1: 'listening-port',
    2: 'user',
    3: 'realm',
    4: 'foo',
    5: 'relay-ip',
    6: 'min-port',
  })) {
    t.match(err, new RegExp(`^.*turnserver\\.conf:${line} ${option}: `, 'm'));
  }
  t.notMatch(err, /s3cret/);
  t.same(readdirSync(directory), ['turnserver.conf']);
});

test('what is no configuration of coturn, or cannot be read or written', async (t) => {
  const directory = directoryWith(t, { 'turnd.yaml': 'realm: x', 'turnserver.conf': GOOD });
  mkdirSync(join(directory, 'folder'));
  t.match(await run(directory, 'turnd.yaml'), { status: 2, err: /turnd\.yaml is not a configuration of coturn\n$/ });
  t.match(await run(directory, 'gone'), { status: 2, err: /cannot read .*gone: no such file/ });
  t.match(await run(directory, 'folder'), { status: 2, err: /cannot read .*folder/ });
  t.match(await run(directory, 'turnserver.conf', '--output', 'no/where'), {
    status: 1,
    err: /cannot write .*no\/where: no such/,
  });
  t.match(await run(directory), { status: 2, err: /name either a configuration file of coturn, or a store by --db/ });
  t.match(await run(directory, 'turnserver.conf', '--db', 'sqlite:x'), { status: 2, err: /name either/ });
});

async function fillStore(path: string): Promise<void> {
  const store = await openStore({ kind: 'sqlite', path });
  const key = Buffer.alloc(16, 7);
  for (let index = 0; index < 503; index++) {
    await store.putUser({ realm: 'r', name: `user ${index} ' % \u00e9`, md5Key: key, sha256Key: null });
  }
  await store.putSecret({ realm: 'r', value: 'north', expiresAt: 4_000_000_000_000 });
  await store.putPeerRule({ realm: '', kind: 'deny', range: '198.51.100.1-198.51.100.9' });
  await store.putPeerRule({ realm: '', kind: 'allow', range: 'garbage' });
  await store.setRealmOption('r', 'userQuota', 5);
  await store.putOrigin({ origin: 'https://x.example', realm: 'r' });
  await store.putOauthKey({ kid: 'k', ikmKey: 'a2V5', timestamp: 1, lifetime: 2, asRsAlg: 'A256GCM', realm: 'r' });
  await store.putAdmin({ name: 'root', realm: '', password: '$5$x' });
  await store.close();
}

test('--db copies every kind of row; a bad one is reported, and the others go on', async (t) => {
  const directory = temporaryDirectory(t);
  await fillStore(join(directory, 'from.db'));
  const dry = await run(directory, '--db', 'sqlite:from.db', '--to', 'sqlite:to.db', '--dry-run', '--json');
  t.match(JSON.parse(dry.out), { dryRun: true, counts: { users: { added: 503 }, peers: { added: 1, bad: 1 } } });
  t.notOk(existsSync(join(directory, 'to.db')), 'a dry run makes nothing');
  const first = await run(directory, '--db', 'sqlite:from.db', '--to', 'sqlite:to.db');
  t.equal(first.status, 1, 'one row is bad');
  t.match(first.err, /^peer rule allow "garbage" of realm "": "garbage" is not an IP address/);
  t.match(first.out, /^KIND +ADDED .*\nusers +503 /);
  const again = await run(directory, '--db', 'sqlite:from.db', '--to', 'sqlite:to.db', '--json');
  const alike = { added: 0, replaced: 0, same: 1, kept: 0, bad: 0 };
  t.match(JSON.parse(again.out).counts, {
    users: { ...alike, same: 503 },
    secrets: alike,
    peers: { ...alike, bad: 1 },
    realms: alike,
    origins: alike,
    'oauth-keys': alike,
    admins: alike,
  });
});

test('--db: what is there and differs is kept and told, or replaced', async (t) => {
  const directory = temporaryDirectory(t);
  const [from, to] = [join(directory, 'from.db'), join(directory, 'to.db')];
  const id = { realm: 'r', name: 'alice' };
  for (const [path, fill] of [[from, 1] as const, [to, 2] as const]) {
    const store = await openStore({ kind: 'sqlite', path });
    await store.putUser({ ...id, md5Key: Buffer.alloc(16, fill), sha256Key: null });
    await store.putSecret({ realm: 'r', value: 'north', expiresAt: fill * 1000 });
    await store.putOrigin({ origin: 'https://x.example', realm: `r${fill}` });
    await store.close();
  }
  writeFileSync(join(directory, 'turnserver.conf'), `userdb=${from}\n`);
  const kept = await run(directory, '--db', 'turnserver.conf', '--to', `sqlite:${to}`, '--quiet');
  t.same(kept, {
    status: 0,
    out: '',
    err:
      'user "alice" of realm "r" is there and differs: kept\n' +
      'secret 1 (realm "r") is there and differs: kept\n' +
      'origin "https://x.example" is there and differs: kept\n',
  });
  const wouldBe = await run(directory, '--db', 'turnserver.conf', '--to', `sqlite:${to}`, '--replace', '--dry-run');
  t.match(wouldBe.out, /TO REPLACE/);
  const replaced = await run(directory, '--db', 'turnserver.conf', '--to', `sqlite:${to}`, '--replace', '--json');
  t.match(JSON.parse(replaced.out).counts, {
    users: { replaced: 1 },
    secrets: { replaced: 1 },
    origins: { replaced: 1 },
  });
  const store = await openStore({ kind: 'sqlite', path: to });
  t.same((await store.findUser(id))?.md5Key, Buffer.alloc(16, 1));
  await store.close();
});

test('--db: a store that cannot be used says which', async (t) => {
  const directory = directoryWith(t, {
    'none.conf': 'verbose\n',
    'bad.conf': 'redis-userdb=ip=x dbname=s3cret\n',
    'turnd.yaml': 'store: none',
  });
  const cases: readonly (readonly [readonly string[], number, RegExp])[] = [
    [['--db', 'sqlite:gone.db', '--to', 'sqlite:to.db'], 2, /^--db: there is no file .*gone\.db\n$/],
    [['--db', 'none.conf', '--to', 'sqlite:to.db'], 2, /^--db: .*none\.conf names no database/],
    [['--db', 'bad.conf', '--to', 'sqlite:to.db'], 2, /^--db: .*bad\.conf:1 redis-userdb: dbname is not the number/],
    [
      ['--db', 'turnd.yaml', '--to', 'sqlite:to.db'],
      2,
      /^--db: .*neither the URL of a store nor a configuration of coturn/,
    ],
    [['--db', 'ftp://u:s3cret@h/', '--to', 'sqlite:to.db'], 2, /^--db: not the URL of a store/],
    [['--db', 'redis://127.0.0.1:1/0', '--to', 'redis://127.0.0.1:1'], 2, /nothing to copy/],
    [['--db', 'redis://127.0.0.1:1/0', '--to', 'sqlite:to.db'], 1, /^store redis:\/\/127\.0\.0\.1:1\/0: /],
    [['--db', 'redis://127.0.0.1:1/0'], 2, /^--to: the configuration has no store: name one/],
  ];
  for (const [argv, status, message] of cases) {
    const result = await run(directory, ...argv);
    t.equal(result.status, status, argv.join(' '));
    t.match(result.err, message);
    t.notMatch(result.err, /s3cret/);
  }
});
