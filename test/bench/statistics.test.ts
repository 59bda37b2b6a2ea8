import { test } from 'tap';
import type { Series } from '../../bench/figures.ts';
import { median, medianOf, ratioOf } from '../../bench/statistics.ts';

function series(name: string, values: readonly (number | null)[]): Series {
  return { name, samples: values.map((cpu) => ({ figures: { cpu }, warnings: [] })) };
}

test('the median is the middle, and unknown if any value is', async (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 2, 3]), 2.5);
  t.equal(median([]), null);
  t.equal(median([1, null, 3]), null);
  t.equal(medianOf(series('a', [7, 5, 90]), 'cpu'), 7);
  t.equal(medianOf(series('a', [7, 5, 90]), 'p50'), null, 'a figure that was not measured');
});

test('ratios compare the samples of the same round', async (t) => {
  const ours = series('ours', [4, 40, 9]);
  t.equal(ratioOf(ours, series('theirs', [8, 80, 9]), 'cpu'), 0.5, 'though the medians are equal');
  t.equal(ratioOf(ours, series('theirs', [8, 80]), 'cpu'), null, 'a round is missing');
  t.equal(ratioOf(ours, series('theirs', [8, 0, 9]), 'cpu'), null);
});
