import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Test, test } from 'tap';
import { runPlain } from './run-plain.ts';
import { temporaryDirectory } from './support/turnd-process.ts';

const GOOD = 'console.log("ok 1 - good\\n# { total: 3, pass: 2, skip: 1 }");';

async function run(t: Test, programs: Readonly<Record<string, string>>) {
  const cwd = temporaryDirectory(t);
  for (const [name, program] of Object.entries(programs)) writeFileSync(join(cwd, name), program);
  const printed: string[] = [];
  const print = (line: string): void => void printed.push(line);
  const result = await runPlain(Object.keys(programs), { cwd, env: { WORD: 'said' }, jobs: 2, print });
  return { ...result, printed, cwd };
}

function isAlive(stat: string): boolean {
  try {
    return !/ [ZX] /.test(readFileSync(stat, 'utf8'));
  } catch {
    return false;
  }
}

test('files that pass: their counts are added up, and no hook of tap is in them', async (t) => {
  const program = `${GOOD} console.log(process.env.WORD, process.env.NODE_OPTIONS, process.execArgv.join());`;
  const { status, summary, failures, printed } = await run(t, { 'a.mjs': program, 'b.mjs': GOOD });
  t.same([status, summary, failures], [0, { pass: 4, fail: 0, skip: 2 }, []]);
  t.ok(printed.includes('    said undefined --enable-source-maps'));
  t.ok(printed.some((line) => /^ok \d - b\.mjs # time=\d+ms/.test(line)));
});

test('a file that fails, crashes, or says nothing is a failure that is named', async (t) => {
  const { status, summary, failures } = await run(t, {
    'failing.mjs': 'console.log("not ok 1 - two is three\\n# { total: 1, fail: 1 }"); process.exitCode = 1;',
    'crashing.mjs': `${GOOD} process.kill(process.pid, 'SIGKILL');`,
    'silent.mjs': '',
    'good.mjs': GOOD,
  });
  t.same([status, summary], [1, { pass: 4, fail: 3, skip: 2 }]);
  t.same(failures.toSorted(), ['crashing.mjs', 'failing.mjs > two is three', 'silent.mjs']);
});

test('what a file leaves running is killed, and does not hold up the end', async (t) => {
  const program = `import { spawn } from 'node:child_process';
    import { writeFileSync } from 'node:fs';
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e9)'], { stdio: 'inherit' });
    writeFileSync('pid', String(child.pid)); ${GOOD} process.exit(0);`;
  const { status, cwd } = await run(t, { 'leaving.mjs': program });
  t.equal(status, 0);
  const stat = `/proc/${readFileSync(join(cwd, 'pid'), 'utf8')}/stat`;
  // It has closed its output before it is dead; and dead it stays there until somebody has looked after it.
  while (isAlive(stat)) await new Promise((resolve) => setImmediate(resolve));
});
