// Named lists of cells, and what turnd must reach in each (the targets). Knows no results.

import { type Cell, cellName, type Traffic } from './cells.ts';
import type { FigureName } from './figures.ts';
import { Direction } from './load-job.ts';

const { CLIENT_TO_PEER, PEER_TO_CLIENT, BOTH } = Direction;
const DIRECTIONS: readonly Direction[] = [CLIENT_TO_PEER, PEER_TO_CLIENT, BOTH];
const IDLE_ALLOCATIONS = 10_000;
const SET_UPS = 4_000;

/** The load that most targets speak of. */
export const USUAL: Traffic = { direction: CLIENT_TO_PEER, burst: 1, clients: 50, payload: 1000 };

/** What a figure of a cell must reach. */
export interface Target {
  /** The figure in words. */
  readonly text: string;
  readonly figure: FigureName;
  /** The ratio to the best coturn, or the value itself. */
  readonly of: 'ratio' | 'value';
  readonly bound: number;
  readonly sense: 'at most' | 'at least';
}

interface TargetCell {
  readonly cell: Cell;
  readonly targets: readonly Target[];
}

function packets(rate: number, changes: Partial<Traffic> = {}): Cell {
  return { measure: 'packets', ...USUAL, rate, ...changes };
}

function cpu(bound: number): Target {
  return { text: 'CPU per packet', figure: 'cpu', of: 'ratio', bound, sense: 'at most' };
}

function latency(figure: 'p50' | 'p99', of: Target['of'], bound: number): Target {
  return { text: `${figure} latency`, figure, of, bound, sense: 'at most' };
}

const LOSSLESS: Target = {
  text: 'lossless packets/s',
  figure: 'lossless',
  of: 'ratio',
  bound: 1.3,
  sense: 'at least',
};

const TARGET_CELLS: readonly TargetCell[] = [
  { cell: packets(20_000), targets: [latency('p50', 'ratio', 1.1), cpu(1)] },
  { cell: packets(60_000), targets: [cpu(0.8), latency('p50', 'value', 200), latency('p99', 'value', 1000)] },
  { cell: packets(140_000), targets: [cpu(0.85)] },
  { cell: packets(60_000, { direction: PEER_TO_CLIENT }), targets: [cpu(0.85)] },
  { cell: packets(60_000, { direction: BOTH }), targets: [cpu(0.85)] },
  { cell: packets(100_000, { burst: 8 }), targets: [cpu(0.5)] },
  { cell: packets(60_000, { clients: 1000 }), targets: [cpu(0.9)] },
  { cell: { measure: 'saturation', ...USUAL }, targets: [LOSSLESS] },
  {
    cell: { measure: 'set-ups', clients: SET_UPS },
    targets: [{ text: 'full set-ups/s', figure: 'setUps', of: 'ratio', bound: 1, sense: 'at least' }],
  },
  {
    cell: { measure: 'memory', clients: IDLE_ALLOCATIONS },
    targets: [
      { text: 'KiB per idle allocation', figure: 'memoryPerAllocation', of: 'value', bound: 12, sense: 'at most' },
      { text: 'PSS of the idle server, MB', figure: 'idleMemory', of: 'value', bound: 150, sense: 'at most' },
    ],
  },
];

/** What a cell without targets of its own must reach: never be worse than coturn. */
function usualTargets(cell: Cell): readonly Target[] {
  if (cell.measure === 'packets') return [cpu(1)];
  if (cell.measure === 'saturation') return [{ ...LOSSLESS, bound: 1 }];
  return [];
}

/** What turnd must reach in a cell. */
export function targetsOf(cell: Cell): readonly Target[] {
  const name = cellName(cell);
  return TARGET_CELLS.find((one) => cellName(one.cell) === name)?.targets ?? usualTargets(cell);
}

function cellsAtRates(traffic: Traffic, rates: readonly number[]): readonly Cell[] {
  return [
    ...rates.map((rate): Cell => ({ measure: 'packets', ...traffic, rate })),
    { measure: 'saturation', ...traffic },
  ];
}

// Every direction, burst and number of allocations with 1000 bytes; the other payloads with 50 allocations.
function fullCells(): readonly Cell[] {
  const traffics = DIRECTIONS.flatMap((direction) => [1, 8].map((burst) => ({ direction, burst })));
  const main = traffics.flatMap((some) =>
    [1, 50, 1000].flatMap((clients) => cellsAtRates({ ...USUAL, ...some, clients }, [20_000, 60_000, 140_000])),
  );
  const payloads = traffics.flatMap((some) =>
    [160, 1200].flatMap((payload) => cellsAtRates({ ...USUAL, ...some, payload }, [60_000])),
  );
  return unique([...TARGET_CELLS.map((one) => one.cell), ...main, ...payloads]);
}

function unique(cells: readonly Cell[]): readonly Cell[] {
  return [...new Map(cells.map((cell) => [cellName(cell), cell])).values()];
}

// A load that any machine carries without loss.
function smokeCells(): readonly Cell[] {
  const light = { ...USUAL, clients: 5, rate: 500 };
  return [
    ...DIRECTIONS.map((direction): Cell => ({ measure: 'packets', ...light, direction })),
    { measure: 'packets', ...light, burst: 8 },
    { measure: 'set-ups', clients: 20 },
    { measure: 'memory', clients: 20 },
  ];
}

export const SUITE_NAMES = ['targets', 'full', 'smoke'] as const;
export type SuiteName = (typeof SUITE_NAMES)[number];

/** The cells of a suite, in the order of measuring. */
export function suiteCells(name: SuiteName): readonly Cell[] {
  if (name === 'targets') return TARGET_CELLS.map((one) => one.cell);
  return name === 'full' ? fullCells() : smokeCells();
}
