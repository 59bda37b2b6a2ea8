import { test } from 'tap';
import type { Cell } from '../../bench/cells.ts';
import type { Figures, Series } from '../../bench/figures.ts';
import { cellText, jsonOf, markdownOf, warningsOf } from '../../bench/report.ts';
import { USUAL } from '../../bench/suites.ts';
import { markdownTable, textTable } from '../../bench/table.ts';

const CELL: Cell = { measure: 'packets', ...USUAL, rate: 60_000 };
const ROLES = { subjects: ['ours'], baselines: ['theirs'] };

function series(name: string, ...all: readonly Figures[]): Series {
  return { name, samples: all.map((figures) => ({ figures, warnings: [] })) };
}

const OURS = series('ours', { cpu: 4 }, { cpu: 40 }, { cpu: 8 });
const THEIRS = series('theirs', { cpu: 8 }, { cpu: 80 }, { cpu: 16 });

test('a cell shows medians, and ratios to the first baseline', async (t) => {
  const text = cellText({ cell: CELL, series: [THEIRS, OURS] }, ROLES);
  t.match(text, /^c2p\/50\/1000\/b1\/60k\n/);
  t.match(text, /^ours +8\.00$/m);
  t.match(text, /^ours \/ theirs +0\.50$/m);
  t.notMatch(text, /^theirs \/ /m);
});

test('without a baseline the server named last is compared with', async (t) => {
  t.match(cellText({ cell: CELL, series: [OURS, THEIRS] }, { subjects: [], baselines: [] }), /^ours \/ theirs/m);
});

test('the cost of an unknown process is a dash', async (t) => {
  t.match(cellText({ cell: CELL, series: [series('far', { cpu: null })] }, ROLES), /^far +-$/m);
});

test('doubts are told by server and round', async (t) => {
  const samples = [
    { figures: {}, warnings: [] },
    { figures: {}, warnings: ['late', 'slow'] },
  ];
  t.strictSame(warningsOf([{ name: 'a', samples }]), ['warning: a, round 2: late', 'warning: a, round 2: slow']);
});

test('JSON has samples, medians, ratios and targets', async (t) => {
  t.match(jsonOf([{ cell: CELL, series: [OURS, THEIRS] }], ROLES), {
    cells: [
      {
        name: 'c2p/50/1000/b1/60k',
        servers: [
          { name: 'ours', medians: { cpu: 8 }, ratios: { cpu: 0.5 } },
          { name: 'theirs', medians: { cpu: 16 }, ratios: null },
        ],
      },
    ],
    targets: [{ server: 'ours', baseline: 'theirs', ratio: 0.5, met: true }, {}, {}],
  });
});

test('Markdown begins with the targets', async (t) => {
  const text = markdownOf([{ cell: CELL, series: [OURS, THEIRS] }], ROLES);
  t.match(text, /^\| cell \| figure \| server \|.*\n\| --- \| --- \| --- \| ---: \|/);
  t.match(text, '| c2p/50/1000/b1/60k | CPU per packet | ours | 8.00 | theirs | 16.00 | 0.50 | ≤ 0.80 × | yes |');
  t.match(text, '| ours / theirs | 0.50 |');
  const unjudged = markdownOf([{ cell: CELL, series: [THEIRS] }], { subjects: [], baselines: ['theirs'] });
  t.match(unjudged, /^`c2p\/50\/1000\/b1\/60k`\n\n\| median \|/, 'or with the first cell');
});

test('columns are as wide as what they hold', async (t) => {
  const rows = [
    ['name', 'n'],
    ['a', '100'],
  ];
  t.equal(textTable(rows, 1), 'name    n\na     100');
  t.equal(markdownTable(rows, 1), '| name | n |\n| --- | ---: |\n| a | 100 |');
});
