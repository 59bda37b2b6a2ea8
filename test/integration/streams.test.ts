// TCP and TLS of a real server: what is no TURN closes, what is slow or long stays in step, and what closes is over.

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { patiently, RawClient, REQUEST } from '../support/raw-client.ts';
import { bareFlags, startLabTurnd, startTurndWith, temporaryDirectory } from '../support/turnd-process.ts';
import { whenClosed } from '../support/when-closed.ts';
import { channelData, decode, message } from '../support/wire.ts';

const TCP = ['--listen', 'tcp://127.0.0.1:0'];
const STREAMS = [...TCP, '--listen', 'tls://127.0.0.1:0', '--listen', 'tcp+tls://127.0.0.1:0'];

async function openClient(t: Test, port: number, transport: 'udp' | 'tcp' | 'tls' = 'tcp'): Promise<RawClient> {
  const client = await RawClient.open({ transport, port });
  t.teardown(() => client.close());
  return client;
}

async function openPeer(t: Test): Promise<DatagramPeer> {
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => peer.close());
  return peer;
}

async function openSocket(t: Test, port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1');
  socket.on('error', () => undefined);
  t.teardown(() => socket.destroy());
  await once(socket, 'connect');
  return socket;
}

/** Everything that comes until the server closes. */
async function readToEnd(socket: Socket): Promise<Buffer> {
  const chunks: Buffer[] = [];
  socket.on('data', (chunk) => chunks.push(chunk));
  await patiently('the end of the connection', whenClosed(socket));
  return Buffer.concat(chunks);
}

test('TRN-06 ten requests in one write are all answered, matched by transaction', async (t) => {
  const server = await startLabTurnd(t, STREAMS);
  for (const transport of ['tcp', 'tls'] as const) {
    const client = await openClient(t, await server.port(transport), transport);
    await client.challenge();
    const answers = Array.from({ length: 9 }, () => client.binding());
    const refused = client.exchange(message({ type: REQUEST.allocate }));
    t.ok((await Promise.all(answers)).every(({ cls }) => cls === 2));
    t.equal((await refused).cls, 3);
  }
});

test('TRN-07 a connection is left open for its client after an answer', async (t) => {
  const server = await startLabTurnd(t, TCP);
  const client = await openClient(t, await server.port('tcp'));
  let isClosed = false;
  void client.closed.then(() => {
    isClosed = true;
  });
  await client.binding();
  // A whole life of another connection, and a tick of the server, later:
  const other = await openClient(t, await server.port('tcp'));
  await other.allocated();
  other.close();
  await server.logged('the end of the other allocation', ({ reason }) => reason === 'connection-closed');
  t.equal((await client.binding()).cls, 2);
  t.equal(isClosed, false);
});

const UNFRAMEABLE: Readonly<Record<string, Buffer>> = {
  'GET / HTTP/1.1': Buffer.from('GET / HTTP/1.1\r\nHost: turn.example.org\r\n\r\n'),
  'POST and its body': Buffer.from('POST /x HTTP/1.1\r\nContent-Length: 3\r\n\r\nabc'),
  'an HTTP/2 preface': Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  'a wrong cookie': message({ type: REQUEST.binding, cookie: 0x2112a443 }),
  '64 KB of zeros': Buffer.alloc(65_536),
  'a byte beyond 0x7F': Buffer.concat([Buffer.from([0x80]), randomBytes(63)]),
  'a TLS ClientHello': Buffer.from('1603010005010000010303', 'hex'),
};

for (const [name, bytes] of Object.entries(UNFRAMEABLE)) {
  test(`TRN-08 BAD-36 ${name} on a plain port closes the connection without a byte`, async (t) => {
    const server = await startLabTurnd(t, TCP);
    const socket = await openSocket(t, await server.port('tcp'));
    socket.write(bytes);
    t.equal((await readToEnd(socket)).length, 0);
    t.equal((await (await openClient(t, await server.port('tcp'))).binding()).cls, 2, 'others are served');
  });
}

test('BAD-36 a ClientHello is welcome where TLS shares the port', async (t) => {
  const server = await startLabTurnd(t, STREAMS);
  const port = await server.port('tcp+tls');
  t.equal((await (await openClient(t, port, 'tls')).binding()).cls, 2);
  t.equal((await (await openClient(t, port, 'tcp')).binding()).cls, 2);
});

test('BAD-34 TURN-90 ChannelData of 65,535 bytes on no channel is skipped by its length', async (t) => {
  const server = await startLabTurnd(t, STREAMS);
  for (const transport of ['tcp', 'tls'] as const) {
    const client = await openClient(t, await server.port(transport), transport);
    client.send(channelData(0x4001, Buffer.alloc(65_535, 0x11), { pad: true }));
    t.equal((await client.binding()).cls, 2, 'as the first bytes of a connection');
    client.send(channelData(0x7fff, randomBytes(65_533), { pad: true }));
    t.equal((await client.binding()).cls, 2, 'as later ones');
  }
});

/** A server with streams and these limits, and a client that holds an allocation. */
async function startLimited(t: Test, limits: string) {
  const directory = temporaryDirectory(t);
  const file = join(directory, 'turnd.yaml');
  writeFileSync(file, `limits: {${limits}}\n`);
  const flags = [...bareFlags(directory), '--config', file, '--user', 'alice:secret-of-alice', ...STREAMS];
  const server = await startTurndWith(t, flags);
  const busy = await openClient(t, await server.port('tcp'));
  await busy.allocated();
  return { server, busy };
}

test('BAD-35 BAD-37 what never is a whole frame is closed at its limit; others are served', async (t) => {
  const { server, busy } = await startLimited(t, 'handshake-timeout: 1');
  const longest = message({ type: REQUEST.allocate, length: 0xfffc });
  const openings = [Buffer.alloc(0), longest.subarray(0, 1), longest, Buffer.concat([longest, Buffer.alloc(60_000)])];
  const port = await server.port('tcp');
  const slow = await Promise.all(openings.map(() => openSocket(t, port)));
  const silentTls = await openSocket(t, await server.port('tls'));
  const ends = [...slow, silentTls].map(readToEnd);
  for (const [at, socket] of slow.entries()) socket.write(openings[at] ?? '');
  // One byte now and then is no whole frame either.
  const dribble = setInterval(() => slow[2]?.write(Buffer.alloc(1)), 100);
  const lengths = (await Promise.all(ends)).map(({ length }) => length);
  clearInterval(dribble);
  t.same(lengths, [0, 0, 0, 0, 0]);
  t.equal((await busy.binding()).cls, 2);
});

test('TRN-09 a connection without allocation is closed at the idle limit', async (t) => {
  const { server, busy } = await startLimited(t, 'idle-timeout: 1');
  const idle = await openClient(t, await server.port('tcp'));
  await idle.binding();
  await patiently('the idle limit', idle.closed);
  t.equal((await busy.binding()).cls, 2, 'one with an allocation stays');
});

for (const [name, close] of [
  ['closes', (socket: Socket) => socket.end()],
  ['resets', (socket: Socket) => socket.resetAndDestroy()],
] as const) {
  test(`TRN-10 a client that ${name} its connection ends its allocation: port and quota come back`, async (t) => {
    const server = await startLabTurnd(t, [...TCP, '--user-quota', '1']);
    const tcp = await server.port('tcp');
    const first = await openClient(t, tcp);
    const { port } = await first.allocated();
    await first.permit('127.0.0.1');
    const second = await openClient(t, tcp);
    t.equal((await second.allocate()).errorCode, 486, 'the quota is used up');
    close(first.socket as Socket);
    await server.logged('the end of the allocation', ({ reason }) => reason === 'connection-closed');
    const holder = await DatagramPeer.open('127.0.0.1', port);
    holder.close();
    t.equal((await second.allocate()).cls, 2);
  });
}

test('TURN-68 payloads up to the UDP maximum pass stream clients both ways', async (t) => {
  const server = await startLabTurnd(t, STREAMS);
  const peer = await openPeer(t);
  for (const transport of ['tcp', 'tls'] as const) {
    const client = await openClient(t, await server.port(transport), transport);
    const { port } = await client.allocated();
    await client.bind(0x4000, '127.0.0.1', peer.port);
    for (const length of [65_000, 65_507]) {
      const payload = randomBytes(length);
      await peer.send(payload, port, '127.0.0.1');
      t.ok(payload.equals(await client.nextData()), `${length} bytes to the ${transport} client`);
      client.sendChannel(0x4000, payload);
      t.ok(payload.equals((await peer.next()).bytes), `${length} bytes from the ${transport} client`);
    }
    client.sendChannel(0x4000, Buffer.alloc(65_535));
    client.sendChannel(0x4000, 'after what fits no datagram');
    t.equal((await peer.next()).bytes.toString(), 'after what fits no datagram');
  }
});

test('TURN-68 what no longer fits a datagram to a UDP client is dropped without harm', async (t) => {
  const server = await startLabTurnd(t);
  const peer = await openPeer(t);
  const client = await openClient(t, await server.port('udp'), 'udp');
  const { port } = await client.allocated();
  await client.bind(0x4000, '127.0.0.1', peer.port);
  await peer.send(Buffer.alloc(65_507), port, '127.0.0.1');
  const largest = randomBytes(65_503);
  await peer.send(largest, port, '127.0.0.1');
  t.ok(largest.equals(await client.nextData()), 'the largest that fits comes next');
});

test('TURN-99 a datagram that was fragmented on its way arrives whole, over TCP and TLS', async (t) => {
  const server = await startLabTurnd(t, STREAMS);
  const peer = await openPeer(t);
  for (const transport of ['tcp', 'tls'] as const) {
    const client = await openClient(t, await server.port(transport), transport);
    const { port } = await client.allocated();
    await client.permit('127.0.0.1');
    const payload = randomBytes(5000);
    await peer.send(payload, port, '127.0.0.1');
    const indication = decode(await client.next());
    t.equal(indication.type, 0x0017);
    t.ok(indication.get(0x0013)?.equals(payload), transport);
  }
});

test('STUN-11 an IPv4 client of a dual-stack TCP listener is told an IPv4 address', async (t) => {
  const directory = temporaryDirectory(t);
  const flags = [...bareFlags(directory), '--user', 'alice:secret-of-alice', '--listen', 'tcp://*:0'];
  const server = await startTurndWith(t, flags);
  const client = await openClient(t, await server.port('tcp'));
  const mapped = (await client.binding()).xorAddress(0x0020);
  t.equal(mapped, `127.0.0.1:${client.socket?.localPort}`);
});
