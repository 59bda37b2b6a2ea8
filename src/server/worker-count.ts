// How many workers `workers: auto` means on this machine. Reads the kernel's files; a figure that cannot be read is none.

import { readFileSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';

/** What limits the workers. */
export interface MachineLimits {
  readonly cores: number;
  /** Cores' worth of time that the control group may use; Infinity = all. */
  readonly cpuQuota: number;
  /** Bytes. */
  readonly memory: number;
}

/** Reads a file of the kernel's; throws where there is none. */
export type ReadKernelFile = (path: string) => string;

const MEMORY_PER_WORKER = 512 * 1024 * 1024;
const CGROUPS = '/sys/fs/cgroup';

/** One worker per core, unless time or memory is for fewer; at least one. */
export function autoWorkers({ cores, cpuQuota, memory }: MachineLimits, most: number): number {
  return Math.max(1, Math.min(cores, Math.ceil(cpuQuota), Math.floor(memory / MEMORY_PER_WORKER), most));
}

/** Reads the limits of this machine and of the control groups that this process is in. */
export function readMachineLimits(read: ReadKernelFile = (path) => readFileSync(path, 'utf8')): MachineLimits {
  const constrained = process.constrainedMemory();
  const memory = constrained > 0 ? Math.min(totalmem(), constrained) : totalmem();
  return { cores: availableParallelism(), cpuQuota: readCpuQuota(read), memory };
}

/** The narrowest `cpu.max` from this process's control group up to the root (cgroup v2). */
export function readCpuQuota(read: ReadKernelFile): number {
  const own = /^0::(\/.*)$/m.exec(tryRead(read, '/proc/self/cgroup'))?.[1] ?? '/';
  const steps = own.split('/').filter((step) => step !== '' && step !== '..');
  const paths = steps.map((_, index) => join(CGROUPS, ...steps.slice(0, index + 1)));
  return Math.min(...[CGROUPS, ...paths].map((path) => parseCpuMax(tryRead(read, join(path, 'cpu.max')))));
}

// `max 100000` or `150000 100000`: microseconds of time in each period.
function parseCpuMax(text: string): number {
  const [quota, period] = text.trim().split(' ').map(Number);
  return quota !== undefined && period !== undefined && quota > 0 && period > 0
    ? quota / period
    : Number.POSITIVE_INFINITY;
}

function tryRead(read: ReadKernelFile, path: string): string {
  try {
    return read(path);
  } catch {
    return '';
  }
}
