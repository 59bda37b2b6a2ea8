import { test } from 'tap';
import { residentBytes } from '../../src/state/resident-memory.ts';

test('R23 a process without a descriptor left still knows how large it is', async (t) => {
  const before = residentBytes();
  t.ok(before > 10_000_000, `${before} bytes`);
  t.intercept(process.memoryUsage, 'rss', {
    value: () => {
      throw new Error('EMFILE: too many open files, uv_resident_set_memory');
    },
  });
  t.ok(residentBytes() >= before * 0.9, 'at least about what it was');
});
