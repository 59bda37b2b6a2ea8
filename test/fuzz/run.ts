// Fuzzes the targets, several at a time, each in a process of its own. Prints a line per target and, last,
// `N passed, N failed`.
//
//   node dist/test/fuzz/run.js [--seconds 30] [--jobs N] [--seed N] [--target NAME] [--save] [--no-coverage] [--summary FILE]
//   node dist/test/fuzz/run.js --replay FILE

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { readInputs, targetOfFailure } from './corpus.ts';
import { tryInput } from './fuzzer.ts';
import type { Report } from './run-target.ts';
import { lineOf, summaryOf } from './summary.ts';
import type { Target } from './target.ts';
import { TARGETS } from './targets/all.ts';

const DEFAULT_SECONDS = 30;
// How much longer seeds, a corpus and the shortening of a find may take before an input hangs.
const PATIENCE_S = 300;
const PROGRAM = fileURLToPath(new URL('./run-target.js', import.meta.url));

interface Options {
  readonly jobs: number;
  readonly seed: number;
  readonly seconds: number;
  /** For the process of a target. */
  readonly args: readonly string[];
}

/** Fuzzes one target in a process of its own; null if it did not come to its end. */
async function fuzz(target: Target, { seed, seconds, args }: Options): Promise<Report | null> {
  const child = spawn(process.execPath, [PROGRAM, '--target', target.name, '--seed', `${seed}`, ...args], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  let report: Report | null = null;
  child.on('message', (message) => {
    report = message as Report;
  });
  const watchdog = setTimeout(() => child.kill('SIGKILL'), (seconds + PATIENCE_S) * 1000);
  const [code, signal] = await once(child, 'exit');
  clearTimeout(watchdog);
  if (report === null) console.error(`${target.name}: its process ended with ${code ?? signal} and no report`);
  return report;
}

/** Works off a shared queue. */
async function work(queue: Target[], options: Options, reports: Map<Target, Report | null>): Promise<void> {
  for (let target = queue.shift(); target !== undefined; target = queue.shift()) {
    const report = await fuzz(target, options);
    reports.set(target, report);
    if (report !== null) console.log(lineOf(report));
  }
}

async function fuzzAll(targets: readonly Target[], options: Options): Promise<readonly (Report | null)[]> {
  const reports = new Map<Target, Report | null>();
  const queue = [...targets];
  await Promise.all(Array.from({ length: options.jobs }, () => work(queue, options, reports)));
  return targets.map((target) => reports.get(target) ?? null);
}

/** Runs the inputs of a file again; whether all passed. */
async function replay(path: string, target: Target): Promise<boolean> {
  let passed = true;
  for (const input of readInputs(path)) {
    const { error } = await tryInput(target, input, () => {});
    if (error !== null) console.error(error);
    passed &&= error === null;
  }
  return passed;
}

function finish(passed: number, failed: number): void {
  console.log(`${passed} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: `${DEFAULT_SECONDS}` },
      jobs: { type: 'string', default: `${availableParallelism()}` },
      seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
      target: { type: 'string' },
      replay: { type: 'string' },
      summary: { type: 'string' },
      save: { type: 'boolean', default: false },
      'no-coverage': { type: 'boolean', default: false },
    },
  });
  const name = values.target ?? (values.replay === undefined ? undefined : (targetOfFailure(values.replay) ?? ''));
  const chosen = TARGETS.filter((target) => name === undefined || target.name === name);
  const [first] = chosen;
  if (first === undefined) {
    console.error(`no target ${name}: there are ${TARGETS.map((target) => target.name).join(', ')}`);
    return finish(0, 1);
  }
  if (values.replay !== undefined) return (await replay(values.replay, first)) ? finish(1, 0) : finish(0, 1);
  const flags = [...(values.save ? ['--save'] : []), ...(values['no-coverage'] ? ['--no-coverage'] : [])];
  const [jobs, seed, seconds] = [Number(values.jobs), Number(values.seed), Number(values.seconds)];
  const options = { jobs, seed, seconds, args: ['--seconds', `${seconds}`, ...flags] };
  console.log(`seed ${options.seed}`);
  const reports = await fuzzAll(chosen, options);
  const passed = reports.filter((report) => report?.failure === null).length;
  if (values.summary !== undefined)
    writeFileSync(
      values.summary,
      summaryOf(
        reports.flatMap((report) => report ?? []),
        options.seed,
      ),
    );
  finish(passed, chosen.length - passed);
}

await main();
