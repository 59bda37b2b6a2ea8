import { test } from 'tap';
import { Histogram } from '../../bench/histogram.ts';
import type { LoadResult } from '../../bench/load-job.ts';
import { Outcome } from '../../bench/lossless-search.ts';
import { addUpSetUps, addUpStep, doubtsOf, outcomeOf, packetsSample, setUpsSample } from '../../bench/samples.ts';

function bucketsOf(value: number): LoadResult['latency'] {
  const histogram = new Histogram();
  for (let i = 0; i < 100; i++) histogram.record(value);
  return histogram.entries();
}

function result(changes: Partial<LoadResult> = {}): LoadResult {
  return {
    offered: 1000,
    sent: 1000,
    received: 1000,
    dropped: 0,
    renewed: 0,
    seconds: 1,
    latency: bucketsOf(50_000),
    lateness: bucketsOf(10_000),
    cpuMicroseconds: 990_000,
    serverCpuMicroseconds: 8000,
    ...changes,
  };
}

const LATE_ALLOWED = 500;

test('generators are added up, and the server is counted once', async (t) => {
  const step = addUpStep([result(), result({ serverCpuMicroseconds: null, seconds: 2, latency: bucketsOf(200_000) })]);
  t.match(step, { sent: 2000, received: 2000, seconds: 2, generators: 2, serverCpuMicroseconds: 8000 });
  const { figures } = packetsSample(step, []);
  t.equal(figures.cpu, 4, 'microseconds for each of 2000 packets');
  t.equal(figures.received, 1000);
  t.equal(figures.loss, 0);
  t.ok(Math.abs((figures.p50 ?? 0) - 50) < 2);
  t.ok(Math.abs((figures.p99 ?? 0) - 200) < 7);
});

test('the cost of an unknown process is unknown, and so is that of no packets', async (t) => {
  t.equal(packetsSample(addUpStep([result({ serverCpuMicroseconds: null })]), []).figures.cpu, null);
  t.equal(packetsSample(addUpStep([result({ received: 0 })]), []).figures.cpu, null);
});

test('a try without loss is told from one where server or generator failed', async (t) => {
  const outcome = (changes: Partial<LoadResult>): Outcome => outcomeOf(addUpStep([result(changes)]));
  t.equal(outcome({}), Outcome.LOSSLESS);
  t.equal(outcome({ received: 999 }), Outcome.LOSSLESS, '0.1 %');
  t.equal(outcome({ received: 998 }), Outcome.LOSSY);
  t.equal(outcome({ received: 900, dropped: 50 }), Outcome.GENERATOR, 'its own sockets overflowed');
  t.equal(outcome({ sent: 980, received: 980 }), Outcome.GENERATOR, 'it did not send what was offered');
  t.equal(outcome({ sent: 0, received: 0 }), Outcome.GENERATOR);
});

test('a run that measured the generator is doubted', async (t) => {
  const doubts = (changes: Partial<LoadResult>, sleeps = false) =>
    doubtsOf(addUpStep([result(changes)]), LATE_ALLOWED, sleeps);
  t.strictSame(doubts({}), []);
  t.match(doubts({ sent: 900 }), [/only 90\.0 %/]);
  t.match(doubts({ dropped: 3 }), [/itself lost 3 packets/]);
  t.match(doubts({ lateness: bucketsOf(600_000) }), [/late \(p99 \d+ µs\)/]);
  t.match(doubts({ cpuMicroseconds: 500_000 }), [/got 0\.50 of 1/]);
  t.strictSame(doubts({ cpuMicroseconds: 500_000 }, true), [], 'one that sleeps needs no whole CPU');
});

test('set-ups are counted by the slowest generator', async (t) => {
  const one = { kind: 'batched', clients: 100, seconds: 0.5, cpuMicroseconds: 100_000 } as const;
  const all = addUpSetUps([
    { ...one, serverCpuMicroseconds: 20_000 },
    { ...one, seconds: 0.4, serverCpuMicroseconds: null },
  ]);
  t.match(setUpsSample(all), { figures: { setUps: 400, setUpCpu: 100, generatorCpu: 0.4 }, warnings: [] });
  t.match(setUpsSample({ ...all, cpuMicroseconds: 490_000 }).warnings, [/busy all the time/]);
});
