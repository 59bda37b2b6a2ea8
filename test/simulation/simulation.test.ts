import { test } from 'tap';
import { type SimulationResult, simulate } from './simulation.ts';

const { TURND_SIM_SEED, TURND_SIM_STEPS } = process.env;
const STEPS = Number(TURND_SIM_STEPS ?? 100_000);

// Two seeds that are always the same, one for each way to end, and one that nobody has seen before.
const SEEDS = TURND_SIM_SEED === undefined ? [2, 3, Date.now() % 0x1_0000_0000] : [Number(TURND_SIM_SEED)];

/** What a simulation must have come across, or it does not prove much. */
const ANSWERS = [
  ...[0, 401, 437, 438, 440, 442, 486, 508, 400, 420, 500].map((code) => `allocate ${code}`),
  ...[0, 401, 437, 438, 441, 443, 420].map((code) => `refresh ${code}`),
  ...[0, 400, 401, 403, 437, 438, 441, 443, 420].map((code) => `permission ${code}`),
  ...[0, 400, 401, 403, 437, 438, 441, 443, 420].map((code) => `channel ${code}`),
  'binding 0',
  'binding 420',
];
const DELIVERIES = ['to a host', 'by channel', 'by indication', 'by indication from another client'];
const EVENTS = ['allocated', 'refreshed', 'relayReleased', 'released', 'channelBound', 'channelUnbound', 'peerDenied'];

for (const seed of SEEDS) {
  test(`the engine does what the model says for ${STEPS} random steps from seed ${seed}`, async (t) => {
    const result = await simulate({ seed, steps: STEPS });
    t.comment(summary(result));
    const enough = STEPS >= 100_000;
    const lacking = [
      ...ANSWERS.filter((name) => !result.answers.has(name)),
      ...EVENTS.filter((name) => !result.events.has(name)),
      ...DELIVERIES.filter((name) => (result.deliveries.get(name) ?? 0) < 100),
    ];
    t.same(enough ? lacking : [], [], 'the simulation came across everything');
  });
}

test('the same seed gives the same simulation', async (t) => {
  const [one, two] = [await simulate({ seed: 7, steps: 3000 }), await simulate({ seed: 7, steps: 3000 })];
  t.equal(summary(one), summary(two));
  t.not(summary(one), summary(await simulate({ seed: 8, steps: 3000 })));
});

function summary({ answers, deliveries, events }: SimulationResult): string {
  return [answers, deliveries, events]
    .map((counts) => [...counts].map(([name, n]) => `${name}: ${n}`).join(', '))
    .join('; ');
}
