// Main and a worker that has gone mad: nothing of it reaches those who trust messages.

import { test } from 'tap';
import type { TaggedDescriptors } from '../../src/workers/descriptors.ts';
import type { FromWorker, ToWorker } from '../../src/workers/messages.ts';
import type { WorkerEvents } from '../../src/workers/spawn-worker.ts';
import { WorkerFleet } from '../../src/workers/worker-fleet.ts';
import { VirtualTimers } from './virtual-timers.ts';

function openFleet() {
  const timers = new VirtualTimers();
  const workers: WorkerEvents[] = [];
  const sent: ToWorker[] = [];
  const said: FromWorker[] = [];
  const babbled: number[] = [];
  const killed: number[] = [];
  const fleet = new WorkerFleet({
    ...{ workers: 2, timers },
    spawn: (worker, events) => {
      workers[worker] = events;
      const process = {
        pid: worker,
        send: (message: ToWorker) => void sent.push(message),
        kill: () => void killed.push(worker),
      };
      return { process, descriptors: { close: () => {} } as unknown as TaggedDescriptors };
    },
    handlers: () => ({
      credential: () => ({ refusal: 'unknown-user' }),
      userhash: () => null,
      quota: () => ({ userSlot: null }),
      mayHold: () => true,
      hold: () => null,
      redeem: () => null,
    }),
    said: (_, message) => void said.push(message),
    babbled: (worker) => void babbled.push(worker),
    ready: () => {},
    gone: () => {},
    gaveUp: () => {},
  });
  const worker = (number: number): WorkerEvents => workers[number] as WorkerEvents;
  const begin = async (): Promise<void> => {
    const started = fleet.start();
    for (const number of [1, 2]) worker(number).heard([{ kind: 'ready' }]);
    await started;
  };
  return { timers, fleet, worker, begin, sent, said, babbled, killed };
}

test('S1 what makes no sense is passed over, told once, and what stands beside it counts', async (t) => {
  const { worker, begin, said, babbled } = openFleet();
  await begin();
  const release = { kind: 'release', request: { credential: null, client: '198.51.100.7' } };
  const hostile = [
    null,
    { kind: 'call', id: 1, name: { toString: 1 } },
    { kind: 'refusal', id: 1, reason: { toString: 1 } },
  ];
  for (const batch of [null, 'x', hostile, [release, null]]) worker(1).heard(batch);
  t.strictSame(babbled, [1]);
  t.strictSame(said, [release]);
});

test('S1 nonsense is no sign of life', async (t) => {
  const { timers, worker, begin, killed } = openFleet();
  await begin();
  for (let second = 0; second < 12; second++) {
    timers.advance(1000);
    worker(1).heard([{ kind: 'beat', allocations: 'many', counters: {} }]);
    worker(2).heard([{ kind: 'beat', allocations: 1, counters: {} }]);
  }
  t.strictSame(killed, [1]);
});

test('S1 an answer that is none is left out, and that of another worker counts', async (t) => {
  const { fleet, worker, begin, sent } = openFleet();
  await begin();
  const counters = fleet.counters();
  const calls = sent.filter((message) => message.kind === 'call');
  for (const [index, { id }] of calls.entries())
    worker(index + 1).heard([{ kind: 'answer', id, answer: index === 0 ? null : { engine: { requests: 5 } } }]);
  t.strictSame(await counters, { engine: { requests: 5 } });
  t.strictSame(calls.length, 2);
});
