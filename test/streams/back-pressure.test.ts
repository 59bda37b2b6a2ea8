import type { Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import { test } from 'tap';
import type { StreamGroup } from '../../src/streams/stream-group.ts';
import { StreamMode } from '../../src/streams/stream-listener.ts';
import {
  bindingRequest,
  type FakeEngine,
  openRig,
  type RawClient,
  Received,
  rawClient,
  roundTrip,
  turn,
} from './support.ts';

const PAYLOAD = 1001;
const PADDING = 3;
const UNIT = 4 + PAYLOAD + PADDING;
const QUEUE = 65_536;
const payload = Buffer.alloc(PAYLOAD, 0x55);

// ChannelData on 0x4001 with a running number in its first bytes; the buffers are overwritten at once.
function relay(engine: FakeEngine, number: number): void {
  const endpoint = engine.endpoints[0]!;
  const header = endpoint.link.header();
  header.writeUInt16BE(0x4001, 0);
  header.writeUInt16BE(PAYLOAD, 2);
  payload.writeUInt32BE(number, 0);
  endpoint.link.sendRelayed(endpoint, header, 4, payload, 0, PAYLOAD, PADDING);
  header.fill(0xee);
}

// Sends until messages were dropped, then as many again.
async function blast(engine: FakeEngine, group: StreamGroup): Promise<{ sent: number; most: number }> {
  let sent = 0;
  let most = 0;
  let stopAt = Number.POSITIVE_INFINITY;
  while (sent < stopAt) {
    for (let burst = 0; burst < 50; burst++) relay(engine, sent++);
    most = Math.max(most, engine.connection().queueMemory);
    await turn();
    if (group.counters.droppedMessages > 0 && stopAt === Number.POSITIVE_INFINITY) stopAt = 2 * sent;
  }
  return { sent, most };
}

// The running numbers of the units received; fails when one is not whole.
function numbersIn(bytes: Buffer): number[] {
  const numbers: number[] = [];
  for (let at = 0; at < bytes.length; at += UNIT) {
    if (bytes.readUInt16BE(at) !== 0x4001 || bytes.readUInt16BE(at + 2) !== PAYLOAD) throw new Error(`cut at ${at}`);
    if (bytes.readUIntBE(at + 4 + PAYLOAD, PADDING) !== 0) throw new Error('padding is not zero');
    numbers.push(bytes.readUInt32BE(at + 4));
  }
  return numbers;
}

async function tlsClient(port: number): Promise<RawClient> {
  const socket: Socket = connectTls({
    host: '127.0.0.1',
    port,
    rejectUnauthorized: false,
  });
  await new Promise((resolve) => socket.once('secureConnect', resolve));
  return { socket, received: new Received().listen(socket) };
}

for (const mode of [StreamMode.TCP, StreamMode.TLS]) {
  test(`TRN-11 S47 ${mode}: a client that does not read costs bounded memory and loses whole messages`, async (t) => {
    const { engine, group, port } = await openRig(t, mode, { writeQueue: QUEUE });
    const client = mode === StreamMode.TCP ? await rawClient(t, port) : await tlsClient(port);
    t.teardown(() => client.socket.destroy());
    await roundTrip(client);
    client.socket.pause();
    const before = client.received.bytes.length;
    const { sent, most } = await blast(engine, group);
    const connection = engine.connection();
    t.ok(connection.queued <= QUEUE, `${connection.queued} bytes queued`);
    t.ok(most <= 2 * QUEUE, `${most} bytes of memory`);
    const dropped = group.counters.droppedMessages;
    t.equal(group.counters.droppedBytes, dropped * UNIT);

    client.socket.resume();
    const wanted = before + (sent - dropped) * UNIT;
    await client.received.until(() => client.received.bytes.length >= wanted);
    const numbers = numbersIn(client.received.bytes.subarray(before));
    t.equal(numbers.length, sent - dropped, 'what was not dropped has arrived');
    t.ok(
      numbers.every((number, index) => index === 0 || number > (numbers[index - 1] as number)),
      'in order',
    );
    relay(engine, 0xffffff);
    await client.received.until(() => client.received.bytes.length >= wanted + UNIT);
    t.equal(numbersIn(client.received.bytes.subarray(wanted))[0], 0xffffff, 'and fresh data follows');
  });
}

test('TRN-11 responses pass a queue that is full of media, up to twice the limit', async (t) => {
  const { engine, group, port } = await openRig(t, StreamMode.TCP, { writeQueue: QUEUE });
  const client = await rawClient(t, port);
  await roundTrip(client);
  client.socket.pause();
  await blast(engine, group);
  const endpoint = engine.endpoints[0]!;
  const response = Buffer.alloc(1024);
  const room = 2 * QUEUE - engine.connection().queued;
  for (let sent = 0; sent + 1024 <= room; sent += 1024) endpoint.link.send(endpoint, response, 0, 1024);
  t.equal(endpoint.closed, false);
  t.ok(engine.connection().queued > QUEUE);
  endpoint.link.send(endpoint, response, 0, 1024);
  t.equal(endpoint.closed, true, 'one more closes it');
  t.equal(group.counters.overflowed, 1);
  t.strictSame(engine.closed, [endpoint]);
});

test('TRN-11 a client that reads nothing for 30 s while its queue is full is closed', async (t) => {
  const { engine, group, clock, port } = await openRig(t, StreamMode.TCP, { writeQueue: QUEUE });
  const client = await rawClient(t, port);
  await roundTrip(client);
  engine.allocate();
  client.socket.pause();
  await blast(engine, group);
  clock.time += 29_999;
  group.sweep();
  t.equal(engine.closed.length, 0);
  clock.time += 1;
  group.sweep();
  t.equal(engine.closed.length, 1);
  t.equal(group.counters.stalled, 1);
});

test('TRN-11 a client that reads again in time is not closed', async (t) => {
  const { engine, group, clock, port } = await openRig(t, StreamMode.TCP, { writeQueue: QUEUE });
  const client = await rawClient(t, port);
  await roundTrip(client);
  engine.allocate();
  client.socket.pause();
  await blast(engine, group);
  clock.time += 29_000;
  client.socket.resume();
  await roundTrip(client, 5);
  clock.time += 3_600_000;
  group.sweep();
  await roundTrip(client, 6);
  t.equal(engine.closed.length, 0);
});

test('everything due in one loop turn leaves in one write', async (t) => {
  const { engine, port } = await openRig(t, StreamMode.TLS);
  const client = await tlsClient(port);
  t.teardown(() => client.socket.destroy());
  client.socket.write(bindingRequest());
  await client.received.until(() => client.received.bytes.length === 32);
  const chunks: number[] = [];
  client.socket.on('data', (chunk: Buffer) => chunks.push(chunk.length));
  // A TLS record is what one write makes, and Node hands each record over by itself.
  for (let number = 0; number < 10; number++) relay(engine, number);
  await client.received.until(() => client.received.bytes.length === 32 + 10 * UNIT);
  t.strictSame(chunks, [10 * UNIT]);
});

test('a quiet connection keeps no buffers', async (t) => {
  const { engine, group, port } = await openRig(t, StreamMode.TCP);
  const client = await rawClient(t, port);
  await roundTrip(client);
  t.ok(engine.connection().queueMemory > 0);
  await turn();
  group.sweep();
  t.equal(engine.connection().queueMemory, 0);
  await roundTrip(client, 2);
});
