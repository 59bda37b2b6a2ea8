// Adds up what several generators measured, and decides whether a run says more about the generator than about the
// server. Pure.

import type { Sample } from './figures.ts';
import { Histogram } from './histogram.ts';
import type { LoadResult, SetUpResult } from './load-job.ts';
import { LOSS_ALLOWED, Outcome } from './lossless-search.ts';

/** A generator that sent less than this part of the offered load was the bottleneck. */
const KEPT_ENOUGH = 0.99;

/** A generator that never sleeps and got less than this part of a CPU shared it with something else. */
const CPU_ENOUGH = 0.9;

/** A set-up during which the generator used more of a CPU than this measured the generator. */
const SET_UP_CPU_ALLOWED = 0.95;

/** One step of all generators together. */
export interface Step {
  readonly sent: number;
  readonly received: number;
  readonly dropped: number;
  readonly renewed: number;
  readonly seconds: number;
  readonly offered: number;
  readonly latency: Histogram;
  readonly lateness: Histogram;
  /** CPU seconds per second of all generators. */
  readonly generatorCpu: number;
  readonly generators: number;
  readonly serverCpuMicroseconds: number | null;
}

function sum<T>(results: readonly T[], value: (result: T) => number): number {
  return results.reduce((total, result) => total + value(result), 0);
}

function firstKnown(values: readonly (number | null)[]): number | null {
  return values.find((value) => value !== null) ?? null;
}

function merged(results: readonly LoadResult[], which: 'latency' | 'lateness'): Histogram {
  const histogram = new Histogram();
  for (const result of results) histogram.addAll(result[which]);
  return histogram;
}

/** Adds up the results of one step. Only one of the generators reads the server's CPU time. */
export function addUpStep(results: readonly LoadResult[]): Step {
  const seconds = Math.max(...results.map((result) => result.seconds));
  return {
    sent: sum(results, (result) => result.sent),
    received: sum(results, (result) => result.received),
    dropped: sum(results, (result) => result.dropped),
    renewed: sum(results, (result) => result.renewed),
    offered: sum(results, (result) => result.offered),
    seconds,
    latency: merged(results, 'latency'),
    lateness: merged(results, 'lateness'),
    generatorCpu: sum(results, (result) => result.cpuMicroseconds) / 1e6 / seconds,
    generators: results.length,
    serverCpuMicroseconds: firstKnown(results.map((result) => result.serverCpuMicroseconds)),
  };
}

/** Adds up the set-ups of generators that worked side by side. */
export function addUpSetUps(results: readonly SetUpResult[]): SetUpResult {
  return {
    kind: results[0]?.kind ?? 'auto',
    clients: sum(results, (result) => result.clients),
    seconds: Math.max(...results.map((result) => result.seconds)),
    cpuMicroseconds: sum(results, (result) => result.cpuMicroseconds),
    serverCpuMicroseconds: firstKnown(results.map((result) => result.serverCpuMicroseconds)),
  };
}

/** Part of the sent packets that did not arrive, 0 to 1. */
export function lossOf({ sent, received }: Step): number {
  return sent === 0 ? 1 : 1 - received / sent;
}

/** The 99th percentile of how late the generators sent, in microseconds. */
export function lateP99(step: Step): number {
  return step.lateness.quantile(0.99) / 1000;
}

/** What a step says in the search for the highest rate without loss. */
export function outcomeOf(step: Step): Outcome {
  if (step.sent < step.offered * KEPT_ENOUGH) return Outcome.GENERATOR;
  if (step.sent - step.received <= step.sent * LOSS_ALLOWED) return Outcome.LOSSLESS;
  // Its own sockets overflowed: what the server lost beyond that is not known.
  return step.dropped > step.sent * LOSS_ALLOWED ? Outcome.GENERATOR : Outcome.LOSSY;
}

/** Why a step should not be trusted; empty if it may be. `lateAllowed` is in microseconds. */
export function doubtsOf(step: Step, lateAllowed: number, sleeps: boolean): readonly string[] {
  const { sent, offered, dropped, generatorCpu, generators } = step;
  const doubts: string[] = [];
  if (sent < offered * KEPT_ENOUGH) {
    doubts.push(`the load generator sent only ${((100 * sent) / offered).toFixed(1)} % of the offered load`);
  }
  if (dropped > 0) doubts.push(`the load generator itself lost ${dropped} packets that had arrived`);
  if (lateP99(step) > lateAllowed) {
    doubts.push(`the load generator was late (p99 ${lateP99(step).toFixed(0)} µs)`);
  }
  if (!sleeps && generatorCpu < CPU_ENOUGH * generators) {
    const got = generatorCpu.toFixed(2);
    doubts.push(`other processes took CPU from the load generator (it got ${got} of ${generators})`);
  }
  return doubts;
}

/** The figures of a step at a steady rate. */
export function packetsSample(step: Step, warnings: readonly string[]): Sample {
  const { received, seconds, serverCpuMicroseconds, latency } = step;
  const cpu = serverCpuMicroseconds === null || received === 0 ? null : serverCpuMicroseconds / received;
  const figures = {
    offered: step.offered / seconds,
    received: received / seconds,
    loss: lossOf(step) * 100,
    p50: latency.quantile(0.5) / 1000,
    p99: latency.quantile(0.99) / 1000,
    cpu,
    generatorCpu: step.generatorCpu,
    late: lateP99(step),
  };
  return { figures, warnings };
}

/** The figures of set-ups as fast as they went. */
export function setUpsSample({ clients, seconds, cpuMicroseconds, serverCpuMicroseconds }: SetUpResult): Sample {
  const generatorCpu = cpuMicroseconds / 1e6 / seconds;
  const setUpCpu = serverCpuMicroseconds === null ? null : serverCpuMicroseconds / clients;
  const limited = generatorCpu > SET_UP_CPU_ALLOWED;
  const warnings = limited ? ['the load generator was busy all the time: the server may be faster'] : [];
  return { figures: { setUps: clients / seconds, setUpCpu, generatorCpu }, warnings };
}
