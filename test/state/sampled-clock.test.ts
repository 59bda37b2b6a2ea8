import { test } from 'tap';
import { SampledClock } from '../../src/state/sampled-clock.ts';

test('a sampled clock shows the time of its last sample', async (t) => {
  const source = { at: 1000.5, now: () => source.at, wallTime: () => source.at * 2 };
  const clock = new SampledClock(source);
  t.equal(clock.now(), 1000.5, 'the first is taken when it is made');
  source.at = 1050;
  t.equal(clock.now(), 1000.5);
  clock.sample();
  t.equal(clock.now(), 1050);
  source.at = 2000;
  t.equal(clock.wallTime(), 4000, 'the wall clock is always asked');
});
