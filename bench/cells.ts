// The cells of the ruler: what can be measured of a server, and the name of each. Knows no server.

import type { Direction } from './load-job.ts';

/** What every cell with traffic says of it. */
export interface Traffic {
  readonly direction: Direction;
  /** Packets that leave back to back on one allocation. */
  readonly burst: number;
  readonly clients: number;
  readonly payload: number;
}

/** A steady load: cost and latency. */
export interface PacketsCell extends Traffic {
  readonly measure: 'packets';
  readonly rate: number;
}

/** The highest load without loss. */
export interface SaturationCell extends Traffic {
  readonly measure: 'saturation';
}

/** Full set-ups, as fast as they go: Allocate with its challenge, permission, channel. */
export interface SetUpsCell {
  readonly measure: 'set-ups';
  readonly clients: number;
}

/** Memory of the idle server, and what each idle allocation adds. */
export interface MemoryCell {
  readonly measure: 'memory';
  readonly clients: number;
}

export type Cell = PacketsCell | SaturationCell | SetUpsCell | MemoryCell;

function rateName(rate: number): string {
  return rate % 1000 === 0 ? `${rate / 1000}k` : String(rate);
}

/** `c2p/50/1000/b8/60k`: direction, allocations, payload, burst, rate; `…/max` for saturation; `memory/10000`. */
export function cellName(cell: Cell): string {
  if (cell.measure === 'set-ups' || cell.measure === 'memory') return `${cell.measure}/${cell.clients}`;
  const rate = cell.measure === 'saturation' ? 'max' : rateName(cell.rate);
  return `${cell.direction}/${cell.clients}/${cell.payload}/b${cell.burst}/${rate}`;
}
