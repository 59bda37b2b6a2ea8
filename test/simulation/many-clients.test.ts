import { test } from 'tap';
import { checkClimate, chosen } from './checked.ts';
import { CROWDED } from './climate.ts';

const run = chosen(20_000, [2, 3, Date.now() % 0x1_0000_0000]);

test('R33: four workers do for two hundred clients what the model says', async (t) => {
  await checkClimate(t, CROWDED, run);
});
