// Runs a simulation: steps of a seed in a climate, then the end. What a step draws depends on its number and the seed
// alone, so any selection of steps is a simulation too, and replays exactly.

import { Actions } from './actions.ts';
import type { Climate } from './climate.ts';
import type { Sabotage } from './sabotage.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly climate: Climate;
  readonly seed: number;
  /** The numbers of the steps. */
  readonly steps: readonly number[];
  /** Breaks the server on purpose. */
  readonly sabotage?: Sabotage | undefined;
}

/** What was seen. */
export interface SimulationResult {
  /** How many answers there were, by request and code (0 = success). */
  readonly answers: ReadonlyMap<string, number>;
  /** How many datagrams arrived, by kind. */
  readonly deliveries: ReadonlyMap<string, number>;
  /** How many events of each kind the observers were told. */
  readonly events: ReadonlyMap<string, number>;
  /** Messages and datagrams that came in and were judged. */
  readonly operations: number;
}

/** A simulation found something wrong: what, in which step, and what happened last. */
export class SimulationFault extends Error {
  /** The step; Infinity: the end. */
  readonly step: number;
  readonly trace: readonly string[];

  constructor(step: number, trace: readonly string[], cause: unknown) {
    super(cause instanceof Error ? cause.message : String(cause), { cause });
    this.step = step;
    this.trace = trace;
  }
}

/** Runs one. Rejects with a {@link SimulationFault}. */
export async function simulate({ climate, seed, steps, sabotage }: SimulationOptions): Promise<SimulationResult> {
  const world = new World(climate, seed, sabotage ?? null);
  const actions = new Actions(world);
  let current = Number.POSITIVE_INFINITY;
  try {
    for (const step of steps) {
      current = step;
      world.random.reseed(seed, step);
      await actions.step();
    }
    current = Number.POSITIVE_INFINITY;
    await world.finish(seed % 2 === 0 ? 'expire' : 'close');
  } catch (cause) {
    throw new SimulationFault(current, world.trace, cause);
  }
  return {
    answers: world.desk.tally,
    deliveries: world.deliveries,
    events: world.events,
    operations: world.operations,
  };
}

/** The numbers below `count`. */
export function upTo(count: number): readonly number[] {
  return Array.from({ length: count }, (_, step) => step);
}
