// A relay worker process: lives as long as its channel to main, and obeys nobody else.

import { exit } from 'node:process';
import { startWorker, type Worker } from './server/worker.ts';
import type { FromWorker, ToWorker } from './workers/messages.ts';

/** Obeys main until it says stop, or is gone. */
function main(): void {
  process.title = 'turnd: worker';
  // They reach the whole process group: what follows of them is main's to say. SIGUSR1 would open a debugger's port (S60).
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, ignore);
  process.on('disconnect', () => exit(0));
  let worker: Promise<Worker> | null = null;
  let last: Promise<unknown> = Promise.resolve();
  process.on('message', (message: ToWorker) => {
    if (message.kind === 'start') {
      process.title = `turnd: worker ${message.worker}`;
      worker = startWorker(message, { send });
      last = worker.catch(fail);
      return;
    }
    // In their order, and none before it serves.
    const started = worker;
    if (started !== null) last = last.then(async () => obey(await started, message)).catch(fail);
  });
}

async function obey(worker: Worker, message: ToWorker): Promise<void> {
  if (message.kind !== 'stop') return worker.said(message);
  await worker.stop();
  exit(0);
}

function fail(error: unknown): void {
  const reason = error instanceof Error ? error.message : String(error);
  send({ kind: 'failed', reason }, () => exit(1));
}

function send(message: FromWorker, sent: () => void = ignore): void {
  // Whoever has lost main is about to end.
  if (process.send === undefined || !process.connected) return sent();
  process.send(message, undefined, undefined, sent);
}

function ignore(): void {}

main();
