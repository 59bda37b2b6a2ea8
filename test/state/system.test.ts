import { test } from 'tap';
import { systemClock } from '../../src/state/system-clock.ts';
import { SystemRandom } from '../../src/state/system-random.ts';

test('the monotonic clock never goes back', async (t) => {
  let before = systemClock.now();
  for (let reading = 0; reading < 1000; reading++) {
    const now = systemClock.now();
    if (now < before) t.fail(`${now} after ${before}`);
    before = now;
  }
  t.ok(before >= 0);
});

test('the wall clock is Unix time in milliseconds', async (t) => {
  const before = Date.now();
  const wall = systemClock.wallTime();
  t.ok(wall >= before && wall <= Date.now());
});

test('S15: no random value comes twice, however they are drawn', async (t) => {
  const random = new SystemRandom();
  const seen = new Set<string>();
  for (let draw = 0; draw < 3000; draw++) {
    const target = Buffer.alloc(8 + (draw % 80));
    random.fill(target);
    seen.add(target.toString('hex', 0, 8));
  }
  t.equal(seen.size, 3000);
});

test('every byte of a request is filled, and none beside it', async (t) => {
  const random = new SystemRandom();
  for (const length of [0, 1, 12, 63, 64, 65, 5000]) {
    const ored = Buffer.alloc(length);
    for (let round = 0; round < 20; round++) {
      const around = Buffer.alloc(length + 2);
      random.fill(around.subarray(1, length + 1));
      t.equal(around[0]! + around[length + 1]!, 0);
      for (let at = 0; at < length; at++) ored[at]! |= around[at + 1]!;
    }
    t.equal(ored.indexOf(0), -1, `${length} bytes`);
  }
});
