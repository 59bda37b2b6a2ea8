import { type Test, test } from 'tap';
import { LinuxUdpListener } from '../../../src/planes/linux/linux-udp-listener.ts';
import type { ClientEndpoint } from '../../../src/turn/client-endpoint.ts';
import { packetV4 } from '../../support/ip-packet.ts';
import { findLibc } from '../../support/linux-libc.ts';
import { unlikeOthers } from '../../support/linux-outlet.ts';
import { boundSocket, LOOPBACK, type LooseCore, looseCore, turn } from '../../support/linux-plane.ts';
import { RawSocket } from '../../support/raw-socket.ts';

const { libc, skip } = await findLibc();

const PATIENCE_MS = 10_000;

interface Arrival {
  readonly endpoint: ClientEndpoint;
  readonly source: string;
  readonly bytes: Buffer;
}

/** A listener whose engine is the test. */
class Bench {
  readonly loose: LooseCore;
  readonly listener: LinuxUdpListener;
  readonly arrivals: Arrival[] = [];
  readonly closed: ClientEndpoint[] = [];
  onArrival: (endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number) => void = () => {};
  readonly #t: Test;

  constructor(t: Test, listen: string) {
    this.#t = t;
    this.loose = looseCore(t, libc);
    this.listener = new LinuxUdpListener({
      core: this.loose.core,
      fd: boundSocket(libc, listen),
      handler: this,
      seed: 7,
    });
    t.teardown(() => this.listener.close());
  }

  get port(): number {
    return this.listener.local.port;
  }

  fromClient(endpoint: ClientEndpoint, buffer: Buffer, start: number, end: number): void {
    const bytes = Buffer.from(buffer.subarray(start, end));
    this.arrivals.push({ endpoint, source: endpoint.client.text, bytes });
    this.onArrival(endpoint, buffer, start, end);
  }

  endpointClosed(endpoint: ClientEndpoint): void {
    this.closed.push(endpoint);
    endpoint.link.release(endpoint);
  }

  client(family: 4 | 6 = 4): RawSocket {
    const raw = RawSocket.udp(libc, LOOPBACK[family]);
    this.#t.teardown(() => raw.close());
    return raw;
  }

  /** Turns the core until so many datagrams have come in all. */
  until(count: number): void {
    const end = performance.now() + PATIENCE_MS;
    while (this.arrivals.length < count) {
      if (performance.now() > end) throw new Error('it did not come');
      turn(this.loose.core, 100);
    }
  }
}

for (const family of [4, 6] as const) {
  const ip = LOOPBACK[family];
  const text = family === 6 ? `[${ip}]` : ip;

  test(`what clients send arrives with its source, and the answer goes there (IPv${family})`, { skip }, async (t) => {
    const bench = new Bench(t, ip);
    bench.onArrival = (endpoint, buffer, start, end) => bench.listener.send(endpoint as never, buffer, start, end);
    const [one, two] = [bench.client(family), bench.client(family)];
    const sent = [1, 1200, 65_507, 20].map((size, index) => ({
      from: index === 1 ? two : one,
      bytes: unlikeOthers(index, size),
    }));
    for (const { from, bytes } of sent) from.send(bytes, ip, bench.port);
    bench.until(4);
    t.same(
      bench.arrivals.map(({ source }) => source),
      sent.map(({ from }) => `${text}:${from.port}`),
    );
    for (const { from, bytes } of sent) {
      const answer = from.next();
      t.ok(answer.bytes.equals(bytes));
      t.equal(answer.port, bench.port);
    }
    t.match(bench.loose.counters.clients, { packetsIn: 4, bytesIn: 66_728, packetsOut: 4, bytesOut: 66_728 });
  });

  test(`datagrams that come as one (UDP GRO) are the ones that were sent (IPv${family})`, { skip }, async (t) => {
    const bench = new Bench(t, ip);
    const from = bench.client(family);
    const bytes = unlikeOthers(1, 50 * 1000 + 999);
    from.send(bytes, ip, bench.port, 1000);
    bench.until(51);
    t.same(
      bench.arrivals.map((arrival) => arrival.bytes.length),
      [...Array.from({ length: 50 }, () => 1000), 999],
    );
    t.ok(Buffer.concat(bench.arrivals.map((arrival) => arrival.bytes)).equals(bytes));
    t.match(bench.loose.counters.clients, { packetsIn: 51, bytesIn: bytes.length });
    t.ok(bench.loose.core.received < 51, 'and they did come as one');
  });
}

test('the first of many responses do not wait for the last one', { skip }, async (t) => {
  const bench = new Bench(t, LOOPBACK[4]);
  const due: number[] = [];
  bench.onArrival = (endpoint, buffer, start, end) => {
    bench.listener.send(endpoint as never, buffer, start, end);
    due.push(bench.loose.core.queue.size);
  };
  const from = bench.client();
  for (let request = 0; request < 10; request++) from.send(unlikeOthers(request, 20), LOOPBACK[4], bench.port);
  bench.until(10);
  t.same(due, [1, 2, 3, 4, 5, 6, 7, 0, 1, 2]);
  for (let response = 0; response < 10; response++) t.ok(from.next().bytes.equals(unlikeOthers(response, 20)));
});

test('S43 strangers cost no memory: one endpoint stands for all, until it is retained', { skip }, async (t) => {
  const bench = new Bench(t, '127.0.0.1');
  const [one, two] = [bench.client(), bench.client()];
  one.send(Buffer.from('1'), '127.0.0.1', bench.port);
  two.send(Buffer.from('2'), '127.0.0.1', bench.port);
  bench.until(2);
  t.equal(bench.arrivals[0]?.endpoint, bench.arrivals[1]?.endpoint);
  t.equal(bench.listener.knownEndpoints, 0);
  const kept: ClientEndpoint[] = [];
  bench.onArrival = (endpoint) => kept.push(endpoint.link.retain(endpoint));
  one.send(Buffer.from('3'), '127.0.0.1', bench.port);
  two.send(Buffer.from('4'), '127.0.0.1', bench.port);
  one.send(Buffer.from('5'), '127.0.0.1', bench.port);
  bench.until(5);
  t.equal(bench.listener.knownEndpoints, 2);
  t.not(kept[0], kept[1]);
  t.equal(kept[2], kept[0], 'the same client, the same endpoint');
  t.equal(bench.arrivals[4]?.endpoint, kept[0], 'that is found when it comes again');
  t.equal(kept[0]?.client.text, `127.0.0.1:${one.port}`);
  bench.listener.release(kept[0] as never);
  t.equal(bench.listener.knownEndpoints, 1);
});

test('STUN-11 a client over IPv4 at an IPv6 socket is an IPv4 client, and known when it comes again', {
  skip,
}, async (t) => {
  const bench = new Bench(t, '::');
  const from = bench.client(4);
  bench.onArrival = (endpoint, buffer, start, end) => {
    bench.listener.send(endpoint.link.retain(endpoint) as never, buffer, start, end);
  };
  for (const text of ['one', 'two']) from.send(Buffer.from(text), '127.0.0.1', bench.port);
  bench.until(2);
  t.equal(bench.arrivals[0]?.source, `127.0.0.1:${from.port}`);
  t.equal(bench.listener.knownEndpoints, 1);
  t.not(bench.arrivals[1]?.endpoint, bench.arrivals[0]?.endpoint, 'not the scratch any more');
  t.equal(bench.arrivals[1]?.endpoint, bench.listener.find(bench.arrivals[1]?.endpoint as never));
  t.same([String(from.next().bytes), String(from.next().bytes)], ['one', 'two']);
});

test('a source port of 0 is dropped and counted', { skip }, async (t) => {
  const bench = new Bench(t, '127.0.0.1');
  const raw = RawSocket.ip(libc, 4);
  if (raw === null) {
    t.pass('raw sockets take rights');
    return;
  }
  for (const sourcePort of [0, 7]) {
    raw.send(packetV4({ sourcePort, targetPort: bench.port, payload: Buffer.from('x') }), '127.0.0.1', 0);
  }
  raw.close();
  bench.until(1);
  t.same(
    bench.arrivals.map(({ source }) => source),
    ['127.0.0.1:7'],
  );
  t.match(bench.loose.counters.clients, { packetsIn: 2, droppedUnusable: 1 });
});

test('what the kernel dropped is counted', { skip }, async (t) => {
  const bench = new Bench(t, '127.0.0.1');
  const from = bench.client();
  const datagrams = 40_000;
  const bytes = unlikeOthers(1, 1400);
  for (let sent = 0; sent < datagrams; sent++) from.send(bytes, '127.0.0.1', bench.port);
  bench.until(1);
  while (bench.loose.core.poller.isUnfinished) turn(bench.loose.core);
  from.send(Buffer.from('last'), '127.0.0.1', bench.port);
  bench.until(bench.arrivals.length + 1);
  t.ok(bench.loose.counters.clients.kernelDrops > 0);
  t.equal(bench.arrivals.length + bench.loose.counters.clients.kernelDrops, datagrams + 1);
});

test('a client that has gone costs the others nothing: no ICMP error stays on the socket', { skip }, async (t) => {
  const bench = new Bench(t, '127.0.0.1');
  const [live, gone] = [bench.client(), RawSocket.udp(libc, '127.0.0.1')];
  const kept = new Map<string, ClientEndpoint>();
  bench.onArrival = (endpoint) => kept.set(endpoint.client.text, endpoint.link.retain(endpoint));
  live.send(Buffer.from('a'), '127.0.0.1', bench.port);
  gone.send(Buffer.from('b'), '127.0.0.1', bench.port);
  bench.until(2);
  const [toLive, toGone] = [kept.get(`127.0.0.1:${live.port}`), kept.get(`127.0.0.1:${gone.port}`)];
  gone.close();
  const bytes = Buffer.from('media');
  for (let round = 0; round < 100; round++) {
    bench.listener.send(toGone as never, bytes, 0, 5);
    bench.listener.send(toLive as never, bytes, 0, 5);
    turn(bench.loose.core);
  }
  let heard = 0;
  for (let one = live.now(); one !== null; one = live.now()) heard++;
  t.equal(heard, 100);
  t.same(bench.loose.counters.clients.sendErrors, new Map());
});

test('closing tells of every five-tuple, sends what is due, and delivers nothing more', { skip }, async (t) => {
  const bench = new Bench(t, '127.0.0.1');
  const [one, two] = [bench.client(), bench.client()];
  bench.onArrival = (endpoint, buffer, start, end) => {
    const lasting = endpoint.link.retain(endpoint);
    bench.listener.send(lasting as never, buffer, start, end);
    if (bench.arrivals.length === 2) bench.listener.close();
  };
  one.send(Buffer.from('1'), '127.0.0.1', bench.port);
  two.send(Buffer.from('2'), '127.0.0.1', bench.port);
  for (let index = 0; index < 100; index++) one.send(Buffer.from('late'), '127.0.0.1', bench.port);
  bench.until(2);
  turn(bench.loose.core);
  t.equal(bench.arrivals.length, 2);
  t.equal(bench.closed.length, 2);
  t.equal(bench.listener.knownEndpoints, 0);
  t.same([String(one.next().bytes), String(two.next().bytes)], ['1', '2']);
  bench.listener.close();
  t.equal(bench.closed.length, 2, 'once');
  bench.listener.send(bench.closed[0] as never, Buffer.from('late'), 0, 4);
  t.equal(bench.loose.core.queue.size, 0);
});

test('an engine that throws is reported, and disturbs nobody', { skip }, async (t) => {
  const bench = new Bench(t, '127.0.0.1');
  const from = bench.client();
  bench.onArrival = () => {
    if (bench.arrivals.length === 1) throw new Error('a bug');
  };
  for (const text of ['one', 'two']) from.send(Buffer.from(text), '127.0.0.1', bench.port);
  bench.until(2);
  t.match(bench.loose.faults, [{ message: 'a bug' }]);
});
