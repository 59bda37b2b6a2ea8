// Full set-ups as fast as they go, from fresh sockets in every round. Ending the allocations is not timed.

import { cellName, type SetUpsCell } from './cells.ts';
import type { Sample, Series } from './figures.ts';
import type { Bench } from './measure.ts';
import { setUpsSample } from './samples.ts';

/** Measures one cell of this kind. */
export function measureSetUps(cell: SetUpsCell, bench: Bench): Promise<readonly Series[]> {
  const { clients } = cell;
  return bench.withServers(async (servers) => {
    const all = servers.map(({ name }) => ({ name, samples: [] as Sample[] }));
    for (let round = 1; round <= bench.options.rounds; round++) {
      for (const [index, server] of servers.entries()) {
        const group = await bench.load(server, { clients, peers: false });
        await group.close();
        const sample = setUpsSample(group.setUp);
        all[index]?.samples.push(sample);
        bench.progress(`${cellName(cell)} ${server.name}, round ${round}: ${sample.figures.setUps?.toFixed(0)}/s`);
      }
    }
    return all;
  });
}
