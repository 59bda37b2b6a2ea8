// What the kernel says of the processes of a server: processor time, memory, descriptors.

import { readdirSync, readFileSync } from 'node:fs';
import type { TurndProcess } from './turnd-process.ts';
import { workersOf } from './worker-processes.ts';

/** The process that relays, or all that do. */
export function relayingPids(server: TurndProcess): readonly number[] {
  const workers = [...workersOf(server).values()];
  return workers.length === 0 ? [server.pid] : workers;
}

/** Every process of the server. */
export function allPids(server: TurndProcess): readonly number[] {
  return [server.pid, ...workersOf(server).values()];
}

/** Milliseconds of processor time that the processes have used since they began. */
export function processorTime(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + processorTimeOf(pid), 0);
}

/** Kilobytes of memory that the processes have in use (VmRSS). */
export function residentMemory(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + Number(/^VmRSS:\s+(\d+)/m.exec(read(pid, 'status'))?.[1]), 0);
}

/** Open descriptors of the processes. */
export function descriptors(pids: readonly number[]): number {
  return pids.reduce((sum, pid) => sum + readdirSync(`/proc/${pid}/fd`).length, 0);
}

// The fields behind the name, which may hold anything: utime and stime are the 12th and 13th, in hundredths of a second.
function processorTimeOf(pid: number): number {
  const stat = read(pid, 'stat');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return 10 * (Number(fields[11]) + Number(fields[12]));
}

function read(pid: number, name: string): string {
  return readFileSync(`/proc/${pid}/${name}`, 'utf8');
}
