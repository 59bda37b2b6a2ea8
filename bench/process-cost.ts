// What a server's processes have used so far: CPU time and memory of a process and all its descendants, from
// Linux's /proc. Knows nothing of what the processes do.

import { readdirSync, readFileSync } from 'node:fs';

/** Ticks per second of utime and stime: USER_HZ, 100 on every Linux. */
const TICKS_PER_SECOND = 100;

/** Memory of a process tree, in bytes. */
export interface ProcessMemory {
  /** Pages that several processes share count once for each. */
  readonly resident: number;
  /** Pages that are no file's, shared ones once: what allocations add to. */
  readonly own: number;
  /** {@link own} and the files: the proportional set size (PSS), as it were if no foreign process ran the same programs. */
  readonly total: number;
}

interface Memory {
  readonly resident: number;
  readonly own: number;
  readonly files: number;
}

interface Stat {
  readonly parent: number;
  /** User and system time, its own and that of children that ended. */
  readonly ticks: number;
}

// Field numbers are those of proc_pid_stat(5); the second, the name in parentheses, may contain anything.
function readStat(pid: number): Stat | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1');
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const field = (number: number): number => Number(fields[number - 3]);
    return { parent: field(4), ticks: field(14) + field(15) + field(16) + field(17) };
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

function processesOf(root: number): ReadonlyMap<number, Stat> {
  const stats = allStats();
  return new Map([...stats].filter(([pid]) => belongsTo(root, pid, stats)));
}

/** The process `root` and its living descendants. */
export function processTree(root: number): readonly number[] {
  return [...processesOf(root).keys()];
}

/** User plus system time so far of the process `root` and its descendants, in microseconds; null if there is none. */
export function readCpuMicroseconds(root: number): number | null {
  const processes = processesOf(root);
  if (processes.size === 0) return null;
  let ticks = 0;
  for (const stat of processes.values()) ticks += stat.ticks;
  return (ticks * 1e6) / TICKS_PER_SECOND;
}

/** Begins to count: the function returned tells the microseconds since; null where the process is unknown. */
export function cpuSince(root: number | null): () => number | null {
  const before = root === null ? null : readCpuMicroseconds(root);
  return () => {
    const now = root === null ? null : readCpuMicroseconds(root);
    return now === null || before === null ? null : now - before;
  };
}

// Both files have lines of `Name:   123 kB`.
function bytesOf(text: string, name: string): number {
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(text)?.[1] ?? 0) * 1024;
}

function readProcess(pid: number): Memory | null {
  try {
    const rollup = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1');
    const status = readFileSync(`/proc/${pid}/status`, 'latin1');
    return {
      resident: bytesOf(rollup, 'Rss'),
      own: bytesOf(rollup, 'Pss_Anon') + bytesOf(rollup, 'Pss_Shmem'),
      files: bytesOf(status, 'RssFile'),
    };
  } catch {
    return null;
  }
}

/**
 * Memory of the process `root` and its living descendants; null where there is none, or it may not be looked at. Their
 * files are taken to be the same ones: those of the process that has most of them.
 */
export function readMemory(root: number): ProcessMemory | null {
  let [resident, own, files] = [0, 0, 0];
  for (const pid of processesOf(root).keys()) {
    const memory = readProcess(pid);
    if (memory === null) continue;
    resident += memory.resident;
    own += memory.own;
    files = Math.max(files, memory.files);
  }
  return resident === 0 ? null : { resident, own, total: own + files };
}
