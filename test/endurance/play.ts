// Plays a scenario in its short version as a tap test.

import { t as root, type Test, test } from 'tap';

import { namespaceMissing } from '../support/network-namespace.ts';
import type { Scenario } from './scenario.ts';

/** Longer than any short version takes on a loaded machine, in milliseconds. */
const TIMEOUT = 170_000;

/** Declares the test. */
export function playShort(scenario: Scenario): void {
  root.setTimeout(TIMEOUT);
  test(scenario.title, { skip: namespaceMissing(), timeout: TIMEOUT }, async (t: Test) => {
    const run = { scale: { long: false, minutes: 0 }, cleanup: t, say: (line: string) => t.comment(line) };
    for (const { what, passed } of await scenario.play(run)) t.ok(passed, what);
  });
}
