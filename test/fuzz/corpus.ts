// The saved corpus and the failures on disk: one hexadecimal line per input, `#` begins a comment.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { projectRoot } from '../support/vectors.ts';

const folder = (path: string): string => fileURLToPath(new URL(`test/fuzz/${path}`, projectRoot));

/** The inputs in a file of hexadecimal lines. */
export function readInputs(path: string): Buffer[] {
  const lines = readFileSync(path, 'utf8').split('\n');
  return lines.filter((line) => /^([0-9a-f]{2})+$/.test(line)).map((line) => Buffer.from(line, 'hex'));
}

/** The saved corpus of a target; empty if there is none yet. */
export function readCorpus(target: string): Buffer[] {
  const path = folder(`corpus/${target}.hex`);
  return existsSync(path) ? readInputs(path) : [];
}

// What is kept in the repository stays small: long inputs and the hundreds of the same kind are soon found again.
const MAX_SAVED_LENGTH = 600;
const MAX_SAVED = 120;

/** Replaces the saved corpus of a target; the short inputs first. */
export function saveCorpus(target: string, inputs: readonly Buffer[]): void {
  const short = inputs.filter((input) => input.length > 0 && input.length <= MAX_SAVED_LENGTH);
  const lines = [...new Set(short.slice(0, MAX_SAVED).map((input) => input.toString('hex')))];
  lines.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  writeFileSync(folder(`corpus/${target}.hex`), `${lines.join('\n')}\n`);
}

/** Writes an input that failed and returns the path of the file. */
export function saveFailure(target: string, seed: number, input: Buffer, what: string): string {
  mkdirSync(folder('failures'), { recursive: true });
  const path = folder(`failures/${target}-${seed}.hex`);
  const comment = what.replace(/[^\x20-\x7e]+/g, ' ');
  writeFileSync(path, `# target ${target}\n# seed ${seed}: ${comment}\n${input.toString('hex')}\n`);
  return path;
}

/** The target that a file of {@link saveFailure} names, or null. */
export function targetOfFailure(path: string): string | null {
  return /^# target (\S+)$/m.exec(readFileSync(path, 'utf8'))?.[1] ?? null;
}
