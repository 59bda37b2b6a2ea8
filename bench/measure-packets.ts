// A steady load on every server in turn: cost and latency. A run whose generator was late is repeated.

import { cellName, type PacketsCell } from './cells.ts';
import type { Series } from './figures.ts';
import { type LoadedServer, withLoadedServers } from './loaded-servers.ts';
import type { Bench } from './measure.ts';
import { doubtsOf, lateP99, packetsSample, type Step } from './samples.ts';

interface Run {
  readonly step: Step;
  readonly doubts: readonly string[];
}

async function runOnce(cell: PacketsCell, { group }: LoadedServer, { options }: Bench): Promise<Run> {
  const { rate, burst, direction } = cell;
  const { warmUpSeconds, seconds, lateAllowed, rest } = options;
  const step = await group.run({ rate, burst, direction, warmUpSeconds, seconds, renewals: 0 });
  return { step, doubts: doubtsOf(step, lateAllowed, rest > 0) };
}

// Of runs that are all doubtful, the one whose generator was the least late.
async function runWell(cell: PacketsCell, server: LoadedServer, bench: Bench): Promise<Run> {
  let best = await runOnce(cell, server, bench);
  for (let repeat = 0; repeat < bench.options.repeats && best.doubts.length > 0; repeat++) {
    bench.progress(`${cellName(cell)} ${server.name}: again, ${best.doubts.join('; ')}`);
    const run = await runOnce(cell, server, bench);
    if (run.doubts.length === 0 || lateP99(run.step) < lateP99(best.step)) best = run;
  }
  return best;
}

/** Measures one cell of this kind. */
export function measurePackets(cell: PacketsCell, bench: Bench): Promise<readonly Series[]> {
  return withLoadedServers(cell, bench, async (loaded) => {
    for (let round = 1; round <= bench.options.rounds; round++) {
      for (const server of loaded) {
        const { step, doubts } = await runWell(cell, server, bench);
        const sample = packetsSample(step, doubts);
        server.samples.push(sample);
        const { cpu, p50, loss } = sample.figures;
        const figures = `${cpu?.toFixed(2) ?? '-'} µs/packet, p50 ${p50?.toFixed(0)} µs, loss ${loss?.toFixed(3)} %`;
        bench.progress(`${cellName(cell)} ${server.name}, round ${round}: ${figures}`);
      }
    }
  });
}
