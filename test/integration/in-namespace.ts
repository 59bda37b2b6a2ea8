// Run by network-namespace.test.ts in a network namespace of its own: default ports, wildcard listeners, addresses
// that come and go. The host has 192.0.2.1, 192.0.2.2 and 2001:db8::1 on a virtual cable.

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { patiently, RawClient } from '../support/raw-client.ts';
import { runTurnd, startTurndWith, temporaryDirectory } from '../support/turnd-process.ts';
import { decode, message } from '../support/wire.ts';

const ADDRESSES = ['192.0.2.1', '192.0.2.2', '127.0.0.1'] as const;

function ip(...args: readonly string[]): void {
  execFileSync('ip', args);
}

function setUpNetwork(): void {
  ip('link', 'set', 'lo', 'up');
  ip('link', 'add', 'turnd0', 'type', 'veth', 'peer', 'name', 'turnd1');
  for (const end of ['turnd0', 'turnd1']) ip('link', 'set', end, 'up');
  for (const address of ['192.0.2.1/24', '192.0.2.2/24']) ip('address', 'add', address, 'dev', 'turnd0');
  ip('address', 'add', '2001:db8::1/64', 'dev', 'turnd0', 'nodad');
}

/** Asks one address from an unconnected socket, so that the source of the answer is seen as it is. */
async function sourceOfAnswer(t: Test, from: string, to: string, port: number): Promise<string> {
  const socket = await DatagramPeer.open(from);
  t.teardown(() => socket.close());
  await socket.send(message({ type: 0x0001 }), port, to);
  const heard = await patiently(`an answer from ${to}`, socket.next());
  const answer = decode(heard.bytes);
  t.equal(answer.cls, 2);
  return `${heard.address} ${heard.port}`;
}

setUpNetwork();

test('TRN-02 TRN-01 without configuration: 3478 over UDP and TCP, 5349 over TLS, on every address', async (t) => {
  const cwd = temporaryDirectory(t);
  const server = await startTurndWith(t, [], { cwd });
  const line = await server.until('iceServers', () => server.stdout.find((one) => one.startsWith('{"iceServers":')));
  const [iceServer] = JSON.parse(line).iceServers;
  const [user, password] = [String(iceServer.username), String(iceServer.credential)];
  t.same(iceServer.urls, ['turn:192.0.2.1:3478?transport=udp', 'turn:192.0.2.1:3478?transport=tcp']);
  for (const host of [...ADDRESSES, '2001:db8::1', '::1']) {
    for (const [transport, port] of [
      ['udp', 3478],
      ['tcp', 3478],
      ['tls', 3478],
      ['tls', 5349],
      ['tcp', 5349],
    ] as const) {
      const client = await RawClient.open({ transport, host, port, user, password });
      t.teardown(() => client.close());
      t.equal((await client.binding()).cls, 2, `${transport} ${host} ${port}`);
    }
  }
  const client = await RawClient.open({ host: '192.0.2.1', port: 3478, user, password });
  t.teardown(() => client.close());
  const relayed = await client.allocated();
  t.equal(relayed.ip, '192.0.2.1');
  t.ok(relayed.port >= 49_152, `relay port ${relayed.port}`);
  t.equal(await server.stop(), 0);
});

for (const host of ['*', '0.0.0.0']) {
  test(`STUN-08 an answer leaves from the address that was asked (listener on ${host})`, async (t) => {
    const state = join(temporaryDirectory(t), 'state');
    const flags = ['--listen', `udp://${host}:3478`, '--user', 'alice:secret', '--state-dir', state];
    await startTurndWith(t, flags);
    for (const from of ['0.0.0.0', '192.0.2.2']) {
      for (const to of from === '0.0.0.0' ? ADDRESSES : ['192.0.2.1', '192.0.2.2']) {
        t.equal(await sourceOfAnswer(t, from, to, 3478), `${to} 3478`, `${from} asks ${to}`);
      }
    }
  });
}

test('STUN-08 the local address is part of the five-tuple', async (t) => {
  const state = join(temporaryDirectory(t), 'state');
  const flags = ['--listen', 'udp://*:3478', '--user', 'alice:secret-of-alice', '--state-dir', state];
  await startTurndWith(t, flags);
  const socket = await DatagramPeer.open('192.0.2.2');
  t.teardown(() => socket.close());
  // One at a time: both answer to this socket from port 3478.
  const first = await RawClient.open({ host: '192.0.2.1', port: 3478, socket });
  const before = await first.allocated();
  const second = await RawClient.open({ host: '192.0.2.2', port: 3478, socket });
  const after = await second.allocated();
  t.not(before.port, after.port, 'a second allocation, and no 437');
});

test('an address that comes later is listened on at the next scan', async (t) => {
  const state = join(temporaryDirectory(t), 'state');
  await startTurndWith(t, ['--listen', 'udp://*:3478', '--user', 'alice:secret', '--state-dir', state]);
  ip('address', 'add', '192.0.2.3/24', 'dev', 'turnd0');
  t.teardown(() => ip('address', 'del', '192.0.2.3/24', 'dev', 'turnd0'));
  const client = await RawClient.open({ host: '192.0.2.3', port: 3478 });
  t.teardown(() => client.close());
  await client.knock(30_000);
  t.equal((await client.binding()).cls, 2);
});

test('an occupied default port is named with its address', async (t) => {
  const holder = await DatagramPeer.open('192.0.2.2', 3478);
  t.teardown(() => holder.close());
  const ended = await runTurnd([], { cwd: temporaryDirectory(t) });
  const advice = 'another program uses it: stop that one, or choose another port';
  t.equal(ended.stderr, `turnd: cannot listen on UDP 192.0.2.2 port 3478: ${advice}\n`);
  t.equal(ended.code, 1);
});
