// Runs compiled tests, each in a Node process of its own without tap's hooks. tap's own runner measures coverage by hooks
// that follow into every process that a test starts; they more than double the CPU that a start of turnd takes. Its output
// is that of tap's runner.

import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { type Summary, summaryIn, TapFailures, type TapResult } from './tap-output.ts';

/** How to run them. */
export interface PlainOptions {
  readonly cwd: string;
  /** Beside this process's own. */
  readonly env: Readonly<Record<string, string>>;
  /** How many files at a time. */
  readonly jobs: number;
  readonly print: (line: string) => void;
}

interface FileResult {
  readonly lines: readonly string[];
  readonly summary: Summary | null;
  /** Null: it ended by a signal. */
  readonly code: number | null;
  readonly milliseconds: number;
}

// Only a file that hangs takes so long. tap ends it and says where it hangs; if it does not obey, so do we.
const TIMEOUT_S = 600;
const KILL_AFTER_MS = (TIMEOUT_S + 60) * 1000;

/** Runs test files and prints what each has said when it has ended. What they leave running is killed. */
export async function runPlain(files: readonly string[], options: PlainOptions): Promise<TapResult> {
  const total = { pass: 0, fail: 0, skip: 0 };
  const failures = new TapFailures();
  const queue = [...files];
  const running = new Set<ChildProcess>();
  const stopAll = (): void => running.forEach(killGroup);
  process.once('exit', stopAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => process.exit(1));
  let count = 0;
  let isGood = true;
  const say = (line: string): void => {
    options.print(line);
    failures.read(line);
  };
  const work = async (): Promise<void> => {
    for (let file = queue.shift(); file !== undefined; file = queue.shift()) {
      const result = await runFile(file, options, running);
      const { pass, fail, skip } = result.summary ?? { pass: 0, fail: 0, skip: 0 };
      const passed = result.code === 0 && result.summary !== null && fail === 0;
      // A file that crashed or hung has no failed assertion, but it failed.
      total.pass += pass;
      total.fail += passed ? 0 : Math.max(1, fail);
      total.skip += skip;
      isGood &&= passed;
      say(`# Subtest: ${file}`);
      for (const line of result.lines) say(line === '' ? line : `    ${line}`);
      say(`${passed ? '' : 'not '}ok ${++count} - ${file} # time=${result.milliseconds.toFixed(0)}ms`);
      say('');
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, work));
  process.off('exit', stopAll);
  return { status: isGood ? 0 : 1, summary: total, failures: failures.found };
}

async function runFile(file: string, { cwd, env }: PlainOptions, running: Set<ChildProcess>): Promise<FileResult> {
  const begin = performance.now();
  // A group of its own: what a test that hangs has started goes with it.
  const child = spawn(process.execPath, ['--enable-source-maps', file], {
    cwd,
    env: { ...process.env, TAP_TIMEOUT: `${TIMEOUT_S}`, ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
    detached: true,
  });
  running.add(child);
  const killer = setTimeout(() => killGroup(child), KILL_AFTER_MS);
  const exited = once(child, 'exit');
  const lines: string[] = [];
  let summary: Summary | null = null;
  const output = createInterface({ input: child.stdout });
  output.on('line', (line) => {
    lines.push(line);
    summary = summaryIn(line) ?? summary;
  });
  const closed = once(output, 'close');
  const [code] = (await exited) as [number | null];
  clearTimeout(killer);
  // Whatever a test has left running would hold its output open, and the machine busy.
  killGroup(child);
  running.delete(child);
  await closed;
  return { lines, summary, code, milliseconds: performance.now() - begin };
}

function killGroup({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, 'SIGKILL');
  } catch {
    // Nothing of it is left.
  }
}
