// Fuzzes one target and reports to the process that has started this one. V8 counts from before its code is loaded.
//
//   node dist/test/fuzz/run-target.js --target NAME --seed N --seconds N [--save] [--no-coverage]

import { parseArgs } from 'node:util';
import { CodeCoverage } from './code-coverage.ts';
import { readCorpus, saveCorpus, saveFailure } from './corpus.ts';
import { Fuzzer, shrink, tryInput } from './fuzzer.ts';
import type { Target } from './target.ts';

/** What became of a target. */
export interface Report {
  readonly target: string;
  readonly seconds: number;
  readonly inputs: number;
  readonly executions: number;
  readonly features: number;
  /** Of the target's code, 0..1. */
  readonly coverage: number | null;
  readonly kept: number;
  /** What is wrong, in one line; null = nothing was found. */
  readonly failure: string | null;
}

interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly save: boolean;
}

async function fuzz(target: Target, coverage: CodeCoverage | null, { seconds, seed, save }: Options): Promise<Report> {
  const { find, kept, ...figures } = await new Fuzzer(target, seed, coverage).run(readCorpus(target.name), { seconds });
  coverage?.close();
  if (save && find === null) await saveNew(target, kept);
  const failure = find === null ? null : await describe(target, seed, await shrink(target, find.input));
  return { target: target.name, ...figures, kept: kept.length, failure };
}

/** Saves what makes something happen that the target's own seeds do not; the short inputs come first. */
async function saveNew(target: Target, kept: readonly Buffer[]): Promise<void> {
  const features = new Set<string>();
  for (const seed of target.seeds()) await tryInput(target, seed, (feature) => features.add(feature));
  const saved: Buffer[] = [];
  for (const input of [...kept].sort((a, b) => a.length - b.length)) {
    const known = features.size;
    await tryInput(target, input, (feature) => features.add(feature));
    if (features.size > known) saved.push(input);
  }
  saveCorpus(target.name, saved);
}

async function describe(target: Target, seed: number, input: Buffer): Promise<string> {
  const { error } = await tryInput(target, input, () => {});
  const path = saveFailure(target.name, seed, input, String(error));
  console.error(`${target.name}: seed ${seed}, input ${input.toString('hex')}`);
  console.error(error);
  console.error(`replay: node dist/test/fuzz/run.js --replay ${path}`);
  return String(error).replace(/[^\x20-\x7e]+/g, ' ');
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      target: { type: 'string', default: '' },
      seconds: { type: 'string', default: '' },
      seed: { type: 'string', default: '' },
      save: { type: 'boolean', default: false },
      'no-coverage': { type: 'boolean', default: false },
    },
  });
  const watched: string[] = [];
  const counting = values['no-coverage'] ? null : new CodeCoverage(watched);
  const { TARGETS } = await import('./targets/all.ts');
  const target = TARGETS.find(({ name }) => name === values.target);
  if (target === undefined) throw new Error(`no target ${values.target}`);
  watched.push(...target.code);
  if (watched.length === 0) counting?.close();
  const coverage = watched.length === 0 ? null : counting;
  const options = { seconds: Number(values.seconds), seed: Number(values.seed), save: values.save };
  const report = await fuzz(target, coverage, options);
  process.send?.(report, () => process.exit());
}

await main();
