// A simulation that does not notice a broken server proves nothing.

import { test } from 'tap';
import { SABOTAGES } from './sabotage.ts';
import { faultOf, readReplay, replayOf, shrink } from './shrink.ts';
import { upTo } from './simulation.ts';

const STEPS = 20_000;

for (const sabotage of SABOTAGES) {
  test(`the simulation notices that ${sabotage.name}`, async (t) => {
    const { climate } = sabotage;
    const fault = await faultOf({ climate, seed: 2, steps: upTo(STEPS), sabotage });
    t.match(fault?.message.split('\n', 1)[0] ?? 'nothing', sabotage.noticed);
  });
}

test('what was noticed shrinks to a few steps, which replay', async (t) => {
  const [sabotage] = SABOTAGES.filter(({ name }) => name === 'permissions never expire');
  if (sabotage === undefined) throw new Error('there is no such sabotage');
  const options = { climate: sabotage.climate, seed: 3, steps: upTo(STEPS), sabotage };
  const fault = await faultOf(options);
  if (fault === null) throw new Error('it was not noticed');
  const found = await shrink(options, fault);
  t.comment(replayOf(found.script));
  t.ok(found.script.steps.length < 40, `${found.script.steps.length} steps are left`);
  t.match(found.fault.message, sabotage.noticed);
  const again = await faultOf({ ...readReplay(replayOf(found.script)), sabotage });
  t.equal(again?.message, found.fault.message);
  t.equal(await faultOf(readReplay(replayOf(found.script))), null, 'a server that works does not fail in them');
});
