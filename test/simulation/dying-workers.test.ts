import { test } from 'tap';
import { checkClimate, chosen } from './checked.ts';
import { DYING } from './climate.ts';

const run = chosen(20_000, [2, 3, Date.now() % 0x1_0000_0000]);

test('R33: workers of which one dies in every hundredth step do what the model says', async (t) => {
  await checkClimate(t, DYING, run);
});
