// A start without any configuration: what a newcomer sees, and that it can be used.

import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'tap';
import { RawClient } from '../support/raw-client.ts';
import { startTurndWith, type TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';

// Ports that are free, and no look-up of the external address; nothing else is configured.
const ENVIRONMENT = {
  TURND_LISTEN: 'udp://127.0.0.1:0,tcp+tls://127.0.0.1:0,tcp+tls://127.0.0.1:0',
  TURND_RELAY__ADDRESS: '127.0.0.1',
  TURND_RELAY__EXTERNAL_ADDRESS: 'none',
};

interface IceServer {
  readonly urls: readonly string[];
  readonly username: string;
  readonly credential: string;
}

async function printedIceServers(server: TurndProcess): Promise<IceServer[]> {
  const find = (): string | undefined => server.stdout.find((line) => line.startsWith('{"iceServers":'));
  const line = await server.until('the iceServers line', find);
  return (JSON.parse(line) as { iceServers: IceServer[] }).iceServers;
}

test('without configuration a lab user is made, kept for its owner only, and stays the same', async (t) => {
  const cwd = temporaryDirectory(t);
  const first = await startTurndWith(t, [], { cwd, env: ENVIRONMENT });
  const [before] = await printedIceServers(first);
  t.equal(statSync(join(cwd, '.turnd')).mode & 0o777, 0o700);
  t.equal(statSync(join(cwd, '.turnd', 'lab-user')).mode & 0o777, 0o600);
  for (const name of readdirSync(join(cwd, '.turnd')).filter((one) => /key|user/.test(one))) {
    t.equal(statSync(join(cwd, '.turnd', name)).mode & 0o077, 0, `${name} is for its owner only`);
  }
  t.match(before?.credential, /^[\w-]{32}$/);
  t.equal(await first.stop(), 0);
  const [after] = await printedIceServers(await startTurndWith(t, [], { cwd, env: ENVIRONMENT }));
  t.equal(after?.username, before?.username);
  t.equal(after?.credential, before?.credential);
});

test('the printed iceServers can be used as they are, over each URL', async (t) => {
  const server = await startTurndWith(t, [], { cwd: temporaryDirectory(t), env: ENVIRONMENT });
  const [iceServer] = await printedIceServers(server);
  const urls = iceServer?.urls ?? [];
  t.same(
    urls.map((url) => url.replace(/\d+\?/, '?')),
    ['turn:127.0.0.1:?transport=udp', 'turn:127.0.0.1:?transport=tcp'],
  );
  for (const url of urls) {
    const [, port, transport] = /:(\d+)\?transport=(udp|tcp)$/.exec(url) ?? [];
    const client = await RawClient.open({
      port: Number(port),
      transport: transport === 'tcp' ? 'tcp' : 'udp',
      user: iceServer?.username ?? '',
      password: iceServer?.credential ?? '',
    });
    t.teardown(() => client.close());
    t.equal((await client.allocate()).cls, 2, url);
  }
});

test('no turns: URL is printed while the certificate is self-made; the log says why', async (t) => {
  const server = await startTurndWith(t, [], { cwd: temporaryDirectory(t), env: ENVIRONMENT });
  await printedIceServers(server);
  t.notMatch(server.stdout.join('\n'), /turns:/);
  const warning = await server.logged('the warning', ({ event }) => event === 'certificate-self-made');
  t.equal(warning.level, 'warn');
});

test('the check page that is named is there', async (t) => {
  const server = await startTurndWith(t, [], { cwd: temporaryDirectory(t), env: ENVIRONMENT });
  const line = await server.until('the check page', () => server.stdout.find((one) => one.startsWith('Check page:')));
  const url = new URL(/open (\S+) in a browser/.exec(line)?.[1] ?? '');
  t.equal(url.protocol, 'file:');
  t.match(readFileSync(url, 'utf8'), /iceServers/);
});

test('a server with a user prints no credentials', async (t) => {
  const cwd = temporaryDirectory(t);
  const server = await startTurndWith(t, ['--user', 'alice:secret-of-alice'], { cwd, env: ENVIRONMENT });
  await server.stop();
  t.notMatch(server.stdout.join('\n'), /iceServers|secret-of-alice/);
  t.notOk(existsSync(join(cwd, '.turnd', 'lab-user')));
});
