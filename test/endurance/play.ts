// Plays a scenario in its short version as a tap test.

import { type Test, test } from 'tap';
import { namespaceMissing } from '../support/network-namespace.ts';
import type { Scenario } from './scenario.ts';

/** Declares the test. */
export function playShort(scenario: Scenario): void {
  test(scenario.title, { skip: namespaceMissing() }, async (t: Test) => {
    const run = { scale: { long: false, minutes: 0 }, cleanup: t, say: (line: string) => t.comment(line) };
    for (const { what, passed } of await scenario.play(run)) t.ok(passed, what);
  });
}
