import { test } from 'tap';
import type { Sample } from '../../bench/load-process.ts';
import { jsonOf, median, tableOf, warningsOf } from '../../bench/report.ts';

function sample(changes: Partial<Sample>): Sample {
  return {
    offeredPerSecond: 1000,
    sentPerSecond: 1000,
    receivedPerSecond: 1000,
    sent: 1000,
    received: 1000,
    loss: 0,
    p50Microseconds: 50,
    p99Microseconds: 100,
    cpuMicrosecondsPerPacket: 8,
    residentBytes: 2 ** 20,
    kept: 1,
    lateP99Microseconds: 10,
    generators: 1,
    generatorCpu: 1,
    ...changes,
  };
}

test('the median is the middle, and unknown if any value is', async (t) => {
  t.equal(median([3, 1, 2]), 2);
  t.equal(median([4, 1, 2, 3]), 2.5);
  t.equal(median([]), null);
  t.equal(median([1, null, 3]), null);
});

test('ratios compare the samples of the same round', async (t) => {
  const ours = [4, 40, 8].map((cpuMicrosecondsPerPacket) => sample({ cpuMicrosecondsPerPacket }));
  const theirs = [8, 80, 16].map((cpuMicrosecondsPerPacket) => sample({ cpuMicrosecondsPerPacket }));
  const all = [
    { name: 'ours', samples: ours },
    { name: 'theirs', samples: theirs },
  ];
  t.match(jsonOf(all), [
    { name: 'ours', medians: { 'CPU µs/packet': 8 }, ratios: { 'CPU µs/packet': 0.5 } },
    { name: 'theirs', medians: { 'CPU µs/packet': 16 }, ratios: null },
  ]);
  t.match(tableOf(all), /^ours \/ theirs .* 0\.50/m);
});

test('the cost of an unknown process is a dash', async (t) => {
  const samples = [sample({ cpuMicrosecondsPerPacket: null, residentBytes: null })];
  t.match(tableOf([{ name: 'far', samples }]), /^far .* - +- /m);
});

test('a sample that measured the generator is warned of', async (t) => {
  const samples = [sample({}), sample({ kept: 0.9 }), sample({ generatorCpu: 0.5 })];
  const warnings = warningsOf([{ name: 'a', samples }]);
  t.match(warnings, [/a, round 2: .* 90\.0 %/, /a, round 3: other processes/]);
  t.equal(warnings.length, 2);
});
