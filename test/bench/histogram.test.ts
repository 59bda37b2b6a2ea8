import fc from 'fast-check';
import { test } from 'tap';
import { Histogram } from '../../bench/histogram.ts';

test('a quantile is within 3 % of the true one', async (t) => {
  const durations = fc.array(fc.integer({ min: 1, max: 30_000_000_000 }), { minLength: 1, maxLength: 50 });
  fc.assert(
    fc.property(durations, fc.constantFrom(0.01, 0.5, 0.99, 1), (values, quantile) => {
      const histogram = new Histogram();
      for (const value of values) histogram.record(value);
      const sorted = values.toSorted((a, b) => a - b);
      const exact = sorted[Math.ceil(values.length * quantile) - 1] as number;
      return Math.abs(histogram.quantile(quantile) - exact) <= Math.max(1, exact * 0.03);
    }),
  );
  t.pass('over random durations up to 30 s');
});

test('merged histograms count like one', async (t) => {
  const [left, right, both] = [new Histogram(), new Histogram(), new Histogram()];
  for (const value of [10, 1_000, 100_000]) left.record(value);
  for (const value of [20, 2_000_000]) right.record(value);
  both.addAll(left.entries());
  both.addAll(right.entries());
  t.equal(both.total, 5);
  t.equal(both.quantile(0.2), 10);
  t.equal(both.quantile(0.4), 20);
  t.equal(both.quantile(0.6), left.quantile(0.5), 'the middle one of five');
});

test('an empty histogram has no durations', async (t) => {
  const histogram = new Histogram();
  histogram.record(5);
  histogram.clear();
  t.equal(histogram.total, 0);
  t.equal(histogram.quantile(0.5), 0);
});

test('durations out of range land in the outermost buckets', async (t) => {
  const histogram = new Histogram();
  histogram.record(-5);
  histogram.record(1e30);
  t.equal(histogram.total, 2);
  t.equal(histogram.quantile(0.5), 0);
  t.ok(histogram.quantile(1) > 1e12);
});
