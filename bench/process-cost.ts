// What a server's processes have used so far: CPU time and resident memory of a process and all its descendants, from
// Linux's /proc. Knows nothing of what the processes do.

import { readdirSync, readFileSync } from 'node:fs';

/** Ticks per second of utime and stime: USER_HZ, 100 on every Linux. */
const TICKS_PER_SECOND = 100;
const PAGE_BYTES = 4096;

/** Use of CPU and memory by a process tree. */
export interface ProcessCost {
  /** User plus system time, in microseconds. */
  readonly cpuMicroseconds: number;
  readonly residentBytes: number;
}

interface Stat {
  readonly parent: number;
  readonly ticks: number;
  readonly pages: number;
}

// Field numbers are those of proc_pid_stat(5); the second, the name in parentheses, may contain anything.
function readStat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const field = (number: number): number => Number(fields[number - 3]);
    return { parent: field(4), ticks: field(14) + field(15), pages: field(24) };
  } catch {
    return null;
  }
}

function allStats(): Map<number, Stat> {
  const stats = new Map<number, Stat>();
  for (const name of readdirSync('/proc')) {
    const pid = Number(name);
    const stat = Number.isInteger(pid) ? readStat(pid) : null;
    if (stat !== null) stats.set(pid, stat);
  }
  return stats;
}

function belongsTo(root: number, pid: number, stats: ReadonlyMap<number, Stat>): boolean {
  for (let at = pid; at > 0; at = stats.get(at)?.parent ?? 0) if (at === root) return true;
  return false;
}

/** The cost so far of the process `root` and its living descendants; null where there is no such process or no /proc. */
export function readProcessCost(root: number): ProcessCost | null {
  if (readStat(root) === null) return null;
  const stats = allStats();
  let ticks = 0;
  let pages = 0;
  for (const [pid, stat] of stats) {
    if (!belongsTo(root, pid, stats)) continue;
    ticks += stat.ticks;
    pages += stat.pages;
  }
  return { cpuMicroseconds: (ticks * 1e6) / TICKS_PER_SECOND, residentBytes: pages * PAGE_BYTES };
}
