// The runner behind `npm test`: runs tap over the compiled tests, lets its output through, measures coverage, and says
// in the last line how many assertions passed, failed and were skipped. Keeps tap's exit status.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const JOBS = 2;

// This file runs as dist/test/run.js.
function inProject(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** tap's count of assertions. */
interface Summary {
  readonly pass: number;
  readonly fail: number;
  readonly skip: number;
}

// Every count but `total` is left out when it is zero: # { total: 6, pass: 5, skip: 1 }
function summaryIn(line: string): Summary | null {
  const counts = /^# \{ (total: \d+.*) \}$/.exec(line)?.[1];
  if (counts === undefined) return null;
  const count = (name: string): number => Number(new RegExp(`\\b${name}: (\\d+)`).exec(counts)?.[1] ?? 0);
  return { pass: count('pass'), fail: count('fail'), skip: count('skip') + count('todo') };
}

/** Runs tap with these arguments, printing what it prints; returns its exit status and the last summary. */
async function runTap(args: readonly string[]): Promise<{ status: number; summary: Summary | null }> {
  const tap = spawn(process.execPath, [inProject('node_modules/.bin/tap'), ...args], {
    cwd: inProject('.'),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(tap, 'close');
  let summary: Summary | null = null;
  for await (const line of createInterface({ input: tap.stdout })) {
    console.log(line);
    summary = summaryIn(line) ?? summary;
  }
  const [code] = await closed;
  return { status: typeof code === 'number' ? code : 1, summary };
}

// As npm brings it, tap is built with its TypeScript plugin, which does not run on TypeScript 7. `.taprc` leaves it
// out, but tap notices that only in its first run, which then fails: so build it before.
function isTapBuilt(): boolean {
  try {
    const built = readFileSync(inProject('node_modules/@tapjs/test/test-built/dist/esm/index.js'), 'utf8');
    return !built.includes('@tapjs/typescript');
  } catch {
    return false;
  }
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

async function main(args: readonly string[]): Promise<number> {
  if (!isTapBuilt()) await runTap(['build']);
  const coverage = ['--coverage-report=none', '--allow-empty-coverage'];
  const { status, summary } = await runTap([
    'run',
    `--jobs=${JOBS}`,
    ...coverage,
    ...(args.length > 0 ? args : allTests()),
  ]);
  await runTap(['report', 'text-summary']);
  if (summary === null) {
    console.log('0 passed, 1 failed, 0 skipped');
    return 1;
  }
  const { TURND_TEST_REQUIRE_ALL } = process.env;
  const skipsFail = TURND_TEST_REQUIRE_ALL === '1' && summary.skip > 0;
  if (skipsFail) console.log('TURND_TEST_REQUIRE_ALL forbids skipped tests');
  // A test file that crashed or hung has no failed assertion, but it failed.
  const failed = status === 0 ? summary.fail : Math.max(1, summary.fail);
  console.log(`${summary.pass} passed, ${failed} failed, ${summary.skip} skipped`);
  return skipsFail && status === 0 ? 1 : status;
}

process.exitCode = await main(process.argv.slice(2));
