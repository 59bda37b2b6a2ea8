// Which tests run on which plane: those of a whole server on both. Pure.

import type { TestPlane } from './support/plane-under-test.ts';

/** Tests that run together, with the plane of the servers that they start. */
export interface Round {
  readonly plane: TestPlane;
  readonly title: string;
  readonly files: readonly string[];
}

// What a server does on one plane it must do on the other.
const SERVER_SUITES = /^(dist\/)?test\/(integration|interop|hostile|endurance)\//;
// About processes that only the Linux plane has: they name it themselves.
const WORKER_SUITES = /^(dist\/)?test\/integration\/workers\//;

// About databases that coturn shares: how datagrams move says nothing of them.
const DATABASE_SUITES = /^(dist\/)?test\/interop\/coturn\/[^/]*(-userdb|-statsdb|-database)\.test\./;

/**
 * Sorts test files into rounds.
 * @param wanted the plane that all tests are to run on; null = both
 * @param hasLinux whether the Linux plane can be had here
 */
export function planRounds(files: readonly string[], wanted: TestPlane | null, hasLinux: boolean): readonly Round[] {
  const possible = hasLinux ? files : files.filter((file) => !WORKER_SUITES.test(file));
  const plane = wanted ?? (hasLinux ? 'linux' : 'portable');
  const rounds = [{ plane, title: `${possible.length} test files, servers on the ${plane} plane`, files: possible }];
  if (wanted !== null || !hasLinux) return rounds;
  const isMeant = (file: string): boolean => !WORKER_SUITES.test(file) && !DATABASE_SUITES.test(file);
  const again = files.filter((file) => SERVER_SUITES.test(file) && isMeant(file));
  if (again.length === 0) return rounds;
  const title = `${again.length} of them again, servers on the portable plane (its server has no workers to test)`;
  return [...rounds, { plane: 'portable', title, files: again }];
}
