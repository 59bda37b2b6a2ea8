import { constants } from 'node:os';
import { type Test, test } from 'tap';
import { PeerDestination } from '../../../src/planes/linux/destination.ts';
import { LinuxRelaySocket } from '../../../src/planes/linux/linux-relay-socket.ts';
import { LinuxUdpListener } from '../../../src/planes/linux/linux-udp-listener.ts';
import { ROUTE_PAUSE } from '../../../src/planes/linux/outlet.ts';
import { findLibc } from '../../support/linux-libc.ts';
import { type Handed, NotingOutlet, notingSends, unlikeOthers } from '../../support/linux-outlet.ts';
import { boundSocket, ipAddress, type LooseCore, looseCore } from '../../support/linux-plane.ts';
import { RawSocket } from '../../support/raw-socket.ts';

const { libc, skip } = await findLibc();
const { EAGAIN, ECONNREFUSED, EIO, EMSGSIZE, ENETUNREACH, ENOBUFS, EPERM } = constants.errno;
const LOOPBACK = ipAddress('127.0.0.1');

/** A core whose sends are judged, two peers, and a datagram for them. */
class Bench {
  readonly handed: Handed[] = [];
  readonly loose: LooseCore;
  readonly peers: readonly [RawSocket, RawSocket];
  readonly fd: number;
  /** Each message is answered with the next of these, then all are taken. */
  verdicts: number[] = [];
  /** Or else by this. */
  judge: (message: Handed) => number = () => 0;
  calls = 0;
  readonly #bytes = unlikeOthers(1, 100);

  constructor(t: Test) {
    const judged = notingSends(libc, this.handed, (message) => this.verdicts.shift() ?? this.judge(message));
    const sendmmsg: typeof libc.sendmmsg = (...args) => {
      this.calls++;
      return judged.sendmmsg(...args);
    };
    this.loose = looseCore(t, { ...judged, sendmmsg });
    this.peers = [RawSocket.udp(libc, '127.0.0.1'), RawSocket.udp(libc, '127.0.0.1')];
    this.fd = boundSocket(libc, '127.0.0.1');
    t.teardown(() => {
      for (const peer of this.peers) peer.close();
      libc.close(this.fd);
    });
  }

  /** Queues datagrams for peers 0 and 1 in this order, with lengths, and flushes. */
  send(outlet: NotingOutlet, items: readonly (readonly [peer: number, length: number])[]): void {
    for (const [peer, length] of items) {
      const to = new PeerDestination();
      to.set(LOOPBACK, (this.peers[peer] as RawSocket).port);
      this.loose.core.queue.push(outlet, to, 0, this.#bytes, 0, length, 0, false);
    }
    this.loose.core.queue.flush();
  }

  /** The lengths of what a peer has received, and that it is what was sent. */
  heard(peer: number): number[] {
    const lengths: number[] = [];
    const socket = this.peers[peer] as RawSocket;
    for (let heard = socket.now(); heard !== null; heard = socket.now()) {
      if (!heard.bytes.equals(this.#bytes.subarray(0, heard.bytes.length))) throw new Error('other bytes arrived');
      lengths.push(heard.bytes.length);
    }
    return lengths;
  }

  relay(): LinuxRelaySocket {
    const { core } = this.loose;
    const local = core.sockets.addressOf(this.fd);
    const destination = new PeerDestination();
    return new LinuxRelaySocket({ core, destination, fd: this.fd, local, shown: local.ip, onClosed: () => {} });
  }

  /** Lets a relay socket send a run of so many to peer 0. */
  sendRun(relay: LinuxRelaySocket, count: number): void {
    for (let index = 0; index < count; index++) {
      relay.send(LOOPBACK, this.peers[0].port, this.#bytes, 0, this.#bytes.length, false);
    }
    this.loose.core.queue.flush();
  }
}

for (const errno of [EPERM, ENETUNREACH, EMSGSIZE]) {
  test(`errno ${errno} for one datagram costs the others nothing`, { skip }, async (t) => {
    const bench = new Bench(t);
    const outlet = new NotingOutlet(bench.fd, false);
    bench.verdicts = [0, 0, errno, errno, 0, 0];
    bench.send(outlet, [
      [0, 1],
      [0, 2],
      [1, 3],
      [0, 4],
      [1, 5],
    ]);
    t.same(bench.heard(0), [1, 2, 4]);
    t.same(bench.heard(1), [5]);
    t.same(outlet.refusals, [[errno, 1]]);
    t.same(outlet.runRefusals, []);
  });

  test(`errno ${errno} for the first and the last datagram costs the others nothing`, { skip }, async (t) => {
    const bench = new Bench(t);
    const outlet = new NotingOutlet(bench.fd);
    const dead = bench.peers[1].port;
    bench.judge = ({ port }) => (port === dead ? errno : 0);
    bench.send(outlet, [
      [1, 9],
      [0, 2],
      [1, 9],
      [1, 8],
      [0, 3],
      [0, 4],
      [1, 9],
    ]);
    t.same(bench.heard(0), [2, 3, 4]);
    t.same(bench.heard(1), []);
    t.equal(
      outlet.refusals.reduce((sum, [, datagrams]) => sum + datagrams, 0),
      4,
    );
  });
}

for (const errno of [EPERM, ENETUNREACH]) {
  test(`errno ${errno} for a run says nothing about runs`, { skip }, async (t) => {
    const bench = new Bench(t);
    const outlet = new NotingOutlet(bench.fd, false);
    const dead = bench.peers[1].port;
    bench.judge = ({ port }) => (port === dead ? errno : 0);
    bench.send(outlet, [
      [1, 9],
      [1, 9],
      [1, 9],
      [0, 5],
      [0, 5],
    ]);
    t.same(outlet.refusals, [[errno, 3]]);
    t.same(outlet.runRefusals, []);
    t.same(bench.heard(0), [5, 5]);
  });
}

test('a run that is too long for its path leaves datagram by datagram, and the next run is tried again', {
  skip,
}, async (t) => {
  const bench = new Bench(t);
  const relay = bench.relay();
  bench.judge = ({ segment }) => (segment > 0 ? EMSGSIZE : 0);
  bench.sendRun(relay, 5);
  t.same(bench.heard(0), [100, 100, 100, 100, 100]);
  t.equal(bench.loose.counters.runsRefused, 1);
  t.equal(relay.mayMerge, true);
  bench.judge = () => 0;
  bench.sendRun(relay, 3);
  t.equal(bench.handed.at(-1)?.segment, 100);
  t.same(bench.heard(0), [100, 100, 100]);
  t.same(bench.loose.counters.peers.sendErrors, new Map());
});

test('one refused run changes nothing for others in the same call', { skip }, async (t) => {
  const bench = new Bench(t);
  const outlet = new NotingOutlet(bench.fd);
  const narrow = bench.peers[1].port;
  bench.judge = ({ segment, port }) => (segment > 0 && port === narrow ? EMSGSIZE : 0);
  bench.send(outlet, [
    [0, 9],
    [0, 9],
    [1, 100],
    [1, 100],
    [1, 30],
    [0, 8],
    [0, 8],
  ]);
  t.same(bench.heard(0), [9, 9, 8, 8]);
  t.same(bench.heard(1), [100, 100, 30], 'the shorter last one too');
  t.same(
    bench.handed.filter(({ port, segment }) => port !== narrow && segment === 0),
    [],
  );
  t.same(outlet.runRefusals, [false]);
});

for (const kind of ['relay', 'listener'] as const) {
  test(`a route that takes no runs is spared them for a minute (${kind})`, { skip }, async (t) => {
    const bench = new Bench(t);
    const { core } = bench.loose;
    const handler = { fromClient: () => {}, endpointClosed: () => {} };
    const outlet = kind === 'relay' ? bench.relay() : new LinuxUdpListener({ core, fd: bench.fd, handler, seed: 1 });
    const to = new PeerDestination();
    to.set(LOOPBACK, bench.peers[0].port);
    const bytes = unlikeOthers(1, 100);
    const runOfTwo = (): number[] => {
      for (let index = 0; index < 2; index++) core.queue.push(outlet, to, 0, bytes, 0, 50, 0, false);
      core.queue.flush();
      return bench.heard(0);
    };
    core.now = 1_000;
    bench.judge = ({ segment }) => (segment > 0 ? EIO : 0);
    t.same(runOfTwo(), [50, 50]);
    t.equal(bench.loose.counters.runsRefused, 1);
    bench.judge = () => 0;
    core.now = 1_000 + ROUTE_PAUSE - 1;
    bench.handed.length = 0;
    t.same(runOfTwo(), [50, 50]);
    t.same(
      bench.handed.map(({ segment }) => segment),
      [0, 0],
    );
    core.now = 1_000 + ROUTE_PAUSE;
    bench.handed.length = 0;
    t.same(runOfTwo(), [50, 50]);
    t.same(
      bench.handed.map(({ segment }) => segment),
      [50],
    );
    t.equal(bench.loose.counters.runsRefused, 1);
  });
}

for (const errno of [EAGAIN, ENOBUFS]) {
  test(`a full socket (errno ${errno}) is not tried again: what is due is counted and gone`, { skip }, async (t) => {
    const bench = new Bench(t);
    const outlet = new NotingOutlet(bench.fd);
    bench.verdicts = [0, 0];
    bench.judge = () => errno;
    bench.send(outlet, [
      [0, 1],
      [0, 2],
      [0, 3],
      [1, 4],
      [0, 7],
      [0, 7],
      [0, 7],
    ]);
    t.same(bench.heard(0), [1, 2]);
    t.same(bench.heard(1), []);
    t.equal(
      outlet.refusals.reduce((sum, [, datagrams]) => sum + datagrams, 0),
      5,
    );
    t.ok(bench.calls <= 2, `${bench.calls} calls`);
    bench.judge = () => 0;
    bench.send(outlet, [[0, 6]]);
    t.same(bench.heard(0), [6], 'and the next has its chance');
  });
}

test('what a full socket did not take is counted apart from errors', { skip }, async (t) => {
  const bench = new Bench(t);
  const relay = bench.relay();
  bench.judge = () => EAGAIN;
  bench.sendRun(relay, 1);
  bench.judge = () => EPERM;
  bench.sendRun(relay, 1);
  t.equal(bench.loose.counters.peers.droppedQueueFull, 1);
  t.same(bench.loose.counters.peers.sendErrors, new Map([['EPERM', 1]]));
});

test('an error that was another datagram’s (ICMP) costs neither a datagram nor a run nor the runs to come', {
  skip,
}, async (t) => {
  const bench = new Bench(t);
  const outlet = new NotingOutlet(bench.fd);
  bench.verdicts = [ECONNREFUSED, 0, ECONNREFUSED, 0, 0, ECONNREFUSED, ECONNREFUSED];
  bench.send(outlet, [
    [0, 1],
    [1, 50],
    [1, 50],
    [1, 50],
    [0, 2],
    [0, 3],
  ]);
  t.same(bench.heard(0), [1, 2, 3]);
  t.same(bench.heard(1), [50, 50, 50]);
  t.same([outlet.refusals, outlet.runRefusals], [[], []]);
});

test('nor does it in the midst of a run that leaves apart', { skip }, async (t) => {
  const bench = new Bench(t);
  const outlet = new NotingOutlet(bench.fd);
  bench.verdicts = [EMSGSIZE, 0, ECONNREFUSED, 0, 0];
  bench.send(outlet, [
    [1, 50],
    [1, 50],
    [1, 50],
  ]);
  t.same(bench.heard(1), [50, 50, 50]);
  t.same(outlet.refusals, []);
});
