import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { type Test, test } from 'tap';
import { PlaneCounters } from '../../../src/planes/plane-counters.ts';
import { UdpListener } from '../../../src/planes/portable/udp-listener.ts';
import { parseIp } from '../../../src/stun/ip-address.ts';
import { TransportAddress } from '../../../src/stun/transport-address.ts';
import type { ClientEndpoint } from '../../../src/turn/client-endpoint.ts';
import { DatagramPeer } from '../../support/datagram-peer.ts';
import { Inbox } from '../../support/inbox.ts';

interface Arrival {
  readonly endpoint: ClientEndpoint;
  readonly bytes: Buffer;
  readonly source: string;
}

type OnArrival = (endpoint: ClientEndpoint, buffer: Buffer) => void;

/** A listener whose engine is the test. */
class Bench {
  readonly arrivals = new Inbox<Arrival>();
  readonly faults: unknown[] = [];
  readonly closed: ClientEndpoint[] = [];
  readonly counters = new PlaneCounters();
  onArrival: OnArrival = () => undefined;

  async listen(t: Test, ip: string, port = 0): Promise<UdpListener> {
    const listener = await UdpListener.open({
      bind: address(ip, port),
      handler: this,
      counters: this.counters.clients,
      report: (fault) => this.faults.push(fault),
    });
    t.teardown(() => listener.close());
    return listener;
  }

  fromClient(endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number): void {
    this.arrivals.put({ endpoint, bytes: buffer.subarray(start, end), source: endpoint.client.text });
    this.onArrival(endpoint, buffer);
  }

  endpointClosed(endpoint: ClientEndpoint): void {
    this.closed.push(endpoint);
    endpoint.link.release(endpoint);
  }
}

function address(ip: string, port: number): TransportAddress {
  const parsed = parseIp(ip);
  if (parsed === null) throw new Error(`not an address: ${ip}`);
  return new TransportAddress(parsed, port);
}

async function openPeer(t: Test, ip: string, port = 0): Promise<DatagramPeer> {
  const peer = await DatagramPeer.open(ip, port);
  t.teardown(() => peer.close());
  return peer;
}

for (const ip of ['127.0.0.1', '::1']) {
  test(`a datagram to ${ip} reaches the engine with its source and five-tuple, and can be answered`, async (t) => {
    const bench = new Bench();
    const listener = await bench.listen(t, ip);
    const client = await openPeer(t, ip);
    await client.send(Buffer.from('question'), listener.local.port, ip);
    const { endpoint, bytes, source } = await bench.arrivals.next();
    t.equal(bytes.toString(), 'question');
    t.equal(source, address(ip, client.port).text);
    t.equal(endpoint.local.text, address(ip, listener.local.port).text);
    t.equal(endpoint.transport, 'udp');
    t.equal(endpoint.stream, false);
    endpoint.link.send(endpoint, Buffer.from('..answer..'), 2, 8);
    const answer = await client.next();
    t.equal(answer.bytes.toString(), 'answer');
    t.equal(answer.port, listener.local.port);
    const { packetsIn, bytesIn, packetsOut, bytesOut } = bench.counters.clients;
    t.same([packetsIn, bytesIn, packetsOut, bytesOut], [1, 8, 1, 6]);
  });
}

test('STUN-08: an answer leaves from the address and port that were asked', async (t) => {
  const bench = new Bench();
  bench.onArrival = (endpoint, buffer) => endpoint.link.send(endpoint, buffer, 0, buffer.length);
  const first = await bench.listen(t, '127.0.0.1');
  const second = await bench.listen(t, '127.0.0.2', first.local.port);
  const client = await openPeer(t, '0.0.0.0');
  for (const { local } of [second, first, second]) {
    await client.send(Buffer.from(local.text), local.port, local.ip.text);
    const { bytes, address: from, port } = await client.next();
    t.equal(bytes.toString(), local.text);
    t.same([from, port], [local.ip.text, local.port]);
  }
});

test('STUN-11: an IPv4 client of a dual-stack socket is IPv4, and is answered', async (t) => {
  const bench = new Bench();
  bench.onArrival = (endpoint, buffer) => endpoint.link.send(endpoint, buffer, 0, buffer.length);
  const listener = await bench.listen(t, '::');
  const client = await openPeer(t, '127.0.0.1');
  await client.send(Buffer.from('x'), listener.local.port, '127.0.0.1');
  const { endpoint, source } = await bench.arrivals.next();
  t.equal(source, `127.0.0.1:${client.port}`);
  t.equal(endpoint.source.family, 4);
  t.equal((await client.next()).bytes.toString(), 'x');
  const lasting = endpoint.link.retain(endpoint);
  await client.send(Buffer.from('y'), listener.local.port, '127.0.0.1');
  t.equal((await bench.arrivals.next()).endpoint, lasting, 'and is known again');
});

test('an unknown source costs no memory: all strangers share one endpoint', async (t) => {
  const bench = new Bench();
  const listener = await bench.listen(t, '127.0.0.1');
  const [one, two] = [await openPeer(t, '127.0.0.1'), await openPeer(t, '127.0.0.2')];
  await one.send(Buffer.from('1'), listener.local.port, '127.0.0.1');
  const first = await bench.arrivals.next();
  await two.send(Buffer.from('2'), listener.local.port, '127.0.0.1');
  const second = await bench.arrivals.next();
  t.equal(first.endpoint, second.endpoint);
  t.same([first.source, second.source], [`127.0.0.1:${one.port}`, `127.0.0.2:${two.port}`]);
  t.equal(listener.knownEndpoints, 0);
});

test('a retained endpoint is handed out for its five-tuple and no other, until it is released', async (t) => {
  const bench = new Bench();
  const listener = await bench.listen(t, '127.0.0.1');
  const [one, two] = [await openPeer(t, '127.0.0.1'), await openPeer(t, '127.0.0.1')];
  const peers = [one, two, await openPeer(t, '127.0.0.3', one.port)];
  const lasting: ClientEndpoint[] = [];
  for (const peer of peers) {
    await peer.send(Buffer.from('x'), listener.local.port, '127.0.0.1');
    const { endpoint } = await bench.arrivals.next();
    t.equal(listener.find(endpoint as never), null);
    lasting.push(endpoint.link.retain(endpoint));
  }
  t.equal(new Set(lasting).size, 3);
  t.equal(listener.knownEndpoints, 3);
  for (const index of [0, 2, 1, 2, 0, 0]) {
    const peer = peers[index] ?? one;
    await peer.send(Buffer.from('x'), listener.local.port, '127.0.0.1');
    const { endpoint, source } = await bench.arrivals.next();
    t.equal(endpoint, lasting[index]);
    t.equal(source, `${peer.address}:${peer.port}`);
  }
  listener.release(lasting[0] as never);
  listener.release(lasting[0] as never);
  t.equal(listener.knownEndpoints, 2);
  await one.send(Buffer.from('x'), listener.local.port, '127.0.0.1');
  t.notOk(lasting.includes((await bench.arrivals.next()).endpoint), 'a stranger again');
  await two.send(Buffer.from('x'), listener.local.port, '127.0.0.1');
  t.equal((await bench.arrivals.next()).endpoint, lasting[1]);
});

test('what was retained while a request waited is found again, and retained once', async (t) => {
  const bench = new Bench();
  const listener = await bench.listen(t, '127.0.0.1');
  const client = await openPeer(t, '127.0.0.1');
  await client.send(Buffer.from('x'), listener.local.port, '127.0.0.1');
  const { endpoint } = await bench.arrivals.next();
  const [early, late] = [endpoint.copy(), endpoint.copy()];
  const lasting = endpoint.link.retain(early);
  t.equal(lasting, early, 'a copy needs no further copy');
  t.equal(endpoint.link.retain(late), lasting);
  t.equal(endpoint.link.find(late), lasting);
  t.equal(listener.knownEndpoints, 1);
});

test('a relayed message arrives as header, payload and padding in one datagram', async (t) => {
  const bench = new Bench();
  const listener = await bench.listen(t, '127.0.0.1');
  const client = await openPeer(t, '127.0.0.1');
  await client.send(Buffer.alloc(0), listener.local.port, '127.0.0.1');
  const { endpoint, bytes } = await bench.arrivals.next();
  t.equal(bytes.length, 0, 'an empty datagram is one too');
  for (const [payload, padding] of [
    ['', 0],
    ['four', 0],
    ['three', 3],
  ] as const) {
    const header = listener.header();
    t.ok(header.length >= 64);
    header.write('HEAD', 0, 'latin1');
    const buffer = Buffer.from(`<${payload}>`);
    endpoint.link.sendRelayed(endpoint, header, 4, buffer, 1, buffer.length - 1, padding);
    t.equal((await client.next()).bytes.toString('latin1'), `HEAD${payload}${'\0'.repeat(padding)}`);
  }
});

test('TURN-68: the largest datagram passes both ways, and what is larger is dropped without harm', async (t) => {
  const bench = new Bench();
  const listener = await bench.listen(t, '127.0.0.1');
  const client = await openPeer(t, '127.0.0.1');
  client.socket.setSendBufferSize(1024 * 1024);
  const largest = Buffer.alloc(65_507, 'abc');
  await client.send(largest, listener.local.port, '127.0.0.1');
  const { endpoint, bytes } = await bench.arrivals.next();
  t.ok(bytes.equals(largest));
  endpoint.link.sendRelayed(endpoint, listener.header(), 4, largest, 0, 65_504, 0);
  endpoint.link.send(endpoint, Buffer.alloc(65_508), 0, 65_508);
  t.equal(bench.counters.clients.droppedTooBig, 2);
  endpoint.link.send(endpoint, largest, 0, largest.length);
  t.ok((await client.next()).bytes.equals(largest), 'the first that arrives is the first that fits');
  t.equal(bench.counters.clients.packetsOut, 1);
});

test('an engine that throws disturbs nobody', async (t) => {
  const bench = new Bench();
  const listener = await bench.listen(t, '127.0.0.1');
  const client = await openPeer(t, '127.0.0.1');
  bench.onArrival = () => {
    throw new Error('a bug');
  };
  await client.send(Buffer.from('1'), listener.local.port, '127.0.0.1');
  await bench.arrivals.next();
  await client.send(Buffer.from('2'), listener.local.port, '127.0.0.1');
  t.equal((await bench.arrivals.next()).bytes.toString(), '2');
  t.match(bench.faults[0], /a bug/);
});

test('sending to port 0, or after the close, is a counted drop', async (t) => {
  const bench = new Bench();
  const listener = await bench.listen(t, '127.0.0.1');
  const client = await openPeer(t, '127.0.0.1');
  await client.send(Buffer.from('x'), listener.local.port, '127.0.0.1');
  const { endpoint } = await bench.arrivals.next();
  const unusable = endpoint.copy();
  unusable.source.port = 0;
  unusable.link.send(unusable, Buffer.from('x'), 0, 1);
  t.equal(bench.counters.clients.droppedUnusable, 1);
  listener.close();
  listener.close();
  endpoint.link.send(endpoint, Buffer.from('x'), 0, 1);
  endpoint.link.sendRelayed(endpoint, listener.header(), 4, Buffer.from('x'), 0, 1, 0);
  t.equal(bench.counters.clients.droppedUnusable, 3);
  t.equal(bench.counters.clients.packetsOut, 0);
});

test('a listener that closes tells the engine of every five-tuple that it knows, once', async (t) => {
  const bench = new Bench();
  const listener = await bench.listen(t, '127.0.0.1');
  const lasting: ClientEndpoint[] = [];
  for (const ip of ['127.0.0.1', '127.0.0.1', '127.0.0.2', '127.0.0.3']) {
    const client = await openPeer(t, ip);
    await client.send(Buffer.from('x'), listener.local.port, '127.0.0.1');
    const { endpoint } = await bench.arrivals.next();
    lasting.push(endpoint.link.retain(endpoint));
  }
  const stranger = await openPeer(t, '127.0.0.4');
  await stranger.send(Buffer.from('x'), listener.local.port, '127.0.0.1');
  await bench.arrivals.next();
  listener.close();
  listener.close();
  t.strictSame(bench.closed, lasting);
  t.equal(listener.knownEndpoints, 0);
});

test('a closed listener has left its port', async (t) => {
  const bench = new Bench();
  const first = await bench.listen(t, '127.0.0.1');
  await t.rejects(bench.listen(t, '127.0.0.1', first.local.port), { code: 'EADDRINUSE' });
  first.close();
  const second = await bench.listen(t, '127.0.0.1', first.local.port);
  t.equal(second.local.port, first.local.port);
});

test('an address that this host lacks is refused with the system’s reason', async (t) => {
  await t.rejects(new Bench().listen(t, '192.0.2.1'), { code: 'EADDRNOTAVAIL' });
});

test('failed sends are counted by reason, each of them while they fail', async (t) => {
  const bench = new Bench();
  const listener = await bench.listen(t, '127.0.0.1');
  const client = await openPeer(t, '127.0.0.1');
  await client.send(Buffer.from('x'), listener.local.port, '127.0.0.1');
  const { endpoint } = await bench.arrivals.next();
  // From a socket bound to loopback the kernel reaches no other host: EINVAL, or ENETUNREACH without a route.
  const outside = Object.assign(endpoint.copy(), { address: '192.0.2.1' });
  for (let sends = 1; sends <= 3; sends++) {
    outside.link.send(outside, Buffer.from('x'), 0, 1);
    await new Promise(setImmediate);
    const counts = [...bench.counters.clients.sendErrors.values()];
    t.equal(
      counts.reduce((sum, count) => sum + count, 0),
      sends,
    );
  }
  t.notOk(bench.counters.clients.sendErrors.has('unknown'));
});

test('when the kernel takes nothing, messages wait unharmed up to a limit and the rest is dropped', async (t) => {
  const program = join(fileURLToPath(new URL('.', import.meta.url)), 'queued-sender.js');
  const { stdout } = await promisify(execFile)(process.execPath, ['--test-udp-no-try-send', program], {
    timeout: 30_000,
  });
  const { relayed, replies, dropped } = JSON.parse(stdout) as Record<string, unknown>;
  t.same(
    relayed,
    Array.from({ length: 64 }, (_, index) => index),
    'each with its own header',
  );
  t.same(replies, [0, 1, 2, 3], 'each with its own bytes');
  t.equal(dropped, 136);
});
