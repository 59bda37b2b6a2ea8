// Where the log goes must never matter to a call, and no secret may go there.

import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { findFreePort } from '../support/free-ports.ts';
import { openFullPipe } from '../support/full-pipe.ts';
import { patiently, RawClient, type RawClientOptions } from '../support/raw-client.ts';
import { bareFlags, labFlags, startLabTurnd, TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';

const NO_DEV_FULL = process.platform === 'linux' ? false : 'this system has no /dev/full';

/** A client of a server whose log nobody reads: it knocks until it is answered. */
async function openPatientClient(t: Test, port: number, who: Partial<RawClientOptions> = {}): Promise<RawClient> {
  const client = await RawClient.open({ port, ...who });
  t.teardown(() => client.close());
  await client.knock();
  return client;
}

async function relays(client: RawClient): Promise<boolean> {
  const peer = await DatagramPeer.open('127.0.0.1');
  const { port } = await client.allocated();
  await client.permit('127.0.0.1');
  await peer.send(Buffer.from('in'), port, '127.0.0.1');
  const inward = (await client.nextData()).toString();
  client.sendTo('127.0.0.1', peer.port, 'out');
  const { bytes } = await patiently('the datagram at the peer', peer.next());
  peer.close();
  return inward === 'in' && bytes.toString() === 'out';
}

const SINKS: Readonly<Record<string, (t: Test) => number>> = {
  'a reader that has stopped reading standard output': openFullPipe,
  'a full disk under standard output': () => openSync('/dev/full', 'w'),
};
const USERS: Readonly<Record<string, readonly string[]>> = {
  'a user': ['--user', 'alice:secret-of-alice'],
  'the lab user, whose note cannot be printed': [],
};

for (const [sink, open] of Object.entries(SINKS)) {
  for (const [user, flags] of Object.entries(USERS)) {
    test(`${sink} does not stop a server with ${user}`, { skip: NO_DEV_FULL }, async (t) => {
      const udp = await findFreePort('127.0.0.1');
      const stdout = open(t);
      const directory = temporaryDirectory(t);
      const all = [...bareFlags(directory), '--listen', `udp://127.0.0.1:${udp}`, '--log-level', 'trace', ...flags];
      const server = new TurndProcess(all, { stdio: ['ignore', stdout, 'pipe'] });
      t.teardown(() => {
        server.child.kill('SIGKILL');
        closeSync(stdout);
      });
      const client = await openPatientClient(t, udp);
      t.ok(await relays(flags.length > 0 ? client : await labClient(t, directory, udp)));
      // Lines that could not be written are admitted by the status.
      t.match(await server.stop(), /^[01]$/);
      t.equal(server.stderr, '');
    });
  }
}

function labClient(t: Test, directory: string, port: number): Promise<RawClient> {
  const { name, password } = JSON.parse(readFileSync(join(directory, 'state', 'lab-user'), 'utf8'));
  return openPatientClient(t, port, { user: String(name), password: String(password) });
}

test('a log file on a full disk does not stop relaying', { skip: NO_DEV_FULL }, async (t) => {
  const udp = await findFreePort('127.0.0.1');
  const flags = [...bareFlags(temporaryDirectory(t)), '--listen', `udp://127.0.0.1:${udp}`, '--log-file', '/dev/full'];
  const server = new TurndProcess([...flags, '--user', 'alice:secret-of-alice', '--log-level', 'trace']);
  t.teardown(() => server.child.kill('SIGKILL'));
  t.ok(await relays(await openPatientClient(t, udp)));
  t.equal(await server.stop(), 0);
});

test('S55 passwords and secrets are in no output, at level trace, nor in the list of processes', async (t) => {
  const server = await startLabTurnd(t, ['--secret', 'secret-of-the-app', '--log-level', 'trace']);
  const commandLine = readFileSync(`/proc/${server.pid}/cmdline`, 'utf8');
  const good = await RawClient.open({ port: await server.port('udp') });
  const wrong = await RawClient.open({ port: await server.port('udp'), password: 'mistyped-password' });
  t.teardown(() => [good.close(), wrong.close()]);
  await good.allocated();
  t.equal((await wrong.allocate()).errorCode, 401);
  await server.stop();
  const said = [...server.stdout, server.stderr].join('\n');
  t.match(said, /wrong-password/, 'the failure is logged');
  for (const secret of ['secret-of-alice', 'secret-of-the-app', 'mistyped-password']) {
    t.notOk(said.includes(secret), `${secret} in the output`);
    t.notOk(commandLine.includes(secret), `${secret} in the command line`);
  }
});

test('S55 a secret that is refused is not repeated', async (t) => {
  const directory = temporaryDirectory(t);
  const server = new TurndProcess(labFlags(directory, '--user', 'no-colon-but-secret', '--secret', ''));
  t.equal(await server.ended, 2);
  t.notOk(server.stderr.includes('but-secret'), server.stderr);
});
