// Finds the inputs that reach new code. V8 is asked once for many inputs, because that costs milliseconds; if there is
// something new, the inputs are run again, halved each time, until one is left. What is kept depends on inputs alone.

import type { CodeCoverage, CoveredCode } from './code-coverage.ts';

/** A place in a module. */
interface Place {
  readonly url: string;
  readonly at: number;
}

/** Runs one input again. */
export type RunAgain = (input: Buffer) => Promise<unknown>;

/** Inputs of a batch that are kept at most: the rest of what is new will be found again. */
const MAX_KEPT = 4;

/** What is known to run. */
export class CoverageFeedback {
  readonly #coverage: CodeCoverage;
  readonly #known = new Map<string, Uint8Array>();
  readonly #run: RunAgain;

  constructor(coverage: CodeCoverage, run: RunAgain) {
    this.#coverage = coverage;
    this.#run = run;
  }

  /** How much of the code that is looked at has run, 0..1. */
  get share(): number {
    let [covered, total] = [0, 0];
    for (const bytes of this.#known.values()) {
      covered += bytes.reduce((sum, byte) => sum + byte, 0);
      total += bytes.length;
    }
    return total === 0 ? 0 : covered / total;
  }

  /** The inputs among these, which have just been run, that reach code that none before did. */
  async judge(inputs: readonly Buffer[]): Promise<Buffer[]> {
    const covered = this.#coverage.take();
    const kept: Buffer[] = [];
    for (let place = this.#newIn(covered); place !== null && kept.length < MAX_KEPT; place = this.#newIn(covered)) {
      const input = await this.#whoReaches(place, inputs);
      // Only all of them together do, or what an earlier one left behind.
      if (input === null) break;
      kept.push(input);
      this.#learn(await this.#ran([input]));
    }
    this.#learn(covered);
    return kept;
  }

  async #whoReaches(place: Place, inputs: readonly Buffer[]): Promise<Buffer | null> {
    let left = inputs;
    while (left.length > 1) {
      const half = left.slice(0, left.length >> 1);
      left = isCovered(await this.#ran(half), place) ? half : left.slice(half.length);
    }
    const [input = null] = left;
    return input !== null && isCovered(await this.#ran([input]), place) ? input : null;
  }

  async #ran(inputs: readonly Buffer[]): Promise<CoveredCode> {
    this.#coverage.take();
    for (const input of inputs) await this.#run(input);
    return this.#coverage.take();
  }

  #newIn(covered: CoveredCode): Place | null {
    for (const [url, bytes] of covered) {
      const known = this.#known.get(url);
      const at = bytes.findIndex((byte, index) => byte === 1 && known?.[index] !== 1);
      if (at >= 0) return { url, at };
    }
    return null;
  }

  #learn(covered: CoveredCode): void {
    for (const [url, bytes] of covered) {
      const known = this.#known.get(url);
      if (known === undefined) this.#known.set(url, bytes);
      else for (const [index, byte] of bytes.entries()) if (byte === 1) known[index] = 1;
    }
  }
}

function isCovered(covered: CoveredCode, { url, at }: Place): boolean {
  return covered.get(url)?.[at] === 1;
}
