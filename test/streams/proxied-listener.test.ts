// Listeners behind a proxy: who may connect, what is done before the header, and whose the connection is after it.

import { connect as connectTls } from 'node:tls';
import { type Test, test } from 'tap';
import { StreamMode } from '../../src/streams/stream-listener.ts';
import { TrustedProxies } from '../../src/streams/trusted-proxies.ts';
import {
  bindingRequest,
  bindingSuccess,
  openRig,
  type RawClient,
  Received,
  type Rig,
  type RigSettings,
  rawClient,
  roundTrip,
  transaction,
  turn,
  writeBytes,
} from './support.ts';

const LINE = Buffer.from('PROXY TCP4 198.51.100.7 192.0.2.10 54321 3478\r\n');
const BLOCK = Buffer.from('0d0a0d0a000d0a515549540a2111000cc6336407c000020ad4310d96', 'hex');
const LOCAL = Buffer.from('0d0a0d0a000d0a515549540a20000000', 'hex');

function openProxied(t: Test, mode: StreamMode = StreamMode.TCP, settings: RigSettings = {}): Promise<Rig> {
  return openRig(t, mode, { ...settings, proxied: true });
}

/** The client that a header names. */
function headerOf(client: string, port: number): Buffer {
  return Buffer.from(`PROXY TCP4 ${client} 192.0.2.10 ${port} 3478\r\n`);
}

/** A connection that a proxy has opened and announced. */
async function announced(t: Test, port: number, header: Buffer): Promise<RawClient> {
  const client = await rawClient(t, port);
  client.socket.write(header);
  return client;
}

/** TLS over a connection that begins with a header. */
async function secured(t: Test, port: number, header: Buffer): Promise<Received> {
  const { socket } = await rawClient(t, port);
  socket.removeAllListeners('data');
  socket.write(header);
  const secure = connectTls({ socket, rejectUnauthorized: false });
  const received = new Received().listen(secure);
  secure.write(bindingRequest(3));
  return received;
}

test('PROXY-16 the header says whose the connection is, and where it has come in', async (t) => {
  for (const header of [LINE, BLOCK]) {
    const { engine, port } = await openProxied(t);
    await roundTrip(await announced(t, port, header));
    const endpoint = engine.endpoints[0]!;
    t.equal(endpoint.client.text, '198.51.100.7:54321');
    t.equal(endpoint.local.text, '192.0.2.10:3478');
  }
});

test('PROXY-07 PROXY-09 without a client in it, the connection has its own addresses', async (t) => {
  for (const header of [LOCAL, Buffer.from('PROXY UNKNOWN\r\n')]) {
    const { engine, port } = await openProxied(t);
    const client = await announced(t, port, header);
    await roundTrip(client);
    t.equal(engine.endpoints[0]!.client.text, `127.0.0.1:${client.socket.localPort}`);
  }
});

test('PROXY-18 header and request in one write lose nothing', async (t) => {
  const { port } = await openProxied(t);
  const client = await announced(t, port, Buffer.concat([BLOCK, bindingRequest(7), bindingRequest(8)]));
  const both = Buffer.concat([bindingSuccess(transaction(7)), bindingSuccess(transaction(8))]);
  await client.received.until(() => client.received.bytes.equals(both));
});

test('PROXY-04 header and request may come byte by byte', async (t) => {
  const { engine, port } = await openProxied(t);
  const client = await rawClient(t, port);
  await writeBytes(client, Buffer.concat([LINE, bindingRequest(7)]));
  await client.received.until(() => client.received.bytes.equals(bindingSuccess(transaction(7))));
  t.equal(engine.endpoints[0]!.client.text, '198.51.100.7:54321');
});

test('PROXY-03 the header comes in front of the ClientHello, on a listener for TLS and on one for both', async (t) => {
  for (const mode of [StreamMode.TLS, StreamMode.TCP_AND_TLS]) {
    const { engine, port } = await openProxied(t, mode);
    const received = await secured(t, port, BLOCK);
    await received.until(() => received.bytes.equals(bindingSuccess(transaction(3))));
    t.equal(engine.endpoints[0]!.client.text, '198.51.100.7:54321');
    t.equal(engine.endpoints[0]!.transport, 'tls');
  }
});

test('PROXY-01 without a header a proxied listener closes and says nothing', async (t) => {
  const { engine, group, port, proxiesRefused } = await openProxied(t);
  const client = await announced(t, port, bindingRequest());
  t.equal((await client.received.end()).length, 0);
  t.equal(group.counters.proxyHeadersRefused, 1);
  t.same(proxiesRefused, [['127.0.0.1', true]]);
  t.equal(engine.frames.length, 0);
});

test('PROXY-01 any other listener takes a header for garbage', async (t) => {
  for (const header of [LINE, BLOCK]) {
    const { engine, port } = await openRig(t, StreamMode.TCP);
    const client = await announced(t, port, Buffer.concat([header, bindingRequest()]));
    t.equal((await client.received.end()).length, 0);
    t.equal(engine.frames.length, 0);
  }
});

test('PROXY-02 a source that is no trusted proxy is closed, whatever it says', async (t) => {
  const { engine, group, port, proxiesRefused } = await openProxied(t, StreamMode.TCP, {
    trustedProxies: new TrustedProxies(['127.0.0.2', '::1/128']),
  });
  const stranger = await announced(t, port, Buffer.concat([LINE, bindingRequest()]));
  t.equal((await stranger.received.end()).length, 0);
  t.equal(engine.frames.length, 0);
  t.equal(group.counters.untrustedProxies, 1);
  t.same(proxiesRefused, [['127.0.0.1', false]]);
  const proxy = await rawClient(t, port, '127.0.0.2');
  proxy.socket.write(LINE);
  await roundTrip(proxy);
  group.settings = { ...group.settings, trustedProxies: new TrustedProxies(['127.0.0.1']) };
  await roundTrip(await announced(t, port, LINE));
});

test('PROXY-04 half a header is waited for until the deadline of a first frame, and the header buys no more time', async (t) => {
  const { clock, engine, group, port } = await openProxied(t);
  const half = await announced(t, port, LINE.subarray(0, 20));
  const silent = await announced(t, port, BLOCK);
  await roundTrip(await announced(t, port, LINE));
  clock.time += 3000;
  group.sweep();
  half.socket.write(LINE.subarray(20));
  await roundTrip(half);
  const late = await announced(t, port, LINE.subarray(0, 20));
  while (group.sockets < 4) await turn();
  clock.time += 7000;
  group.sweep();
  t.equal((await silent.received.end()).length, 0, 'its header has come, and nothing else, in 10 s');
  t.equal(group.counters.firstFrameTimeouts, 1);
  clock.time += 3000;
  group.sweep();
  t.equal((await late.received.end()).length, 0);
  t.equal(engine.endpoints.length, 2);
});

test('PROXY-16 connections are limited per client, not per proxy, and places are given back', async (t) => {
  const { engine, group, port } = await openProxied(t, StreamMode.TCP, { connectionsPerClient: 2 });
  const first = await announced(t, port, headerOf('198.51.100.7', 1));
  const others = [headerOf('198.51.100.7', 2), headerOf('198.51.100.8', 1), LOCAL, LOCAL, LOCAL];
  for (const client of [first, ...(await Promise.all(others.map((header) => announced(t, port, header))))]) {
    await roundTrip(client);
  }
  const third = await announced(t, port, Buffer.concat([headerOf('198.51.100.7', 3), bindingRequest()]));
  t.equal((await third.received.end()).length, 0);
  t.equal(group.counters.overClientLimit, 1);
  first.socket.destroy();
  await engine.until(() => engine.closed.length === 1);
  while (group.sockets > 5) await turn();
  await roundTrip(await announced(t, port, headerOf('198.51.100.7', 4)));
  t.equal(group.sockets, 6);
});

test('PROXY-16 connections behind proxies count among all', async (t) => {
  const { engine, group, port } = await openProxied(t, StreamMode.TCP, { connections: 1 });
  const paying = await announced(t, port, LINE);
  await roundTrip(paying);
  engine.allocate();
  const second = await announced(t, port, headerOf('198.51.100.8', 1));
  t.equal((await second.received.end()).length, 0);
  t.equal(group.counters.overTotalLimit, 1);
  await roundTrip(paying, 2);
});

test('a connection that ends within its header leaves nothing behind', async (t) => {
  const { engine, group, port } = await openProxied(t);
  const client = await announced(t, port, LINE.subarray(0, 20));
  while (group.sockets < 1) await turn();
  client.socket.destroy();
  while (group.sockets > 0) await turn();
  await roundTrip(await announced(t, port, LINE));
  t.equal(engine.endpoints.length, 1);
});
