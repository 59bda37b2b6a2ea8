// A thread of port-race.test.ts: waits for the others, then races.

import { parentPort, workerData } from 'node:worker_threads';
import { PortTable } from '../../src/planes/port-table.ts';
import { HOLDERS_LENGTH, race } from './port-race.ts';

/** What a thread is given. */
export interface RaceTask {
  readonly bytes: SharedArrayBuffer;
  /** A holder count per port, and last how many threads have begun. */
  readonly holders: SharedArrayBuffer;
  readonly owner: number;
  readonly threads: number;
  readonly minPort: number;
  readonly maxPort: number;
  readonly rounds: number;
}

const task = workerData as RaceTask;
const table = new PortTable({ ...task, bytes: new Uint8Array(task.bytes) });
const holders = new Int32Array(task.holders);

Atomics.add(holders, HOLDERS_LENGTH, 1);
Atomics.notify(holders, HOLDERS_LENGTH);
for (;;) {
  const begun = Atomics.load(holders, HOLDERS_LENGTH);
  if (begun === task.threads) break;
  Atomics.wait(holders, HOLDERS_LENGTH, begun);
}
parentPort?.postMessage(race(table, holders, task.rounds, task.owner));
