// The runner behind `npm test`: runs the compiled tests, those of a whole server once on each plane, and says in the last
// line how many assertions passed, failed and were skipped. Its exit status is tap's.

import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { planRounds, type Round } from './planes-to-test.ts';
import { forgetCoverage, inProject, reportCoverage, runTests, wantsCoverage } from './run-tap.ts';
import { linuxPlaneSkip, namedPlane } from './support/plane-under-test.ts';
import type { TapResult } from './tap-output.ts';

interface Counts {
  status: number;
  passed: number;
  failed: number;
  skipped: number;
  failures: string[];
}

// tap finds no tests in a folder named dist. What is left there of tests that were deleted does not count.
function allTests(): readonly string[] {
  const root = inProject('.');
  const names = readdirSync(join(root, 'dist', 'test'), { recursive: true, encoding: 'utf8' });
  return names
    .filter((name) => name.endsWith('.test.js') && existsSync(join(root, 'test', name.replace(/\.js$/, '.ts'))))
    .map((name) => join('dist', 'test', name))
    .toSorted();
}

async function addRound(counts: Counts, { plane, title, files }: Round): Promise<void> {
  console.log(`\n=== ${title}`);
  const result = await runTests(files, { TURND_TEST_PLANE: plane });
  add(counts, result);
  counts.failures.push(...result.failures.map((one) => `${title}: ${one}`));
}

function add(counts: Counts, { status, summary }: TapResult): void {
  const { pass, fail, skip } = summary ?? { pass: 0, fail: 0, skip: 0 };
  counts.status ||= status === 0 && summary === null ? 1 : status;
  counts.passed += pass;
  // A test file that crashed or hung has no failed assertion, but it failed.
  counts.failed += status === 0 && summary !== null ? fail : Math.max(1, fail);
  counts.skipped += skip;
}

async function main(args: readonly string[]): Promise<number> {
  const files = args.length > 0 ? args : allTests();
  const skip = await linuxPlaneSkip();
  const counts: Counts = { status: 0, passed: 0, failed: 0, skipped: 0, failures: [] };
  forgetCoverage();
  for (const round of planRounds(files, namedPlane(), skip === false)) await addRound(counts, round);
  if (wantsCoverage()) await reportCoverage();
  if (skip !== false) {
    console.log(`skipped: the servers of all tests on the linux plane: ${skip}`);
    counts.skipped++;
  }
  const { TURND_TEST_REQUIRE_ALL } = process.env;
  const skipsFail = TURND_TEST_REQUIRE_ALL === '1' && counts.skipped > 0;
  if (skipsFail) console.log('TURND_TEST_REQUIRE_ALL forbids skipped tests');
  for (const failure of counts.failures) console.log(`failed: ${failure}`);
  console.log(`${counts.passed} passed, ${counts.failed} failed, ${counts.skipped} skipped`);
  return skipsFail && counts.status === 0 ? 1 : counts.status;
}

process.exitCode = await main(process.argv.slice(2));
