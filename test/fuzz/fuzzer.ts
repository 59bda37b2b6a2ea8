// The fuzzer: mutates inputs that once made something new happen, until time is up or a target fails. What is new is
// told by the target (statuses, reply codes, drop reasons) and by the code that runs. Neither depends on time: a seed
// repeats a run exactly.

import type { CodeCoverage } from './code-coverage.ts';
import { CoverageFeedback } from './coverage-feedback.ts';
import { SeededRandom } from './random.ts';
import type { Target } from './target.ts';

/** When to stop: whichever comes first. */
export interface FuzzLimits {
  readonly seconds: number;
  readonly inputs?: number;
}

/** What a run came to. */
export interface FuzzResult {
  readonly inputs: number;
  readonly executions: number;
  readonly seconds: number;
  /** How many different things happened. */
  readonly features: number;
  /** How much of the target's code has run, 0..1; null where that was not looked at. */
  readonly coverage: number | null;
  /** Inputs that made something new happen, in the order of finding. */
  readonly kept: readonly Buffer[];
  readonly find: Find | null;
}

/** An input that fails. */
export interface Find {
  readonly input: Buffer;
  readonly error: unknown;
}

// Inputs after which V8 is asked what has run.
const BATCH = 500;

// An input that takes more time of the processor is a find: a server that it reaches stands still. (One that never ends
// is noticed by run.ts.)
const MAX_INPUT_CPU_MS = 5000;

/** Fuzzes one target from its seeds and a corpus. */
export class Fuzzer {
  readonly #target: Target;
  readonly #random: SeededRandom;
  readonly #features: Set<string> = new Set();
  readonly #kept: Buffer[] = [];
  readonly #feedback: CoverageFeedback | null;
  // Those that V8 has not been asked about.
  #batch: Buffer[] = [];
  #inputs = 0;
  #executions = 0;

  /** @param coverage of the target's code; null: what the target tells is enough */
  constructor(target: Target, seed: number, coverage: CodeCoverage | null = null) {
    this.#target = target;
    this.#random = new SeededRandom(seed);
    const again = (input: Buffer): Promise<unknown> => tryInput(target, input, () => {});
    this.#feedback = coverage === null ? null : new CoverageFeedback(coverage, again);
  }

  /** Runs the corpus, the short ones first, then mutations of it. */
  async run(corpus: readonly Buffer[], limits: FuzzLimits): Promise<FuzzResult> {
    const begin = performance.now();
    const end = begin + limits.seconds * 1000;
    const find = (await this.#runAll(corpus)) ?? (await this.#mutateUntil(end, limits.inputs ?? Infinity));
    await this.#endBatch();
    return {
      inputs: this.#inputs,
      executions: this.#executions,
      seconds: (performance.now() - begin) / 1000,
      features: this.#features.size,
      coverage: this.#feedback?.share ?? null,
      kept: this.#kept,
      find,
    };
  }

  async #runAll(corpus: readonly Buffer[]): Promise<Find | null> {
    const inputs = [...this.#target.seeds(), ...corpus].sort((a, b) => a.length - b.length);
    for (const input of inputs) {
      const find = await this.#try(input);
      if (find !== null) return find;
    }
    return null;
  }

  async #mutateUntil(end: number, inputs: number): Promise<Find | null> {
    while (performance.now() < end && this.#inputs < inputs) {
      const find = await this.#try(this.#next());
      if (find !== null) return find;
    }
    return null;
  }

  // Half of the time one of the latest: what is behind a new door has been looked at least.
  #next(): Buffer {
    const kept = this.#kept;
    const latest = this.#random.oneIn(2) ? Math.ceil(kept.length / 4) : kept.length;
    const input = kept[kept.length - 1 - this.#random.below(latest)] ?? Buffer.alloc(0);
    const other = kept[this.#random.below(kept.length)] ?? input;
    return this.#target.mutate(input, other, this.#random);
  }

  async #try(input: Buffer): Promise<Find | null> {
    const known = this.#features.size;
    const { error, executions } = await tryInput(this.#target, input, (feature) => this.#features.add(feature));
    this.#inputs++;
    this.#executions += executions;
    if (error !== null) return { input, error };
    if (this.#features.size > known) this.#kept.push(input);
    if (this.#feedback !== null) this.#batch.push(input);
    if (this.#batch.length >= BATCH) await this.#endBatch();
    return null;
  }

  async #endBatch(): Promise<void> {
    const batch = this.#batch;
    this.#batch = [];
    const reaching = (await this.#feedback?.judge(batch)) ?? [];
    for (const input of reaching) if (!this.#kept.includes(input)) this.#kept.push(input);
  }
}

/** Runs one input; `error` is what is wrong with it, or null. */
export async function tryInput(
  target: Target,
  input: Buffer,
  notice: (feature: string) => void,
): Promise<{ error: unknown; executions: number }> {
  const begin = process.cpuUsage();
  try {
    const ran = target.run(input, notice);
    const executions = typeof ran === 'number' ? ran : await ran;
    const { user, system } = process.cpuUsage(begin);
    const tooLong = (user + system) / 1000 > MAX_INPUT_CPU_MS;
    return { error: tooLong ? new Error(`takes longer than ${MAX_INPUT_CPU_MS} ms`) : null, executions };
  } catch (error) {
    return { error: error ?? new Error('threw nothing'), executions: 1 };
  }
}

// A find is shortened until this many inputs were tried.
const MAX_SHRINKS = 3000;

/** A shorter input that fails as well: pieces are left out as long as it still does. */
export async function shrink(target: Target, input: Buffer): Promise<Buffer> {
  let best = input;
  let tries = 0;
  for (let size = 0x8000; size >= 1; size >>= 1) {
    for (let at = 0; at < best.length && tries < MAX_SHRINKS; tries++) {
      const shorter = Buffer.concat([best.subarray(0, at), best.subarray(at + size)]);
      const { error } = await tryInput(target, shorter, () => {});
      // Steps of a quarter: what can be left out seldom begins at a round place.
      if (error === null) at += Math.max(1, size >> 2);
      else best = shorter;
    }
  }
  return best;
}
