// The highest rate without loss, searched on all servers side by side: each takes a step of its search in turn.

import { cellName, type SaturationCell } from './cells.ts';
import type { Sample, Series } from './figures.ts';
import { type LoadedServer, withLoadedServers } from './loaded-servers.ts';
import { LosslessSearch, Outcome } from './lossless-search.ts';
import type { Bench } from './measure.ts';
import { outcomeOf, packetsSample, type Step } from './samples.ts';

const FIRST_RATE = 20_000;
const FIRST_FACTOR = 1.5;
/** Later rounds begin a little below what the round before found, and raise carefully. */
const LATER_START = 0.85;
const LATER_FACTOR = 1.1;
const PRECISION = 1.03;

interface Searching {
  readonly server: LoadedServer;
  readonly search: LosslessSearch;
  best: Step | null;
}

function begin(server: LoadedServer): Searching {
  const before = server.samples.at(-1)?.figures.lossless ?? 0;
  const options =
    before > 0
      ? { start: before * LATER_START, factor: LATER_FACTOR, precision: PRECISION }
      : { start: FIRST_RATE, factor: FIRST_FACTOR, precision: PRECISION };
  return { server, search: new LosslessSearch(options), best: null };
}

async function takeStep(one: Searching, cell: SaturationCell, bench: Bench): Promise<void> {
  const { next } = one.search;
  if (next === null) return;
  const { burst, direction } = cell;
  const { stepSeconds, warmUpSeconds } = bench.options;
  const load = { rate: Math.round(next), burst, direction, renewals: 0, warmUpSeconds: Math.min(warmUpSeconds, 0.2) };
  const step = await one.server.group.run({ ...load, seconds: stepSeconds });
  const outcome = outcomeOf(step);
  if (outcome === Outcome.LOSSLESS) one.best = step;
  one.search.report(outcome);
  bench.progress(`${cellName(cell)} ${one.server.name}: ${load.rate}/s ${outcome}`);
}

function sampleOf({ search, best }: Searching): Sample {
  if (best === null) return { figures: { lossless: 0, cpu: null }, warnings: ['no rate was without loss'] };
  const warnings =
    search.limit === Outcome.LOSSY ? [] : ['the load generator was the limit: the server may carry more'];
  const { figures } = packetsSample(best, []);
  const { cpu = null, generatorCpu = null, late = null } = figures;
  return { figures: { lossless: best.received / best.seconds, cpu, generatorCpu, late }, warnings };
}

/** Measures one cell of this kind. */
export function measureSaturation(cell: SaturationCell, bench: Bench): Promise<readonly Series[]> {
  return withLoadedServers(cell, bench, async (loaded) => {
    for (let round = 0; round < bench.options.rounds; round++) {
      const searches = loaded.map(begin);
      while (searches.some((one) => one.search.next !== null)) {
        for (const one of searches) await takeStep(one, cell, bench);
      }
      for (const one of searches) one.server.samples.push(sampleOf(one));
    }
  });
}
