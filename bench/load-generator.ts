// The load generator: a process of its own, forked by generators.ts. Sets up the clients and puts load on them step by
// step as it is told. Does not know how packets travel: that is the Load's.

import { performance } from 'node:perf_hooks';
import { LibcUnavailableError } from '../src/planes/linux/libc.ts';
import { openBatchedLoad } from './batched/batched-load.ts';
import { DgramLoad } from './dgram/dgram-load.ts';
import { type GeneratorCommand, GeneratorKind, type GeneratorMessage, type Load, type LoadJob } from './load-job.ts';
import { cpuSince } from './process-cost.ts';

/** Permissions last 300 seconds (RFC 8656 §9): they are refreshed before a step when this much has passed. */
const RENEW_MS = 100_000;

function tell(message: GeneratorMessage): void {
  process.send?.(message);
}

async function openLoad(job: LoadJob): Promise<Load> {
  if (job.generator === GeneratorKind.DGRAM) return new DgramLoad(job);
  try {
    return await openBatchedLoad(job);
  } catch (error) {
    if (!(error instanceof LibcUnavailableError) || job.generator === GeneratorKind.BATCHED) throw error;
    return new DgramLoad(job);
  }
}

async function setUp(load: Load, job: LoadJob): Promise<void> {
  await load.prepare();
  const serverCpu = cpuSince(job.serverPid);
  const cpuBefore = process.cpuUsage();
  const start = performance.now();
  await load.setUp();
  const seconds = (performance.now() - start) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  const { clients } = job;
  const serverCpuMicroseconds = serverCpu();
  const result = { kind: load.kind, clients, seconds, cpuMicroseconds: user + system, serverCpuMicroseconds };
  tell({ type: 'ready', result });
}

async function serve(job: LoadJob, commands: AsyncIterable<GeneratorCommand>): Promise<void> {
  const load = await openLoad(job);
  await setUp(load, job);
  let fresh = performance.now();
  for await (const command of commands) {
    if (command.type === 'close') break;
    if (command.type !== 'run') continue;
    if (command.step.renewals === 0 && performance.now() - fresh > RENEW_MS) {
      await load.renew();
      fresh = performance.now();
    }
    tell({ type: 'done', result: await load.run(command.step) });
  }
  await load.close();
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
  if (first?.type !== 'open') throw new Error('the first command must be the job');
  await serve(first.job, commands);
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
