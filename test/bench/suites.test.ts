import { test } from 'tap';
import { cellName } from '../../bench/cells.ts';
import { SUITE_NAMES, suiteCells, targetsOf, USUAL } from '../../bench/suites.ts';

test('no suite has a cell twice', async (t) => {
  for (const suite of SUITE_NAMES) {
    const names = suiteCells(suite).map(cellName);
    t.ok(names.length > 3, suite);
    t.strictSame(names, [...new Set(names)], suite);
  }
});

test('the full suite has every direction, burst and number of allocations, and all targets', async (t) => {
  const names = new Set(suiteCells('full').map(cellName));
  for (const direction of ['c2p', 'p2c', 'both']) {
    for (const burst of ['b1', 'b8']) {
      for (const clients of [1, 50, 1000]) t.ok(names.has(`${direction}/${clients}/1000/${burst}/max`));
      for (const payload of [160, 1200]) t.ok(names.has(`${direction}/50/${payload}/${burst}/60k`));
    }
  }
  for (const cell of suiteCells('targets')) t.ok(names.has(cellName(cell)), cellName(cell));
});

test('cells are named by what they are', async (t) => {
  t.equal(cellName({ measure: 'packets', ...USUAL, rate: 1500 }), 'c2p/50/1000/b1/1500');
  t.equal(cellName({ measure: 'saturation', ...USUAL, burst: 8 }), 'c2p/50/1000/b8/max');
  t.equal(cellName({ measure: 'set-ups', clients: 20 }), 'set-ups/20');
});

test('every cell with traffic has something to reach', async (t) => {
  for (const cell of suiteCells('full')) t.ok(targetsOf(cell).length > 0, cellName(cell));
});
