import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { type Test, test } from 'tap';
import type { Libc } from '../../../src/planes/linux/libc.ts';
import type { TransportWords } from '../../../src/stun/transport-address.ts';
import { PortRequest, type RelaySocket, type RelaySocketOwner } from '../../../src/turn/env.ts';
import { DatagramPeer } from '../../support/datagram-peer.ts';
import { counting, findLibc } from '../../support/linux-libc.ts';
import { ipAddress, LinuxServer, type LinuxServerOptions } from '../../support/linux-plane.ts';
import { patiently } from '../../support/raw-client.ts';

const { libc, skip } = await findLibc();
const LOOPBACK = ipAddress('127.0.0.1');

function openRelay(server: LinuxServer): RelaySocket {
  const opened = server.relays.open(4, PortRequest.ANY);
  if (opened === null) throw new Error('no relay socket');
  return opened.socket;
}

/** Sends back whatever comes, for ever: with two of them the plane is never at rest. */
class Bouncer implements RelaySocketOwner {
  bounces = 0;
  isOver = false;
  onBounce: () => void = () => {};
  readonly relay: RelaySocket;

  constructor(relay: RelaySocket) {
    this.relay = relay;
    relay.attach(this);
  }

  fromPeer(source: TransportWords, buffer: Buffer, start: number, end: number): void {
    this.bounces++;
    this.onBounce();
    if (!this.isOver) this.relay.send(LOOPBACK, source.port, buffer, start, end, false);
  }

  fromPeerError(): void {}
}

interface Flood {
  readonly server: LinuxServer;
  readonly one: Bouncer;
}

/** A server whose plane is saturated until the end of the test. */
function flood(t: Test, options: LinuxServerOptions = {}): Flood {
  const server = new LinuxServer(t, libc, options);
  const [one, two] = [new Bouncer(openRelay(server)), new Bouncer(openRelay(server))];
  for (let index = 0; index < 64; index++) {
    one.relay.send(LOOPBACK, two.relay.local.port, Buffer.alloc(100 + index), 0, 100 + index, false);
  }
  t.teardown(() => {
    for (const bouncer of [one, two]) {
      bouncer.isOver = true;
      bouncer.relay.close();
    }
  });
  return { server, one };
}

/** Resolves with the count of bounces when it has grown by so many. */
function more(one: Bouncer, bounces: number): Promise<void> {
  const goal = one.bounces + bounces;
  return new Promise((resolve) => {
    one.onBounce = () => {
      if (one.bounces >= goal) resolve();
    };
  });
}

test('timers fire while the plane is saturated', { skip }, async (t) => {
  const { one } = flood(t, { coalescing: 100 });
  let fired = 0;
  const timer = setInterval(() => fired++, 1);
  t.teardown(() => clearInterval(timer));
  await more(one, 100_000);
  t.ok(fired >= 5, `${fired} times`);
});

test('TCP goes on while the plane is saturated', { skip }, async (t) => {
  const { one } = flood(t);
  const echo = createServer((socket) => socket.pipe(socket)).listen(0, '127.0.0.1');
  await once(echo, 'listening');
  const client: Socket = connect((echo.address() as { port: number }).port, '127.0.0.1');
  t.teardown(() => {
    client.destroy();
    echo.close();
  });
  await patiently('a connection', once(client, 'connect'));
  const before = one.bounces;
  for (let round = 0; round < 50; round++) {
    client.write(`round ${round}`);
    const [chunk] = await patiently('an echo', once(client, 'data'));
    t.equal(String(chunk), `round ${round}`);
  }
  const during = one.bounces - before;
  t.ok(during > 0, 'the flood went on');
  await more(one, 1_000);
});

test('messages of child processes go on while the plane is saturated', { skip }, async (t) => {
  const { one } = flood(t);
  const program = "process.on('message', (text) => process.send(text)); process.send('up')";
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'ignore', 'inherit', 'ipc'], env: {} });
  t.teardown(() => child.kill());
  await patiently('the child', once(child, 'message'));
  const before = one.bounces;
  for (let round = 0; round < 20; round++) {
    child.send(`round ${round}`);
    const [text] = await patiently('a message', once(child, 'message'));
    t.equal(text, `round ${round}`);
  }
  t.ok(one.bounces > before, 'the flood went on');
});

test('what a datagram’s handler awaits goes on within a round, and not only when Node has its turn anyway', {
  skip,
}, async (t) => {
  let promises = 0;
  const { one } = flood(t, { promises: () => promises });
  await more(one, 10_000);
  const waits: number[] = [];
  for (let round = 0; round < 50; round++) {
    await new Promise<void>((resolve) => {
      one.onBounce = () => {
        one.onBounce = () => {};
        const at = one.bounces;
        promises++;
        void Promise.resolve().then(() => {
          waits.push(one.bounces - at);
          resolve();
        });
      };
    });
  }
  // One of the two sockets reads 64 of a round at most.
  t.ok(Math.max(...waits) <= 64, `${Math.max(...waits)} datagrams`);
});

test('what streams have written is Node’s to send at once', { skip }, async (t) => {
  let isDue = false;
  let bouncesAtFlush = 0;
  const flushStreams = (): boolean => {
    const was = isDue;
    isDue = false;
    if (was) bouncesAtFlush = made.one.bounces;
    return was;
  };
  const made = flood(t, { flushStreams });
  await more(made.one, 10_000);
  const waits: number[] = [];
  for (let round = 0; round < 50; round++) {
    await new Promise<void>((resolve) => {
      made.one.onBounce = () => {
        made.one.onBounce = () => {};
        isDue = true;
        setImmediate(() => {
          waits.push(made.one.bounces - bouncesAtFlush);
          resolve();
        });
      };
    });
  }
  t.same(new Set(waits), new Set([0]), 'no datagram between');
});

/** A clock that goes as fast as the test wants, a count of calls, and a promise for each time that the plane goes quiet. */
class Observed {
  readonly counts = new Map<string, number>();
  readonly libc: Libc;
  /** Microseconds that pass between two readings. */
  step = 60_000;
  quiets = 0;
  onQuiet: () => void = () => {};
  #now = 1_000_000;

  constructor() {
    const real = counting(libc, this.counts);
    this.libc = {
      ...real,
      clockGettime: (_clock, time) => {
        this.#now += this.step;
        const words = new DataView(time.buffer, time.byteOffset, 16);
        words.setUint32(0, Math.floor(this.#now / 1_000_000), true);
        words.setUint32(8, (this.#now % 1_000_000) * 1000, true);
        return 0;
      },
      watch: (fd, onReadable) => {
        const watch = libc.watch(fd, onReadable);
        return {
          ...watch,
          start: () => {
            watch.start();
            this.quiets++;
            this.onQuiet();
          },
        };
      },
    };
  }

  /** Resolves when the plane is quiet. */
  async quiet(): Promise<void> {
    await patiently('quiet', new Promise<void>((resolve) => (this.onQuiet = resolve)));
    await nextTurn();
  }

  get calls(): number {
    return [...this.counts.values()].reduce((sum, count) => sum + count, 0);
  }
}

test('a quiet plane makes no system calls, and wakes for a datagram', { skip }, async (t) => {
  const observed = new Observed();
  const server = new LinuxServer(t, observed.libc);
  await observed.quiet();
  for (let round = 1; round <= 3; round++) {
    const before = observed.calls;
    for (let turn = 0; turn < 200; turn++) await nextTurn();
    t.equal(observed.calls, before, 'none');
    const client = await server.client(t);
    const quiet = observed.quiet();
    t.equal((await client.binding()).cls, 2);
    t.ok(observed.calls > before);
    await quiet;
  }
});

test('what Node’s callbacks send while the plane is quiet leaves at once', { skip }, async (t) => {
  const observed = new Observed();
  const server = new LinuxServer(t, observed.libc);
  const relay = openRelay(server);
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => {
    relay.close();
    peer.close();
  });
  await observed.quiet();
  const quiets = observed.quiets;
  for (const text of ['one', 'two', 'three']) {
    relay.send(LOOPBACK, peer.port, Buffer.from(text), 0, text.length, false);
    relay.send(LOOPBACK, peer.port, Buffer.from(text), 0, text.length, false);
    t.equal(String((await patiently(text, peer.next())).bytes), text);
    t.equal(String((await patiently(text, peer.next())).bytes), text);
  }
  t.equal(observed.quiets, quiets, 'and it is still quiet');
});

test('a quiet plane wakes again and again, and nothing that came meanwhile is lost', { skip }, async (t) => {
  const observed = new Observed();
  const server = new LinuxServer(t, observed.libc);
  const relay = openRelay(server);
  let arrived = 0;
  relay.attach({ fromPeer: () => arrived++, fromPeerError: () => {} });
  const peer = await DatagramPeer.open('127.0.0.1');
  t.teardown(() => {
    relay.close();
    peer.close();
  });
  for (let round = 1; round <= 20; round++) {
    await peer.send(Buffer.from('x'), relay.local.port, '127.0.0.1');
    // At some moment of the way into quiet or out of it.
    for (let turn = 0; turn < round % 5; turn++) await nextTurn();
  }
  while (arrived < 20) await observed.quiet();
  t.equal(arrived, 20);
});

for (const moment of ['in a round', 'in a callback of Node’s', 'while quiet'] as const) {
  test(`the plane can be closed ${moment}; what is due leaves, and nothing goes on`, { skip }, async (t) => {
    const observed = new Observed();
    if (moment !== 'while quiet') observed.step = 100;
    const server = new LinuxServer(t, observed.libc);
    const relay = openRelay(server);
    const peer = await DatagramPeer.open('127.0.0.1');
    t.teardown(() => {
      relay.close();
      peer.close();
    });
    const end = (): void => {
      relay.send(LOOPBACK, peer.port, Buffer.from('bye'), 0, 3, false);
      server.close();
      server.plane.close();
    };
    relay.attach({ fromPeer: end, fromPeerError: () => {} });
    if (moment === 'in a round') await peer.send(Buffer.from('end'), relay.local.port, '127.0.0.1');
    if (moment === 'while quiet') await observed.quiet();
    if (moment !== 'in a round') setTimeout(end, 1);
    t.equal(String((await patiently('the last', peer.next())).bytes), 'bye');
    await nextTurn();
    const before = observed.calls;
    for (let turn = 0; turn < 50; turn++) await nextTurn();
    t.equal(observed.calls, before, 'no calls any more');
    t.same(server.faults, []);
  });
}
