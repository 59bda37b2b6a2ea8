// Memory of the idle server, and what each idle allocation adds to it. A server never gives everything back: every
// round starts it afresh, and alone.

import { setTimeout as delay } from 'node:timers/promises';
import { cellName, type MemoryCell } from './cells.ts';
import type { Sample, Series } from './figures.ts';
import type { Bench } from './measure.ts';
import { type ProcessMemory, readMemory } from './process-cost.ts';
import type { Server } from './servers.ts';

function read({ pid }: Server): ProcessMemory | null {
  return pid === null ? null : readMemory(pid);
}

function sampleOf(before: ProcessMemory | null, after: ProcessMemory | null, clients: number): Sample {
  if (before === null || after === null) {
    return { figures: { idleMemory: null, memoryPerAllocation: null, rssPerAllocation: null }, warnings: [] };
  }
  const perAllocation = (kind: keyof ProcessMemory): number => (after[kind] - before[kind]) / clients / 1024;
  const figures = {
    idleMemory: before.total / 1e6,
    memoryPerAllocation: perAllocation('own'),
    rssPerAllocation: perAllocation('resident'),
  };
  return { figures, warnings: [] };
}

async function measureServer(server: Server, { clients }: MemoryCell, bench: Bench): Promise<Sample> {
  const { settleSeconds } = bench.options;
  await delay(settleSeconds * 1000);
  const before = read(server);
  const group = await bench.load(server, { clients, peers: false });
  await delay(settleSeconds * 1000);
  const after = read(server);
  await group.close();
  return sampleOf(before, after, clients);
}

/** Measures one cell of this kind. */
export async function measureMemory(cell: MemoryCell, bench: Bench): Promise<readonly Series[]> {
  const all = new Map<string, Sample[]>();
  for (let round = 1; round <= bench.options.rounds; round++) {
    await bench.withEachServer(async (server) => {
      const sample = await measureServer(server, cell, bench);
      all.set(server.name, [...(all.get(server.name) ?? []), sample]);
      const { idleMemory, memoryPerAllocation } = sample.figures;
      const figures = `${idleMemory?.toFixed(1) ?? '-'} MB idle, ${memoryPerAllocation?.toFixed(2) ?? '-'} KiB/allocation`;
      bench.progress(`${cellName(cell)} ${server.name}, round ${round}: ${figures}`);
    });
  }
  return [...all].map(([name, samples]) => ({ name, samples }));
}
