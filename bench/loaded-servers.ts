// Servers with clients on each: what cells with traffic measure on.

import type { Traffic } from './cells.ts';
import type { Sample, Series } from './figures.ts';
import type { GeneratorGroup } from './generators.ts';
import type { Bench } from './measure.ts';

/** A server with its clients, and what was measured of it so far. */
export interface LoadedServer {
  readonly name: string;
  readonly group: GeneratorGroup;
  readonly samples: Sample[];
}

/** Sets up the clients of `traffic` on every server, hands them to `action`, and returns what that has collected. */
export function withLoadedServers(
  traffic: Traffic,
  bench: Bench,
  action: (loaded: readonly LoadedServer[]) => Promise<void>,
): Promise<readonly Series[]> {
  const { clients, payload, burst } = traffic;
  return bench.withServers(async (servers) => {
    const loaded: LoadedServer[] = [];
    try {
      for (const server of servers) {
        const group = await bench.load(server, { clients, payload, gsoBurst: bench.options.gso ? burst : 1 });
        loaded.push({ name: server.name, group, samples: [] });
      }
      await action(loaded);
      await Promise.all(loaded.map(({ group }) => group.close()));
      return loaded.map(({ name, samples }) => ({ name, samples }));
    } finally {
      for (const { group } of loaded) group.kill();
    }
  });
}
