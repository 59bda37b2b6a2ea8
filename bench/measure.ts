// Measures one cell on all servers, interleaved: A B A B. Whatever else the machine does falls on all of them alike.

import type { Cell } from './cells.ts';
import type { Series } from './figures.ts';
import { type GeneratorGroup, openGenerators } from './generators.ts';
import type { LoadJob } from './load-job.ts';
import { measureMemory } from './measure-memory.ts';
import { measurePackets } from './measure-packets.ts';
import { measureSaturation } from './measure-saturation.ts';
import { measureSetUps } from './measure-set-ups.ts';
import type { BenchOptions } from './options.ts';
import { type Server, withServers } from './servers.ts';

/** What all kinds of cells measure with. */
export interface Bench {
  readonly options: BenchOptions;
  /** Tells what was just measured, for whoever waits. */
  progress(line: string): void;
  /** Sets up clients on a server. */
  load(server: Server, job: Partial<LoadJob> & Pick<LoadJob, 'clients'>): Promise<GeneratorGroup>;
  /** Starts the servers, lends them and stops them. */
  withServers<T>(action: (servers: readonly Server[]) => Promise<T>): Promise<T>;
  /** Starts one after the other, each alone. */
  withEachServer(action: (server: Server) => Promise<void>): Promise<void>;
}

function benchOf(options: BenchOptions, progress: (line: string) => void): Bench {
  const { generator, generators, window, rest, servers: choices, credentials } = options;
  return {
    options,
    progress,
    load: ({ address, credentials: known, pid }, job) => {
      const defaults = { peers: true, payload: 1000, gsoBurst: 1, generator, window, rest };
      return openGenerators({ ...defaults, server: address, serverPid: pid, credentials: known, ...job }, generators);
    },
    withServers: (action) => withServers(choices, credentials, action),
    withEachServer: async (action) => {
      for (const choice of choices) {
        await withServers([choice], credentials, async (servers) => {
          for (const server of servers) await action(server);
        });
      }
    },
  };
}

/** Measures `options.rounds` times. */
export function measureCell(
  cell: Cell,
  options: BenchOptions,
  progress: (line: string) => void,
): Promise<readonly Series[]> {
  const bench = benchOf(options, progress);
  if (cell.measure === 'packets') return measurePackets(cell, bench);
  if (cell.measure === 'saturation') return measureSaturation(cell, bench);
  if (cell.measure === 'set-ups') return measureSetUps(cell, bench);
  return measureMemory(cell, bench);
}
