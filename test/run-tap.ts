// Runs tap over compiled tests, lets its output through, and keeps what it measured of coverage over several runs.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { runPlain } from './run-plain.ts';
import { type Summary, summaryIn, TapFailures, type TapResult } from './tap-output.ts';

const JOBS = 2;

/** The path of something in this project. This file runs as dist/test/run-tap.js. */
export function inProject(path: string): string {
  return fileURLToPath(new URL(`../../${path}`, import.meta.url));
}

/** Whether coverage is to be measured: it makes the tests a third slower. */
export function wantsCoverage(): boolean {
  const { TURND_TEST_COVERAGE } = process.env;
  return TURND_TEST_COVERAGE === '1';
}

/**
 * Runs these compiled tests with more environment. Where coverage is wanted, tap runs them, and what it measured is added
 * to that of the runs since `forgetCoverage`.
 */
export async function runTests(files: readonly string[], env: Readonly<Record<string, string>>): Promise<TapResult> {
  if (!isTapBuilt()) await runTap(['build']);
  if (!wantsCoverage()) return runPlain(files, { cwd: inProject('.'), env, jobs: JOBS, print: console.log });
  moveFiles(MEASURED, KEPT);
  const coverage = ['--coverage-report=none', '--allow-empty-coverage'];
  const result = await runTap(['run', `--jobs=${JOBS}`, ...coverage, ...files], env);
  moveFiles(KEPT, MEASURED);
  return result;
}

/** Prints the coverage of the runs so far. */
export async function reportCoverage(): Promise<void> {
  await runTap(['report', 'text-summary']);
}

/** Starts the measurement of coverage again. */
export function forgetCoverage(): void {
  for (const path of [...MEASURED, ...KEPT]) rmSync(inProject(path), { recursive: true, force: true });
}

// tap empties its own folders when it starts.
const MEASURED = ['.tap/coverage', '.tap/processinfo'] as const;
const KEPT = ['.tap/kept-coverage', '.tap/kept-processinfo'] as const;

function moveFiles(from: typeof MEASURED | typeof KEPT, to: typeof MEASURED | typeof KEPT): void {
  for (const [index, path] of from.entries()) {
    const [source, target] = [inProject(path), inProject(to[index] ?? '')];
    if (!existsSync(source)) continue;
    mkdirSync(target, { recursive: true });
    for (const name of readdirSync(source)) renameSync(join(source, name), join(target, name));
  }
}

async function runTap(args: readonly string[], env: Readonly<Record<string, string>> = {}): Promise<TapResult> {
  const tap = spawn(process.execPath, [inProject('node_modules/.bin/tap'), ...args], {
    cwd: inProject('.'),
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const closed = once(tap, 'close');
  let summary: Summary | null = null;
  const failures = new TapFailures();
  for await (const line of createInterface({ input: tap.stdout })) {
    console.log(line);
    summary = summaryIn(line) ?? summary;
    failures.read(line);
  }
  const [code] = await closed;
  return { status: typeof code === 'number' ? code : 1, summary, failures: failures.found };
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
