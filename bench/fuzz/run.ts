// How many executions each fuzz target does per second, on one core: figures to see a target or a parser become slow.
// Nothing is asserted.
//
//   node dist/bench/fuzz/run.js [--seconds 5] [--target NAME]

import { parseArgs } from 'node:util';
import { readCorpus } from '../../test/fuzz/corpus.ts';
import { Fuzzer } from '../../test/fuzz/fuzzer.ts';
import { TARGETS } from '../../test/fuzz/targets/all.ts';
import { textTable } from '../table.ts';

// The same inputs each time.
const SEED = 1;

async function main(): Promise<void> {
  const { values } = parseArgs({ options: { seconds: { type: 'string', default: '5' }, target: { type: 'string' } } });
  const rows = [['target', 'executions/s', 'per input']];
  for (const target of TARGETS.filter(({ name }) => values.target === undefined || name === values.target)) {
    const result = await new Fuzzer(target, SEED).run(readCorpus(target.name), { seconds: Number(values.seconds) });
    const perInput = result.executions / result.inputs;
    rows.push([target.name, `${Math.round(result.executions / result.seconds)}`, perInput.toFixed(1)]);
    process.stderr.write(`${target.name}\n`);
  }
  console.log(textTable(rows, 1));
}

await main();
