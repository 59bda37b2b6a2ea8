// What a mutant is: a one-line change to a source file that a named test must notice. Reading, choosing and applying
// them; run.ts does the rest.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface Mutant {
  /** The requirement (CONFORMANCE, S, R number) or the behaviour whose test is on trial. */
  readonly id: string;
  /** Source file to change, from the project's root. */
  readonly file: string;
  /** Text within one line that occurs exactly once in the file. */
  readonly find: string;
  readonly replace: string;
  /** The test file that must fail, from the project's root. */
  readonly test: string;
}

/** A mutant with the name of the list that it is from. */
export interface ListedMutant extends Mutant {
  readonly list: string;
}

const FIELDS: readonly (keyof Mutant)[] = ['id', 'file', 'find', 'replace', 'test'];

/** All mutants of test/mutants/*.json below `root`. */
export function readMutants(root: string): ListedMutant[] {
  const folder = join(root, 'test/mutants');
  const lists = readdirSync(folder).filter((name) => name.endsWith('.json'));
  return lists.sort().flatMap((list) => {
    const mutants: Mutant[] = JSON.parse(readFileSync(join(folder, list), 'utf8'));
    return mutants.map((mutant) => ({ ...mutant, list }));
  });
}

/** What is wrong with a mutant, in words, or null. `source` is the text of its file. */
export function faultOf(mutant: Mutant, source: string): string | null {
  const missing = FIELDS.find((field) => typeof mutant[field] !== 'string');
  if (missing !== undefined) return `no ${missing}`;
  if (mutant.find === '' || mutant.find.includes('\n')) return 'find is not a single line';
  if (mutant.find === mutant.replace) return 'replace changes nothing';
  const count = source.split(mutant.find).length - 1;
  return count === 1 ? null : `find occurs ${count} times in ${mutant.file}`;
}

/** The source with the change made. */
export function mutate(mutant: Mutant, source: string): string {
  // A function, because `$` in a replacement string has meanings of its own.
  return source.replace(mutant.find, () => mutant.replace);
}

/** `count` of the items at random, the same for the same seed. */
export function choose<T>(items: readonly T[], count: number, seed: number): T[] {
  const left = [...items];
  let state = seed >>> 0;
  const chosen: T[] = [];
  while (chosen.length < count && left.length > 0) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    chosen.push(...left.splice(Math.floor((state / 2 ** 32) * left.length), 1));
  }
  return chosen;
}
