import { connect } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { test } from 'tap';
import { StreamGroup } from '../../src/streams/stream-group.ts';
import { StreamMode } from '../../src/streams/stream-listener.ts';
import {
  bindingRequest,
  bindingSuccess,
  FakeEngine,
  ManualClock,
  openRig,
  ownLimits,
  Received,
  rawClient,
  roundTrip,
  transaction,
  turn,
  unexpected,
  writeBytes,
} from './support.ts';

function hello(port: number): Received {
  const socket = connectTls({ host: '127.0.0.1', port, rejectUnauthorized: false });
  const received = new Received().listen(socket);
  socket.write(bindingRequest(3));
  return received;
}

const answer = bindingSuccess(transaction(3));

test('TRN-14 TCP and TLS on one port are told apart by the first byte', async (t) => {
  const { engine, group, port } = await openRig(t, StreamMode.TCP_AND_TLS);
  const plain = await rawClient(t, port);
  await roundTrip(plain);
  const secure = hello(port);
  await secure.until(() => secure.bytes.equals(answer));
  t.strictSame(
    engine.endpoints.map((endpoint) => endpoint.transport),
    ['tcp', 'tls'],
  );
  t.equal(group.counters.tcpConnections, 1);
  t.equal(group.counters.tlsConnections, 1);
});

test('TRN-14 a ClientHello that comes byte by byte is TLS', async (t) => {
  const { port } = await openRig(t, StreamMode.TCP_AND_TLS);
  const client = await rawClient(t, port);
  // TLS 1.2 ClientHello: random of zeros, no session, one suite (ECDHE-RSA-AES128-GCM), no compression, the extensions
  // supported_groups (P-256) and signature_algorithms (RSA-PSS and PKCS#1 with SHA-256).
  const parts = ['0303', '00'.repeat(32), '00', '0002c02f', '0100', '0012', '000a000400020017', '000d0006000408040401'];
  const body = parts.join('');
  const handshake = `01${(body.length / 2).toString(16).padStart(6, '0')}${body}`;
  const record = `160301${(handshake.length / 2).toString(16).padStart(4, '0')}${handshake}`;
  await writeBytes(client, Buffer.from(record, 'hex'));
  await client.received.until(() => client.received.bytes.length > 6);
  t.equal(client.received.bytes[0], 22, 'answered by a handshake record');
  t.equal(client.received.bytes[5], 2, 'a ServerHello');
});

test('TRN-14 a plain listener closes on a ClientHello, a TLS listener on plain STUN', async (t) => {
  const plain = await openRig(t, StreamMode.TCP);
  const refused = hello(plain.port);
  t.equal((await refused.end()).length, 0);
  t.equal(plain.group.counters.wrongProtocol, 1);
  const secure = await openRig(t, StreamMode.TLS);
  const client = await rawClient(t, secure.port);
  client.socket.write(bindingRequest());
  t.equal((await client.received.end()).length, 0);
  t.equal(secure.group.counters.wrongProtocol, 1);
  t.equal(secure.engine.frames.length, 0);
});

test('the endpoint has the addresses of both ends', async (t) => {
  const { engine, port } = await openRig(t, StreamMode.TCP);
  const client = await rawClient(t, port);
  await roundTrip(client);
  const endpoint = engine.endpoints[0]!;
  t.equal(endpoint.local.text, `127.0.0.1:${port}`);
  t.equal(endpoint.client.text, `127.0.0.1:${client.socket.localPort}`);
  t.equal(endpoint.stream, true);
});

test('STUN-11 an IPv4 client of a dual-stack listener has IPv4 addresses', async (t) => {
  const engine = new FakeEngine();
  const group = new StreamGroup({
    clock: new ManualClock(),
    handler: engine,
    tls: null,
    report: unexpected,
    limits: ownLimits(),
  });
  t.teardown(() => group.close());
  const listener = await group.listen({ mode: StreamMode.TCP, host: '::', port: 0, dualStack: true });
  const client = await rawClient(t, listener.local.port);
  await roundTrip(client);
  const endpoint = engine.endpoints[0]!;
  t.equal(endpoint.local.text, `127.0.0.1:${listener.local.port}`);
  t.equal(endpoint.client.text, `127.0.0.1:${client.socket.localPort}`);
});

test('an IPv6 listener leaves the port of IPv4 alone', async (t) => {
  const engine = new FakeEngine();
  const group = new StreamGroup({
    clock: new ManualClock(),
    handler: engine,
    tls: null,
    report: unexpected,
    limits: ownLimits(),
  });
  t.teardown(() => group.close());
  const six = await group.listen({ mode: StreamMode.TCP, host: '::', port: 0 });
  const four = await group.listen({ mode: StreamMode.TCP, host: '0.0.0.0', port: six.local.port });
  t.equal(four.local.text, `0.0.0.0:${six.local.port}`);
});

test('an occupied port rejects with the system error', async (t) => {
  const { group, port } = await openRig(t, StreamMode.TCP);
  await t.rejects(group.listen({ mode: StreamMode.TCP, host: '127.0.0.1', port }), { code: 'EADDRINUSE' });
  await t.rejects(group.listen({ mode: StreamMode.TCP, host: '192.0.2.1', port: 0 }), { code: 'EADDRNOTAVAIL' });
});

test('a TLS listener without certificates is refused', async (t) => {
  const group = new StreamGroup({
    clock: new ManualClock(),
    handler: new FakeEngine(),
    tls: null,
    report: unexpected,
    limits: ownLimits(),
  });
  await t.rejects(group.listen({ mode: StreamMode.TCP_AND_TLS, host: '127.0.0.1', port: 0 }), /needs certificates/);
});

test('S45 connections beyond the limit per client are closed at accept, and places are given back', async (t) => {
  const { group, engine, port } = await openRig(t, StreamMode.TCP, { connectionsPerClient: 2 });
  const first = await rawClient(t, port);
  const second = await rawClient(t, port);
  await roundTrip(first);
  await roundTrip(second);
  const third = await rawClient(t, port);
  t.equal((await third.received.end()).length, 0);
  t.equal(group.counters.overClientLimit, 1);
  first.socket.destroy();
  await engine.until(() => engine.closed.length === 1);
  while (group.sockets > 1) await turn();
  await roundTrip(await rawClient(t, port));
});

test('S45 a connection beyond the limit in all is closed at accept where every other has an allocation', async (t) => {
  const { engine, group, port } = await openRig(t, StreamMode.TCP, { connections: 1 });
  const first = await rawClient(t, port);
  await roundTrip(first);
  engine.allocate();
  const second = await rawClient(t, port);
  t.equal((await second.received.end()).length, 0);
  t.equal(group.counters.overTotalLimit, 1);
  await roundTrip(first);
});

test('S45 beyond the limit in all, the connection that was without allocation for longest makes room', async (t) => {
  const { engine, group, port } = await openRig(t, StreamMode.TCP, { connections: 4 });
  const paying = await rawClient(t, port);
  await roundTrip(paying);
  engine.allocate();
  const silent = await rawClient(t, port);
  const talking = await rawClient(t, port);
  await roundTrip(talking);
  const former = await rawClient(t, port);
  await roundTrip(former);
  engine.allocate(2);
  group.sweep();
  engine.deallocate(2);
  group.sweep();
  for (const next of [silent, talking, former]) {
    await roundTrip(await rawClient(t, port));
    await next.received.end();
  }
  t.equal(group.sockets, 4);
  t.equal(group.counters.madeRoom, 3);
  t.equal(group.counters.overTotalLimit, 0);
  await roundTrip(paying);
});

test('R23 when descriptors are short a stranger makes room, else the newcomer is closed', async (t) => {
  const { engine, group, port, descriptors } = await openRig(t, StreamMode.TCP);
  const first = await rawClient(t, port);
  await roundTrip(first);
  descriptors.isShort = true;
  const second = await rawClient(t, port);
  await roundTrip(second);
  await first.received.end();
  engine.allocate(1);
  const third = await rawClient(t, port);
  t.equal((await third.received.end()).length, 0);
  await roundTrip(second, 2);
  t.equal(group.counters.madeRoom, 1);
  t.equal(group.counters.outOfDescriptors, 1);
  t.equal(group.sockets, 1, 'no place is lost');
  group.acceptFailed();
  await roundTrip(second, 3);
  engine.deallocate(1);
  group.sweep();
  group.acceptFailed();
  await second.received.end();
});

test('R24 while memory is short newcomers are closed at once, and connections stay', async (t) => {
  const { group, memory, port } = await openRig(t, StreamMode.TCP);
  const first = await rawClient(t, port);
  await roundTrip(first);
  memory.isShort = true;
  t.equal((await (await rawClient(t, port)).received.end()).length, 0);
  await roundTrip(first, 2);
  t.equal(group.counters.outOfMemory, 1);
  t.equal(group.sockets, 1, 'no place is lost');
  memory.isShort = false;
  await roundTrip(await rawClient(t, port));
});

test('S45 nobody makes room for a client that has its own share', async (t) => {
  const { group, port } = await openRig(t, StreamMode.TCP, { connections: 2, connectionsPerClient: 2 });
  const own = [await rawClient(t, port), await rawClient(t, port)];
  for (const client of own) await roundTrip(client);
  await (await rawClient(t, port)).received.end();
  for (const client of own) await roundTrip(client);
  t.equal(group.counters.madeRoom, 0);
});

test('a closed group has no sockets, answers what was asked, and its port is free', async (t) => {
  const { group, engine, port } = await openRig(t, StreamMode.TCP);
  const client = await rawClient(t, port);
  await roundTrip(client);
  const silent = await rawClient(t, port);
  client.socket.write(bindingRequest(8));
  await engine.until(() => engine.frames.length === 2);
  await group.close();
  t.match((await client.received.end()).toString('hex'), transaction(8));
  await silent.received.end();
  t.equal(group.connections, 0);
  t.equal(engine.closed.length, 1);
  const again = await group.listen({ mode: StreamMode.TCP, host: '127.0.0.1', port });
  t.equal(again.local.port, port);
});

test('a listener that is closed leaves its connections alone', async (t) => {
  const { group, engine } = await openRig(t, StreamMode.TCP);
  const listener = await group.listen({ mode: StreamMode.TCP, host: '127.0.0.1', port: 0 });
  const client = await rawClient(t, listener.local.port);
  await roundTrip(client);
  group.unlisten(listener);
  await roundTrip(client, 2);
  t.equal(engine.closed.length, 0);
  const refused = connect({ host: '127.0.0.1', port: listener.local.port });
  const error = await new Promise<NodeJS.ErrnoException>((resolve) => refused.once('error', resolve));
  t.equal(error.code, 'ECONNREFUSED');
});
