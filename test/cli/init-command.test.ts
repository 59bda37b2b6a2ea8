// `turnctl init`: what it asks, writes, refuses and says in the end.

import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { type Test, test } from 'tap';
import { type InitHost, thisHost } from '../../src/cli/init/init-host.ts';
import { addInitCommand } from '../../src/cli/init-command.ts';
import type { ExitStatus } from '../../src/cli/terminal-io.ts';
import { runTurnctl } from '../../src/cli/turnctl-program.ts';
import { systemFileReader } from '../../src/config/file-reader.ts';
import { type FakeIoOptions, fakeIo } from '../support/command-io.ts';
import { temporaryDirectory } from '../support/turnd-process.ts';

const RANDOM = '7f1d0c5be2a94683f0c1d75a9be36d2488e1fa07c35b9d6e42a07f1b8cd3e965';
const FOUND = { ip: '203.0.113.9', source: 'hetzner' };

/** Writes for real; chance, time and network are fixed. */
function fixedHost(changes: Partial<InitHost> = {}): InitHost {
  return {
    ...thisHost,
    hostName: 'relay1',
    now: () => 1_700_000_000,
    randomText: (bytes) => RANDOM.slice(0, 2 * bytes),
    findPublicAddress: async () => FOUND,
    ...changes,
  };
}

interface Ran {
  readonly status: ExitStatus | null;
  readonly out: string;
  readonly err: string;
  readonly questions: readonly string[];
}

async function init(
  cwd: string,
  argv: readonly string[],
  options: FakeIoOptions & { readonly host?: InitHost; readonly also?: Readonly<Record<string, string>> } = {},
): Promise<Ran> {
  const fake = fakeIo({ ...options, cwd });
  const { also = {} } = options;
  const io = {
    ...fake,
    reader: {
      read: (path: string) => also[path] ?? systemFileReader.read(path),
      mode: (path: string) => (path in also ? 0o600 : systemFileReader.mode(path)),
    },
  };
  let status: ExitStatus | null = null;
  const program = new Command().exitOverride();
  addInitCommand(program, io, (result) => (status = result), options.host ?? fixedHost());
  await program.parseAsync(['init', ...argv], { from: 'user' });
  return { status, out: fake.printed.join(''), err: fake.refused.join(''), questions: fake.questions };
}

function modeOf(path: string): string {
  return (statSync(path).mode & 0o777).toString(8);
}

async function check(t: Test, file: string): Promise<void> {
  const io = { ...fakeIo({ cwd: '/' }), reader: systemFileReader };
  t.equal(await runTurnctl(['config', 'check', file], '1.2.3', io), 0, 'config check takes it');
}

test('--yes: defaults, a random secret of its own, and what to do next', async (t) => {
  const cwd = temporaryDirectory(t);
  const { status, out, err, questions } = await init(cwd, ['--yes']);
  t.equal(status, 0);
  t.equal(err, '');
  t.same(questions, []);
  t.same(readdirSync(cwd).toSorted(), ['secret', 'turnd.yaml']);
  t.equal(readFileSync(join(cwd, 'secret'), 'utf8'), `${RANDOM}\n`);
  t.equal(modeOf(join(cwd, 'secret')), '600');
  t.equal(modeOf(join(cwd, 'turnd.yaml')), '644');
  const yaml = readFileSync(join(cwd, 'turnd.yaml'), 'utf8');
  t.same(
    yaml.split('\n').filter((line) => line !== '' && !line.trim().startsWith('#')),
    [
      'realm: turnd',
      'listen: [udp://*:3478, tcp://*:3478]',
      'relay:',
      '  external-address: auto',
      '  ports: 49152-65535',
      'auth:',
      '  secrets: [{value-file: secret}]',
    ],
  );
  t.notMatch(yaml, /7f1d0c/, 'the secret stands in its own file only');
  // The credential is what openssl makes: printf 1700086400:init | openssl dgst -sha1 -hmac 7f1d0c… -binary | base64
  t.equal(
    out.replaceAll(cwd, 'DIR'),
    [
      'Written:',
      '  DIR/secret (mode 0600)',
      '  DIR/turnd.yaml (mode 0644)',
      '',
      'Next:',
      '  1. Open the firewall:  turnctl firewall   prints the rules; run it on the server',
      '  2. Start the server:   turnd --config DIR/turnd.yaml',
      "  3. Check it:           turnctl check 'turn:203.0.113.9:3478?transport=udp' 'turn:203.0.113.9:3478?transport=tcp' --secret-file DIR/secret",
      '  4. Give this to your app (good for a day; turnctl credentials makes more):',
      '',
      '{"iceServers":[{"urls":["turn:203.0.113.9:3478?transport=udp","turn:203.0.113.9:3478?transport=tcp"],"username":"1700086400:init","credential":"SPImkrnGM9Pf37zirUYWEHTaIVA="}]}',
      '',
      'Whoever runs turnd must be able to read these files, and nobody else those with mode 0600.',
      '',
    ].join('\n'),
  );
  await check(t, join(cwd, 'turnd.yaml'));
});

test('every question has a flag', async (t) => {
  const cwd = temporaryDirectory(t);
  for (const name of ['cert.pem', 'key.pem']) writeFileSync(join(cwd, name), name, { mode: 0o600 });
  const flags = {
    '--domain': 'turn.example.com',
    '--realm': 'example: "#1" no'.replaceAll('"', ''),
    '--external-address': '198.51.100.7',
    '--port': '80',
    '--tls-port': '443',
    '--relay-ports': '50000-50099',
    '--tls-cert': 'cert.pem',
    '--tls-key': 'key.pem',
    '--user': "al'ice",
    '--store': 'postgres://u:CANARY@db/turn',
    '--state-dir': 'state',
    '--firewall': 'nftables',
    '--dir': 'etc/turnd',
  };
  const asked = await init(cwd, Object.entries(flags).flat(), { answers: [''] });
  t.same(asked.questions, ["Password of al'ice (none: a random one)"], 'a password is no flag');
  const { status, out, err } = await init(cwd, ['--yes', '--force', '--json', ...Object.entries(flags).flat()]);
  t.equal(status, 0);
  t.equal(err, '');
  const directory = join(cwd, 'etc/turnd');
  t.same(readdirSync(directory).toSorted(), ['password', 'store-url', 'turnd.nft', 'turnd.yaml']);
  t.equal(modeOf(join(directory, 'store-url')), '600');
  t.equal(modeOf(join(directory, 'password')), '600');
  const yaml = readFileSync(join(directory, 'turnd.yaml'), 'utf8');
  t.notMatch(yaml + out, /CANARY/);
  t.match(yaml, `certificates: [{certificate: ${cwd}/cert.pem, key: ${cwd}/key.pem}]`);
  t.match(readFileSync(join(directory, 'turnd.nft'), 'utf8'), /udp dport \{ 80, 50000-50099 \} accept/);
  t.match(JSON.parse(out), {
    files: [{ path: /password$/, mode: '0600' }, {}, {}, {}],
    firewall: `nft -f ${directory}/turnd.nft`,
    start: `turnd --config ${directory}/turnd.yaml`,
    iceServers: [
      {
        urls: [
          'turn:turn.example.com:80?transport=udp',
          'turn:turn.example.com:80?transport=tcp',
          'turns:turn.example.com:443?transport=tcp',
        ],
        username: "al'ice",
        credential: RANDOM.slice(0, 24),
      },
    ],
    check: /--user 'al'\\''ice' --password-file \S*\/password$/,
  });
  await check(t, join(directory, 'turnd.yaml'));
});

test('asked: what is detected is offered, a wrong answer is asked again', async (t) => {
  const cwd = temporaryDirectory(t);
  const live = '/etc/letsencrypt/live/turn.example.com';
  const also = { [`${live}/fullchain.pem`]: 'c', [`${live}/privkey.pem`]: 'k', '/usr/sbin/ufw': '' };
  const answers = ['turn.example.com', '', '', '70000', '3479', '', '', '', '', 'user', '', 'my own password', '', ''];
  const { status, questions } = await init(cwd, [], { answers, also, env: { PATH: '/usr/bin' } });
  t.equal(status, 0);
  t.same(questions, [
    'Domain name of this server (none: clients use its address)',
    'Realm of the credentials (a change voids all users)',
    'Public address of this server: auto (auto finds 203.0.113.9, told by hetzner), none, an IP address or a DNS name',
    'Port for UDP and TCP',
    '"70000" is not a port (0 to 65535)',
    'Port for UDP and TCP',
    'Ports of the relays, for UDP',
    'Certificate for TLS, a PEM file with its chain (none: no TLS)',
    'Its private key, a PEM file',
    'Port for TLS',
    'Credentials of the clients',
    'Name of the user',
    'Password of turn (none: a random one)',
    'Where more users are kept: auto (a file), none, or a URL (sqlite:, postgres:, mysql:, redis:)',
    'Write the rules of a firewall',
  ]);
  const yaml = readFileSync(join(cwd, 'turnd.yaml'), 'utf8');
  t.match(yaml, 'listen: [udp://*:3479, tcp+tls://*:3479, tcp+tls://*:5349]');
  t.match(yaml, `certificates: [{certificate: ${live}/fullchain.pem, key: ${live}/privkey.pem}]`);
  t.match(yaml, 'users: [{name: turn, password-file: password}]');
  t.match(yaml, 'realm: turn.example.com');
  t.equal(readFileSync(join(cwd, 'password'), 'utf8'), 'my own password\n');
  t.ok(existsSync(join(cwd, 'firewall-ufw.sh')));
});

test('nothing is overwritten without --force', async (t) => {
  const cwd = temporaryDirectory(t);
  writeFileSync(join(cwd, 'turnd.yaml'), 'mine');
  const refused = await init(cwd, [], { answers: [] });
  t.match(refused, { status: 1, out: '', err: `error: ${cwd}/turnd.yaml is there: --force replaces it\n` });
  t.same(refused.questions, [], 'before anything is asked');
  mkdirSync(join(cwd, 'b'));
  writeFileSync(join(cwd, 'b/secret'), 'mine');
  t.match(await init(cwd, ['--yes', '--dir', 'b']), { status: 1, err: /b\/secret is there/ });
  t.same(readdirSync(join(cwd, 'b')), ['secret']);
  t.equal(readFileSync(join(cwd, 'b/secret'), 'utf8'), 'mine');
  writeFileSync(join(cwd, 'secret'), 'old', { mode: 0o644 });
  t.equal((await init(cwd, ['--yes', '--force'])).status, 0);
  t.equal(modeOf(join(cwd, 'secret')), '600', 'also where the old one was open');
});

test('a file that cannot be written leaves nothing behind', async (t) => {
  const cwd = temporaryDirectory(t);
  const host = fixedHost({
    write: (file, mayReplace) => {
      if (file.path.endsWith('turnd.yaml')) throw Object.assign(new Error('x'), { code: 'ENOSPC' });
      thisHost.write(file, mayReplace);
    },
  });
  const { status, err } = await init(cwd, ['--yes'], { host });
  t.equal(status, 1);
  t.match(err, /^error: cannot write .*turnd\.yaml: /);
  t.same(readdirSync(cwd), []);
});

test('a file that comes in between is not overwritten', async (t) => {
  const cwd = temporaryDirectory(t);
  const path = join(cwd, 'secret');
  writeFileSync(path, 'mine');
  t.throws(() => thisHost.write({ path, text: 'x', mode: 0o600 }, false), { code: 'EEXIST' });
  t.same([readFileSync(path, 'utf8'), readdirSync(cwd)], ['mine', ['secret']]);
});

test('where no public address is found, it says so', async (t) => {
  const host = fixedHost({ findPublicAddress: async () => null, hostName: 'relay1.example.net' });
  const cwd = temporaryDirectory(t);
  const { err, out } = await init(cwd, ['--yes'], { host });
  t.match(err, /^warning: no public address was found: relays serve this network only/);
  t.match(out, /turn:relay1\.example\.net:3478/, 'a host name with a dot is a domain');
  const other = await init(cwd, ['--yes', '--force', '--external-address', 'none'], { host });
  t.equal(other.err, '');
});

test('bad input is status 2, and nothing is written', async (t) => {
  const cwd = temporaryDirectory(t);
  const bad: readonly [string, readonly string[]][] = [
    ['--domain: is not a domain name', ['--domain', '1.2.3.4']],
    ['--realm: ', ['--realm', 'a"b']],
    ['--external-address: expected auto, none', ['--external-address', 'a b']],
    ['--port: must not be 0', ['--port', '0']],
    ['--port: "x" is not a port', ['--port', 'x']],
    ['--relay-ports: "9" is not a range', ['--relay-ports', '9']],
    ['--tls-cert: cannot read', ['--tls-cert', 'gone', '--tls-key', 'gone']],
    ['--tls-cert, --tls-key: one needs the other', ['--tls-key', 'gone']],
    ['--user: --auth secret has no user', ['--auth', 'secret', '--user', 'a']],
    ['--store: not the URL', ['--store', 'oracle://x']],
  ];
  for (const [message, flags] of bad) {
    const { status, out, err } = await init(cwd, ['--yes', ...flags]);
    t.match({ status, out }, { status: 2, out: '' }, flags.join(' '));
    t.ok(err.startsWith(`error: ${message}`), err);
  }
  t.same(readdirSync(cwd), []);
  t.match(await init(cwd, []), { status: 2, err: /nobody is at a terminal: --yes/ });
});
