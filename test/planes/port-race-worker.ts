// Run by port-race.test.ts in several threads: draws and gives back ports of a table that all of them share, and notes in
// a second table, one count per port, how many threads hold it. Reports how often a port had two holders.

import { parentPort, workerData } from 'node:worker_threads';
import { PortTable } from '../../src/planes/port-table.ts';
import { PortRequest } from '../../src/turn/env.ts';
import { Prng } from '../simulation/prng.ts';

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

/** What a thread reports. */
export interface RaceOutcome {
  readonly draws: number;
  readonly twice: number;
}

const task = workerData as RaceTask;
const prng = new Prng(task.owner);
const random = { fill: (target: Uint8Array) => void target.set(prng.bytes(target.length)) };
const table = new PortTable({ ...task, bytes: new Uint8Array(task.bytes) });
const holders = new Int32Array(task.holders);
const requests = [PortRequest.ANY, PortRequest.EVEN, PortRequest.EVEN_AND_NEXT];

let draws = 0;
let twice = 0;

function race(request: PortRequest): void {
  const draw = table.draw([0], request, random);
  if (draw === null) return;
  const ports = request === PortRequest.EVEN_AND_NEXT ? [draw.port, draw.port + 1] : [draw.port];
  draws++;
  for (const port of ports) if (Atomics.add(holders, port, 1) !== 0) twice++;
  for (const port of ports) Atomics.sub(holders, port, 1);
  for (const port of ports) table.release(0, port);
}

const begun = holders.length - 1;
Atomics.add(holders, begun, 1);
Atomics.notify(holders, begun);
for (let seen = Atomics.load(holders, begun); seen < task.threads; seen = Atomics.load(holders, begun)) {
  Atomics.wait(holders, begun, seen);
}
for (let round = 0; round < task.rounds; round++) race(requests[round % requests.length] as PortRequest);
parentPort?.postMessage({ draws, twice } satisfies RaceOutcome);
