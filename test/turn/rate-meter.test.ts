// Rates in virtual time that moves in steps of 100 ms, as the engine's clock does.

import { test } from 'tap';
import { BURST_MS, Direction, METER_BUCKETS, type Rate, RateLevel, RateMeter } from '../../src/turn/rate-meter.ts';

const STEP = 100;
const START = 5_000_000.25;

/** A meter of one limit, and its clock. */
class Scene {
  now = START;
  readonly meter: RateMeter;

  constructor(rate: Partial<Rate>, buckets = new Float64Array(METER_BUCKETS)) {
    const whole = { bytesPerSecond: 0, packetsPerSecond: 0, ...rate };
    this.meter = new RateMeter(buckets, [new RateLevel('allocation', whole, buckets, 0)]);
  }

  /** Of `packets` of a size within each of `steps` steps, how many pass in each. */
  offer(steps: number, packets: number, bytes: number, direction: Direction = Direction.TO_PEER): number[] {
    return Array.from({ length: steps }, () => {
      let passed = 0;
      for (let packet = 0; packet < packets; packet++) if (this.meter.allow(direction, bytes, this.now)) passed++;
      this.now += STEP;
      return passed;
    });
  }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}

/** The most that `numbers` add up to in any `length` of them that follow each other. */
function most(numbers: readonly number[], length: number): number {
  return Math.max(...numbers.slice(length - 1).map((_, index) => sum(numbers.slice(index, index + length))));
}

for (const [what, rate, perStep, bytes] of [
  ['bytes', { bytesPerSecond: 125_000 }, 10, 1250],
  ['packets', { packetsPerSecond: 100 }, 10, 1250],
  ['few bytes', { bytesPerSecond: 8000 }, 5, 160],
] as const) {
  test(`a smooth stream at its rate of ${what} loses nothing, though the clock stands still between samples`, async (t) => {
    const scene = new Scene(rate);
    t.equal(sum(scene.offer(600, perStep, bytes)), 600 * perStep);
    // The process was late: four samples are missing, and what came meanwhile is read at once.
    scene.now += 3 * STEP;
    t.equal(sum(scene.offer(1, 4 * perStep, bytes)), 4 * perStep);
  });

  test(`S51 ten times the rate of ${what}: the rate passes, half a second of it at once, and no second has twice as much`, async (t) => {
    const passed = new Scene(rate).offer(1200, 10 * perStep, bytes);
    const burst = (BURST_MS / STEP) * perStep;
    const expected = 1200 * perStep + burst;
    t.ok(Math.abs(sum(passed) - expected) <= perStep + 1, `${sum(passed)} of ${expected} in two minutes`);
    t.equal(passed[0], burst + 1, 'a full bucket, and the packet that empties it');
    t.ok(most(passed, 10) <= 1.5 * 10 * perStep + 1, `${most(passed, 10)} in the worst second`);
    t.ok(most(passed.slice(10), 10) <= 10 * perStep + 1, 'the rate in every second from then on');
    t.ok(Math.min(...passed.slice(1)) >= perStep - 1, 'it is let through evenly');
  });
}

test('a rate is for each direction by itself', async (t) => {
  const scene = new Scene({ bytesPerSecond: 1000 });
  t.equal(sum(scene.offer(1, 100, 100)), 6);
  t.equal(scene.meter.allow(Direction.TO_CLIENT, 100, scene.now - STEP), true);
  t.equal(sum(scene.offer(1, 100, 100, Direction.TO_CLIENT)), 6);
});

test('both limits count: the one that is used up first refuses, and is named', async (t) => {
  const small = new Scene({ bytesPerSecond: 100_000, packetsPerSecond: 10 });
  t.equal(small.meter.lastRefusal, null);
  t.equal(sum(small.offer(1, 100, 100)), 6);
  t.same(small.meter.lastRefusal, { holder: 'allocation', of: 'packets' });
  const large = new Scene({ bytesPerSecond: 100_000, packetsPerSecond: 1000 });
  t.equal(sum(large.offer(1, 100, 10_000)), 6);
  t.same(large.meter.lastRefusal, { holder: 'allocation', of: 'bytes' });
  const bytes = sum(new Scene({ bytesPerSecond: 100_000, packetsPerSecond: 10 }).offer(100, 100, 100)) * 100;
  t.ok(bytes < 11_000, 'what packets refuse costs no bytes, and the other way round');
});

test('a datagram larger than the burst passes, and is paid for afterwards', async (t) => {
  const scene = new Scene({ bytesPerSecond: 1000 });
  t.ok(scene.meter.allow(Direction.TO_PEER, 65_507, scene.now));
  t.equal(sum(scene.offer(649, 1, 10)), 0);
  t.ok(sum(scene.offer(10, 1, 10)) > 0);
});

test('empty datagrams cost packets, not bytes', async (t) => {
  t.equal(sum(new Scene({ bytesPerSecond: 1 }).offer(1, 100, 0)), 100);
  t.equal(sum(new Scene({ packetsPerSecond: 10 }).offer(1, 100, 0)), 6);
});

test('what was used up at a lower rate does not hold up a higher one', async (t) => {
  const buckets = new Float64Array(METER_BUCKETS);
  const low = new Scene({ bytesPerSecond: 10 }, buckets);
  t.ok(low.meter.allow(Direction.TO_PEER, 60_000, low.now), 'paid for in 6000 s');
  t.notOk(low.meter.allow(Direction.TO_PEER, 1, low.now));
  const high = new Scene({ bytesPerSecond: 100_000 }, buckets);
  t.ok(high.meter.allow(Direction.TO_PEER, 1000, high.now));
  const passed = high.offer(100, 1000, 1000);
  t.ok(sum(passed) <= 1000 + 2 && sum(passed) >= 990, `${sum(passed)} at the new rate, without a burst`);
});

test('a packet that one limit refuses costs no other', async (t) => {
  const shared = new Float64Array(METER_BUCKETS);
  const rate = { bytesPerSecond: 10_000, packetsPerSecond: 0 };
  const meterOf = (own: Rate) => {
    const buckets = new Float64Array(METER_BUCKETS);
    return new RateMeter(buckets, [new RateLevel('user', own, buckets, 0), new RateLevel('server', rate, shared, 0)]);
  };
  const greedy = meterOf({ bytesPerSecond: 1000, packetsPerSecond: 0 });
  const modest = meterOf({ bytesPerSecond: 1000, packetsPerSecond: 0 });
  for (let packet = 0; packet < 10_000; packet++) greedy.allow(Direction.TO_PEER, 100, START);
  t.same(greedy.lastRefusal, { holder: 'user', of: 'bytes' });
  t.ok(modest.allow(Direction.TO_PEER, 100, START));
  t.ok((shared[0] as number) - START <= 70 + 1, 'seven packets of 100 bytes');
});

test('processes that share buckets share the rate', async (t) => {
  const shared = new Float64Array(METER_BUCKETS);
  const scenes = [new Scene({ bytesPerSecond: 100_000 }, shared), new Scene({ bytesPerSecond: 100_000 }, shared)];
  // Their clocks are sampled at different moments.
  (scenes[1] as Scene).now += 60;
  let passed = 0;
  for (let step = 0; step < 100; step++) for (const scene of scenes) passed += sum(scene.offer(1, 100, 1000));
  t.ok(passed >= 1000 && passed <= 1000 + 60, `${passed} of 1000 in 10 s, with half a second of burst`);
});
