// A relay worker process: lives as long as its channel to main, and obeys nobody else.

import { exit } from 'node:process';
import { closeDebugger } from './server/close-debugger.ts';
import { startWorker, type Worker } from './server/worker.ts';
import type { FromWorker, ToWorker } from './workers/messages.ts';
import { Outbox } from './workers/outbox.ts';

/** Obeys main until it says stop, or is gone. */
function main(): void {
  process.title = 'turnd: worker';
  closeDebugger();
  // They reach the whole process group: what follows of them is main's to say. SIGUSR1 would open a debugger's port (S60).
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, ignore);
  process.on('disconnect', () => exit(0));
  let worker: Promise<Worker> | null = null;
  let last: Promise<unknown> = Promise.resolve();
  const outbox = new Outbox<FromWorker>({ send, later: process.nextTick });
  const fail = (error: unknown): void => {
    const reason = error instanceof Error ? error.message : String(error);
    outbox.send({ kind: 'failed', reason }, () => exit(1));
  };
  process.on('message', (messages: readonly ToWorker[]) => {
    for (const message of messages) {
      if (message.kind === 'start') {
        process.title = `turnd: worker ${message.worker}`;
        worker = startWorker(message, outbox);
        last = worker.catch(fail);
      }
    }
    // In their order, and none before it serves.
    const started = worker;
    if (started !== null) last = last.then(async () => obey(await started, messages)).catch(fail);
  });
}

async function obey(worker: Worker, messages: readonly ToWorker[]): Promise<void> {
  for (const message of messages) {
    if (message.kind === 'stop') {
      await worker.stop();
      exit(0);
    }
    // Answers are many: nothing is awaited for them.
    if (message.kind === 'answer' || message.kind === 'refusal') worker.answered(message);
    else if (message.kind !== 'start') await worker.said(message);
  }
}

function send(messages: readonly FromWorker[], sent: () => void): void {
  // Whoever has lost main is about to end.
  if (process.send === undefined || !process.connected) return sent();
  process.send(messages, undefined, undefined, sent);
}

function ignore(): void {}

main();
