// Reads how much memory the server uses, and how much it may: of its processes, or of the control groups that they are
// in (version 2 and 1), for those are what the kernel kills by. A figure that cannot be read is none.

import { readFileSync } from 'node:fs';
import type { MemoryUse } from './memory-watch.ts';

/** Reads a file of the kernel's; throws where there is none. */
export type ReadKernelFile = (path: string) => string;

/** The configured limit: `auto` is the control groups' own, 0 is none, else bytes. */
export type MemoryLimit = 'auto' | number;

const CGROUPS = '/sys/fs/cgroup';
/** Version 1 says "no limit" by a number of pages that no machine has. */
const NO_LIMIT = 2 ** 60;

/** The names of one version. */
interface CgroupFiles {
  readonly root: string;
  readonly limit: string;
  readonly used: string;
  /** In `memory.stat`: file pages that the kernel gives back before it kills anybody. */
  readonly reclaimable: string;
}

const V2: CgroupFiles = { root: CGROUPS, limit: 'memory.max', used: 'memory.current', reclaimable: 'inactive_file' };
const V1: CgroupFiles = {
  root: `${CGROUPS}/memory`,
  limit: 'memory.limit_in_bytes',
  used: 'memory.usage_in_bytes',
  reclaimable: 'total_inactive_file',
};

/** Reads the figures of one server. */
export class MemoryGauge {
  readonly #read: ReadKernelFile;
  readonly #pids: () => readonly number[];
  readonly #resident: () => number;

  /** @param pids the server's processes now @param resident bytes that this process has resident */
  constructor(
    pids: () => readonly number[],
    resident: () => number,
    read: ReadKernelFile = (path) => readFileSync(path, 'latin1'),
  ) {
    this.#pids = pids;
    this.#resident = resident;
    this.#read = read;
  }

  /** What is in use under this limit; null where nothing limits it, or nobody can tell. */
  use(limit: MemoryLimit): MemoryUse | null {
    if (limit === 0) return null;
    return limit === 'auto' ? this.#ofGroups() : { used: this.#ofProcesses(), limit };
  }

  // What processes have of their own adds up; what they share (the program's pages, the shared memory) counts once.
  #ofProcesses(): number {
    const all = this.#pids().map((pid) => tryRead(this.#read, `/proc/${pid}/status`));
    const own = all.reduce((sum, status) => sum + kilobytes(status, 'RssAnon'), 0);
    const shared = all.map((status) => kilobytes(status, 'RssFile') + kilobytes(status, 'RssShmem'));
    const sum = (own + Math.max(0, ...shared)) * 1024;
    // A system without such files has no workers either.
    return sum > 0 ? sum : this.#resident();
  }

  // Whichever group on the way to the root is nearest to its limit.
  #ofGroups(): MemoryUse | null {
    const text = tryRead(this.#read, '/proc/self/cgroup');
    const v1 = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m.exec(text)?.[1];
    const files = v1 === undefined ? V2 : V1;
    const own = v1 ?? /^0::(\/.*)$/m.exec(text)?.[1] ?? '/';
    const uses = directoriesOf(files.root, own).flatMap((directory) => this.#ofGroup(directory, files));
    uses.sort((left, right) => right.used / right.limit - left.used / left.limit);
    return uses[0] ?? null;
  }

  #ofGroup(directory: string, files: CgroupFiles): readonly MemoryUse[] {
    const limit = Number.parseInt(tryRead(this.#read, `${directory}/${files.limit}`), 10);
    if (!(limit > 0 && limit < NO_LIMIT)) return [];
    const used = Number.parseInt(tryRead(this.#read, `${directory}/${files.used}`), 10);
    if (Number.isNaN(used)) return [];
    const stat = tryRead(this.#read, `${directory}/memory.stat`);
    const reclaimable = new RegExp(`^${files.reclaimable} (\\d+)$`, 'm').exec(stat)?.[1];
    return [{ used: Math.max(0, used - Number(reclaimable ?? 0)), limit }];
  }
}

// The group itself and all above it. In a container the path may begin outside of what is mounted: those files are absent.
function directoriesOf(root: string, path: string): readonly string[] {
  const steps = path.split('/').filter((step) => step !== '' && step !== '..');
  return [root, ...steps.map((_, index) => [root, ...steps.slice(0, index + 1)].join('/'))];
}

function kilobytes(status: string, field: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(status)?.[1] ?? 0);
}

function tryRead(read: ReadKernelFile, path: string): string {
  try {
    return read(path);
  } catch {
    return '';
  }
}
