// Measures what doing something very often costs in memory: in a process of its own, whose young generation is so large
// that only garbage of the job can fill it. Both halves are here: the child's measuring and the parent's asking.

import { execFileSync } from 'node:child_process';
import { PerformanceObserver } from 'node:perf_hooks';
import { setImmediate } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

const WINDOWS = 5;

/** Does one packet and returns a number, so that nothing of it can be left out. */
export type Job = (round: number) => number;

/** What a job costs. */
export interface Cost {
  readonly bytesPerPacket: number;
  /** Garbage collections while it was measured. */
  readonly collections: number;
}

/** A process's own odds and ends amount to 100 KB or so: a byte per packet of 100,000. */
export const MOST_BYTES_PER_PACKET = 8;

/** Runs a job of a program in test/support, in a young generation of so many MiB. */
export function costOf(program: string, job: string, semiSpace = 256): Cost {
  // The memory reducer may collect once a process has worked for 8 s, however little garbage there is.
  const flags = [
    '--expose-gc',
    '--no-memory-reducer',
    `--max-semi-space-size=${semiSpace}`,
    `--min-semi-space-size=${semiSpace}`,
  ];
  const path = fileURLToPath(new URL(`${program}.js`, import.meta.url));
  // Without the environment: a test runner's hooks would allocate on our account.
  return JSON.parse(execFileSync(process.execPath, [...flags, path, job], { encoding: 'utf8', env: {} }));
}

/**
 * The same, again where there were collections: V8 makes one of its own accord when a busy machine stretches the job, and
 * then not every time; those that packets cause come each time.
 */
export function steadyCostOf(program: string, job: string): Cost {
  let cost = costOf(program, job);
  for (let tries = 1; cost.collections > 0 && tries < 3; tries++) cost = costOf(program, job);
  return cost;
}

/**
 * The main function of such a program: prepares and does the job named on the command line, and prints its cost.
 * @param rounds packets in each of ten windows
 */
export async function printCost(jobs: Readonly<Record<string, () => Job>>, rounds = 100_000): Promise<void> {
  const prepare = jobs[process.argv[2] ?? ''];
  if (prepare === undefined || globalThis.gc === undefined) throw new Error('needs --expose-gc and the name of a job');
  console.log(JSON.stringify(await measure(prepare(), rounds)));
}

async function measure(job: Job, rounds: number): Promise<Cost> {
  let collections = 0;
  const observer = new PerformanceObserver((list) => {
    collections += list.getEntries().length;
  });
  for (let window = 0; window < WINDOWS; window++) growthOf(job, rounds);
  globalThis.gc?.();
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  observer.observe({ entryTypes: ['gc'] });
  // A compilation that ends within a window, or the last of the sweeping, shows in that one: the median is the job's own.
  const growths = new Float64Array(WINDOWS);
  for (let window = 0; window < WINDOWS; window++) growths[window] = growthOf(job, rounds);
  // Entries take a few turns of the loop to arrive.
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  collections += observer.takeRecords().length;
  observer.disconnect();
  growths.sort();
  return { bytesPerPacket: (growths[WINDOWS >> 1] as number) / rounds, collections };
}

/** By how many bytes a window of packets makes the heap and the buffers grow. */
function growthOf(job: Job, rounds: number): number {
  const before = process.memoryUsage();
  let sum = 0;
  for (let round = 0; round < rounds; round++) sum += job(round);
  const after = process.memoryUsage();
  if (!(sum > 0)) throw new Error('the job did nothing');
  return after.heapUsed - before.heapUsed + (after.arrayBuffers - before.arrayBuffers);
}
