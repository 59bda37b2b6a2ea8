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

// How datagrams move, and in how many processes, has no part in what these show.
const ONCE: readonly RegExp[] = [
  WORKER_SUITES,
  // Databases that coturn shares.
  /test\/interop\/coturn\/([^/]*(-userdb|-statsdb)|check|moved-database)\.test\./,
  // What a store answers. Who is told of changes, and what waits while none comes, is another matter.
  /test\/integration\/stores\/(bad-way|faults-at-start|flood|hostile|outage-mariadb|outage-redis|secrets|statsdb-outage)/,
  // What is read and judged before the first datagram, and other programs' rules.
  /test\/integration\/(control-api|coturn-config|firewall|firewall-programs|flag-refusals|flags|hostile-control|init|start-faults)\.test\./,
  // What is written of it.
  /test\/integration\/(audit-trail|canaries|log-flood|log-sinks)\.test\./,
];

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
  const isMeant = (file: string): boolean => !ONCE.some((suite) => suite.test(file));
  const again = files.filter((file) => SERVER_SUITES.test(file) && isMeant(file));
  if (again.length === 0) return rounds;
  const title = `${again.length} of them again, servers on the portable plane (its server has no workers to test)`;
  return [...rounds, { plane: 'portable', title, files: again }];
}
