// Runs a simulation: so many steps from a seed, then the end.

import type { Sabotage } from './sabotage.ts';
import { World } from './world.ts';

export interface SimulationOptions {
  readonly seed: number;
  readonly steps: number;
  /** Breaks the server on purpose. */
  readonly sabotage?: Sabotage;
}

/** What was seen. */
export interface SimulationResult {
  /** How many answers there were, by request and code (0 = success). */
  readonly answers: ReadonlyMap<string, number>;
  /** How many datagrams arrived, by kind. */
  readonly deliveries: ReadonlyMap<string, number>;
  /** How many events of each kind the observer was told. */
  readonly events: ReadonlyMap<string, number>;
}

/** A simulation found something wrong: how to see it again, and what happened last. */
export class SimulationFault extends Error {
  readonly step: number;

  constructor(options: SimulationOptions, step: number, trace: readonly string[], cause: unknown) {
    const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    const again = `TURND_SIM_SEED=${options.seed} TURND_SIM_STEPS=${options.steps}`;
    super([`step ${step} (again with ${again}): ${reason}`, ...trace.map((line) => `  ${line}`)].join('\n'), { cause });
    this.step = step;
  }
}

/** Runs one. Rejects with a {@link SimulationFault}. */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const world = new World(options.seed, options.sabotage ?? null);
  let step = 0;
  try {
    while (step < options.steps) {
      await world.step();
      step++;
    }
    await world.finish(options.seed % 2 === 0 ? 'expire' : 'close');
  } catch (cause) {
    throw new SimulationFault(options, step, world.trace, cause);
  }
  return { answers: world.desk.tally, deliveries: world.deliveries, events: world.ledger.counts };
}
