import { test } from 'tap';
import { checkClimate, chosen } from './checked.ts';
import { FORGETFUL } from './climate.ts';

const run = chosen(20_000, [2, 3, Date.now() % 0x1_0000_0000]);

test('R33, S48: workers whose store fails while users and limits change do what the model says', async (t) => {
  await checkClimate(t, FORGETFUL, run);
});
