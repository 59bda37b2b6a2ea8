// Reads the registry tables of test/fixtures/iana. Knows nothing of src/.

import { readFixture } from './vectors.ts';

/**
 * The assigned entries of a registry by number. `Reserved; was X` and `Reserved (was X)` count as X, ranges and plain
 * `Reserved` or `Unassigned` lines do not count.
 */
export function readRegistry(file: string): ReadonlyMap<number, string> {
  const entries = new Map<number, string>();
  for (const line of readFixture(`iana/${file}.csv`).trim().split('\n').slice(1)) {
    const [value = '', name = ''] = line.split(',');
    const assigned = /^Reserved(?:;| \() ?was ([\w-]+)/.exec(name)?.[1] ?? name;
    if (!value.includes('-') && assigned !== 'Reserved' && assigned !== 'Unassigned')
      entries.set(Number(value), assigned);
  }
  return entries;
}

/** The registry's spelling as a constant's name: `XOR-MAPPED-ADDRESS` and `ChannelBind` become upper snake case. */
export function constantName(name: string): string {
  return name
    .replace(/([a-z])([A-Z])/g, '$1_$2')
    .replace(/[- ]/g, '_')
    .toUpperCase();
}

/** How a table of ours differs from a registry: our names with other numbers, and the registry's that we lack. */
export function compareWithRegistry(ours: Readonly<Record<string, number>>, file: string) {
  const registry = readRegistry(file);
  const known = new Set(Object.values(ours));
  const foreign = Object.entries(ours).filter(([name, value]) => constantName(registry.get(value) ?? '') !== name);
  const lacking = [...registry].filter(([value]) => !known.has(value)).map(([, name]) => name);
  return { foreign: foreign.map(([name]) => name), lacking };
}
