// Times as operators write and read them.

import { test } from 'tap';
import { formatBytes, formatDuration, formatMoment, parseDuration } from '../../src/cli/durations.ts';

test('times are read', async (t) => {
  for (const [text, seconds] of [
    ['0', 0],
    ['90', 90],
    ['90s', 90],
    ['90m', 5400],
    ['1h30m', 5400],
    ['12H', 43_200],
    ['7d', 604_800],
    ['1w', 604_800],
  ] as const) {
    t.equal(parseDuration(text), seconds, text);
  }
  for (const text of ['', 'x', '-1', '1.5h', '1 h', 'h', '1y', '1h30', '9999999999999', `${'1d'.repeat(3)}x`]) {
    t.equal(parseDuration(text), null, text);
  }
});

test('times and sizes are shown', async (t) => {
  const times = [-1, 0, 59, 60, 61, 3600, 3725, 86_400, 90_061].map(formatDuration);
  t.same(times, ['0s', '0s', '59s', '1m', '1m 1s', '1h', '1h 2m', '1d', '1d 1h']);
  const sizes = [0, 999, 1000, 1_500_000, 2e12, 3e15].map(formatBytes);
  t.same(sizes, ['0 B', '999 B', '1.0 kB', '1.5 MB', '2.0 TB', '3000.0 TB']);
  t.equal(formatMoment(1_767_225_600_000), '2026-01-01 00:00:00 UTC');
});
