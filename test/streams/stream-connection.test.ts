import { once } from 'node:events';
import { connect as connectTls } from 'node:tls';
import { test } from 'tap';
import { FREE_PARTIAL, MAX_PARTIALS } from '../../src/streams/partial-frames.ts';
import { StreamMode } from '../../src/streams/stream-listener.ts';
import {
  bindingRequest,
  bindingSuccess,
  openRig,
  rawClient,
  roundTrip,
  transaction,
  turn,
  writeBytes,
} from './support.ts';

// ChannelData on 0x4000 whose application data is `length` bytes of 0xab.
function channelData(length: number): Buffer {
  const padded = (length + 3) & ~3;
  const frame = Buffer.alloc(4 + padded);
  frame.writeUInt16BE(0x4000, 0);
  frame.writeUInt16BE(length, 2);
  frame.fill(0xab, 4, 4 + length);
  return frame;
}

test('TRN-03 a unit is 20 + length, or 4 + length rounded up to 4, with nothing between units', async (t) => {
  const { engine, port } = await openRig(t, StreamMode.TCP);
  const client = await rawClient(t, port);
  const units = [bindingRequest(1), channelData(5), channelData(8), channelData(0), bindingRequest(2)];
  client.socket.write(Buffer.concat(units));
  await engine.until(() => engine.frames.length === units.length);
  t.strictSame(
    engine.frames,
    units.map((unit) => unit.toString('hex')),
  );
});

test('TRN-04 a message split at every byte is handled', async (t) => {
  const { engine, port } = await openRig(t, StreamMode.TCP);
  const client = await rawClient(t, port);
  await writeBytes(client, Buffer.concat([bindingRequest(7), channelData(3)]));
  await engine.until(() => engine.frames.length === 2);
  await client.received.until(() => client.received.bytes.length === 32);
  t.strictSame(client.received.bytes, bindingSuccess(transaction(7)));
});

test('TRN-04 fifty requests in one write are answered in order of arrival', async (t) => {
  const { port } = await openRig(t, StreamMode.TCP);
  const client = await rawClient(t, port);
  const numbers = Array.from({ length: 50 }, (_, number) => number);
  client.socket.write(Buffer.concat(numbers.map(bindingRequest)));
  await client.received.until(() => client.received.bytes.length === 50 * 32);
  const answers = numbers.map((number) => bindingSuccess(transaction(number)));
  t.strictSame(client.received.bytes, Buffer.concat(answers));
});

test('TRN-05 lengths near 65,535 do not wrap: the stream stays in step', async (t) => {
  const { engine, port } = await openRig(t, StreamMode.TCP);
  const client = await rawClient(t, port);
  const longest = Buffer.concat([Buffer.from(`0101fffc2112a442${transaction(3)}`, 'hex'), Buffer.alloc(0xfffc, 1)]);
  client.socket.write(Buffer.concat([longest, channelData(65535), channelData(65533)]));
  await roundTrip(client, 9);
  t.strictSame(
    engine.frames.map((frame) => frame.length / 2),
    [65552, 65540, 65540, 20],
  );
});

test('TRN-06 ten outstanding requests may be answered in any order', async (t) => {
  const { engine, port } = await openRig(t, StreamMode.TCP);
  engine.answers = false;
  const client = await rawClient(t, port);
  const numbers = Array.from({ length: 10 }, (_, number) => number);
  for (const number of numbers) client.socket.write(bindingRequest(number));
  await engine.until(() => engine.frames.length === 10);
  const answers = numbers.reverse().map((number) => bindingSuccess(transaction(number)));
  const endpoint = engine.endpoints[0]!;
  for (const answer of answers) endpoint.link.send(endpoint, answer, 0, answer.length);
  await client.received.until(() => client.received.bytes.length === 320);
  t.strictSame(client.received.bytes, Buffer.concat(answers));
});

test('TRN-07 a connection stays open after an answer until the idle limit', async (t) => {
  const { engine, group, clock, port } = await openRig(t, StreamMode.TCP, { idleTimeout: 60 });
  const client = await rawClient(t, port);
  await roundTrip(client, 1);
  clock.time += 59_999;
  group.sweep();
  await roundTrip(client, 2);
  t.equal(engine.closed.length, 0);
  t.equal(group.connections, 1);
});

test('TRN-08 what is neither STUN nor ChannelData closes the connection without a byte', async (t) => {
  const { engine, group, port } = await openRig(t, StreamMode.TCP);
  const bad = [
    'GET / HTTP/1.1\r\nHost: turn\r\n\r\n',
    'POST ',
    'PRI * HTTP/2.0',
    Buffer.from(`0001000000000000${transaction(1)}`, 'hex'),
    Buffer.from(`000100012112a442${transaction(1)}00`, 'hex'),
    Buffer.from('80'.repeat(20), 'hex'),
  ];
  for (const bytes of bad) {
    const client = await rawClient(t, port);
    client.socket.write(bytes);
    t.equal((await client.received.end()).length, 0);
  }
  t.equal(engine.frames.length, 0);
  t.equal(group.counters.unframeable, bad.length);
  t.equal(engine.closed.length, bad.length);
});

test('S11 what begins as text or with a byte that no channel has is closed at once, without a byte', async (t) => {
  const { group, port } = await openRig(t, StreamMode.TCP);
  const foreign = [
    'GET /.well-known/acme-challenge/aaaaaaaa HTTP/1.1\r\nHost: turn.example.org\r\n\r\n',
    'EHLO mail.example.org\r\n',
    'SSH-2.0-OpenSSH_9.2\r\n',
    'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n',
    'HELP',
    Buffer.of(0x50),
    Buffer.of(0x7f, 0xff, 0, 4),
    Buffer.from('0d0a0d0a000d0a515549540a', 'hex'),
    Buffer.of(0x20),
    Buffer.of(0xff),
  ];
  for (const bytes of foreign) {
    const client = await rawClient(t, port);
    client.socket.write(bytes);
    t.equal((await client.received.end()).length, 0, String(bytes));
  }
  t.equal(group.counters.unframeable, foreign.length);
});

test('S11 a stream is answered the same however it is cut: bytes, pieces, all at once', async (t) => {
  const { port } = await openRig(t, StreamMode.TCP);
  const requests = Array.from({ length: 20 }, (_, number) => bindingRequest(number));
  const stream = Buffer.concat(requests.flatMap((request, at) => [request, channelData(at * 7)]));
  const expected = Buffer.concat(requests.map((_, number) => bindingSuccess(transaction(number))));
  const sizes = [
    () => 1,
    () => stream.length,
    ...Array.from({ length: 30 }, () => () => 1 + Math.floor(Math.random() * 90)),
  ];
  for (const size of sizes) {
    const client = await rawClient(t, port);
    for (let at = 0, end = 0; at < stream.length; at = end) {
      end = at + size();
      client.socket.write(stream.subarray(at, end));
      await turn();
    }
    await client.received.until(() => client.received.bytes.length >= expected.length);
    t.ok(client.received.bytes.equals(expected));
    client.socket.destroy();
  }
});

test('S11 once a stream has begun well, what looks like text or a high channel is ChannelData', async (t) => {
  const { engine, port } = await openRig(t, StreamMode.TCP);
  const client = await rawClient(t, port);
  await roundTrip(client);
  client.socket.write(Buffer.concat([Buffer.from('7fff00046162636447450004', 'hex'), Buffer.from('GET ')]));
  await roundTrip(client, 2);
  t.same(engine.frames.slice(1, 3), ['7fff000461626364', '4745000447455420']);
});

test('S2 S45 strangers who begin long frames and stop share a bounded memory; whoever has paid is none', async (t) => {
  const { group, engine, port } = await openRig(t, StreamMode.TCP);
  const paying = await rawClient(t, port);
  await roundTrip(paying);
  engine.allocate();
  const begun = Buffer.concat([Buffer.from('0003fffc2112a442', 'hex'), Buffer.alloc(65_000)]);
  paying.socket.write(begun);
  const brief = await rawClient(t, port);
  brief.socket.write(begun.subarray(0, FREE_PARTIAL));
  const room = Math.floor(MAX_PARTIALS / (begun.length - FREE_PARTIAL));
  const greedy = await Promise.all(Array.from({ length: room }, () => rawClient(t, port)));
  for (const client of greedy) client.socket.write(begun);
  while (group.partialFrames.shared < room * (begun.length - FREE_PARTIAL)) await turn();
  const last = await rawClient(t, port);
  last.socket.write(begun);
  t.equal((await last.received.end()).length, 0);
  t.equal(group.counters.overPartials, 1);
  t.equal(group.connections, room + 2);
  greedy[0]!.socket.destroy();
  await engine.until(() => engine.closed.length === 2);
  const next = await rawClient(t, port);
  next.socket.write(begun);
  while (group.partialFrames.shared < room * (begun.length - FREE_PARTIAL)) await turn();
  const after = await rawClient(t, port);
  after.socket.write(begun);
  await after.received.end();
  t.equal(group.counters.overPartials, 2, 'what was given back is free again');
  await roundTrip(await rawClient(t, port));
});

test('TRN-08 an HTTP method that comes byte by byte closes the connection at its fourth byte', async (t) => {
  const { group, port } = await openRig(t, StreamMode.TCP);
  const client = await rawClient(t, port);
  await writeBytes(client, Buffer.from('OPTI'));
  t.equal((await client.received.end()).length, 0);
  t.equal(group.counters.unframeable, 1);
});

test('TURN-90 a stream may begin with ChannelData: it is framed by its length', async (t) => {
  const { engine, port } = await openRig(t, StreamMode.TCP);
  const client = await rawClient(t, port);
  client.socket.write(Buffer.concat([channelData(65535), bindingRequest(1)]));
  await roundTrip(client, 2);
  t.strictSame(
    engine.frames.map((frame) => frame.length / 2),
    [65540, 20, 20],
  );
});

test('TRN-08 requests before the unframeable byte are answered', async (t) => {
  const { port } = await openRig(t, StreamMode.TCP);
  const client = await rawClient(t, port);
  client.socket.write(Buffer.concat([bindingRequest(1), Buffer.of(0x80)]));
  t.strictSame(await client.received.end(), bindingSuccess(transaction(1)));
});

test('TRN-09 a connection without allocation is closed at the idle limit, whatever it sends', async (t) => {
  const { engine, group, clock, port } = await openRig(t, StreamMode.TCP, { idleTimeout: 60 });
  const client = await rawClient(t, port);
  await roundTrip(client, 1);
  clock.time += 30_000;
  await roundTrip(client, 2);
  group.sweep();
  t.equal(engine.closed.length, 0);
  clock.time += 30_000;
  group.sweep();
  await client.received.end();
  t.strictSame(engine.closed, engine.endpoints);
  t.equal(group.counters.idleTimeouts, 1);
});

test('TRN-09 refused Allocates do not put the idle limit off', async (t) => {
  const { engine, group, clock, port } = await openRig(t, StreamMode.TCP, { idleTimeout: 60 });
  const client = await rawClient(t, port);
  await roundTrip(client, 1);
  clock.time += 59_000;
  group.sweep();
  engine.connection().release(engine.endpoints[0]!);
  clock.time += 1000;
  group.sweep();
  await client.received.end();
  t.equal(group.counters.idleTimeouts, 1);
});

test('TRN-09 an allocation keeps its connection, and the idle limit counts from its end', async (t) => {
  const { engine, group, clock, port } = await openRig(t, StreamMode.TCP, { idleTimeout: 60 });
  const client = await rawClient(t, port);
  await roundTrip(client, 1);
  engine.allocate();
  clock.time += 3_600_000;
  group.sweep();
  engine.deallocate();
  clock.time += 59_000;
  group.sweep();
  await roundTrip(client, 2);
  t.equal(engine.closed.length, 0);
  clock.time += 1000;
  group.sweep();
  await client.received.end();
  t.equal(engine.closed.length, 1);
});

test('TRN-09 a slow loris is closed before its first frame ends', async (t) => {
  const { engine, group, clock, port } = await openRig(t, StreamMode.TCP, { firstFrameTimeout: 10 });
  const client = await rawClient(t, port);
  client.socket.write(bindingRequest().subarray(0, 1));
  const silent = await rawClient(t, port);
  const talker = await rawClient(t, port);
  await roundTrip(talker);
  clock.time += 9000;
  group.sweep();
  client.socket.write(bindingRequest().subarray(1, 2));
  await roundTrip(talker, 2);
  t.equal(group.sockets, 3);
  clock.time += 1000;
  group.sweep();
  t.equal((await client.received.end()).length, 0);
  t.equal((await silent.received.end()).length, 0);
  t.equal(group.counters.firstFrameTimeouts, 2);
  await roundTrip(talker, 3);
  t.equal(engine.closed.length, 1, 'the silent one never became a connection');
});

test('S45 one deadline runs from accept: silence, a handshake and half a frame have no time of their own', async (t) => {
  const { group, clock, port } = await openRig(t, StreamMode.TCP_AND_TLS, { firstFrameTimeout: 10 });
  const plain = await rawClient(t, port);
  const secure = await rawClient(t, port);
  const stalled = await rawClient(t, port);
  while (group.sockets < 3) await turn();
  clock.time += 6000;
  group.sweep();
  plain.socket.write(Buffer.of(0));
  stalled.socket.write(Buffer.from('16030100c8010000c40303', 'hex'));
  const tls = connectTls({ socket: secure.socket, rejectUnauthorized: false });
  await once(tls, 'secureConnect');
  while (group.connections < 2) await turn();
  clock.time += 3999;
  group.sweep();
  t.equal(group.sockets, 3);
  clock.time += 1;
  group.sweep();
  for (const client of [plain, secure, stalled]) if (!client.received.isClosed) await client.received.end();
  while (group.sockets > 0) await turn();
  t.equal(group.counters.firstFrameTimeouts, 2);
});

test('TRN-10 the end of a connection is reported once: closed, half-closed and reset', async (t) => {
  const { engine, group, port } = await openRig(t, StreamMode.TCP);
  for (const how of ['end', 'destroy', 'resetAndDestroy'] as const) {
    const client = await rawClient(t, port);
    await roundTrip(client);
    const count = engine.closed.length;
    client.socket[how]();
    await engine.until(() => engine.closed.length > count);
    await client.received.end();
  }
  const last = await rawClient(t, port);
  await roundTrip(last);
  t.strictSame(engine.closed, engine.endpoints.slice(0, 3));
  for (const endpoint of engine.closed) {
    t.equal(endpoint.closed, true);
    t.equal(endpoint.link.find(endpoint.copy()), endpoint, 'whoever waited with a copy sees that it has closed');
  }
  const live = engine.endpoints[3]!;
  t.equal(live.link.find(live.copy()), live, 'a copy that the engine kept leads back to the connection');
  t.equal(live.link.retain(live.copy()), live);
  t.equal(group.counters.socketErrors, 0, 'a peer that goes away is no error');
});

test('a request is answered although its sender has closed its half', async (t) => {
  const { engine, port } = await openRig(t, StreamMode.TCP);
  const client = await rawClient(t, port);
  client.socket.end(bindingRequest(5));
  t.strictSame(await client.received.end(), bindingSuccess(transaction(5)));
  t.equal(engine.closed.length, 1);
});

test('nothing is sent to a connection that is gone', async (t) => {
  const { engine, port } = await openRig(t, StreamMode.TCP);
  const client = await rawClient(t, port);
  await roundTrip(client);
  client.socket.destroy();
  await engine.until(() => engine.closed.length === 1);
  const endpoint = engine.endpoints[0]!;
  endpoint.link.send(endpoint, bindingSuccess(transaction(1)), 0, 32);
  endpoint.link.sendRelayed(endpoint, endpoint.link.header(), 4, Buffer.alloc(8), 0, 8, 0);
  t.equal(engine.connection().queued, 0);
});

test('an engine that throws costs the connection, and nobody else', async (t) => {
  const { engine, faults, port } = await openRig(t, StreamMode.TCP);
  const other = await rawClient(t, port);
  await roundTrip(other, 1);
  engine.fault = new Error('a bug');
  const client = await rawClient(t, port);
  client.socket.write(Buffer.concat([bindingRequest(2), bindingRequest(3)]));
  t.equal((await client.received.end()).length, 0);
  t.strictSame(faults, [engine.fault]);
  t.strictSame(engine.closed, [engine.endpoints[1]]);
  engine.fault = null;
  await roundTrip(other, 4);
});
