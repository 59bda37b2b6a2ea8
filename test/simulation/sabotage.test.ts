// A simulation that does not notice a broken server proves nothing.

import { test } from 'tap';
import { SABOTAGES } from './sabotage.ts';
import { SimulationFault, simulate } from './simulation.ts';

const STEPS = 30_000;

for (const sabotage of SABOTAGES) {
  test(`the simulation notices that ${sabotage.name}`, async (t) => {
    const fault: unknown = await simulate({ seed: 2, steps: STEPS, sabotage }).then(
      () => null,
      (error: unknown) => error,
    );
    const [first = ''] = fault instanceof SimulationFault ? fault.message.split('\n', 1) : [];
    t.match(first, sabotage.noticed);
  });
}
