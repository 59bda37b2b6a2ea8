// Makes a simulation that found something as short as it can be, and writes it down so that it can be run again.

import { CLIMATES } from './climate.ts';
import { SimulationFault, type SimulationOptions, simulate, upTo } from './simulation.ts';

/** A simulation step by step. */
export type Script = SimulationOptions;

/** How it was found wrong. */
export interface Found {
  readonly script: Script;
  readonly fault: SimulationFault;
}

// The last steps before a fault are often enough to see it again.
const LAST_STEPS = [250, 2000, 16_000] as const;
// A simulation of so many steps or runs is tried at most, to be done within minutes.
const MAX_RUNS = 600;
const MAX_STEPS = 2_000_000;

/** Drops steps as long as the same kind of fault is found without them. */
export async function shrink(options: SimulationOptions, fault: SimulationFault): Promise<Found> {
  const all = options.steps.filter((step) => step <= fault.step);
  const search = new Search({ script: { ...options, steps: all }, fault });
  for (const count of LAST_STEPS) if (count < all.length && (await search.try(all.slice(-count)))) break;
  for (let size = search.length >> 1; size >= 1; size >>= 1) {
    for (let at = search.length - size; at > -size; at -= size) await search.without(Math.max(at, 0), size);
  }
  return search.found;
}

class Search {
  found: Found;
  #runs = 0;
  #steps = 0;

  constructor(found: Found) {
    this.found = found;
  }

  get length(): number {
    return this.found.script.steps.length;
  }

  without(at: number, count: number): Promise<boolean> {
    const { steps } = this.found.script;
    if (at >= steps.length) return Promise.resolve(false);
    return this.try([...steps.slice(0, at), ...steps.slice(at + count)]);
  }

  async try(steps: readonly number[]): Promise<boolean> {
    if (this.#runs >= MAX_RUNS || this.#steps >= MAX_STEPS) return false;
    this.#runs++;
    this.#steps += steps.length;
    const { script, fault: sought } = this.found;
    const fault = await faultOf({ ...script, steps });
    if (fault === null || kindOf(fault) !== kindOf(sought)) return false;
    this.found = { script: { ...script, steps: steps.filter((step) => step <= fault.step) }, fault };
    return true;
  }
}

/** What a simulation finds wrong, or null. */
export async function faultOf(options: SimulationOptions): Promise<SimulationFault | null> {
  try {
    await simulate(options);
    return null;
  } catch (error) {
    if (error instanceof SimulationFault) return error;
    throw error;
  }
}

// What was found without the figures of the case.
function kindOf({ message }: SimulationFault): string {
  const [first = ''] = message.split('\n', 1);
  return first.replaceAll(/[^ ;,]*\d[^ ;,]*/g, '#').slice(0, 60);
}

/** The value of TURND_SIM_REPLAY that runs a script again: climate, seed and steps. */
export function replayOf({ climate, seed, steps }: Script): string {
  return `${CLIMATES.indexOf(climate)}:${seed}:${rangesOf(steps)}`;
}

/** Reads what {@link replayOf} has written. */
export function readReplay(text: string): Script {
  const [index = '', seed = '', ranges = ''] = text.split(':');
  const climate = CLIMATES[Number(index)];
  if (climate === undefined || !/^[\d,-]*$/.test(ranges)) throw new Error(`not a replay: ${text}`);
  const steps = ranges
    .split(',')
    .filter(Boolean)
    .flatMap((range) => {
      const [first = 0, last = first] = range.split('-').map(Number);
      return upTo(last - first + 1).map((offset) => first + offset);
    });
  return { climate, seed: Number(seed), steps };
}

function rangesOf(steps: readonly number[]): string {
  const ranges: { first: number; last: number }[] = [];
  for (const step of steps) {
    const range = ranges.at(-1);
    if (range !== undefined && range.last === step - 1) range.last = step;
    else ranges.push({ first: step, last: step });
  }
  return ranges.map(({ first, last }) => (first === last ? `${first}` : `${first}-${last}`)).join(',');
}
