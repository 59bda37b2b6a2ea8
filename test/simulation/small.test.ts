// Short simulations of fixed seeds: what mutants are tried on.

import { test } from 'tap';
import { checkClimate, summary } from './checked.ts';
import { ALONE, CROWDED, DYING, FORGETFUL } from './climate.ts';
import { simulate, upTo } from './simulation.ts';

const run = { steps: 4000, seeds: [2] };

test('R27, R28, R29, S33, S40, S49: one process does what the model says', async (t) => {
  await checkClimate(t, ALONE, run);
});

test('R33, S48, S49: workers that die leave what the model says', async (t) => {
  await checkClimate(t, DYING, run);
});

test('R33: many clients are served as the model says', async (t) => {
  await checkClimate(t, CROWDED, run);
});

test('R28, R33, S48: users and limits that change are what the model says', async (t) => {
  await checkClimate(t, FORGETFUL, run);
});

test('the same seed gives the same simulation', async (t) => {
  const run = async (seed: number) => summary(await simulate({ climate: DYING, seed, steps: upTo(600) }));
  const [one, two, other] = [await run(7), await run(7), await run(8)];
  t.equal(one, two);
  t.not(one, other);
});
