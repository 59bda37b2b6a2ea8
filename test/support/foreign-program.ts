// Finds the foreign programs that interop tests run against turnd. It decides between skipping and failing where one
// is missing, and knows nothing of any particular program.

import { accessSync, constants } from 'node:fs';

/** A foreign program: its path, and the reason to skip (or `false`) for the options of a tap test. */
export interface ForeignProgram {
  readonly path: string;
  readonly skip: string | false;
}

/**
 * The first executable of `candidates`; `environmentName` names a variable that overrides them. A missing program is
 * a reason to skip, except under TURND_TEST_REQUIRE_ALL=1: then the test runs, and fails when it starts the program.
 */
export function findProgram(environmentName: string, candidates: readonly string[]): ForeignProgram {
  const override = process.env[environmentName];
  const paths = override === undefined ? candidates : [override];
  const found = paths.find(isExecutable);
  if (found !== undefined) return { path: found, skip: false };
  const path = paths[0] ?? environmentName;
  const { TURND_TEST_REQUIRE_ALL } = process.env;
  return {
    path,
    skip: TURND_TEST_REQUIRE_ALL === '1' ? false : `${path} is not installed (or set ${environmentName})`,
  };
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
