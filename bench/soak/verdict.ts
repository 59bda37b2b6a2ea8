// Judges a soak by what was counted. Pure.

import { median } from '../statistics.ts';
import type { ChurnCounts } from './churn.ts';

/** Growth from the second to the last quarter that still counts as flat. */
const FLAT_BYTES = 2 * 1024 * 1024;

/** Memory at a moment. */
export interface MemorySample {
  /** Seconds since the load began. */
  readonly seconds: number;
  readonly bytes: number;
}

/** Everything that a soak has counted. */
export interface SoakCounts {
  readonly sent: number;
  readonly received: number;
  /** Packets that the generator itself lost. */
  readonly dropped: number;
  readonly churn: Readonly<ChurnCounts>;
  readonly memory: readonly MemorySample[];
  /** With the core alone: before the first and after the last allocation that came and went. */
  readonly descriptorsBefore: number;
  readonly descriptorsAfter: number;
  /** Whether the processes at the end are those of the start. */
  readonly sameProcesses: boolean;
}

/** One thing that had to be so. */
export interface Finding {
  readonly what: string;
  readonly passed: boolean;
}

/** What is to be said of a soak; it has passed if every finding has. */
export function judgeSoak(counts: SoakCounts): readonly Finding[] {
  const { sent, received, dropped, churn, descriptorsBefore, descriptorsAfter, sameProcesses } = counts;
  const lost = sent - received - dropped;
  const churnLost = churn.sent - churn.received;
  const growth = growthOf(counts.memory);
  return [
    { what: `${lost} of ${sent} packets lost (${dropped} more by the generator)`, passed: lost === 0 && sent > 0 },
    {
      what: `${churn.ok} allocations came and went, ${churn.refused} refused, ${churn.failed} failed, ${churnLost} of ${churn.sent} packets lost`,
      passed: churn.refused + churn.failed + churnLost === 0,
    },
    {
      what: `memory grew by ${kib(growth)} KiB between the second and the last quarter, ${kib(slopeOf(counts.memory))} KiB/min`,
      passed: growth < FLAT_BYTES,
    },
    {
      what: `${descriptorsBefore} descriptors before, ${descriptorsAfter} after`,
      passed: descriptorsAfter <= descriptorsBefore,
    },
    { what: sameProcesses ? 'no process was replaced' : 'a process was replaced', passed: sameProcesses },
  ];
}

/** Bytes from the median of the second quarter to that of the last; 0 for fewer than four samples. */
export function growthOf(samples: readonly MemorySample[]): number {
  const quarter = (number: number): number[] =>
    samples
      .slice(Math.floor(((number - 1) * samples.length) / 4), Math.floor((number * samples.length) / 4))
      .map(({ bytes }) => bytes);
  return samples.length < 4 ? 0 : (median(quarter(4)) ?? 0) - (median(quarter(2)) ?? 0);
}

/** The least-squares slope after the first quarter, in bytes per minute; 0 for fewer than two samples. */
export function slopeOf(samples: readonly MemorySample[]): number {
  const warm = samples.slice(Math.floor(samples.length / 4));
  const mean = (value: (sample: MemorySample) => number): number =>
    warm.reduce((sum, sample) => sum + value(sample), 0) / warm.length;
  const [time, bytes] = [mean((sample) => sample.seconds), mean((sample) => sample.bytes)];
  const above = mean((sample) => (sample.seconds - time) * (sample.bytes - bytes));
  const below = mean((sample) => (sample.seconds - time) ** 2);
  return below > 0 ? (above / below) * 60 : 0;
}

function kib(bytes: number): string {
  return (bytes / 1024).toFixed(0);
}
