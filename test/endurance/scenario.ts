// What an endurance scenario is: a thing that goes on for long or runs short of something, in two sizes, with figures and
// a verdict. Knows no scenario.

import type { Teardown } from '../support/turnd-process.ts';

/** How much of it. */
export interface Scale {
  /** The size of a release instead of CI's. */
  readonly long: boolean;
  /** How long what goes on for long goes on; 0 for the scenario's own choice. */
  readonly minutes: number;
}

/** One thing that had to be so. */
export interface Finding {
  readonly what: string;
  readonly passed: boolean;
}

/** A scenario that is about to run. */
export interface Run {
  readonly scale: Scale;
  /** Tidies up after it. */
  readonly cleanup: Teardown;
  /** Prints figures. */
  say(line: string): void;
}

/** An endurance scenario. */
export interface Scenario {
  readonly name: string;
  /** The requirements that it is for, and what it does. */
  readonly title: string;
  /** Plays it; throws where it cannot even be played. */
  play(run: Run): Promise<readonly Finding[]>;
}

/** Handlers of a run outside of a test framework. */
export class Cleanup implements Teardown {
  readonly #handlers: (() => unknown)[] = [];

  teardown(handler: () => unknown): void {
    this.#handlers.unshift(handler);
  }

  async run(): Promise<void> {
    for (const handler of this.#handlers.splice(0)) await handler();
  }
}

/** A finding that two numbers are the same. */
export function same(what: string, found: unknown, wanted: unknown): Finding {
  return { what: `${what}: ${found}${found === wanted ? '' : `, not ${wanted}`}`, passed: found === wanted };
}
