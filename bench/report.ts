// Turns samples into medians, ratios and text. Measures nothing.

import type { Sample } from './load-process.ts';

/** All samples of one server, in the order of the rounds. */
export interface Series {
  readonly name: string;
  readonly samples: readonly Sample[];
}

/** A figure of a sample and how to print it. */
interface Column {
  readonly title: string;
  readonly value: (sample: Sample) => number | null;
  readonly digits: number;
}

const COLUMNS: readonly Column[] = [
  { title: 'offered/s', value: (sample) => sample.offeredPerSecond, digits: 0 },
  { title: 'sent/s', value: (sample) => sample.sentPerSecond, digits: 0 },
  { title: 'received/s', value: (sample) => sample.receivedPerSecond, digits: 0 },
  { title: 'loss %', value: (sample) => sample.loss * 100, digits: 3 },
  { title: 'p50 µs', value: (sample) => sample.p50Microseconds, digits: 0 },
  { title: 'p99 µs', value: (sample) => sample.p99Microseconds, digits: 0 },
  { title: 'CPU µs/packet', value: (sample) => sample.cpuMicrosecondsPerPacket, digits: 2 },
  {
    title: 'RSS MiB',
    value: (sample) => (sample.residentBytes === null ? null : sample.residentBytes / 2 ** 20),
    digits: 1,
  },
  { title: 'gen. CPU', value: (sample) => sample.generatorCpu, digits: 2 },
  { title: 'gen. late p99 µs', value: (sample) => sample.lateP99Microseconds, digits: 0 },
];

// The figures whose ratios say how one server does against another.
const COMPARED: ReadonlySet<string> = new Set(['received/s', 'p50 µs', 'p99 µs', 'CPU µs/packet', 'RSS MiB']);

/** A generator that sent less than this part of the offered load was the bottleneck. */
const KEPT_ENOUGH = 0.99;

/** A generator never sleeps: one that got less than this part of a CPU shared it with something else. */
const CPU_ENOUGH = 0.9;

/** The middle of the values, or the mean of the middle two; null if there are none or any is null. */
export function median(values: readonly (number | null)[]): number | null {
  const numbers = values.filter((value) => value !== null).toSorted((a, b) => a - b);
  if (numbers.length === 0 || numbers.length < values.length) return null;
  const middle = numbers.length >> 1;
  const upper = numbers[middle] as number;
  return numbers.length % 2 === 1 ? upper : (upper + (numbers[middle - 1] as number)) / 2;
}

function medianOf(series: Series, column: Column): number | null {
  return median(series.samples.map(column.value));
}

/** The median over the rounds of the ratio within each round: drift of the machine cancels out. */
function ratioOf(series: Series, base: Series, column: Column): number | null {
  const ratios = series.samples.map((sample, round) => {
    const other = base.samples[round];
    const ours = column.value(sample);
    const theirs = other === undefined ? null : column.value(other);
    return ours === null || theirs === null || theirs === 0 ? null : ours / theirs;
  });
  return median(ratios);
}

function cell(value: number | null, digits: number): string {
  return value === null ? '-' : value.toFixed(digits);
}

function rowsToText(rows: readonly (readonly string[])[]): string {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]): string =>
    row
      .map((text, column) => (column === 0 ? text.padEnd(widths[0] ?? 0) : text.padStart(widths[column] ?? 0)))
      .join('  ');
  return rows.map(line).join('\n');
}

/** The medians of every server, and the ratios of all but the last against the last. */
export function tableOf(all: readonly Series[]): string {
  const header = ['median', ...COLUMNS.map((column) => column.title)];
  const rows = all.map((series) => [
    series.name,
    ...COLUMNS.map((column) => cell(medianOf(series, column), column.digits)),
  ]);
  const base = all.at(-1);
  const ratios = all
    .slice(0, -1)
    .map((series) => [
      `${series.name} / ${base?.name}`,
      ...COLUMNS.map((column) =>
        base !== undefined && COMPARED.has(column.title) ? cell(ratioOf(series, base, column), 2) : '',
      ),
    ]);
  return rowsToText([header, ...rows, ...ratios]);
}

function warningOf(sample: Sample): string | null {
  if (sample.kept < KEPT_ENOUGH)
    return `the load generator sent only ${cell(sample.kept * 100, 1)} % of the offered load`;
  if (sample.generatorCpu >= CPU_ENOUGH * sample.generators) return null;
  return `other processes took CPU from the load generator (it got ${cell(sample.generatorCpu, 2)} of ${sample.generators})`;
}

/** One line per sample that says more about the load generator or the machine than about the server. */
export function warningsOf(all: readonly Series[]): readonly string[] {
  return all.flatMap((series) =>
    series.samples.flatMap((sample, round) => {
      const warning = warningOf(sample);
      return warning === null ? [] : [`warning: ${series.name}, round ${round + 1}: ${warning}`];
    }),
  );
}

/** Everything as a value for `JSON.stringify`: all samples, medians by column title, ratios against the last server. */
export function jsonOf(all: readonly Series[]): unknown {
  const base = all.at(-1);
  return all.map((series) => ({
    name: series.name,
    samples: series.samples,
    medians: Object.fromEntries(COLUMNS.map((column) => [column.title, medianOf(series, column)])),
    ratios:
      base === undefined || base === series
        ? null
        : Object.fromEntries(
            COLUMNS.filter((column) => COMPARED.has(column.title)).map((column) => [
              column.title,
              ratioOf(series, base, column),
            ]),
          ),
  }));
}
