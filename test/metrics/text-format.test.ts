import { test } from 'tap';
import { histogramAt, type Metric } from '../../src/metrics/metric.ts';
import { writeMetrics } from '../../src/metrics/text-format.ts';
import { Histogram } from '../../src/turn/histogram.ts';
import { readCounters } from '../../src/workers/counter-tree.ts';
import { snapshotOf } from './snapshot.ts';

const gauge = (labels: Record<string, string>, value: number): Metric => {
  return { name: 'x', type: 'gauge', help: 'a\\b\nc', labels: {}, read: () => [{ labels, value }] };
};

test('samples are written with their labels, escaped as the format says', async (t) => {
  const text = writeMetrics([gauge({ a: 'q"b\\c\nd', e: '' }, 1.5)], snapshotOf());
  t.equal(text, '# HELP x a\\\\b\\nc\n# TYPE x gauge\nx{a="q\\"b\\\\c\\nd",e=""} 1.5\n');
  t.match(writeMetrics([gauge({}, Number.POSITIVE_INFINITY)], snapshotOf()), /^x \+Inf$/m);
  t.match(writeMetrics([gauge({}, 1e21)], snapshotOf()), /^x 1e\+21$/m);
});

test('a metric without samples is left out as a whole', async (t) => {
  t.equal(writeMetrics([{ name: 'x', type: 'gauge', help: '', labels: {}, read: () => [] }], snapshotOf()), '');
});

test('the buckets of a histogram hold those below them, and bounds are within their bucket', async (t) => {
  const histogram = new Histogram([1, 2]);
  for (const value of [0.5, 1, 1.5, 2, 2.5]) histogram.observe(value);
  const tree = readCounters({ h: histogram });
  t.same(tree, { h: { counts: [2, 2, 1], sum: 7.5 } });
  const read = () => [histogramAt(tree, ['h'], [1, 2], { p: 'a' })];
  t.equal(
    writeMetrics([{ name: 'h', type: 'histogram', help: 'H.', labels: {}, read }], snapshotOf()),
    [
      '# HELP h H.\n# TYPE h histogram',
      'h_bucket{p="a",le="1"} 2\nh_bucket{p="a",le="2"} 4\nh_bucket{p="a",le="+Inf"} 5',
      'h_sum{p="a"} 7.5\nh_count{p="a"} 5\n',
    ].join('\n'),
  );
  t.same(histogramAt({}, ['h'], [1, 2]).counts, [0, 0, 0], 'what nobody has counted is 0');
});
