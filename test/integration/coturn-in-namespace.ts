// Run by coturn-config.test.ts in a network namespace of its own: the configuration of an operator who moves, unchanged
// under real coturn and under turnd, with coturn's own client relaying through both.

import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { uclientProgram } from '../interop/coturn/uclient.ts';
import { Child, runToEnd } from '../support/child-process.ts';
import { coturnProgram } from '../support/coturn.ts';
import { RawClient } from '../support/raw-client.ts';
import { waitForStunAnswer } from '../support/stun-probe.ts';
import { TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';

const PUBLIC = '203.0.113.7';
const PRIVATE = '192.0.2.1';
const TIMEOUT_MS = 60_000;

/** As the operator has it; only what stands for addresses and files of the machine is put in. */
function optionA(log: string): string {
  return `listening-port=3478
tls-listening-port=5349
external-ip=${PUBLIC}
relay-ip=${PRIVATE}
min-port=49152
max-port=65535
lt-cred-mech
user=scrum:PASSWORD
realm=scrum.yourdomain.com
log-file=${log}
verbose
fingerprint
no-multicast-peers
no-cli
total-quota=0
stale-nonce=600
`;
}

const BEHIND_NAT = '10.7.0.5';

/** What hardened servers behind a NAT have: the network that they stand in is denied, and clients reach each other. */
function denyingFile(log: string): string {
  return `listening-ip=${BEHIND_NAT}
no-tls
no-cli
external-ip=203.0.113.8/${BEHIND_NAT}
user=scrum:PASSWORD
realm=example.org
log-file=${log}
denied-peer-ip=10.0.0.0-10.255.255.255
denied-peer-ip=172.16.0.0-172.31.255.255
denied-peer-ip=192.168.0.0-192.168.255.255
`;
}

function ip(...args: readonly string[]): void {
  execFileSync('ip', args);
}

function setUpNetwork(): void {
  ip('link', 'set', 'lo', 'up');
  ip('link', 'add', 'turnd0', 'type', 'veth', 'peer', 'name', 'turnd1');
  for (const end of ['turnd0', 'turnd1']) ip('link', 'set', end, 'up');
  for (const address of [PRIVATE, BEHIND_NAT]) ip('address', 'add', `${address}/24`, 'dev', 'turnd0');
}

function writeConfig(
  t: Test,
  text: (log: string) => string,
): { readonly file: string; readonly directory: string; readonly log: string } {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'turnserver.conf');
  const log = join(directory, 'turnserver.log');
  writeFileSync(file, text(log), { mode: 0o600 });
  return { file, directory, log };
}

/** Two clients talk to each other by their relayed addresses: the public one, which nothing routes. */
async function relaysEverything(t: Test, transport: readonly string[], host = PRIVATE): Promise<void> {
  const flags = ['-y', '-c', '-n', '20', '-m', '2', '-z', '50', '-u', 'scrum', '-w', 'PASSWORD'];
  const { code, output } = await runToEnd(
    uclientProgram.path,
    [...transport, ...flags, '-p', '3478', host],
    TIMEOUT_MS,
  );
  t.equal(code, 0, 'uclient is content', { output });
  t.match(output, /tot_recv_msgs=40/, 'everything comes back');
  t.match(output, /Total lost packets 0/);
}

setUpNetwork();

/** Starts coturn with the file alone, and waits until it answers. */
async function startCoturn(t: Test, host: string, text: (log: string) => string): Promise<Child> {
  const { file, directory } = writeConfig(t, text);
  const coturn = new Child(coturnProgram.path, ['-c', file, `--pidfile=${join(directory, 'pid')}`], { cwd: directory });
  t.teardown(() => coturn.stop());
  await waitForStunAnswer(host, 3478, AbortSignal.timeout(TIMEOUT_MS));
  return coturn;
}

/** Starts turnd with the file alone, and waits until it answers. */
async function startTurnd(t: Test, host: string, text: (log: string) => string) {
  const { file, directory, log } = writeConfig(t, text);
  const server = new TurndProcess(['--config', file, '--state-dir', join(directory, 'state')], { cwd: directory });
  t.teardown(() => (server.isAlive ? server.stop() : undefined));
  await waitForStunAnswer(host, 3478, AbortSignal.timeout(TIMEOUT_MS));
  return { server, log };
}

test('coturn takes the file', { skip: coturnProgram.skip || uclientProgram.skip }, async (t) => {
  const coturn = await startCoturn(t, PRIVATE, optionA);
  await Promise.all([relaysEverything(t, []), relaysEverything(t, ['-t'])]);
  t.notMatch(coturn.lines.join('\n'), /Bad configuration format/);
});

test('turnd takes the same file', { skip: uclientProgram.skip }, async (t) => {
  const { server, log } = await startTurnd(t, PRIVATE, optionA);
  await Promise.all([relaysEverything(t, []), relaysEverything(t, ['-t'])]);
  const tls = await RawClient.open({
    transport: 'tls',
    host: PRIVATE,
    port: 5349,
    user: 'scrum',
    password: 'PASSWORD',
  });
  t.teardown(() => tls.close());
  const relayed = await tls.allocated();
  t.equal(relayed.ip, PUBLIC);
  t.ok(relayed.port >= 49_152);
  t.equal(await server.stop(), 0);
  const lines = readFileSync(log, 'utf8');
  t.match(lines, /"msg":"ready"/, 'the log is where coturn’s was');
  t.match(lines, new RegExp(`"${PUBLIC.replaceAll('.', '\\.')}"`), 'the public address is shown');
  t.match(lines, /turnserver\.conf:10 log-file: exactly this name/, 'warnings name their lines');
  t.notMatch(lines, /PASSWORD/);
});

test('behind a NAT, its network denied: clients reach each other through coturn', {
  skip: coturnProgram.skip || uclientProgram.skip,
}, async (t) => {
  await startCoturn(t, BEHIND_NAT, denyingFile);
  await relaysEverything(t, [], BEHIND_NAT);
});

test('behind a NAT, its network denied: and through turnd, but nobody else there', {
  skip: uclientProgram.skip,
}, async (t) => {
  const { server } = await startTurnd(t, BEHIND_NAT, denyingFile);
  await relaysEverything(t, [], BEHIND_NAT);
  const client = await RawClient.open({ host: BEHIND_NAT, port: 3478, user: 'scrum', password: 'PASSWORD' });
  t.teardown(() => client.close());
  t.equal((await client.allocated()).ip, '203.0.113.8');
  t.equal((await client.permit('10.7.0.9')).errorCode, 403);
  t.equal((await client.permit(BEHIND_NAT)).errorCode, 403);
  t.equal((await client.permit('203.0.113.77')).errorCode, 403, 'a built-in range');
  t.equal((await client.permit('198.41.0.4')).cls, 2, 'a public address');
  t.equal(await server.stop(), 0);
});
