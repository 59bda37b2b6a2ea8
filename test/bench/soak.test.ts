// The soak itself: what it says of given counts, and that a short one finds a healthy server healthy.

import { test } from 'tap';
import { parseSoakOptions } from '../../bench/soak/options.ts';
import { soak } from '../../bench/soak/soak.ts';
import { growthOf, judgeSoak, type MemorySample, type SoakCounts, slopeOf } from '../../bench/soak/verdict.ts';
import { findLibc } from '../support/linux-libc.ts';

const MIB = 1024 * 1024;
const { skip } = await findLibc();

function memory(...mebibytes: number[]): MemorySample[] {
  return mebibytes.map((value, index) => ({ seconds: index * 60, bytes: value * MIB }));
}

const GOOD: SoakCounts = {
  sent: 1000,
  received: 1000,
  dropped: 0,
  churn: { ok: 5, refused: 0, codes: [], failed: 0, sent: 30, received: 30 },
  memory: memory(80, 90, 91, 91, 90, 91, 91, 90),
  descriptorsBefore: 60,
  descriptorsAfter: 60,
  sameProcesses: true,
};

function failures(changes: Partial<SoakCounts>): number {
  return judgeSoak({ ...GOOD, ...changes }).filter(({ passed }) => !passed).length;
}

test('a server that loses nothing and leaves nothing behind has passed', async (t) => {
  t.equal(failures({}), 0);
});

test('each fault is found', async (t) => {
  const faults: Partial<SoakCounts>[] = [
    { received: 999 },
    { sent: 0, received: 0 },
    { churn: { ...GOOD.churn, refused: 1 } },
    { churn: { ...GOOD.churn, failed: 1 } },
    { churn: { ...GOOD.churn, received: 29 } },
    { memory: memory(80, 90, 90, 90, 91, 91, 92, 92) },
    { descriptorsAfter: 61 },
    { sameProcesses: false },
  ];
  for (const fault of faults) t.equal(failures(fault), 1, JSON.stringify(fault));
  t.equal(failures({ received: 999, dropped: 1 }), 0, 'what the generator lost is not the server’s loss');
});

test('growth is from the second to the last quarter, the slope without the first', async (t) => {
  t.equal(growthOf(memory(10, 20, 30, 31, 32, 33, 34, 35)), 34.5 * MIB - 30.5 * MIB);
  t.equal(Math.round(slopeOf(memory(10, 20, 30, 31, 32, 33, 34, 35)) / MIB), 1);
  t.equal(growthOf(memory(1, 2, 3)), 0);
  t.equal(slopeOf([]), 0);
});

test('options are checked', async (t) => {
  t.match(parseSoakOptions(['--minutes', '2', '--churn', '0']), { minutes: 2, churn: 0, rate: 10_000, every: 10 });
  for (const args of [
    ['--minutes', '0'],
    ['--rate', 'x'],
    ['--rounds', '3'],
    ['--spawn', 'nginx'],
  ]) {
    t.throws(() => parseSoakOptions(args), { message: /must be|Unknown option/ }, args.join(' '));
  }
});

// Seconds, not minutes: whether memory is flat cannot be seen in so short a time.
test('a short soak of turnd: all arrives, is refreshed meanwhile, and all that came has gone', { skip }, async (t) => {
  const lines: string[] = [];
  const args = '--minutes 0.1 --rate 200 --clients 4 --payload 100 --churn 5 --lifetime 2 --renewals 200 --every 1.5';
  const options = parseSoakOptions([...args.split(' '), '--spawn', 'turnd --workers 1']);
  const counts = await soak(options, (line) => lines.push(line));
  t.equal(lines.length, 4);
  t.match(lines.at(-1), /lost 0 so far, refreshed [1-9]\d+ \|/);
  t.ok(counts.sent > 0);
  t.equal(counts.received, counts.sent);
  t.ok(counts.churn.ok > 0);
  t.match(counts.churn, { refused: 0, failed: 0, sent: counts.churn.received });
  t.equal(counts.descriptorsAfter, counts.descriptorsBefore);
  t.ok(counts.sameProcesses);
});
