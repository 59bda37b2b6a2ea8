import { test } from 'tap';
import type { Cell } from '../../bench/cells.ts';
import type { Figures, Series } from '../../bench/figures.ts';
import { USUAL } from '../../bench/suites.ts';
import { verdictRows, verdictsOf } from '../../bench/verdicts.ts';

const ROLES = { subjects: ['turnd'], baselines: ['old', 'new'] };
const MEMORY: Cell = { measure: 'memory', clients: 10_000 };

function series(name: string, figures: Figures): Series {
  return { name, samples: [{ figures, warnings: [] }] };
}

function packets(rate: number): Cell {
  return { measure: 'packets', ...USUAL, rate };
}

test('a ratio is held against the coturn that is hardest to reach', async (t) => {
  const all = [series('turnd', { cpu: 6 }), series('old', { cpu: 10 }), series('new', { cpu: 8 })];
  const [cheap] = verdictsOf([{ cell: packets(140_000), series: all }], ROLES);
  t.match(cheap, { server: 'turnd', value: 6, baseline: 'new', baselineValue: 8, ratio: 0.75, met: true });
  const fast = [series('turnd', { lossless: 130 }), series('old', { lossless: 100 }), series('new', { lossless: 80 })];
  const [lossless] = verdictsOf([{ cell: { measure: 'saturation', ...USUAL }, series: fast }], ROLES);
  t.match(lossless, { baseline: 'old', ratio: 1.3, met: true }, 'the fastest one where more is better');
});

test('a target is missed by any excess', async (t) => {
  const all = [series('turnd', { cpu: 8.01 }), series('new', { cpu: 10 })];
  t.match(verdictsOf([{ cell: packets(60_000), series: all }], ROLES)[0], { met: false });
});

test('an absolute target needs no coturn', async (t) => {
  const all = [series('turnd', { memoryPerAllocation: 12, idleMemory: 151 })];
  const verdicts = verdictsOf([{ cell: MEMORY, series: all }], ROLES);
  t.match(verdicts, [
    { ratio: null, baseline: null, met: true },
    { ratio: null, met: false },
  ]);
});

test('what was not measured is neither met nor missed', async (t) => {
  const [verdict] = verdictsOf([{ cell: packets(60_000), series: [series('turnd', { cpu: 5 })] }], ROLES);
  t.match(verdict, { value: 5, ratio: null, met: null });
});

test('a cell without a target of its own must not be worse than coturn', async (t) => {
  const cell: Cell = { measure: 'packets', ...USUAL, payload: 160, rate: 60_000 };
  const all = [series('turnd', { cpu: 10.1 }), series('old', { cpu: 10 })];
  t.match(verdictsOf([{ cell, series: all }], ROLES), [{ target: { bound: 1 }, met: false }]);
});

test('the table of targets says what is met', async (t) => {
  const all = [series('turnd', { memoryPerAllocation: 11.5, idleMemory: 200 }), series('old', { idleMemory: 20 })];
  const rows = verdictRows(verdictsOf([{ cell: MEMORY, series: all }], ROLES));
  t.strictSame(rows.slice(1), [
    ['memory/10000', 'KiB per idle allocation', 'turnd', '11.50', '-', '-', '-', '≤ 12', 'yes'],
    ['memory/10000', 'PSS of the idle server, MB', 'turnd', '200.0', 'old', '20.0', '10.00', '≤ 150', 'no'],
  ]);
});
