// When memory counts as short, by figures that a test makes up.

import { test } from 'tap';
import { MEMORY_FLAG_BYTES, MemoryFlag, type MemoryUse, MemoryWatch } from '../../src/limits/memory-watch.ts';

const LIMIT = 1000;

/** A watch, the flag as another process sees it, and what was told. */
function watched() {
  const bytes = new Uint8Array(MEMORY_FLAG_BYTES);
  const told: string[] = [];
  let use: MemoryUse | null = null;
  const watch = new MemoryWatch(new MemoryFlag(bytes), () => use, {
    short: ({ used, limit }) => told.push(`short ${used}/${limit}`),
    enough: ({ used }) => told.push(`enough ${used}`),
  });
  const elsewhere = new MemoryFlag(bytes);
  const isShortAt = (next: number | null, limit = LIMIT): boolean => {
    use = next === null ? null : { used: next, limit };
    watch.tick();
    return elsewhere.isShort();
  };
  return { told, isShortAt };
}

test('R24 memory is short from nine tenths of the limit on, for every process', async (t) => {
  const { isShortAt } = watched();
  t.equal(isShortAt(899), false);
  t.equal(isShortAt(900), true);
});

test('R24 it is enough again only below 85 %, and an episode is told once', async (t) => {
  const { isShortAt, told } = watched();
  t.same(
    [900, 990, 870, 901, 850].map((used) => isShortAt(used)),
    [true, true, true, true, true],
  );
  t.equal(isShortAt(849), false);
  t.equal(isShortAt(899), false);
  t.equal(isShortAt(950), true);
  t.same(told, ['short 900/1000', 'enough 849', 'short 950/1000']);
});

test('R24 without a limit memory is never short, and a limit that is lifted or raised ends an episode', async (t) => {
  const { isShortAt } = watched();
  t.equal(isShortAt(null), false);
  t.equal(isShortAt(950), true);
  t.equal(isShortAt(null), false);
  t.equal(isShortAt(950), true);
  t.equal(isShortAt(950, 2000), false);
});
