// The throughput benchmark: the same ChannelData load on several TURN servers, one after another in every round, and
// their figures side by side. See README.md in this folder.

import { measureLoad, type Sample } from './load-process.ts';
import { type BenchOptions, parseOptions, UsageError } from './options.ts';
import { jsonOf, type Series, tableOf, warningsOf } from './report.ts';
import { openTarget, type Target } from './servers.ts';

async function openTargets(options: BenchOptions): Promise<readonly Target[]> {
  const targets: Target[] = [];
  try {
    for (const choice of options.servers) targets.push(await openTarget(choice, options));
    return targets;
  } catch (error) {
    await closeAll(targets);
    throw error;
  }
}

async function closeAll(targets: readonly Target[]): Promise<void> {
  await Promise.all(targets.map((target) => target.stop()));
}

function measureTarget(target: Target, options: BenchOptions): Promise<Sample> {
  const { clients, payload, rate, burst, direction, warmUpSeconds, seconds } = options;
  const { address: server, credentials } = target;
  const job = { server, credentials, clients, payload, rate, burst, direction, warmUpSeconds, seconds };
  return measureLoad(job, options.generators, target.pid);
}

// A B A B: whatever else the machine does falls on all servers alike.
async function measureInterleaved(targets: readonly Target[], options: BenchOptions): Promise<readonly Series[]> {
  const all = targets.map((target) => ({ name: target.name, samples: [] as Sample[] }));
  for (let round = 0; round < options.rounds; round++) {
    for (const [index, target] of targets.entries()) all[index]?.samples.push(await measureTarget(target, options));
  }
  return all;
}

function printHuman(all: readonly Series[], options: BenchOptions): void {
  const { clients, payload, rate, burst, direction, seconds, rounds } = options;
  console.log(
    `${clients} clients, ${payload} bytes, ${rate} packets/s in bursts of ${burst}, ${direction}, ${rounds} × ${seconds} s`,
  );
  console.log(tableOf(all));
  for (const warning of warningsOf(all)) console.log(warning);
}

function isLossless(series: Series): boolean {
  return series.samples.every((sample) => sample.sent > 0 && sample.received === sample.sent);
}

async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2));
  const targets = await openTargets(options);
  try {
    const all = await measureInterleaved(targets, options);
    if (options.json)
      console.log(JSON.stringify({ options: { ...options, credentials: undefined }, servers: jsonOf(all) }, null, 2));
    else printHuman(all, options);
    return !options.smoke || all.every(isLossless) ? 0 : 1;
  } finally {
    await closeAll(targets);
  }
}

try {
  process.exitCode = await main();
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
