// What a process or thread does in the tests of races for ports: draws and gives back ports of a table that others share,
// and notes in a second table, one count per port, how many hold it.

import type { PortTable } from '../../src/planes/port-table.ts';
import { PortRequest } from '../../src/turn/env.ts';
import { Prng } from '../simulation/prng.ts';

/** A holder count per port. */
export const HOLDERS_LENGTH = 65_536;

/** What a racer reports: how often it had a port, and how often somebody else had the same. */
export interface RaceOutcome {
  readonly draws: number;
  readonly twice: number;
}

const REQUESTS = [PortRequest.ANY, PortRequest.EVEN, PortRequest.EVEN_AND_NEXT];

/** Races for the ports of the first row. */
export function race(table: PortTable, holders: Int32Array, rounds: number, seed: number): RaceOutcome {
  const prng = new Prng(seed);
  const random = { fill: (target: Uint8Array) => void target.set(prng.bytes(target.length)) };
  let draws = 0;
  let twice = 0;
  for (let round = 0; round < rounds; round++) {
    const request = REQUESTS[round % REQUESTS.length] as PortRequest;
    const draw = table.draw([0], request, random);
    if (draw === null) continue;
    const ports = request === PortRequest.EVEN_AND_NEXT ? [draw.port, draw.port + 1] : [draw.port];
    draws++;
    for (const port of ports) if (Atomics.add(holders, port, 1) !== 0) twice++;
    for (const port of ports) Atomics.sub(holders, port, 1);
    for (const port of ports) table.release(0, port);
  }
  return { draws, twice };
}
