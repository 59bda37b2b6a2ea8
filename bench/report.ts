// Turns results into text, Markdown or JSON. Measures nothing.

import { cellName } from './cells.ts';
import { FIGURE_NAMES, FIGURES, type FigureName, type Series } from './figures.ts';
import { medianOf, ratioOf } from './statistics.ts';
import { markdownTable, textTable } from './table.ts';
import { type CellResult, type Roles, verdictRows, verdictsOf } from './verdicts.ts';

/** How results are printed. */
export type ReportFormat = 'text' | 'markdown' | 'json';

/** Columns of words in the table of targets: cell, figure, server. */
const WORD_COLUMNS = 3;

function cell(value: number | null, digits: number): string {
  return value === null ? '-' : value.toFixed(digits);
}

function figuresOf(all: readonly Series[]): readonly FigureName[] {
  return FIGURE_NAMES.filter((name) => all.some((series) => series.samples.some((sample) => name in sample.figures)));
}

// The first baseline; without one, the server that was named last.
function baseOf(all: readonly Series[], { baselines }: Roles): Series | undefined {
  return all.find((series) => series.name === baselines[0]) ?? all.at(-1);
}

/** The medians of every server, and the ratios of all others to the first baseline. */
export function cellRows(all: readonly Series[], roles: Roles): readonly (readonly string[])[] {
  const names = figuresOf(all);
  const base = baseOf(all, roles);
  const medians = all.map((series) => [
    series.name,
    ...names.map((name) => cell(medianOf(series, name), FIGURES[name].digits)),
  ]);
  const ratios = all.flatMap((series) => {
    if (base === undefined || series === base) return [];
    const values = names.map((name) => (FIGURES[name].compared ? cell(ratioOf(series, base, name), 2) : ''));
    return [[`${series.name} / ${base.name}`, ...values]];
  });
  return [['median', ...names.map((name) => FIGURES[name].title)], ...medians, ...ratios];
}

/** One line per doubt about a sample. */
export function warningsOf(all: readonly Series[]): readonly string[] {
  return all.flatMap(({ name, samples }) =>
    samples.flatMap(({ warnings }, round) => warnings.map((text) => `warning: ${name}, round ${round + 1}: ${text}`)),
  );
}

/** One cell for a terminal. */
export function cellText({ cell: what, series }: CellResult, roles: Roles): string {
  return [cellName(what), textTable(cellRows(series, roles), 1), ...warningsOf(series), ''].join('\n');
}

/** The targets for a terminal; empty if nothing was judged. */
export function targetsText(results: readonly CellResult[], roles: Roles): string {
  const verdicts = verdictsOf(results, roles);
  return verdicts.length === 0 ? '' : textTable(verdictRows(verdicts), WORD_COLUMNS);
}

/** Everything as Markdown: the targets first, if anything was judged. */
export function markdownOf(results: readonly CellResult[], roles: Roles): string {
  const verdicts = verdictsOf(results, roles);
  const targets = verdicts.length === 0 ? [] : [markdownTable(verdictRows(verdicts), WORD_COLUMNS)];
  const cells = results.flatMap(({ cell: what, series }) => [
    `\`${cellName(what)}\``,
    markdownTable(cellRows(series, roles), 1),
    ...warningsOf(series).map((warning) => `- ${warning}`),
  ]);
  return [...targets, ...cells].join('\n\n');
}

/** Everything as a value for `JSON.stringify`: samples, medians, ratios to the first baseline, and the targets. */
export function jsonOf(results: readonly CellResult[], roles: Roles): unknown {
  const cells = results.map(({ cell: what, series: all }) => {
    const names = figuresOf(all);
    const base = baseOf(all, roles);
    const compared = names.filter((name) => FIGURES[name].compared);
    const servers = all.map((series) => ({
      name: series.name,
      samples: series.samples,
      medians: Object.fromEntries(names.map((name) => [name, medianOf(series, name)])),
      ratios:
        base === undefined || base === series
          ? null
          : Object.fromEntries(compared.map((name) => [name, ratioOf(series, base, name)])),
    }));
    return { name: cellName(what), cell: what, servers };
  });
  return { cells, targets: verdictsOf(results, roles) };
}
