// Runs seeds and saved corpus of the parsers' targets while V8 counts, and prints what of the parsers they reach, as JSON.
// A process of its own: what is to be counted must not be loaded before.

import { CodeCoverage, describeRange } from './code-coverage.ts';
import { readCorpus } from './corpus.ts';
import { PARSERS } from './parser-files.ts';

const coverage = new CodeCoverage(PARSERS.map((name) => `/src/stun/${name}.js`));
const { messageTarget } = await import('./targets/message.ts');
const { attributesTarget } = await import('./targets/attributes.ts');
const { framerTarget } = await import('./targets/framer.ts');
let inputs = 0;
for (const target of [messageTarget, attributesTarget, framerTarget]) {
  for (const input of [...target.seeds(), ...readCorpus(target.name)]) {
    await target.run(input, () => {});
    inputs++;
  }
}
const { branches, covered, missed } = coverage.branches();
console.log(JSON.stringify({ inputs, branches, covered, missed: missed.map(describeRange) }));
