// Medians of figures and of their ratios. Pure.

import type { FigureName, Sample, Series } from './figures.ts';

/** The middle of the values, or the mean of the middle two; null if there are none or any is null. */
export function median(values: readonly (number | null)[]): number | null {
  const numbers = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  if (numbers.length === 0 || numbers.length < values.length) return null;
  const middle = numbers.length >> 1;
  const upper = numbers[middle] as number;
  return numbers.length % 2 === 1 ? upper : (upper + (numbers[middle - 1] as number)) / 2;
}

function figureOf(sample: Sample | undefined, figure: FigureName): number | null {
  return sample?.figures[figure] ?? null;
}

/** The median of a figure over the rounds. */
export function medianOf(series: Series, figure: FigureName): number | null {
  return median(series.samples.map((sample) => figureOf(sample, figure)));
}

/** The median over the rounds of the ratio within each round: drift of the machine cancels out. */
export function ratioOf(series: Series, base: Series, figure: FigureName): number | null {
  const ratios = series.samples.map((sample, round) => {
    const ours = figureOf(sample, figure);
    const theirs = figureOf(base.samples[round], figure);
    return ours === null || theirs === null || theirs === 0 ? null : ours / theirs;
  });
  return median(ratios);
}
