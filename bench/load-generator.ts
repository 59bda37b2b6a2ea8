// The load generator: a process of its own, forked by load-process.ts. Sets up the clients, sends at the asked rate,
// counts what arrives, reports once.

import { performance } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Histogram } from './histogram.ts';
import { Direction, type GeneratorCommand, type GeneratorMessage, type LoadJob, type LoadResult } from './load-job.ts';
import { Meter, Phase } from './meter.ts';
import { pace } from './pacer.ts';
import { CHANNEL, openPair, type RelayedPair } from './relayed-pair.ts';

/** How many clients set themselves up at a time. */
const SETUP_WIDTH = 16;

/** A packet that has not arrived this long after the last one was sent is lost, in milliseconds. */
const DRAIN_MS = 500;

function tell(message: GeneratorMessage): void {
  process.send?.(message);
}

async function openPairs(job: LoadJob, meter: Meter): Promise<readonly RelayedPair[]> {
  const pairs: RelayedPair[] = [];
  while (pairs.length < job.clients) {
    const width = Math.min(SETUP_WIDTH, job.clients - pairs.length);
    const opening = Array.from({ length: width }, () => openPair(job.server, job.credentials, meter));
    pairs.push(...(await Promise.all(opening)));
  }
  return pairs;
}

function burstSender(job: LoadJob, pairs: readonly RelayedPair[], meter: Meter): (n: number) => void {
  const toPeer = (pair: RelayedPair): void => {
    for (let i = 0; i < job.burst; i++) pair.sendToPeer(meter.takePacket());
  };
  const toClient = (pair: RelayedPair): void => {
    for (let i = 0; i < job.burst; i++) pair.sendToClient(meter.takePayload());
  };
  const { direction } = job;
  if (direction === Direction.CLIENT_TO_PEER) return (n) => toPeer(pairs[n % pairs.length] as RelayedPair);
  if (direction === Direction.PEER_TO_CLIENT) return (n) => toClient(pairs[n % pairs.length] as RelayedPair);
  return (n) => (n % 2 === 0 ? toPeer : toClient)(pairs[(n >>> 1) % pairs.length] as RelayedPair);
}

async function drain(meter: Meter): Promise<void> {
  const deadline = performance.now() + DRAIN_MS;
  while (meter.received < meter.sent && performance.now() < deadline) await delay(10);
}

async function measure(job: LoadJob, pairs: readonly RelayedPair[], meter: Meter): Promise<LoadResult> {
  const send = burstSender(job, pairs, meter);
  const rate = job.rate / job.burst;
  if (job.warmUpSeconds > 0) await pace(rate, job.warmUpSeconds, new Histogram(), send);
  tell({ type: 'measuring' });
  meter.phase = Phase.MEASURED;
  const lateness = new Histogram();
  const cpuBefore = process.cpuUsage();
  const seconds = await pace(rate, job.seconds, lateness, send);
  const cpu = process.cpuUsage(cpuBefore);
  await drain(meter);
  return {
    offered: Math.round(rate * job.seconds) * job.burst,
    sent: meter.sent,
    received: meter.received,
    seconds,
    latency: meter.latency.entries(),
    lateness: lateness.entries(),
    cpuMicroseconds: cpu.user + cpu.system,
  };
}

async function run(job: LoadJob, commands: AsyncIterator<GeneratorCommand>): Promise<void> {
  const meter = new Meter(job.payload, CHANNEL);
  const pairs = await openPairs(job, meter);
  tell({ type: 'ready' });
  await commands.next();
  const result = await measure(job, pairs, meter);
  tell({ type: 'done', result });
  await commands.next();
  await Promise.all(pairs.map((pair) => pair.close()));
}

async function* commandsFromParent(): AsyncGenerator<GeneratorCommand> {
  const waiting: GeneratorCommand[] = [];
  let wake = (): void => {};
  process.on('message', (command: GeneratorCommand) => {
    waiting.push(command);
    wake();
  });
  for (;;) {
    const command = waiting.shift();
    if (command !== undefined) yield command;
    else await new Promise<void>((resolve) => (wake = resolve));
  }
}

async function main(): Promise<void> {
  const commands = commandsFromParent();
  const { value: first } = await commands.next();
  if (first?.type !== 'job') throw new Error('the first command must be the job');
  await run(first.job, commands);
}

// Without its parent a generator has nobody to report to.
process.once('disconnect', () => process.exit(1));
try {
  await main();
  process.exit(0);
} catch (error) {
  tell({ type: 'failed', message: error instanceof Error ? error.message : String(error) });
  process.exitCode = 1;
}
