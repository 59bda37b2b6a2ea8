// The ruler: the same load on several TURN servers, interleaved, and their figures side by side. See README.md in this
// folder and docs/performance.md.

import { cellName } from './cells.ts';
import { measureCell } from './measure.ts';
import { type BenchOptions, parseOptions } from './options.ts';
import { cellText, jsonOf, markdownOf, targetsText } from './report.ts';
import { UsageError } from './usage-error.ts';
import type { CellResult } from './verdicts.ts';

function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

// Cells are printed as they come, so that a long suite that is cut short has not been in vain.
async function measureAll(options: BenchOptions): Promise<readonly CellResult[]> {
  const results: CellResult[] = [];
  for (const cell of options.cells) {
    const result = { cell, series: await measureCell(cell, options, progress) };
    results.push(result);
    if (options.format === 'text') console.log(cellText(result, options.roles));
  }
  return results;
}

function printAll(results: readonly CellResult[], options: BenchOptions): void {
  const { format, roles } = options;
  if (format === 'json') console.log(JSON.stringify({ roles, results: jsonOf(results, roles) }, null, 2));
  else if (format === 'markdown') console.log(markdownOf(results, roles));
  else console.log(targetsText(results, roles));
}

// Every sample that has packets has them all.
function isLossless({ series }: CellResult): boolean {
  const samples = series.flatMap((one) => one.samples);
  return samples.every(({ figures }) => figures.loss === undefined || figures.loss === 0);
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  if (options.list) {
    for (const cell of options.cells) console.log(cellName(cell));
    return 0;
  }
  const results = await measureAll(options);
  printAll(results, options);
  return !options.smoke || results.every(isLossless) ? 0 : 1;
}

// Servers and generators end with this process if it ends by itself, not by the signal.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => process.exit(1));
try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
