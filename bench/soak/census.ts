// What the server's processes hold at a moment: memory, descriptors, CPU time, and who they are. From Linux's /proc.

import { readdirSync } from 'node:fs';
import { processTree, readCpuMicroseconds, readMemory } from '../process-cost.ts';

/** A look at all processes of a server. */
export interface Census {
  readonly pids: readonly number[];
  readonly residentBytes: number;
  /** Memory that is no file's, shared pages once. */
  readonly ownBytes: number;
  readonly descriptors: number;
  /** So far. */
  readonly cpuMicroseconds: number;
}

/** Looks at the process `root` and its descendants. */
export function takeCensus(root: number): Census {
  const pids = [...processTree(root)].sort((left, right) => left - right);
  const memory = readMemory(root);
  return {
    pids,
    residentBytes: memory?.resident ?? 0,
    ownBytes: memory?.own ?? 0,
    descriptors: pids.reduce((sum, pid) => sum + countDescriptors(pid), 0),
    cpuMicroseconds: readCpuMicroseconds(root) ?? 0,
  };
}

function countDescriptors(pid: number): number {
  try {
    return readdirSync(`/proc/${pid}/fd`).length;
  } catch {
    return 0; // it has ended
  }
}
