// Which tests carry the number of a requirement, and how many mutants break them: read from the tests and the mutant lists
// themselves.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { projectRoot } from './vectors.ts';

/** What proves a requirement. */
export interface Proofs {
  /** Test files, relative to `test/`. */
  readonly tests: readonly string[];
  /** How many mutants carry the number. */
  readonly mutants: number;
}

const ROOT = fileURLToPath(projectRoot);

// `TURN-03`, `S39`, `R10`, `TRN-01…03`.
const NUMBER = /(?:[A-Z]+-|[SR])\d+/g;
const HEAD = /^((?:(?:[A-Z]+-|[SR])\d+(?:\u2026\d+)?[,:; ]*(?:and )?)+)/;

/** Test names begin with the numbers that they prove: `TURN-03 a retransmitted …`, `S29, S31: …`. */
export function numbersIn(source: string): Set<string> {
  const numbers = new Set<string>();
  for (const [, name = ''] of source.matchAll(/\b(?:test\(|title:)\s*[`'"]((?:[^`'"\\]|\\.)*)/g)) {
    const head = HEAD.exec(name)?.[1] ?? '';
    for (const [number] of head.matchAll(NUMBER)) numbers.add(number);
  }
  return numbers;
}

/** Reads tests and mutant lists once; tells what proves a number. */
export function readProofs(): (id: string) => Proofs {
  const files = testFiles().map((path) => {
    return { path, numbers: numbersIn(readFileSync(join(ROOT, 'test', path), 'utf8')) };
  });
  const mutants = readMutantIds();
  return (id) => ({
    tests: files.filter(({ numbers }) => numbers.has(id)).map(({ path }) => path),
    mutants: mutants.filter((one) => one === id || one.startsWith(`${id}-`)).length,
  });
}

/** How a table names test files. */
export function nameTests(tests: readonly string[]): string {
  return tests.map((path) => path.replace(/\.test\.ts$|\.ts$/, '')).join(', ');
}

/** A line of a table in Markdown. */
export function tableLine(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function testFiles(): string[] {
  const root = join(ROOT, 'test');
  return readdirSync(root, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.ts') && !path.startsWith('support/'))
    .sort();
}

function readMutantIds(): string[] {
  const folder = join(ROOT, 'test/mutants');
  return readdirSync(folder)
    .filter((name) => name.endsWith('.json'))
    .flatMap((name) => JSON.parse(readFileSync(join(folder, name), 'utf8')) as { id: string }[])
    .map(({ id }) => id);
}
