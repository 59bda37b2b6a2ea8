// What a watch has seen so far: rounds and failures of each URL, and what changed. Knows no clock and no terminal.

import type { CheckReport } from './report.ts';

interface Tally {
  rounds: number;
  failures: number;
  rttSum: number;
  rttCount: number;
  rttMin: number;
  rttMax: number;
  lastState: string;
}

/** Counts of one URL. */
export interface WatchTotals {
  readonly url: string;
  readonly rounds: number;
  readonly failures: number;
  /** Of the Binding, in milliseconds; null when it was never answered. */
  readonly rtt: { readonly min: number; readonly average: number; readonly max: number } | null;
}

/** The memory of a watch. */
export class WatchSummary {
  readonly #tallies = new Map<string, Tally>();

  /** Takes a report in; true when its verdict, or the step that fails, is not that of the round before. */
  take(report: CheckReport): boolean {
    const tally = this.#tallyOf(report.url);
    const state = report.steps.map(({ step, status }) => `${step}=${status}`).join(' ');
    const hasChanged = tally.lastState !== state;
    tally.lastState = state;
    tally.rounds++;
    if (!report.ok) tally.failures++;
    const rtt = rttOf(report);
    if (rtt !== null) addRtt(tally, rtt);
    return hasChanged;
  }

  totals(): readonly WatchTotals[] {
    return [...this.#tallies].map(([url, { rounds, failures, rttSum, rttCount, rttMin, rttMax }]) => ({
      url,
      rounds,
      failures,
      rtt: rttCount === 0 ? null : { min: rttMin, average: Math.round((rttSum / rttCount) * 10) / 10, max: rttMax },
    }));
  }

  #tallyOf(url: string): Tally {
    const known = this.#tallies.get(url);
    if (known !== undefined) return known;
    const rtt = { rttSum: 0, rttCount: 0, rttMin: Number.POSITIVE_INFINITY, rttMax: 0 };
    const made: Tally = { rounds: 0, failures: 0, ...rtt, lastState: '' };
    this.#tallies.set(url, made);
    return made;
  }
}

function addRtt(tally: Tally, rtt: number): void {
  tally.rttSum += rtt;
  tally.rttCount++;
  tally.rttMin = Math.min(tally.rttMin, rtt);
  tally.rttMax = Math.max(tally.rttMax, rtt);
}

/** The round-trip time of the Binding of a report, or null. */
export function rttOf({ steps }: CheckReport): number | null {
  const rtt = steps.find(({ step }) => step === 'binding')?.facts['rttMs'];
  return typeof rtt === 'number' ? rtt : null;
}

/** The last words of a watch. */
export function totalsText(totals: readonly WatchTotals[]): string {
  const lines = totals.map(({ url, rounds, failures, rtt }) => {
    const times = rtt === null ? '' : `, rtt ${rtt.min}/${rtt.average}/${rtt.max} ms (min/avg/max)`;
    return `${url}: ${rounds} checks, ${failures} failed${times}`;
  });
  return `${lines.join('\n')}\n`;
}
