import { test } from 'tap';
import { checkClimate, chosen } from './checked.ts';
import { ALONE } from './climate.ts';

const run = chosen(20_000, [2, 3, Date.now() % 0x1_0000_0000]);

test('R27, R28, R29: one process on a bad network, with clocks that jump, does what the model says', async (t) => {
  await checkClimate(t, ALONE, run);
});
