// How much of the parsers the saved corpus reaches: whoever changes a parser learns here that the corpus must grow
// (`npm run fuzz -- --target message --save`).

import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { test } from 'tap';

interface Reached {
  readonly inputs: number;
  readonly branches: number;
  readonly covered: number;
  /** What is not reached, for people. */
  readonly missed: readonly string[];
}

test('R2 seeds and corpus reach 95 % of the branches of the parsers', async (t) => {
  const program = fileURLToPath(new URL('./parser-coverage-child.js', import.meta.url));
  // Without tap's own measurement, which would reset these counters.
  const { NODE_V8_COVERAGE: _, ...env } = process.env;
  const { stdout } = await promisify(execFile)(process.execPath, [program], { env });
  const { inputs, branches, covered, missed } = JSON.parse(stdout) as Reached;
  t.ok(inputs > 300, `${inputs} inputs`);
  t.ok(branches > 60, `${branches} branches are counted`);
  t.ok(covered >= branches * 0.95, `${covered} of ${branches} branches; not reached:\n${missed.join('\n')}`);
  t.comment(`${covered} of ${branches} branches; not reached: ${missed.join('; ')}`);
});
