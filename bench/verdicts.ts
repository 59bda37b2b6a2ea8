// Whether the targets are met: figures of turnd against those of the best coturn in the same run. Pure.

import { type Cell, cellName } from './cells.ts';
import { FIGURES, type Series } from './figures.ts';
import { medianOf, ratioOf } from './statistics.ts';
import { type Target, targetsOf } from './suites.ts';

/** One cell, measured. */
export interface CellResult {
  readonly cell: Cell;
  readonly series: readonly Series[];
}

/** Which servers are judged, and which they are held against. */
export interface Roles {
  readonly subjects: readonly string[];
  readonly baselines: readonly string[];
}

/** One target of one server. */
export interface Verdict {
  readonly cell: string;
  readonly server: string;
  readonly target: Target;
  readonly value: number | null;
  /** The baseline that is hardest to reach, its value and the ratio to it; null where there is none. */
  readonly baseline: string | null;
  readonly baselineValue: number | null;
  readonly ratio: number | null;
  /** Null if it cannot be said. */
  readonly met: boolean | null;
}

interface Comparison {
  readonly base: Series;
  readonly ratio: number;
}

// The hardest: the one whose ratio is furthest on the wrong side.
function hardest(series: Series, bases: readonly Series[], { figure, sense }: Target): Comparison | null {
  const comparisons = bases.flatMap((base) => {
    const ratio = ratioOf(series, base, figure);
    return ratio === null ? [] : [{ base, ratio }];
  });
  const sign = sense === 'at most' ? -1 : 1;
  return comparisons.toSorted((a, b) => sign * (a.ratio - b.ratio))[0] ?? null;
}

function isMet({ bound, sense }: Target, judged: number | null): boolean | null {
  if (judged === null) return null;
  return sense === 'at most' ? judged <= bound : judged >= bound;
}

function verdictOf(cell: Cell, series: Series, bases: readonly Series[], target: Target): Verdict {
  const comparison = hardest(series, bases, target);
  const value = medianOf(series, target.figure);
  const ratio = comparison?.ratio ?? null;
  return {
    cell: cellName(cell),
    server: series.name,
    target,
    value,
    baseline: comparison?.base.name ?? null,
    baselineValue: comparison === null ? null : medianOf(comparison.base, target.figure),
    ratio,
    met: isMet(target, target.of === 'ratio' ? ratio : value),
  };
}

/** Every target of every judged server. */
export function verdictsOf(results: readonly CellResult[], roles: Roles): readonly Verdict[] {
  return results.flatMap(({ cell, series }) => {
    const bases = series.filter((one) => roles.baselines.includes(one.name));
    const judged = series.filter((one) => roles.subjects.includes(one.name));
    return judged.flatMap((one) => targetsOf(cell).map((target) => verdictOf(cell, one, bases, target)));
  });
}

/** `≤ 0.80 ×` or `≤ 12`. */
export function targetText({ sense, bound, of }: Target): string {
  const sign = sense === 'at most' ? '≤' : '≥';
  return of === 'ratio' ? `${sign} ${bound.toFixed(2)} ×` : `${sign} ${bound}`;
}

/** The header and the rows of the table of targets. */
export function verdictRows(verdicts: readonly Verdict[]): readonly (readonly string[])[] {
  const number = (value: number | null, digits: number): string => (value === null ? '-' : value.toFixed(digits));
  const rows = verdicts.map(({ cell, target, server, value, baseline, baselineValue, ratio, met }) => {
    const { digits } = FIGURES[target.figure];
    const against = [baseline ?? '-', number(baselineValue, digits), number(ratio, 2), targetText(target)];
    return [cell, target.text, server, number(value, digits), ...against, met === null ? '?' : met ? 'yes' : 'no'];
  });
  return [['cell', 'figure', 'server', 'value', 'against', 'its value', 'ratio', 'target', 'met'], ...rows];
}
