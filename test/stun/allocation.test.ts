import { execFileSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';

const CHILD = fileURLToPath(new URL('../support/allocation-child.js', import.meta.url));
// A process's own odds and ends amount to 100 KB or so: a byte per packet.
const LIMIT = 8;

interface Cost {
  readonly bytesPerPacket: number;
  readonly collections: number;
}

/** Runs a job of allocation-child.ts in a young generation of so many MiB. */
function costOf(job: string, semiSpace = 64): Cost {
  const flags = ['--expose-gc', `--max-semi-space-size=${semiSpace}`, `--min-semi-space-size=${semiSpace}`];
  // Without the environment: a test runner's hooks would allocate on our account.
  return JSON.parse(execFileSync(process.execPath, [...flags, CHILD, job], { encoding: 'utf8', env: {} }));
}

for (const job of ['send-indication', 'channel-data', 'both', 'data-indication']) {
  test(`the packet path allocates nothing: ${job}`, async (t) => {
    const { bytesPerPacket, collections } = costOf(job);
    t.ok(bytesPerPacket < LIMIT, `${bytesPerPacket} bytes per packet`);
    t.equal(collections, 0);
  });
}

for (const job of ['self-check-subarray', 'self-check-object']) {
  test(`the measurement notices one allocation per packet: ${job}`, async (t) => {
    t.ok(costOf(job).bytesPerPacket > LIMIT);
    t.ok(costOf(job, 1).collections > 0, 'and the collections that it causes');
  });
}
