// Floods, broken clients and shortage, while a call runs: nobody else may notice, and the log stays quiet.

import { execFileSync } from 'node:child_process';
import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { type Test, test } from 'tap';
import { DatagramPeer } from '../support/datagram-peer.ts';
import { patiently, RawClient, REQUEST } from '../support/raw-client.ts';
import { startLabTurnd, type TurndProcess } from '../support/turnd-process.ts';
import { whenClosed } from '../support/when-closed.ts';
import { channelData, message, unitLength } from '../support/wire.ts';
import { data, lifetime, xorPeerAddress } from '../support/wire-attributes.ts';
import { workersOf } from '../support/worker-processes.ts';

const STREAMS = ['--listen', 'tcp://127.0.0.1:0', '--listen', 'tls://127.0.0.1:0'];

/** A client and its peer: {@link Call.roundTrip} goes all the way and back. */
class Call {
  readonly client: RawClient;
  readonly peer: DatagramPeer;
  readonly relayPort: number;
  #number = 0;

  static async open(t: Test, port: number, transport: 'udp' | 'tcp' | 'tls' = 'udp'): Promise<Call> {
    const peer = await DatagramPeer.open('127.0.0.1');
    const client = await RawClient.open({ port, transport });
    t.teardown(() => [client.close(), peer.close()]);
    const relayed = await client.allocated();
    await client.bind(0x4abc, '127.0.0.1', peer.port);
    return new Call(client, peer, relayed.port);
  }

  private constructor(client: RawClient, peer: DatagramPeer, relayPort: number) {
    this.client = client;
    this.peer = peer;
    this.relayPort = relayPort;
  }

  /** Resolves when the very next thing that each side hears is what the other has said. */
  async roundTrip(): Promise<void> {
    const text = `packet ${this.#number++}`;
    this.client.sendChannel(0x4abc, text);
    const heard = await patiently(`${text} at the peer`, this.peer.next());
    await this.peer.send(heard.bytes, this.relayPort, '127.0.0.1');
    const back = (await this.client.nextData()).toString();
    if (heard.bytes.toString() !== text || back !== text) throw new Error(`${text} came back as ${back}`);
  }
}

function garbage(kind: number): Buffer {
  const random = randomBytes(randomInt(0, 1200));
  switch (kind % 5) {
    case 0:
      return random;
    case 1:
      return channelData(0x4000 + randomInt(0, 0x4000), random, { length: randomInt(0, 65_536) });
    case 2:
      return message({ type: randomInt(0, 0x4000), attrs: [[randomInt(0, 65_536), random]] });
    case 3:
      return message({ type: REQUEST.allocate, attrs: [[randomInt(0, 65_536), random]] }).subarray(0, randomInt(1, 40));
    default:
      return message({ type: 0x0016, attrs: [xorPeerAddress('127.0.0.1', randomInt(1, 65_536)), data(random)] });
  }
}

/** Stops the server: lines that its log has gained must be few, and none of them a fault. */
async function staysQuiet(t: Test, server: TurndProcess, linesBefore: number): Promise<void> {
  t.ok(server.isAlive);
  // A worker's lines come a moment after what they speak of, but all before the end.
  t.equal(await server.stop(), 0);
  const lines = server.log
    .slice(linesBefore)
    .filter(({ event, reason }) => event !== 'stopping' && reason !== 'shutdown');
  t.ok(lines.length <= 5, `${lines.length} lines`);
  t.same(
    lines.filter(({ level }) => level !== 'info'),
    [],
  );
  t.equal(server.stderr, '');
}

test('floods of garbage on listener and relay port cost a call nothing, and the log little', async (t) => {
  const server = await startLabTurnd(t, ['--log-level', 'debug']);
  const port = await server.port('udp');
  const call = await Call.open(t, port);
  await server.logged('the allocation', ({ msg }) => msg === 'allocation made');
  // Not 127.0.0.1: whoever is there has a permission.
  const stranger = await DatagramPeer.open('127.0.0.2');
  t.teardown(() => stranger.close());
  const linesBefore = server.log.length;
  // Each round is small enough for the kernel's buffers: what is lost then is lost by the server.
  for (let round = 0; round < 120; round++) {
    for (let sent = 0; sent < 25; sent++) {
      await stranger.send(garbage(sent), port, '127.0.0.1');
      await stranger.send(garbage(sent), call.relayPort, '127.0.0.1');
    }
    await call.roundTrip();
  }
  t.pass('6000 datagrams');
  await staysQuiet(t, server, linesBefore);
});

test('garbage from the socket of an allocation leaves the allocation as it is', async (t) => {
  const server = await startLabTurnd(t, ['--log-level', 'debug']);
  const call = await Call.open(t, await server.port('udp'));
  await server.logged('the allocation', ({ msg }) => msg === 'allocation made');
  const linesBefore = server.log.length;
  for (let round = 0; round < 40; round++) {
    // Not Send indications: those are no garbage from here.
    for (let sent = 0; sent < 20; sent++) call.client.send(garbage(sent % 2 === 0 ? 3 : 0));
    await call.client.binding();
    while (call.client.unread > 0) await call.client.next();
    await call.roundTrip();
  }
  await staysQuiet(t, server, linesBefore);
});

test('two hundred connections with half a frame each disturb nobody, and some finish it', async (t) => {
  const server = await startLabTurnd(t, STREAMS);
  const port = await server.port('tcp');
  const call = await Call.open(t, port, 'tcp');
  const linesBefore = server.log.length;
  const request = message({ type: REQUEST.binding });
  const sockets: Socket[] = [];
  t.teardown(() => sockets.map((socket) => socket.destroy()));
  for (let at = 0; at < 200; at++) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined);
    sockets.push(socket);
    socket.write(request.subarray(0, 1 + (at % 19)));
    if (at % 20 === 0) await call.roundTrip();
  }
  for (const [at, socket] of sockets.entries()) if (at % 2 === 1) socket.resetAndDestroy();
  await call.roundTrip();
  const half = sockets.filter((_, at) => at % 2 === 0);
  const answers = half.map((socket) => once(socket, 'data'));
  for (const [at, socket] of half.entries()) socket.write(request.subarray(1 + ((2 * at) % 19)));
  for (const [answer] of await patiently('a hundred answers', Promise.all(answers))) t.equal(unitLength(answer), 32);
  await call.roundTrip();
  await staysQuiet(t, server, linesBefore);
});

test('clients that disappear in the middle of a TLS handshake leave room for others', async (t) => {
  const server = await startLabTurnd(t, STREAMS);
  const port = await server.port('tls');
  const call = await Call.open(t, port, 'tls');
  const linesBefore = server.log.length;
  const clientHello = Buffer.from('16030102000100', 'hex');
  for (let round = 0; round < 3; round++) {
    const gone = Array.from({ length: 40 }, () => connect(port, '127.0.0.1').on('error', () => undefined));
    await Promise.all(gone.map((socket) => new Promise((resolve) => socket.write(clientHello, resolve))));
    for (const [at, socket] of gone.entries()) at % 2 === 0 ? socket.resetAndDestroy() : socket.destroy();
    await Promise.all(gone.map(whenClosed));
    await call.roundTrip();
  }
  const next = await Call.open(t, port, 'tls');
  await next.roundTrip();
  await staysQuiet(t, server, linesBefore);
});

test('without file descriptors left an Allocate is answered 508, and the server recovers', async (t) => {
  const server = await startLabTurnd(t, STREAMS, {
    env: { TURND_LIMITS__UNAUTHENTICATED_REPLIES_PER_SECOND: '0' },
  });
  const port = await server.port('udp');
  const call = await Call.open(t, port);
  // Not from the start: loading the program takes more than serving does.
  const relaying = [...workersOf(server).values()];
  for (const pid of relaying.length === 0 ? [server.pid] : relaying) {
    execFileSync('prlimit', ['--pid', String(pid), '--nofile=64:64']);
  }
  const held: RawClient[] = [];
  t.teardown(() => held.map((client) => client.close()));
  let refused: number | undefined;
  while (refused === undefined && held.length < 140) {
    const client = await RawClient.open({ port });
    held.push(client);
    refused = (await client.allocate()).errorCode;
  }
  t.equal(refused, 508);
  // A connection that cannot be accepted now is no fault either.
  const waiting = connect(await server.port('tcp'), '127.0.0.1').on('error', () => undefined);
  t.teardown(() => waiting.destroy());
  await call.roundTrip();
  for (const client of held.slice(0, -1)) t.equal((await client.request(REQUEST.refresh, [lifetime(0)])).cls, 2);
  const again = await RawClient.open({ port });
  held.push(again);
  t.equal((await again.allocate()).cls, 2, 'descriptors have come back');
  const tcp = await Call.open(t, await server.port('tcp'), 'tcp');
  await tcp.roundTrip();
  await call.roundTrip();
  t.ok(server.isAlive);
});
