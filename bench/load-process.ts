// Forks load generators, lets them start together, and adds up what they measured.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Histogram } from './histogram.ts';
import type { GeneratorCommand, GeneratorMessage, LoadJob, LoadResult } from './load-job.ts';
import { type ProcessCost, readProcessCost } from './process-cost.ts';

const GENERATOR = fileURLToPath(new URL('./load-generator.js', import.meta.url));

/** One measurement of one server. */
export interface Sample {
  readonly offeredPerSecond: number;
  readonly sentPerSecond: number;
  readonly receivedPerSecond: number;
  readonly sent: number;
  readonly received: number;
  /** Part of the sent packets that did not arrive, 0 to 1. */
  readonly loss: number;
  readonly p50Microseconds: number;
  readonly p99Microseconds: number;
  /** Server CPU time per packet that arrived; null if its process is unknown. */
  readonly cpuMicrosecondsPerPacket: number | null;
  /** Resident memory of the server's processes at the end; null if unknown. */
  readonly residentBytes: number | null;
  /** Part of the offered load that the generators could send, 0 to 1. */
  readonly kept: number;
  /** How late the generators sent, 99th percentile. */
  readonly lateP99Microseconds: number;
  readonly generators: number;
  /** CPU seconds per second of all generators together. */
  readonly generatorCpu: number;
}

class Generator {
  readonly #child: ChildProcess;

  constructor() {
    this.#child = fork(GENERATOR, [], { stdio: 'inherit' });
  }

  tell(command: GeneratorCommand): void {
    this.#child.send(command);
  }

  /** The next message of this type; rejects when the generator fails. */
  async next<T extends GeneratorMessage['type']>(type: T): Promise<Extract<GeneratorMessage, { type: T }>> {
    return new Promise((resolve, reject) => {
      const onMessage = (message: GeneratorMessage): void => {
        if (message.type === 'failed') settle(() => reject(new Error(`load generator: ${message.message}`)));
        else if (message.type === type) settle(() => resolve(message as Extract<GeneratorMessage, { type: T }>));
      };
      const onExit = (): void => settle(() => reject(new Error('the load generator died')));
      const settle = (how: () => void): void => {
        this.#child.off('message', onMessage).off('exit', onExit);
        how();
      };
      this.#child.on('message', onMessage).on('exit', onExit);
    });
  }

  async close(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((resolve) => this.#child.once('exit', resolve));
    this.tell({ type: 'close' });
    await ended;
  }

  kill(): void {
    this.#child.kill('SIGKILL');
  }
}

// The job is split evenly; the first generators take what is left over.
function shareOf(job: LoadJob, index: number, count: number): LoadJob {
  const clients = Math.floor(job.clients / count) + (index < job.clients % count ? 1 : 0);
  return { ...job, clients, rate: job.rate / count };
}

function sum(results: readonly LoadResult[], value: (result: LoadResult) => number): number {
  return results.reduce((total, result) => total + value(result), 0);
}

function merged(results: readonly LoadResult[], buckets: (result: LoadResult) => LoadResult['latency']): Histogram {
  const histogram = new Histogram();
  for (const result of results) histogram.addAll(buckets(result));
  return histogram;
}

function sampleOf(results: readonly LoadResult[], before: ProcessCost | null, after: ProcessCost | null): Sample {
  const seconds = Math.max(...results.map((result) => result.seconds));
  const sent = sum(results, (result) => result.sent);
  const received = sum(results, (result) => result.received);
  const offered = sum(results, (result) => result.offered);
  const latency = merged(results, (result) => result.latency);
  const cpu = before === null || after === null ? null : after.cpuMicroseconds - before.cpuMicroseconds;
  return {
    offeredPerSecond: offered / seconds,
    sentPerSecond: sent / seconds,
    receivedPerSecond: received / seconds,
    sent,
    received,
    loss: sent === 0 ? 1 : 1 - received / sent,
    p50Microseconds: latency.quantile(0.5) / 1000,
    p99Microseconds: latency.quantile(0.99) / 1000,
    cpuMicrosecondsPerPacket: cpu === null || received === 0 ? null : cpu / received,
    residentBytes: after?.residentBytes ?? null,
    kept: sent / offered,
    lateP99Microseconds: merged(results, (result) => result.lateness).quantile(0.99) / 1000,
    generators: results.length,
    generatorCpu: sum(results, (result) => result.cpuMicroseconds) / 1e6 / seconds,
  };
}

/**
 * Puts the load on a server from `count` generators and measures. `serverPid` is the root of the server's process
 * tree, or null if unknown.
 */
export async function measureLoad(job: LoadJob, count: number, serverPid: number | null): Promise<Sample> {
  const cost = (): ProcessCost | null => (serverPid === null ? null : readProcessCost(serverPid));
  const generators = Array.from({ length: count }, () => new Generator());
  try {
    const ready = Promise.all(generators.map((generator) => generator.next('ready')));
    for (const [index, generator] of generators.entries()) {
      generator.tell({ type: 'job', job: shareOf(job, index, count) });
    }
    await ready;
    const done = Promise.all(generators.map((generator) => generator.next('done')));
    const measuring = Promise.race(generators.map((generator) => generator.next('measuring')));
    // Whoever fails before the end rejects both; the first to be awaited reports it.
    done.catch(() => {});
    for (const generator of generators) generator.tell({ type: 'go' });
    await measuring;
    const before = cost();
    const results = (await done).map((message) => message.result);
    const sample = sampleOf(results, before, cost());
    await Promise.all(generators.map((generator) => generator.close()));
    return sample;
  } finally {
    for (const generator of generators) generator.kill();
  }
}
