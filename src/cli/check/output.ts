// How results leave: for people as they come, for scripts in one line each, for machines as JSON. One object per run.

import type { CommandIo } from '../terminal-io.ts';
import { headingText, quietLine, stepsText, verdictText } from './human-report.ts';
import { type Paint, paintFor } from './paint.ts';
import type { CheckReport, StepReport } from './report.ts';
import { totalsText, type WatchTotals } from './watch-summary.ts';

/** Receives what a run finds. */
export interface CheckOutput {
  /** A URL is about to be checked. */
  begin(url: string): void;
  step(report: StepReport): void;
  /** A URL is done. */
  end(report: CheckReport): void;
  /** All URLs are done. */
  finish(reports: readonly CheckReport[]): void;
}

/** The output that the flags ask for. */
export function outputFor(format: 'human' | 'quiet' | 'json', io: CommandIo, isColoured: boolean): CheckOutput {
  if (format === 'json') return jsonOutput(io);
  return format === 'quiet' ? quietOutput(io) : humanOutput(io, paintFor(isColoured));
}

function humanOutput(io: CommandIo, paint: Paint): CheckOutput {
  // Steps that are skipped wait for one that is not, so that they fill one line.
  let held: StepReport[] = [];
  let isFirst = true;
  const release = (): void => {
    io.out(stepsText(held, paint));
    held = [];
  };
  return {
    begin: (url) => {
      io.out(`${isFirst ? '' : '\n'}${headingText(url, paint)}`);
      isFirst = false;
    },
    step: (report) => {
      held.push(report);
      if (report.status !== 'skipped') release();
    },
    end: (report) => {
      release();
      io.out(verdictText(report, paint));
    },
    finish: () => {},
  };
}

function quietOutput(io: CommandIo): CheckOutput {
  return { begin: () => {}, step: () => {}, end: (report) => io.out(quietLine(report)), finish: () => {} };
}

function jsonOutput(io: CommandIo): CheckOutput {
  const finish = (checks: readonly CheckReport[]): void => {
    const ok = checks.every((check) => check.ok);
    io.out(`${JSON.stringify({ ok, checks }, null, 2)}\n`);
  };
  return { begin: () => {}, step: () => {}, end: () => {}, finish };
}

/** Receives the rounds of a watch. */
export interface WatchOutput {
  round(at: string, report: CheckReport, hasChanged: boolean): void;
  finish(totals: readonly WatchTotals[]): void;
}

/** People see a line per round and the steps when they change; machines a JSON document per line. */
export function watchOutputFor(format: 'human' | 'quiet' | 'json', io: CommandIo, isColoured: boolean): WatchOutput {
  const paint = paintFor(isColoured);
  if (format === 'json') {
    return {
      round: (at, report, hasChanged) => io.out(`${JSON.stringify({ at, changed: hasChanged, ...report })}\n`),
      finish: (totals) => io.out(`${JSON.stringify({ totals })}\n`),
    };
  }
  return {
    round: (at, report, hasChanged) => {
      if (format === 'quiet' && !hasChanged) return;
      const line = quietLine(report);
      const coloured = report.ok
        ? line.replace(/^ok/, paint('green', 'ok'))
        : line.replace(/^failed/, paint('red', 'failed'));
      io.out(`${paint('dim', at)} ${coloured}`);
      if (format === 'human' && hasChanged) io.out(stepsText(report.steps, paint));
    },
    finish: (totals) => {
      if (format === 'human') io.out(`\n${totalsText(totals)}`);
    },
  };
}
