// Checks all URLs of a command line, once or again and again. One after another: a quota of one allocation must not fail
// because we ask for two.

import { ServerMemory } from '../../client/server-memory.ts';
import type { TurnUri } from '../../client/uri.ts';
import { checkUrl } from './check-url.ts';
import type { CheckOptions, CheckSurroundings } from './options.ts';
import type { CheckOutput, WatchOutput } from './output.ts';
import type { CheckReport } from './report.ts';
import { WatchSummary } from './watch-summary.ts';

/** Checks each URL once; true when none failed. */
export async function runChecks(
  uris: readonly TurnUri[],
  options: CheckOptions,
  surroundings: CheckSurroundings,
  output: CheckOutput,
): Promise<boolean> {
  const memory = new ServerMemory();
  const reports: CheckReport[] = [];
  for (const uri of uris) {
    output.begin(uri.text);
    const report = await checkUrl(uri, options, surroundings, memory, (step) => output.step(step));
    output.end(report);
    reports.push(report);
  }
  output.finish(reports);
  return reports.every(({ ok }) => ok);
}

/** How a watch goes. */
export interface Watch {
  readonly intervalMs: number;
  /** Ends the watch after the check that is under way. */
  readonly interrupted: AbortSignal;
  readonly output: WatchOutput;
}

/** Checks the URLs again and again until it is interrupted; true when no check has failed. */
export async function watchChecks(
  uris: readonly TurnUri[],
  options: CheckOptions,
  surroundings: CheckSurroundings,
  { intervalMs, interrupted, output }: Watch,
): Promise<boolean> {
  const memory = new ServerMemory();
  const summary = new WatchSummary();
  while (!interrupted.aborted) {
    for (const uri of uris) {
      if (interrupted.aborted) break;
      const at = new Date(surroundings.wallTime()).toISOString().replace(/\.\d+/, '');
      const report = await checkUrl(uri, options, surroundings, memory);
      output.round(at, report, summary.take(report));
    }
    await pause(intervalMs, interrupted, surroundings);
  }
  const totals = summary.totals();
  output.finish(totals);
  return totals.every(({ failures }) => failures === 0);
}

function pause(milliseconds: number, interrupted: AbortSignal, { timers }: CheckSurroundings): Promise<void> {
  if (interrupted.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const end = (): void => {
      cancel();
      interrupted.removeEventListener('abort', end);
      resolve();
    };
    const cancel = timers.after(milliseconds, end);
    interrupted.addEventListener('abort', end);
  });
}
