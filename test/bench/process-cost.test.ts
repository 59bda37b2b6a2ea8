import { existsSync } from 'node:fs';
import { test } from 'tap';
import { cpuSince, readMemory } from '../../bench/process-cost.ts';
import { Child } from '../support/child-process.ts';

// No process has a number this high.
const NOBODY = 2 ** 30;
const skip = existsSync('/proc/self/smaps_rollup') ? false : 'there is no /proc';

test('CPU time and memory include children', { skip }, async (t) => {
  const cost = cpuSince(process.pid);
  const alone = readMemory(process.pid);
  const busy = 'const b = Buffer.alloc(2e8, 1); while (process.cpuUsage().user < 3e5); console.log("x");';
  const child = new Child(process.execPath, ['-e', `${busy} setInterval(() => b, 1e6)`]);
  t.teardown(() => child.stop());
  await child.waitForLine((line) => line === 'x');
  const together = readMemory(process.pid);
  t.ok((cost() ?? 0) >= 250_000, 'of the 300 ms that the child has worked');
  if (alone === null || together === null) throw new Error('the memory cannot be read');
  t.ok(together.own - alone.own > 1.9e8, 'its own memory');
  t.ok(together.total - alone.total < together.resident - alone.resident, 'the files of both count once');
});

test('of a process that does not exist nothing is known', async (t) => {
  t.equal(readMemory(NOBODY), null);
  t.equal(cpuSince(NOBODY)(), null);
  t.equal(cpuSince(null)(), null);
});
