// A check in words for people: one line per step, and for each failure its cause and remedy. Owns the layout only.

import type { Colour, Paint } from './paint.ts';
import { type CheckReport, STEPS, type StepReport, type StepStatus } from './report.ts';

const STATUS_COLOURS: Readonly<Record<StepStatus, Colour>> = { ok: 'green', failed: 'red', skipped: 'dim' };
const STATUS_WIDTH = 'skipped'.length;
const STEP_WIDTH = Math.max(...STEPS.map((step) => step.length));
const INDENT = ' '.repeat(2 + STATUS_WIDTH + 2 + STEP_WIDTH + 2);

/** The lines of steps in their order. */
export function stepsText(steps: readonly StepReport[], paint: Paint): string {
  const blocks: string[] = [];
  for (let at = 0; at < steps.length; ) {
    const first = steps[at] as StepReport;
    const alike = first.status === 'skipped' ? runOfAlike(steps.slice(at)) : [];
    blocks.push(alike.length > 0 ? skippedText(alike, paint) : stepText(first, paint));
    at += Math.max(alike.length, 1);
  }
  return blocks.join('');
}

function runOfAlike(steps: readonly StepReport[]): readonly StepReport[] {
  const end = steps.findIndex(({ status, summary }) => status !== 'skipped' || summary !== steps[0]?.summary);
  return end < 0 ? steps : steps.slice(0, end);
}

/** The lines of one step that was tried, each with its line break. */
export function stepText({ step, status, ms, summary, warnings, problem }: StepReport, paint: Paint): string {
  const word = paint(STATUS_COLOURS[status], status.padEnd(STATUS_WIDTH));
  const time = paint('dim', `  ${ms} ms`);
  const lines = [`  ${word}  ${step.padEnd(STEP_WIDTH)}  ${problem?.what ?? summary}${time}`];
  if (problem !== null) {
    lines.push(
      `${INDENT}${paint('dim', 'cause:')} ${problem.cause}`,
      `${INDENT}${paint('dim', 'do:')}    ${problem.remedy}`,
    );
  }
  for (const warning of warnings) lines.push(`${INDENT}${paint('yellow', 'warning:')} ${warning}`);
  return `${lines.join('\n')}\n`;
}

/** One line for steps that were skipped for the same reason. */
function skippedText(steps: readonly StepReport[], paint: Paint): string {
  const names = steps.map(({ step }) => step).join(', ');
  return paint('dim', `  ${'skipped'.padEnd(STATUS_WIDTH)}  ${names}: ${steps[0]?.summary ?? ''}`).concat('\n');
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
