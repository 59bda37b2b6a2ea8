// Who may be a peer, on a running server of either shape: faults in the rules, hosts of the configuration, the scan brake,
// and what an operator sees of it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { ControlClient } from '../../src/control/control-client.ts';
import type { ReloadReport } from '../../src/control/server-control.ts';
import { RawClient, REQUEST } from '../support/raw-client.ts';
import { bareFlags, runTurnd, type Teardown, TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';
import type { Decoded } from '../support/wire.ts';
import { xorPeerAddress } from '../support/wire-attributes.ts';

const AUTH = 'auth: {users: ["alice:secret-of-alice"]}\n';
const OK = 0x0108;

interface Scene {
  readonly server: TurndProcess;
  readonly directory: string;
  readonly config: string;
}

async function start(t: Teardown, yaml: string): Promise<Scene> {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'turnd.yaml');
  writeFileSync(config, AUTH + yaml, { mode: 0o600 });
  const server = new TurndProcess([...bareFlags(directory), '--listen', 'udp://127.0.0.1:0', '--config', config]);
  t.teardown(() => server.stop());
  await server.ready();
  return { server, directory, config };
}

async function enter(t: Teardown, { server }: Scene): Promise<RawClient> {
  const client = await RawClient.open({ port: await server.port('udp') });
  t.teardown(() => client.close());
  await client.allocated();
  return client;
}

function control({ directory }: Scene): Promise<ControlClient> {
  return ControlClient.open({ path: join(directory, 'state', 'turnd.sock'), timeout: 30_000 });
}

async function reload(scene: Scene, yaml: string): Promise<ReloadReport> {
  writeFileSync(scene.config, AUTH + yaml);
  return (await control(scene)).reload();
}

/** Asks until the answer is a success: a worker hears of a change a moment after whoever made it. */
async function permitAtLast(client: RawClient, ...ips: readonly string[]): Promise<Decoded> {
  const attrs = ips.map((ip) => xorPeerAddress(ip, 0));
  let answer = await client.request(REQUEST.createPermission, attrs);
  while (answer.type !== OK) answer = await client.request(REQUEST.createPermission, attrs);
  return answer;
}

/** Lines 2 to 7 of a file, each of them wrong. */
const FAULTY = `peers:
  deny: [10.0.0.0/33, 10.0.0.1/8]
  allow: [fe80::1%eth0]
  denied: [10.0.0.0/8]
relay:
  ports: 49152-65536
`;
const FAULTS = [
  ':3:10 peers.deny.0: "10.0.0.0/33" has a prefix longer than 32',
  ':3:23 peers.deny.1: "10.0.0.1/8" has bits set beyond its prefix; the network is 10.0.0.0/8',
  ':4:11 peers.allow.0: "fe80::1%eth0" has a zone',
  ':5:3 peers: unknown key "denied"',
  ':7:10 relay.ports: "49152-65536" reaches outside 1024-65535',
] as const;

function namesAll(t: Test, text: string): void {
  for (const fault of FAULTS) t.ok(text.includes(`turnd.yaml${fault}`), `${fault} in ${text}`);
}

test('S32 turnd ends and names the line of every fault in its rules', async (t) => {
  const directory = temporaryDirectory(t);
  const config = join(directory, 'turnd.yaml');
  writeFileSync(config, AUTH + FAULTY, { mode: 0o600 });
  const ended = await runTurnd([...bareFlags(directory), '--config', config]);
  t.equal(ended.code, 2);
  namesAll(t, ended.stderr);
  t.notMatch(ended.stdout, /"msg":"ready"/);
});

test('S32 a reload of faulty rules is refused with their lines, and the old ones hold', async (t) => {
  const scene = await start(t, 'peers: {deny: [93.184.216.0/24], allow: [10.1.0.0/16]}\n');
  const client = await enter(t, scene);
  for (const yaml of [FAULTY, 'peers: {deny: [10.0.0.1/8]}\n', 'peers: {denied: []}\n']) {
    const refusal = await reload(scene, yaml).catch((error: Error) => error.message);
    if (typeof refusal !== 'string') t.fail(`taken: ${yaml}`);
    else if (yaml === FAULTY) namesAll(t, refusal);
    else t.match(refusal, /turnd\.yaml:2:\d+ peers/);
    t.equal((await client.permit('93.184.216.34')).errorCode, 403);
    t.equal((await client.permit('10.1.0.1')).type, OK);
  }
});

test('S36 a database at a public address is no peer, whatever is allowed; the log names the rule', async (t) => {
  const statsdb = 'statsdb: "redis://:a-password@93.184.216.34:6379/0"\n';
  const scene = await start(t, `${statsdb}peers: {allow: [0.0.0.0/0]}\n`);
  const client = await enter(t, scene);
  t.equal((await client.permit('93.184.216.34')).errorCode, 403);
  t.equal((await client.bind(0x4000, '93.184.216.34', 80)).errorCode, 403);
  t.equal((await client.permit('93.184.216.35')).type, OK);
  const line = await scene.server.logged('the refusal', ({ event }) => event === 'peer-denied');
  t.match(line, { level: 'info', user: 'alice', peer: '93.184.216.34', rule: 'configured host', session: Number });
  await reload(scene, `${statsdb}peers: {allow: [93.184.216.34, 10.0.0.0/8]}\n`);
  await permitAtLast(client, '10.1.2.3');
  t.equal((await client.permit('93.184.216.34')).errorCode, 403);
});

test('S39 a scanner is braked, an operator sees it, and the limit changes live', async (t) => {
  const scene = await start(t, '');
  const client = await enter(t, scene);
  let named = 0;
  let answer = await client.permit('9.9.0.0');
  for (; answer.type === OK; answer = await client.permit(`9.9.${named >> 8}.${named & 0xff}`)) named++;
  t.equal(answer.errorCode, 508);
  t.ok(named >= 30, `${named} addresses, and as many as a call needs`);
  const line = await scene.server.logged('the alarm', ({ event }) => event === 'scan-limited');
  t.match(line, { level: 'warn', user: 'alice', rule: 'new peers too fast' });
  const { applied } = await reload(scene, 'limits: {new-peers-per-second: 0}\n');
  t.same(applied, ['limits.new-peers-per-second']);
  await permitAtLast(client, ...Array.from({ length: 50 }, (_, at) => `9.8.0.${at}`));
  const { counters } = await (await control(scene)).status();
  t.match(JSON.stringify(counters), /"peerDenied":0,"scanLimited":[1-9]/, 'it is counted');
});

test('S31 rules without effect are warned of at the start and at a reload', async (t) => {
  const scene = await start(t, 'peers: {allow: [169.254.0.0/16]}\n');
  const isWarning = ({ level, msg }: { level?: string; msg?: string }): boolean =>
    level === 'warn' && msg?.startsWith('peers.allow: 169.254.0.0/16 has no effect') === true;
  await scene.server.logged('the warning', isWarning);
  const { warnings } = await reload(scene, 'peers: {allow: [224.0.0.0/4]}\n');
  t.match(warnings.at(-1), /peers\.allow: 224\.0\.0\.0\/4 has no effect: 224\.0\.0\.0\/4 \(multicast\) stays closed/);
  const client = await enter(t, scene);
  t.equal((await client.permit('224.0.0.5')).errorCode, 403);
});

test('rules for clients of one realm come and go with a reload, in every process', async (t) => {
  const scene = await start(t, 'realm: r.example\npeers: {realms: [{realm: r.example, allow: [10.1.0.0/16]}]}\n');
  const client = await enter(t, scene);
  t.equal((await client.permit('10.1.0.1')).type, OK);
  const deny = 'peers: {realms: [{realm: r.example, allow: [10.2.0.0/16], deny: [9.9.9.9]}]}\n';
  await reload(scene, `realm: r.example\n${deny}`);
  await permitAtLast(client, '10.2.0.1');
  t.equal((await client.permit('10.1.0.1')).errorCode, 403);
  t.equal((await client.permit('9.9.9.9')).errorCode, 403);
});
