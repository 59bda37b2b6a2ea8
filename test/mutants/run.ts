// Applies mutants one by one in copies of the project and expects the named test of each to fail. Prints a line per
// mutant and, last, `N passed, N failed` (a mutant passes when its test notices it).
//
//   node dist/test/mutants/run.js [--only ID] [--file SOURCE-OR-LIST] [--random N [--seed S]]

import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { projectRoot } from '../support/vectors.ts';
import { choose, faultOf, type ListedMutant, mutate, readMutants } from './mutant.ts';

const ROOT = fileURLToPath(projectRoot);
const TSC = join('node_modules', '.bin', 'tsc');
const COPIED = [
  ...['src', 'test', 'bench', 'conf', 'docs', 'systemd', 'Dockerfile', '.dockerignore'],
  ...['tsconfig.json', 'package.json', 'package-lock.json'],
];
const WORKERS = 2;
// A server on the Linux plane starts three processes, and some tests start thirty.
const TEST_TIMEOUT_MS = 180_000;

/** Sources that no server on the Linux plane runs. */
const PORTABLE_ONLY = /^src\/(planes\/portable\/|server\/(listeners|one-process)\.ts$)/;

type Trial = Pick<ListedMutant, 'test' | 'file'>;

interface Outcome {
  /** Null when the process was killed for taking too long. */
  readonly code: number | null;
  readonly output: string;
}

function run(
  directory: string,
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, {
      cwd: directory,
      timeout: TEST_TIMEOUT_MS,
      env: { ...process.env, ...env, TAP_BAIL: '1', TAP_TIMEOUT: String(TEST_TIMEOUT_MS / 1000) },
    });
    let output = '';
    const collect = (chunk: Buffer) => {
      output += chunk.toString();
    };
    child.stdout.on('data', collect);
    child.stderr.on('data', collect);
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** A copy of the project that may be changed. */
function makeCopy(): string {
  const directory = mkdtempSync(join(tmpdir(), 'turnd-mutants-'));
  for (const name of COPIED.filter((one) => existsSync(join(ROOT, one))))
    cpSync(join(ROOT, name), join(directory, name), { recursive: true });
  symlinkSync(join(ROOT, 'node_modules'), join(directory, 'node_modules'));
  return directory;
}

/** Compiles it all. Type errors do not matter here. */
async function compile(directory: string): Promise<void> {
  await run(directory, TSC, ['-p', '.', '--pretty', 'false']);
}

/** Compiles one file by itself; a change that is no TypeScript proves nothing: returns what is wrong with it. */
async function compileAlone(directory: string, file: string): Promise<string | null> {
  const compilerOptions = { lib: [], noLib: true, types: [], noResolve: true, noCheck: true };
  const config = { extends: './tsconfig.json', compilerOptions, files: [file], include: [] };
  writeFileSync(join(directory, 'one-file.json'), JSON.stringify(config));
  const { output } = await run(directory, TSC, ['-p', 'one-file.json', '--pretty', 'false']);
  return /^.*error TS1\d{3}:.*$/m.exec(output)?.[0] ?? null;
}

function runTest(directory: string, { test, file }: Trial): Promise<Outcome> {
  const env = PORTABLE_ONLY.test(file) ? { TURND_TEST_PLANE: 'portable' } : {};
  return run(directory, process.execPath, [join('dist', test.replace(/\.ts$/, '.js'))], env);
}

/** Whether every test on trial passes as things are: otherwise it would notice any mutant. */
async function baselineFaults(directory: string, mutants: readonly ListedMutant[]): Promise<string[]> {
  const faults: string[] = [];
  const trials = new Map(mutants.map((mutant) => [`${mutant.test} ${PORTABLE_ONLY.test(mutant.file)}`, mutant]));
  for (const trial of trials.values()) {
    const { code, output } = await runTest(directory, trial);
    if (code !== 0) faults.push(`${trial.test} fails without a mutant:\n${output.slice(-2000)}`);
  }
  return faults;
}

/** What became of a mutant; only `killed` is good. */
async function tryMutant(directory: string, mutant: ListedMutant): Promise<string> {
  const path = join(directory, mutant.file);
  const source = readFileSync(path, 'utf8');
  // A unit or a Dockerfile is no program.
  const isProgram = mutant.file.endsWith('.ts');
  const built = join(directory, 'dist', mutant.file.replace(/\.ts$/, '.js'));
  const program = isProgram ? readFileSync(built, 'utf8') : '';
  writeFileSync(path, mutate(mutant, source));
  try {
    const syntaxError = isProgram ? await compileAlone(directory, mutant.file) : null;
    if (syntaxError !== null) return `does not compile: ${syntaxError}`;
    const { code } = await runTest(directory, mutant);
    return code === 0 ? 'SURVIVED' : 'killed';
  } finally {
    writeFileSync(path, source);
    if (isProgram) writeFileSync(built, program);
  }
}

/** Works off a shared queue; returns how many mutants survived. */
async function work(directory: string, queue: ListedMutant[]): Promise<number> {
  let failed = 0;
  for (let mutant = queue.shift(); mutant !== undefined; mutant = queue.shift()) {
    const outcome = await tryMutant(directory, mutant);
    if (outcome !== 'killed') failed++;
    console.log(`${outcome.padEnd(9)} ${mutant.id.padEnd(10)} ${mutant.file.padEnd(30)} ${mutant.find.trim()}`);
  }
  return failed;
}

function selected(): ListedMutant[] {
  const { values } = parseArgs({
    options: {
      only: { type: 'string' },
      file: { type: 'string' },
      random: { type: 'string' },
      seed: { type: 'string' },
    },
  });
  const mutants = readMutants(ROOT).filter(
    ({ id, file, list }) =>
      (values.only === undefined || id === values.only) &&
      (values.file === undefined || file === values.file || list === values.file || list === `${values.file}.json`),
  );
  if (values.random === undefined) return mutants;
  const seed = values.seed === undefined ? Date.now() % 1_000_000 : Number(values.seed);
  console.log(`seed ${seed}`);
  return choose(mutants, Number(values.random), seed);
}

function faultsOf(mutants: readonly ListedMutant[]): string[] {
  return mutants.flatMap((mutant) => {
    const path = join(ROOT, mutant.file);
    const fault = existsSync(path) ? faultOf(mutant, readFileSync(path, 'utf8')) : 'no such file';
    return fault === null ? [] : [`${mutant.list} ${mutant.id}: ${fault}: ${mutant.find}`];
  });
}

/** How many mutants failed: survived, or could not be tried. */
async function tryAll(mutants: readonly ListedMutant[], directories: readonly string[]): Promise<number> {
  const faults = faultsOf(mutants);
  if (faults.length === 0) {
    await Promise.all(directories.map(compile));
    faults.push(...(await baselineFaults(directories[0] as string, mutants)));
  }
  for (const fault of faults) console.log(fault);
  if (faults.length > 0) return mutants.length;
  const queue = [...mutants];
  const failed = await Promise.all(directories.map((directory) => work(directory, queue)));
  return failed.reduce((sum, one) => sum + one, 0);
}

async function main(): Promise<void> {
  const mutants = selected();
  const directories = Array.from({ length: WORKERS }, makeCopy);
  try {
    const failed = await tryAll(mutants, directories);
    console.log(`${mutants.length - failed} passed, ${failed} failed`);
    process.exitCode = failed > 0 || mutants.length === 0 ? 1 : 0;
  } finally {
    for (const directory of directories) rmSync(directory, { recursive: true, force: true });
  }
}

await main();
