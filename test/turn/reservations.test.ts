import { test } from 'tap';
import type { Random, RelaySocket } from '../../src/turn/env.ts';
import { RESERVATION_HOLD, Reservations } from '../../src/turn/reservations.ts';
import { LabClock, transportAddress } from '../support/lab.ts';

class FakeSocket implements RelaySocket {
  readonly local = transportAddress('10.0.0.1:50001');
  readonly relayed = transportAddress('203.0.113.1:50001');
  closed = 0;
  attach(): void {}
  send(): void {}
  close(): void {
    this.closed++;
  }
}

function setUp() {
  let next = 1;
  const random: Random = { fill: (target) => target.fill(next++) };
  const clock = new LabClock();
  return { clock, reservations: new Reservations(clock, random) };
}

test('a token redeems its own socket, once', async (t) => {
  const { reservations } = setUp();
  const [one, two] = [new FakeSocket(), new FakeSocket()];
  const first = reservations.hold(one, null).toString('hex');
  const second = reservations.hold(two, null).toString('hex');
  t.equal(first.length, 16);
  t.not(first, second);
  t.equal(reservations.size, 2);
  t.ok(reservations.has(second));
  t.equal(reservations.redeem(second), two);
  t.equal(reservations.redeem(second), null);
  t.notOk(reservations.has(second));
  t.equal(reservations.redeem(first), one);
  t.equal(reservations.size, 0);
  t.same([one.closed, two.closed], [0, 0], 'what is redeemed stays open');
});

test('an unknown token redeems nothing', async (t) => {
  const { reservations } = setUp();
  reservations.hold(new FakeSocket(), null);
  t.equal(reservations.redeem('ffffffffffffffff'), null);
  t.equal(reservations.redeem(''), null);
  t.equal(reservations.size, 1);
});

test('a reservation lasts at least 30 seconds and no longer than it says', async (t) => {
  t.ok(RESERVATION_HOLD >= 30_000);
  const { clock, reservations } = setUp();
  const socket = new FakeSocket();
  const token = reservations.hold(socket, null).toString('hex');
  clock.monotonic += RESERVATION_HOLD - 1;
  reservations.tick();
  t.ok(reservations.has(token));
  clock.monotonic += 1;
  t.notOk(reservations.has(token), 'void before any tick');
  t.equal(reservations.redeem(token), null);
  t.equal(socket.closed, 0);
  reservations.tick();
  t.equal(socket.closed, 1);
  t.equal(reservations.size, 0);
  reservations.tick();
  t.equal(socket.closed, 1);
});

test('closing gives everything back, and only once', async (t) => {
  const { reservations } = setUp();
  const sockets = [new FakeSocket(), new FakeSocket(), new FakeSocket()];
  for (const socket of sockets) reservations.hold(socket, null);
  reservations.close();
  reservations.close();
  t.same(
    sockets.map((socket) => socket.closed),
    [1, 1, 1],
  );
  t.equal(reservations.size, 0);
});

test('a holder’s reservations are counted until they are redeemed, lapse or are closed', async (t) => {
  const { clock, reservations } = setUp();
  // The first limit that lets one more pass tells how many are held.
  const heldBy = (holder: string): number => [1, 2, 3, 4].findIndex((limit) => reservations.mayHold(holder, limit));
  const first = reservations.hold(new FakeSocket(), 'alice').toString('hex');
  reservations.hold(new FakeSocket(), 'alice');
  reservations.hold(new FakeSocket(), 'bob');
  t.same(['alice', 'bob', 'carol'].map(heldBy), [2, 1, 0]);
  reservations.redeem(first);
  t.equal(heldBy('alice'), 1);
  clock.monotonic += RESERVATION_HOLD;
  reservations.tick();
  t.same(['alice', 'bob'].map(heldBy), [0, 0]);
  reservations.hold(new FakeSocket(), 'alice');
  reservations.close();
  t.equal(heldBy('alice'), 0);
});
