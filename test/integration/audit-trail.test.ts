// What the log of the running server tells of who has relayed, to whom and how much; and that nobody can forge a line.

import { createHmac } from 'node:crypto';
import { type Test, test } from 'tap';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { RawClient, REQUEST } from '../support/raw-client.ts';
import { bareFlags, startTurndWith, type TurndProcess, temporaryDirectory } from '../support/turnd-process.ts';
import { attr, message } from '../support/wire.ts';
import {
  lifetime,
  longTermKey,
  nonce,
  realm,
  requestedTransport,
  software,
  username,
} from '../support/wire-attributes.ts';

const SECRET = '7f1d0c5be2a94683f0c1d75a9be36d2488e1fa07c35b9d6e42a07f1b8cd3e965';
const ORIGIN = 0x802f;

async function start(t: Test, env: Readonly<Record<string, string>> = {}, directory = temporaryDirectory(t)) {
  const flags = [...bareFlags(directory), '--listen', 'udp://127.0.0.1:0', '--user', 'alice:secret-of-alice'];
  return startTurndWith(t, [...flags, '--secret', SECRET, '--log-level', 'trace'], { env });
}

async function openClient(t: Test, server: TurndProcess, who = {}): Promise<RawClient> {
  const client = await RawClient.open({ port: await server.port('udp'), ...who });
  t.teardown(() => client.close());
  return client;
}

/** One call with as many packets there and back, ended by its client. */
async function call(t: Test, server: TurndProcess, packets: number) {
  const client = await openClient(t, server);
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => peer.close());
  const relayed = await client.allocated();
  await client.bind(0x4000, '127.0.0.1', peer.port);
  for (let at = 0; at < packets; at++) {
    client.sendChannel(0x4000, 'twelve bytes');
    await peer.next();
    await peer.send(Buffer.from('seven..'), relayed.port, '127.0.0.1');
    await client.nextData();
  }
  await client.permit('192.0.2.7');
  await client.permit('192.0.2.8');
  t.equal((await client.request(REQUEST.refresh, [lifetime(0)])).cls, 2);
  const ended = await server.logged('the end', ({ event }) => event === 'allocation-ended');
  return { client, relayed, ended };
}

/** The peers of these lines are networks for documentation. */
const OPEN = { TURND_PEERS__ALLOW: '192.0.2.0/24' };

test('S65 each allocation leaves a line with user, client, relay, bytes, time and reason, and joins its lines', async (t) => {
  const server = await start(t, OPEN);
  const { client, relayed, ended } = await call(t, server, 3);
  t.match(ended, {
    level: 'info',
    user: 'alice',
    realm: 'turnd',
    client: `127.0.0.1:${client.datagrams?.port}`,
    transport: 'udp',
    relayed: [`${relayed.ip}:${relayed.port}`],
    bytesFromClient: 36,
    bytesToClient: 21,
    packetsFromClient: 3,
    packetsToClient: 3,
    duration: Number,
    reason: 'deleted',
  });
  t.notOk('peers' in ended, 'not without being asked for');
  const made = await server.logged('the beginning', ({ msg }) => msg === 'allocation made');
  t.equal(made['session'], ended['session']);
});

test('S65 log.peers adds the peers that were permitted', async (t) => {
  const server = await start(t, { ...OPEN, TURND_LOG__PEERS: 'true' });
  const { ended } = await call(t, server, 0);
  t.match(ended, { peers: ['127.0.0.1', '192.0.2.7', '192.0.2.8'], morePeers: 0 });
});

test('S65 log.hide-addresses hides clients and peers in every line, the same way after a restart', async (t) => {
  const env = { ...OPEN, TURND_LOG__PEERS: 'true', TURND_LOG__HIDE_ADDRESSES: 'true' };
  const directory = temporaryDirectory(t);
  const names = new Set<unknown>();
  for (const run of ['first', 'second']) {
    const server = await start(t, env, directory);
    const { ended, client } = await call(t, server, 1);
    const wrong = await openClient(t, server, { password: 'guess' });
    t.equal((await wrong.allocate()).errorCode, 401);
    t.equal((await client.allocate()).cls, 2);
    t.equal((await client.permit('169.254.169.254')).errorCode, 403);
    const failed = await server.logged('the failure', ({ event }) => event === 'auth-failed');
    await server.logged('the refusal', ({ msg }) => msg === 'peer denied');
    await server.stop();
    const [name] = String(ended['client']).split(':');
    t.match(name, /^ip-[0-9a-f]{12}$/, run);
    t.equal(ended['client'], `${name}:${client.datagrams?.port}`);
    t.equal(failed['client'], name);
    t.match(ended['peers'], [name, /^ip-/, /^ip-/]);
    names.add(name);
    // The relay is the server's own, and so are the addresses of the line `ready`.
    const said = server.stdout.filter((line) => !line.includes('"event":"ready"')).join('\n');
    t.notMatch(said.replaceAll(/"relayed":\[[^\]]*\]/g, ''), /127\.0\.0\.1|192\.0\.2\.|169\.254\./, run);
  }
  t.equal(names.size, 1);
});

// biome-ignore lint/suspicious/noControlCharactersInRegex: these must not reach a log
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202e]/;
const HOSTILE = [
  '"}{"level":"fatal","msg":"forged"}',
  'a\r\n{"level":"fatal","msg":"forged"}',
  'ansi \u001b[31mred\u001b[0m',
  'nul\0nul',
  'line\u2028paragraph\u2029end \u202egnp',
  '\\"},\\n',
];

test('S56 hostile text in USERNAME, REALM, SOFTWARE and ORIGIN makes no line but one record each', async (t) => {
  const server = await start(t, { TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0' });
  const client = await openClient(t, server);
  await client.challenge();
  const before = server.stdout.length;
  let failures = 0;
  for (const text of HOSTILE) {
    const more = [software(text), [ORIGIN, Buffer.from(text)] as const];
    const attempts = [
      { user: text, realmText: client.realm },
      { user: 'alice', realmText: text },
    ];
    for (const { user, realmText } of attempts) {
      const attrs = [requestedTransport(), ...more, username(user), realm(realmText), nonce(client.nonce)];
      const key = longTermKey(user, realmText, 'guess');
      const answer = await client.exchange(message({ type: REQUEST.allocate, attrs, key }));
      t.match(String(answer.errorCode), /^(400|401)$/);
      if (answer.errorCode === 401) failures += 1;
    }
  }
  const count = (): number =>
    server.log
      .slice(before)
      .reduce((sum, line) => sum + (line.event === 'auth-failed' ? 1 : Number(line['suppressed'] ?? 0)), 0);
  await server.until('a record of each', () => (count() >= failures ? true : undefined));
  await server.stop();
  t.equal(count(), failures);
  t.ok(failures >= HOSTILE.length, `${failures} failures`);
  const lines = server.stdout.slice(before);
  for (const line of lines) {
    t.notMatch(line, UNSAFE);
    t.type(JSON.parse(line), 'object');
    t.not(JSON.parse(line).msg, 'forged');
  }
});

test('S56 hostile text in the name of a user who is let in makes one record', async (t) => {
  const server = await start(t);
  const user = '4000000000:"}{"level":"fatal","msg":"forged"} \\n';
  const password = createHmac('sha1', SECRET).update(user).digest('base64');
  const client = await openClient(t, server, { user, password });
  const attrs = [software('"}{\u2028'), [ORIGIN, Buffer.from('"}{\r\n\u001b[31m')] as const];
  t.equal((await client.allocate(attrs)).cls, 2);
  t.equal((await client.request(REQUEST.refresh, [lifetime(0)])).get(attr.errorCode), undefined);
  const ended = await server.logged('the end', ({ event }) => event === 'allocation-ended');
  t.equal(ended['user'], user);
  await server.stop();
  for (const line of server.stdout) {
    t.notMatch(line, UNSAFE);
    t.not(JSON.parse(line).msg, 'forged');
  }
});
