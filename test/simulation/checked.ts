// Runs simulations in a test. One that finds something is shrunk, and the test says how to see it again.

import type { Test } from 'tap';
import type { Climate } from './climate.ts';
import { readReplay, replayOf, shrink } from './shrink.ts';
import { SimulationFault, type SimulationOptions, type SimulationResult, simulate, upTo } from './simulation.ts';

/** TURND_SIM_STEPS and TURND_SIM_SEED ask for more steps, or for another seed than those that the test runs. */
export function chosen(steps: number, seeds: readonly number[]): { steps: number; seeds: readonly number[] } {
  const { TURND_SIM_STEPS, TURND_SIM_SEED } = process.env;
  return {
    steps: Number(TURND_SIM_STEPS ?? steps),
    seeds: TURND_SIM_SEED === undefined ? seeds : [Number(TURND_SIM_SEED)],
  };
}

/** A simulation that TURND_SIM_REPLAY asks for in this climate, or null. */
export function replayed(climate: Climate): SimulationOptions | null {
  const { TURND_SIM_REPLAY } = process.env;
  const script = TURND_SIM_REPLAY === undefined ? null : readReplay(TURND_SIM_REPLAY);
  return script?.climate === climate ? script : null;
}

/** Runs one; null when it found something wrong: then the test has failed. */
export async function check(t: Test, options: SimulationOptions): Promise<SimulationResult | null> {
  try {
    return await simulate(options);
  } catch (error) {
    if (!(error instanceof SimulationFault)) throw error;
    t.comment(`seed ${options.seed}, ${options.climate.name}, step ${error.step}: ${error.message}`);
    const { script, fault } = await shrink(options, error);
    t.comment(`again in ${script.steps.length} steps: TURND_SIM_REPLAY=${replayOf(script)}`);
    for (const line of fault.trace) t.comment(line);
    t.fail(fault.message, { cause: String(fault.cause instanceof Error ? fault.cause.stack : fault.cause) });
    return null;
  }
}

/** Checks that simulations came across so much that they prove something. */
export function checkCoverage(
  t: Test,
  { climate, steps }: { climate: Climate; steps: number },
  seen: SimulationResult,
): void {
  t.comment(`${seen.operations} operations: ${summary(seen)}`);
  if (steps < ENOUGH || climate.clients > FEW || climate.kills > 0.001) return;
  const crossings = climate.workers > 0 ? ['by indication from another process'] : [];
  const lacking = [
    ...ANSWERS.filter((name) => !seen.answers.has(name)),
    ...EVENTS.filter((name) => !seen.events.has(name)),
    ...[...DELIVERIES, ...crossings].filter((name) => (seen.deliveries.get(name) ?? 0) < 20),
  ];
  t.same(lacking, [], 'the simulation came across everything');
}

/** Several results as one. */
export function together(results: readonly SimulationResult[]): SimulationResult {
  const add = (of: (result: SimulationResult) => ReadonlyMap<string, number>): Map<string, number> => {
    const sum = new Map<string, number>();
    for (const result of results) for (const [name, n] of of(result)) sum.set(name, (sum.get(name) ?? 0) + n);
    return sum;
  };
  return {
    answers: add(({ answers }) => answers),
    deliveries: add(({ deliveries }) => deliveries),
    events: add(({ events }) => events),
    operations: results.reduce((sum, { operations }) => sum + operations, 0),
  };
}

/** Everything that was seen, in a line. */
export function summary({ answers, deliveries, events }: SimulationResult): string {
  return [answers, deliveries, events]
    .map((counts) => [...counts].map(([name, n]) => `${name}: ${n}`).join(', '))
    .join('; ');
}

/** Runs a climate from each seed, so many steps each, and checks what they came across. */
export async function checkClimate(
  t: Test,
  climate: Climate,
  run: { steps: number; seeds: readonly number[] },
): Promise<void> {
  const replay = replayed(climate);
  if (replay !== null || process.env['TURND_SIM_REPLAY'] !== undefined) {
    if (replay !== null) await check(t, replay);
    return;
  }
  const results: SimulationResult[] = [];
  for (const seed of run.seeds) {
    const result = await check(t, { climate, seed, steps: upTo(run.steps) });
    if (result === null) return;
    results.push(result);
  }
  checkCoverage(t, { climate, steps: run.steps * run.seeds.length }, together(results));
}

// Where calls are cut short, or are many, not everything comes by in the time that there is.
const FEW = 20;
const ENOUGH = 60_000;
const ANSWERS = [
  ...[0, 401, 437, 438, 440, 442, 486, 508, 400, 420, 500].map((code) => `allocate ${code}`),
  ...[0, 401, 437, 438, 441, 443, 420].map((code) => `refresh ${code}`),
  ...[0, 400, 401, 403, 437, 438, 441, 443, 420].map((code) => `permission ${code}`),
  ...[0, 400, 401, 403, 437, 438, 441, 443, 420].map((code) => `channel ${code}`),
  'binding 0',
  'binding 420',
];
const DELIVERIES = ['to a host', 'by channel', 'by indication', 'by indication from another client'];
const EVENTS = ['allocated', 'refreshed', 'relayReleased', 'released', 'channelBound', 'channelUnbound', 'peerDenied'];
