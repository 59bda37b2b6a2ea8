// The tables of docs/metrics.md: each metric of turnd, and what became of each of coturn, made of the code that exposes
// them. `node dist/test/docs/metrics-table.js --write` renews them.

import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { METRIC_GROUPS } from '../../src/metrics/catalogue.ts';
import { COTURN_METRICS, type CoturnMetric } from '../../src/metrics/coturn-metrics.ts';
import type { Metric } from '../../src/metrics/metric.ts';

const PAGE = fileURLToPath(new URL('../../../docs/metrics.md', import.meta.url));
const BEGIN = '<!-- made by test/docs/metrics-table.ts: begin -->';
const END = '<!-- end -->';

/** The page as it is. */
export function readPage(): string {
  return readFileSync(PAGE, 'utf8');
}

/** The page with new tables. */
export function renewPage(page: string): string {
  const [head, rest] = page.split(BEGIN);
  const tail = rest?.split(END)[1];
  if (head === undefined || tail === undefined) throw new Error(`docs/metrics.md needs ${BEGIN} and ${END}`);
  return `${head}${BEGIN}\n${tables()}\n${END}${tail}`;
}

function tables(): string {
  const own = METRIC_GROUPS.flatMap(({ title, metrics }) => [
    `\n### ${title}\n`,
    '| Metric | Type | Labels | |',
    '|---|---|---|---|',
    ...metrics.map(metricRow),
  ]);
  const head = ['\n## What became of coturn’s names\n', '| coturn | `coturn-names` | turnd | |', '|---|---|---|---|'];
  return [...own, ...head, ...COTURN_METRICS.map(coturnRow)].join('\n');
}

function metricRow({ name, type, labels, help }: Metric): string {
  const listed = Object.entries(labels).map(([label, values]) => `\`${label}\`: ${values.join(', ')}`);
  return row(`\`${name}\``, type, listed.join('; '), help);
}

function coturnRow({ name, successor, note, metric }: CoturnMetric): string {
  const place = successor === null ? '–' : `\`${successor}\``;
  return row(`\`${name}\``, metric === null ? 'no' : 'yes', place, note);
}

function row(...cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const page = renewPage(readPage());
  if (process.argv.includes('--write')) writeFileSync(PAGE, page);
  else process.stdout.write(page);
}
