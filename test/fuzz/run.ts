// Fuzzes the targets one after another. Prints a line per target and, last, `N passed, N failed`.
//
//   node dist/test/fuzz/run.js [--seconds 30] [--seed N] [--target NAME] [--save]
//   node dist/test/fuzz/run.js --replay FILE

import { parseArgs } from 'node:util';
import { readCorpus, readInputs, saveCorpus, saveFailure, targetOfFailure } from './corpus.ts';
import { Fuzzer, type FuzzResult, shrink, tryInput } from './fuzzer.ts';
import type { Target } from './target.ts';
import { TARGETS } from './targets/all.ts';

const DEFAULT_SECONDS = 30;

interface Options {
  readonly seconds: number;
  readonly seed: number;
  readonly save: boolean;
}

/** Fuzzes one target; whether it passed. */
async function fuzz(target: Target, { seconds, seed, save }: Options): Promise<boolean> {
  const result = await new Fuzzer(target, seed).run(readCorpus(target.name), { seconds });
  console.log(`${target.name.padEnd(14)} ${figuresOf(result)}`);
  if (save && result.find === null) await saveNew(target, result.kept);
  if (result.find === null) return true;
  const input = await shrink(target, result.find.input);
  await report(target, seed, input);
  return false;
}

function figuresOf({ executions, inputs, seconds, features, kept }: FuzzResult): string {
  const rate = Math.round(executions / seconds);
  return `${rate} executions/s, ${executions} executions, ${inputs} inputs, ${features} features, ${kept.length} kept`;
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

async function report(target: Target, seed: number, input: Buffer): Promise<void> {
  const { error } = await tryInput(target, input, () => {});
  const path = saveFailure(target.name, seed, input, String(error));
  console.error(`${target.name}: seed ${seed}, input ${input.toString('hex')}`);
  console.error(error);
  console.error(`replay: node dist/test/fuzz/run.js --replay ${path}`);
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

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: `${DEFAULT_SECONDS}` },
      seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
      target: { type: 'string' },
      replay: { type: 'string' },
      save: { type: 'boolean', default: false },
    },
  });
  const name = values.target ?? (values.replay === undefined ? undefined : (targetOfFailure(values.replay) ?? ''));
  const chosen = TARGETS.filter((target) => name === undefined || target.name === name);
  const options = { seconds: Number(values.seconds), seed: Number(values.seed), save: values.save };
  if (chosen.length === 0)
    console.error(`no target ${name}: there are ${TARGETS.map((target) => target.name).join(', ')}`);
  console.log(`seed ${options.seed}`);
  let failed = chosen.length === 0 ? 1 : 0;
  for (const target of chosen) {
    const passed = values.replay === undefined ? await fuzz(target, options) : await replay(values.replay, target);
    if (!passed) failed++;
  }
  console.log(`${Math.max(chosen.length - failed, 0)} passed, ${failed} failed`);
  process.exitCode = failed > 0 ? 1 : 0;
}

await main();
