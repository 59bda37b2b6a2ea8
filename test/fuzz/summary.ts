// The reports of a run as text: a line for a terminal, and a table for docs/security.md.

import type { Report } from './run-target.ts';

/** One line. */
export function lineOf(report: Report): string {
  const { target, inputs, executions, features, kept } = report;
  const code = report.coverage === null ? '' : `, ${percent(report.coverage)} of its code`;
  const figures = `${rateOf(report)} executions/s, ${executions} executions, ${inputs} inputs, ${features} features`;
  return `${target.padEnd(18)} ${figures}, ${kept} kept${code}`;
}

/** A Markdown table of all. */
export function summaryOf(reports: readonly Report[], seed: number): string {
  const rows = reports.map((report) => {
    const { target, seconds, executions, features, coverage, failure } = report;
    const cells = [`${Math.round(seconds)}`, `${executions}`, `${rateOf(report)}`, `${features}`];
    return `| ${[`\`${target}\``, ...cells, coverage === null ? '-' : percent(coverage), failure ?? 'none'].join(' | ')} |`;
  });
  const head = '| target | seconds | executions | executions/s | features | code that ran | finds |';
  return [head, '| --- | ---: | ---: | ---: | ---: | ---: | --- |', ...rows, '', `Seed ${seed}.`, ''].join('\n');
}

function rateOf({ executions, seconds }: Report): number {
  return Math.round(executions / seconds);
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
