import fc from 'fast-check';
import { type Test, test } from 'tap';
import { PeerDestination } from '../../../src/planes/linux/destination.ts';
import { QUEUE_ENTRIES } from '../../../src/planes/linux/send-queue.ts';
import { findLibc } from '../../support/linux-libc.ts';
import { type Handed, NotingOutlet, notingSends, Received, unlikeOthers } from '../../support/linux-outlet.ts';
import { boundSocket, ipAddress, LOOPBACK, type LooseCore, looseCore } from '../../support/linux-plane.ts';
import { RawSocket } from '../../support/raw-socket.ts';

const { libc, skip } = await findLibc();

const EMSGSIZE = 90;

interface Bench extends LooseCore {
  readonly outlets: readonly NotingOutlet[];
  readonly peers: readonly RawSocket[];
  readonly handed: Handed[];
  readonly received: Received;
  /** Refuses every run that is handed over while it is not 0. */
  refusal: number;
}

function bench(t: Test, { family = 4 as 4 | 6, outlets = 1, peers = 1 } = {}): Bench {
  const handed: Handed[] = [];
  const judge = ({ segment }: Handed): number => (segment > 0 ? made.refusal : 0);
  const loose = looseCore(t, notingSends(libc, handed, judge));
  const ip = LOOPBACK[family];
  const sockets = Array.from({ length: outlets }, () => boundSocket(libc, ip));
  const raws = Array.from({ length: peers }, () => RawSocket.udp(libc, ip));
  t.teardown(() => {
    for (const fd of sockets) libc.close(fd);
    for (const raw of raws) raw.close();
  });
  const made: Bench = {
    ...loose,
    outlets: sockets.map((fd) => new NotingOutlet(fd)),
    peers: raws,
    handed,
    received: new Received(loose.core),
    refusal: 0,
  };
  return made;
}

function destination(peer: RawSocket, family: 4 | 6 = 4): PeerDestination {
  const to = new PeerDestination();
  to.set(ipAddress(LOOPBACK[family]), peer.port);
  return to;
}

/** What is to be sent. */
interface Item {
  readonly outlet: number;
  readonly peer: number;
  readonly length: number;
  /** Bytes of a head, and zero bytes behind. */
  readonly head?: number;
  readonly padding?: number;
  readonly copied?: boolean;
  readonly dontFragment?: boolean;
  readonly trafficClass?: number;
}

/** Queues a datagram. @returns its bytes as they must arrive */
function push(made: Bench, item: Item, family: 4 | 6 = 4): Buffer {
  const { queue, arena } = made.core;
  const { head = 0, padding = 0, copied = false, dontFragment = false, trafficClass = 0 } = item;
  const payload = made.received.payload(item.length);
  const headBytes = unlikeOthers(item.length + 1, head);
  if (head > 0) headBytes.copy(queue.head());
  const outlet = made.outlets[item.outlet] as NotingOutlet;
  const to = destination(made.peers[item.peer] as RawSocket, family);
  queue.trafficClass = trafficClass;
  if (copied) {
    const reused = Buffer.concat([Buffer.from('<'), payload, Buffer.from('>')]);
    queue.push(outlet, to, head, reused, 1, 1 + payload.length, padding, dontFragment);
    reused.fill(0xdd);
  } else {
    const at = made.received.put(payload);
    queue.push(outlet, to, head, arena.bytes, at, at + payload.length, padding, dontFragment);
  }
  return Buffer.concat([headBytes, payload, Buffer.alloc(padding)]);
}

/** Datagrams of these lengths from one socket to one peer. */
function queueAll(made: Bench, items: readonly (number | Partial<Item>)[], family: 4 | 6 = 4): Buffer[] {
  return items.map((item) => {
    const one = typeof item === 'number' ? { length: item } : item;
    return push(made, { outlet: 0, peer: 0, length: 0, ...one }, family);
  });
}

/** Reads as many datagrams as there must be, and checks that there are no more. */
function mustHear(t: Test, peer: RawSocket, expected: readonly Buffer[], what = 'all arrive'): void {
  const heard = expected.map(() => peer.next().bytes.toString('base64'));
  t.same(
    heard,
    expected.map((bytes) => bytes.toString('base64')),
    what,
  );
  t.equal(peer.now(), null, 'and nothing else');
}

for (const family of [4, 6] as const) {
  test(`datagrams arrive in order, byte for byte (IPv${family})`, { skip }, async (t) => {
    const made = bench(t, { family });
    const sent = queueAll(made, [5, 0, 1200, 1200, 1200, 700, 65_507, 1, 0, 0, 3], family);
    t.equal(made.core.queue.size, 11);
    made.core.queue.flush();
    t.equal(made.core.queue.size, 0);
    mustHear(t, made.peers[0] as RawSocket, sent);
    t.same(made.outlets[0]?.refusals, []);
  });
}

const RUNS: readonly (readonly [what: string, items: readonly (number | Partial<Item>)[], parts: readonly number[]])[] =
  [
    ['equal lengths', [100, 100, 100], [3]],
    ['a shorter one ends a run', [100, 100, 50, 100, 100], [3, 2]],
    ['nothing follows the shorter one, not even its like', [100, 50, 50], [2, 1]],
    ['a longer one begins another', [50, 100], [1, 1]],
    ['TURN-89 an empty datagram stands alone', [100, 0, 100, 0, 0], [1, 0, 1, 0, 0]],
    ['64 at most', Array.from({ length: 130 }, () => 10), [64, 64, 2]],
    ['64 KiB at most', Array.from({ length: 46 }, () => 1472), [44, 2]],
    [
      'another traffic class',
      [{ length: 9 }, { length: 9, trafficClass: 0xb8 }, { length: 9, trafficClass: 0xb8 }],
      [1, 2],
    ],
    [
      'another peer',
      [{ length: 9 }, { length: 9 }, { length: 9, peer: 1 }, { length: 9, peer: 1 }, { length: 9 }],
      [2, 2, 1],
    ],
    ['DF', [9, { length: 9, dontFragment: true }, { length: 9, dontFragment: true }, 9, 9], [1, 1, 1, 2]],
  ];

for (const [what, items, parts] of RUNS) {
  test(`runs: ${what}`, { skip }, async (t) => {
    const made = bench(t, { peers: 2 });
    const sent = queueAll(made, items);
    made.core.queue.flush();
    t.same(
      made.handed.map((message) => message.parts),
      parts,
    );
    const isFor = (peer: number) => (_: Buffer, index: number) => ((items[index] as Partial<Item>).peer ?? 0) === peer;
    for (const [index, peer] of made.peers.entries()) mustHear(t, peer, sent.filter(isFor(index)));
  });
}

test('addresses that differ in one word of four are not the same', { skip }, async (t) => {
  const made = bench(t, { family: 6 });
  const outlet = made.outlets[0] as NotingOutlet;
  const at = made.received.put(Buffer.alloc(9));
  const base = destination(made.peers[0] as RawSocket, 6);
  const others = [{ a0: 1 }, { a1: 1 }, { a2: 1 }, { a3: 1 }, { head: base.head ^ 0x10000 }, {}].flatMap((one) => [
    {},
    one,
  ]);
  for (const other of others) {
    const to = { head: base.head, a0: base.a0, a1: base.a1, a2: base.a2, a3: base.a3, ...other };
    made.core.queue.push(outlet, to, 0, made.core.arena.bytes, at, at + 9, 0, false);
  }
  made.core.queue.flush();
  t.equal(made.handed.at(-1)?.parts, 2, 'only the last two');
  t.ok(made.handed.slice(0, -1).every(({ parts }) => parts === 1));
});

test('a socket that may not merge hands over one by one', { skip }, async (t) => {
  const made = bench(t);
  (made.outlets[0] as NotingOutlet).mayMerge = false;
  const sent = queueAll(made, [100, 100, 100]);
  made.core.queue.flush();
  t.equal(made.handed.length, 3);
  mustHear(t, made.peers[0] as RawSocket, sent);
});

test('TURN-96 DF is set for the very datagrams that ask for it, in their order', { skip }, async (t) => {
  const made = bench(t);
  const sent = queueAll(made, [9, { length: 9, dontFragment: true }, 9, 9, { length: 0, dontFragment: true }]);
  made.core.queue.flush();
  t.same(made.outlets[0]?.dontFragment, [true, false, true, false]);
  mustHear(t, made.peers[0] as RawSocket, sent);
});

test('heads and padding arrive, merged or not', { skip }, async (t) => {
  const made = bench(t);
  const data = { length: 1001, head: 36, padding: 3 };
  const sent = queueAll(made, [
    data,
    data,
    data,
    { length: 0, head: 4 },
    { length: 0, head: 4 },
    { length: 2, head: 64, padding: 2 },
  ]);
  made.core.queue.flush();
  t.same(
    made.handed.map((message) => message.parts),
    [10, 1, 3],
  );
  mustHear(t, made.peers[0] as RawSocket, sent);
});

test('a run whose datagrams are heads alone leaves as it is when it must leave apart', { skip }, async (t) => {
  const made = bench(t);
  made.refusal = EMSGSIZE;
  const sent = queueAll(made, [
    { length: 0, head: 4 },
    { length: 0, head: 4 },
    { length: 0, head: 4 },
  ]);
  made.core.queue.flush();
  t.same(made.outlets[0]?.runRefusals, [false]);
  mustHear(t, made.peers[0] as RawSocket, sent);
});

test('payloads from outside of the arena are copied', { skip }, async (t) => {
  const made = bench(t);
  const sent = queueAll(made, [
    { length: 100, copied: true },
    { length: 100, copied: true },
    { length: 7, copied: true, head: 4, padding: 1 },
  ]);
  made.core.queue.flush();
  mustHear(t, made.peers[0] as RawSocket, sent);
});

for (const copied of [false, true]) {
  test(`more than fit are sent before, and none is lost (${copied ? 'copies' : 'in place'})`, { skip }, async (t) => {
    const made = bench(t, { peers: 2, outlets: 2 });
    let flushed = 0;
    made.core.queue.onFirst = () => flushed++;
    // Sizes that fill the entries first, and then as much of the room for copies as the first of the next round has left.
    const items = Array.from({ length: 2 * QUEUE_ENTRIES + 9 }, (_, index) => {
      return { outlet: index & 1, peer: 0, length: index < QUEUE_ENTRIES ? 500 : 1000, copied };
    });
    const sent = queueAll(made, items);
    made.core.queue.flush();
    t.equal(flushed, 3, 'somebody was told of the first of each');
    const ports = made.outlets.map(({ fd }) => made.core.sockets.addressOf(fd).port);
    const heard = items.map(() => (made.peers[0] as RawSocket).next());
    for (const [index, port] of ports.entries()) {
      const from = heard.filter((one) => one.port === port).map(({ bytes }) => bytes.toString('base64'));
      t.same(
        from,
        sent.filter((_, at) => (at & 1) === index).map((bytes) => bytes.toString('base64')),
      );
    }
  });
}

test('a head that has been written survives a flush for want of room', { skip }, async (t) => {
  const made = bench(t);
  const large = { length: 60_001, head: 36, padding: 3, copied: true };
  const sent = queueAll(made, [{ length: 9 }, large, large, large, large, large, large, { length: 9 }]);
  t.ok(made.handed.length > 0, 'there was one');
  made.core.queue.flush();
  mustHear(t, made.peers[0] as RawSocket, sent);
});

test('a head is given out when all entries are due', { skip }, async (t) => {
  const made = bench(t);
  const items = Array.from({ length: QUEUE_ENTRIES + 2 }, () => ({ length: 8, head: 4 }));
  const sent = queueAll(made, items);
  made.core.queue.flush();
  mustHear(t, made.peers[0] as RawSocket, sent);
});

const length = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 1, 100, 100, 100, 1200, 1200) },
  { weight: 2, arbitrary: fc.nat(1500) },
  { weight: 1, arbitrary: fc.constantFrom(9_000, 32_744, 60_000) },
);

const item: fc.Arbitrary<Item> = fc.record({
  outlet: fc.nat(1),
  peer: fc.nat(2),
  length,
  head: fc.constantFrom(0, 0, 4, 36),
  padding: fc.constantFrom(0, 0, 0, 3),
  copied: fc.boolean(),
  trafficClass: fc.constantFrom(0, 0, 0, 2),
});

// Neighbours that are alike, as media is: that is where runs come from.
const items = fc
  .array(fc.tuple(item, fc.constantFrom(1, 1, 2, 3, 70)), { maxLength: 12 })
  .map((pairs) => pairs.flatMap(([one, times]) => Array.from({ length: one.length > 2000 ? 1 : times }, () => one)));

test('whatever is sent arrives, in order for each socket and peer, whether runs are taken or not', {
  skip,
}, async (t) => {
  const made = bench(t, { outlets: 2, peers: 3 });
  const ports = made.outlets.map(({ fd }) => made.core.sockets.addressOf(fd).port);
  fc.assert(
    fc.property(items, fc.constantFrom(0, EMSGSIZE), (sequence, refusal) => {
      made.refusal = refusal;
      Object.assign(made, { received: new Received(made.core) });
      const expected = new Map<string, string[]>();
      for (const one of sequence) {
        const key = `${ports[one.outlet]} ${one.peer}`;
        const all = expected.get(key) ?? [];
        expected.set(key, [...all, push(made, one).toString('base64')]);
      }
      made.core.queue.flush();
      const heard = new Map<string, string[]>();
      for (const [peer, socket] of made.peers.entries()) {
        for (const _ of sequence.filter((one) => one.peer === peer)) {
          const { bytes, port } = socket.next();
          const key = `${port} ${peer}`;
          heard.set(key, [...(heard.get(key) ?? []), bytes.toString('base64')]);
        }
        if (socket.now() !== null) return false;
      }
      return JSON.stringify([...heard].sort()) === JSON.stringify([...expected].sort());
    }),
    { numRuns: 60 },
  );
  t.same(
    made.outlets.map(({ refusals }) => refusals),
    [[], []],
  );
});
