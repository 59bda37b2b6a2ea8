import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { test } from 'tap';
import { PortTable, workerOwner } from '../../src/planes/port-table.ts';
import { HOLDERS_LENGTH, type RaceOutcome } from './port-race.ts';
import type { RaceTask } from './port-race-thread.ts';

const THREADS = 3;

async function race(
  minPort: number,
  maxPort: number,
  rounds: number,
): Promise<{ outcomes: RaceOutcome[]; left: number }> {
  const bytes = new SharedArrayBuffer(PortTable.byteLength(1));
  const holders = new SharedArrayBuffer((HOLDERS_LENGTH + 1) * Int32Array.BYTES_PER_ELEMENT);
  const workers = Array.from({ length: THREADS }, (_, worker) => {
    const owner = workerOwner(worker);
    const workerData: RaceTask = { bytes, holders, owner, threads: THREADS, minPort, maxPort, rounds };
    return new Worker(new URL('./port-race-thread.js', import.meta.url), { workerData });
  });
  const outcomes = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0] as RaceOutcome));
  return { outcomes, left: new Uint8Array(bytes).filter((owner) => owner !== 0).length };
}

for (const [min, max] of [
  [50_000, 50_001],
  [50_001, 50_004],
] as const) {
  test(`TURN-26: threads that draw from ${max - min + 1} ports at the same time never hold one twice`, async (t) => {
    const { outcomes, left } = await race(min, max, 60_000);
    t.equal(outcomes.length, THREADS);
    t.ok(
      outcomes.every(({ draws }) => draws > 0),
      'each had its share',
    );
    t.same(
      outcomes.map(({ twice }) => twice),
      [0, 0, 0],
    );
    t.equal(left, 0, 'and nothing stays held, half pairs included');
  });
}
