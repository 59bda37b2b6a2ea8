import { test } from 'tap';
import type { ToWorker } from '../../src/workers/messages.ts';
import {
  Supervisor,
  type WorkerLoss,
  type WorkerProcess,
  type WorkerProcessOwner,
} from '../../src/workers/supervisor.ts';
import { VirtualTimers } from './virtual-timers.ts';

/** A worker process that a test speaks for. */
class FakeProcess implements WorkerProcess {
  readonly pid: number;
  readonly worker: number;
  readonly heard: ToWorker[] = [];
  readonly #owner: WorkerProcessOwner;
  #isAlive = true;

  constructor(pid: number, worker: number, owner: WorkerProcessOwner) {
    this.pid = pid;
    this.worker = worker;
    this.#owner = owner;
  }

  send(message: ToWorker): void {
    this.heard.push(message);
  }

  kill(): void {
    this.end(null, 'SIGKILL');
  }

  ready(): void {
    this.#owner.said({ kind: 'ready' });
  }

  beat(allocations = 0): void {
    if (this.#isAlive) this.#owner.said({ kind: 'beat', allocations, counters: {} });
  }

  fail(reason: string): void {
    this.#owner.said({ kind: 'failed', reason });
    this.end(1, null);
  }

  end(code: number | null, signal: string | null): void {
    if (!this.#isAlive) return;
    this.#isAlive = false;
    this.#owner.exited({ code, signal });
  }
}

class Scene {
  readonly timers = new VirtualTimers();
  readonly processes: FakeProcess[] = [];
  readonly losses: WorkerLoss[] = [];
  readonly stopped: number[] = [];
  readonly gaveUp: string[] = [];
  /** Why no process can be started now. */
  refusal: string | null = null;
  readonly supervisor: Supervisor;

  constructor(workers: number) {
    this.supervisor = new Supervisor({
      workers,
      timers: this.timers,
      spawn: (worker, owner) => {
        if (this.refusal !== null) throw new Error(this.refusal);
        const spawned = new FakeProcess(100 + this.processes.length, worker, owner);
        this.processes.push(spawned);
        return spawned;
      },
      said: () => undefined,
      lost: (loss) => this.losses.push(loss),
      stopped: (worker) => this.stopped.push(worker),
      gaveUp: (reason) => this.gaveUp.push(reason),
    });
  }

  /** The process that was started last for a worker. */
  latest(worker: number): FakeProcess {
    const found = this.processes.findLast((one) => one.worker === worker);
    if (found === undefined) throw new Error(`worker ${worker} was never started`);
    return found;
  }

  async start(): Promise<void> {
    const started = this.supervisor.start();
    for (const process of [...this.processes]) process.ready();
    await started;
  }

  /** Lets seconds go by in which these workers show that they live. */
  live(seconds: number, workers: readonly number[]): void {
    for (let second = 0; second < seconds; second++) {
      for (const worker of workers) this.latest(worker).beat();
      this.timers.advance(1000);
    }
  }
}

test('it has started once every worker serves', async (t) => {
  const scene = new Scene(2);
  let isStarted = false;
  const started = scene.supervisor.start().then(() => {
    isStarted = true;
  });
  t.same(
    scene.processes.map(({ worker }) => worker),
    [1, 2],
  );
  scene.latest(1).ready();
  await Promise.resolve();
  t.equal(isStarted, false);
  t.same(scene.supervisor.serving, [1]);
  scene.latest(2).ready();
  await started;
  t.same(scene.supervisor.serving, [1, 2]);
});

test('a worker that cannot start says why, and ends the start of all', async (t) => {
  const scene = new Scene(2);
  const started = scene.supervisor.start();
  scene.latest(1).ready();
  scene.latest(2).fail('no memory is left');
  await t.rejects(started, { message: 'no memory is left' });
  t.same(scene.stopped, [1], 'the other one is gone too');
  t.same(scene.gaveUp, []);
  t.equal(scene.timers.size, 0);
});

test('a worker that ends at its start without a word is named', async (t) => {
  const scene = new Scene(1);
  const started = scene.supervisor.start();
  scene.latest(1).end(null, 'SIGSEGV');
  await t.rejects(started, { message: 'worker 1 ended at its start (SIGSEGV)' });
});

test('R20 a worker that dies has a successor at once, and is reported with what it held', async (t) => {
  const scene = new Scene(2);
  await scene.start();
  const dead = scene.latest(1);
  dead.beat(17);
  scene.latest(2).beat(4);
  t.equal(scene.supervisor.allocations, 21);
  dead.end(null, 'SIGKILL');
  t.same(scene.losses, [{ worker: 1, pid: 100, code: null, signal: 'SIGKILL', allocations: 17, reason: null }]);
  t.equal(scene.processes.length, 3, 'without any delay');
  t.equal(scene.supervisor.allocations, 4);
  t.same(scene.supervisor.serving, [2]);
  scene.latest(1).ready();
  t.same(scene.supervisor.serving, [2, 1].sort());
});

test('R22 a worker without a heartbeat for 10 seconds is killed and replaced; others are not', async (t) => {
  const scene = new Scene(2);
  await scene.start();
  const hung = scene.latest(1);
  scene.live(9, [2]);
  t.equal(scene.losses.length, 0);
  scene.live(2, [2]);
  t.match(scene.losses, [{ worker: 1, pid: hung.pid, signal: 'SIGKILL', reason: 'no sign of life for 10 seconds' }]);
  t.equal(scene.losses.length, 1);
  t.not(scene.latest(1), hung);
});

test('a worker that starts has 30 seconds', async (t) => {
  const scene = new Scene(2);
  await scene.start();
  scene.latest(1).end(1, null);
  scene.live(29, [2]);
  t.equal(scene.losses.length, 1);
  scene.live(2, [2]);
  t.match(scene.losses[1], { worker: 1, reason: 'no sign of life for 30 seconds' });
});

test('R22 after a sleep of main itself nobody is killed for heartbeats that it has not read', async (t) => {
  const scene = new Scene(2);
  await scene.start();
  scene.live(3, [1, 2]);
  scene.timers.sleep(60_000);
  t.equal(scene.losses.length, 0);
  scene.live(5, [1, 2]);
  t.equal(scene.losses.length, 0);
  scene.live(11, [2]);
  t.match(scene.losses, [{ worker: 1 }], 'but later it is');
});

test('from the second crash of a minute on, successors wait, each twice as long', async (t) => {
  const scene = new Scene(2);
  await scene.start();
  scene.latest(1).end(1, null);
  t.equal(scene.processes.length, 3);
  for (const delay of [100, 200, 400]) {
    const before = scene.processes.length;
    scene.latest(1).ready();
    scene.latest(1).end(1, null);
    scene.timers.advance(delay - 1);
    t.equal(scene.processes.length, before);
    scene.timers.advance(1);
    t.equal(scene.processes.length, before + 1, `after ${delay} ms`);
  }
});

test('five crashes within a minute end it all', async (t) => {
  const scene = new Scene(2);
  await scene.start();
  for (let crash = 0; crash < 4; crash++) {
    scene.latest(1).ready();
    scene.latest(1).end(1, null);
    scene.timers.advance(1000);
  }
  t.same(scene.gaveUp, []);
  scene.latest(1).fail('no memory is left');
  t.same(scene.gaveUp, ['5 workers ended within 60 seconds, the last one: no memory is left']);
  t.same(scene.stopped, [2], 'no worker lives on');
  t.equal(scene.timers.size, 0);
});

test('crashes that lie further apart end nothing', async (t) => {
  const scene = new Scene(1);
  await scene.start();
  for (let crash = 0; crash < 12; crash++) {
    scene.latest(1).end(1, null);
    scene.latest(1).ready();
    scene.live(16, [1]);
  }
  t.same(scene.gaveUp, []);
  t.equal(scene.losses.length, 12);
});

test('a stop tells all workers, waits for them, and reports no loss', async (t) => {
  const scene = new Scene(2);
  await scene.start();
  const stopped = scene.supervisor.stop(3000);
  for (const { heard } of scene.processes) t.same(heard, [{ kind: 'stop' }]);
  scene.latest(1).end(0, null);
  scene.latest(2).end(0, null);
  await stopped;
  t.same(scene.stopped, [1, 2]);
  t.same(scene.losses, []);
  t.equal(scene.processes.length, 2);
  t.equal(scene.timers.size, 0);
});

test('a worker that does not stop in time is killed', async (t) => {
  const scene = new Scene(2);
  await scene.start();
  const stopped = scene.supervisor.stop(3000);
  scene.latest(1).end(0, null);
  scene.timers.advance(2999);
  t.same(scene.stopped, [1]);
  scene.timers.advance(1);
  await stopped;
  t.same(scene.stopped, [1, 2]);
});

test('a stop while a successor waits starts none', async (t) => {
  const scene = new Scene(1);
  await scene.start();
  scene.latest(1).end(1, null);
  scene.latest(1).end(1, null);
  await scene.supervisor.stop(3000);
  scene.timers.advance(5000);
  t.equal(scene.processes.length, 2);
});

test('a successor that cannot be spawned now is tried again, and counts as a crash', async (t) => {
  const scene = new Scene(2);
  await scene.start();
  scene.refusal = 'EMFILE';
  scene.latest(1).end(1, null);
  t.match(scene.losses, [{ code: 1 }, { worker: 1, pid: 0, code: null, signal: null, reason: 'EMFILE' }]);
  scene.refusal = null;
  scene.timers.advance(100);
  t.equal(scene.processes.length, 3);
  scene.refusal = 'ENOMEM';
  scene.latest(1).end(1, null);
  scene.timers.advance(1000);
  t.same(scene.gaveUp, ['5 workers ended within 60 seconds, the last one: ENOMEM']);
});

test('a start without room for a process says so', async (t) => {
  const scene = new Scene(2);
  scene.refusal = 'EMFILE';
  await t.rejects(scene.supervisor.start(), { message: 'EMFILE' });
  t.equal(scene.losses.length, 1, 'the second is not even tried');
});

test('R22 all is well while a worker that hangs is replaced in time, and not when it cannot be', async (t) => {
  const scene = new Scene(2);
  await scene.start();
  scene.live(11, [2]);
  t.equal(scene.losses.length, 1, 'it was killed');
  t.ok(scene.supervisor.isWell);
  scene.latest(1).ready();
  scene.live(5, [1, 2]);
  // As one that is stuck in the kernel.
  scene.latest(1).kill = () => undefined;
  scene.live(15, [2]);
  t.ok(scene.supervisor.isWell, 'a service manager must not kill all for it');
  scene.live(10, [2]);
  t.notOk(scene.supervisor.isWell);
});
