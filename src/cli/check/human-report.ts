// A check in words for people: one line per step, and for each failure its cause and remedy. Owns the layout only.

import type { Colour, Paint } from './paint.ts';
import { type CheckReport, STEPS, type StepReport, type StepStatus } from './report.ts';

const STATUS_COLOURS: Readonly<Record<StepStatus, Colour>> = { ok: 'green', failed: 'red', skipped: 'dim' };
const STATUS_WIDTH = 'skipped'.length;
const STEP_WIDTH = Math.max(...STEPS.map((step) => step.length));
const INDENT = ' '.repeat(2 + STATUS_WIDTH + 2 + STEP_WIDTH + 2);

/** The lines of one step, each with its line break. */
export function stepText({ step, status, ms, summary, warnings, problem }: StepReport, paint: Paint): string {
  const word = paint(STATUS_COLOURS[status], status.padEnd(STATUS_WIDTH));
  const time = status === 'skipped' ? '' : paint('dim', `  ${ms} ms`);
  const text = status === 'skipped' ? paint('dim', summary) : (problem?.what ?? summary);
  const lines = [`  ${word}  ${step.padEnd(STEP_WIDTH)}  ${text}${time}`];
  if (problem !== null) {
    lines.push(
      `${INDENT}${paint('dim', 'cause:')} ${problem.cause}`,
      `${INDENT}${paint('dim', 'do:')}    ${problem.remedy}`,
    );
  }
  for (const warning of warnings) lines.push(`${INDENT}${paint('yellow', 'warning:')} ${warning}`);
  return `${lines.join('\n')}\n`;
}

/** The heading of a URL. */
export function headingText(url: string, paint: Paint): string {
  return `${paint('bold', url)}\n`;
}

/** The last line of a URL. */
export function verdictText(report: CheckReport, paint: Paint): string {
  const failed = report.steps.filter(({ status }) => status === 'failed').map(({ step }) => step);
  const words = failed.length === 0 ? paint('green', 'ok') : paint('red', `failed: ${failed.join(', ')}`);
  return `  ${words}\n`;
}

/** One line for scripts: the verdict, the URL and the first failure. */
export function quietLine({ ok, url, steps }: CheckReport): string {
  const failure = steps.find(({ problem }) => problem !== null);
  return ok ? `ok ${url}\n` : `failed ${url} ${failure?.step ?? ''}: ${failure?.problem?.what ?? ''}\n`;
}
