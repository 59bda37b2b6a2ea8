// When a drain begins, is done, and may be taken back: under a clock of the test's own.

import { test } from 'tap';
import { makeLogger } from '../../src/log/logger.ts';
import { Drain } from '../../src/server/drain.ts';
import { VirtualTimers } from '../workers/virtual-timers.ts';

const UNBOUNDED = { timeout: null, threshold: 0, stays: false } as const;
const WALL = 1_700_000_000_000;

/** A server with some allocations. */
class Scene {
  readonly timers = new VirtualTimers();
  readonly told: boolean[] = [];
  readonly events: unknown[] = [];
  allocations = 3;
  hasFinished = false;
  readonly drain: Drain;

  constructor() {
    this.drain = new Drain({
      timers: this.timers,
      wallTime: () => WALL,
      allocations: () => this.allocations,
      setDraining: (isDraining) => this.told.push(isDraining),
      logger: makeLogger('info', null, (line) => this.events.push((JSON.parse(line) as { event: string }).event)),
    });
    void this.drain.finished.then(() => {
      this.hasFinished = true;
    });
  }

  /** Time goes by, and promises settle. */
  async pass(milliseconds: number): Promise<void> {
    this.timers.advance(milliseconds);
    await new Promise((resolve) => setImmediate(resolve));
  }
}

test('R17 it is done soon after the last allocation has ended', async (t) => {
  const scene = new Scene();
  t.equal(scene.drain.status, null);
  t.ok(scene.drain.begin(UNBOUNDED, 'command'));
  t.same(scene.told, [true]);
  t.match(scene.drain.status, { since: WALL, until: null, allocations: 3, isDone: false });
  await scene.pass(86_400_000);
  t.notOk(scene.hasFinished, 'a call may last');
  scene.allocations = 0;
  await scene.pass(1000);
  t.ok(scene.hasFinished);
  t.same(scene.events, ['draining', 'drained']);
  t.equal(scene.timers.size, 0);
});

test('R17 it is done at the threshold, and when time is up', async (t) => {
  const [few, late] = [new Scene(), new Scene()];
  few.drain.begin({ ...UNBOUNDED, threshold: 2 }, 'command');
  late.drain.begin({ ...UNBOUNDED, timeout: 60 }, 'signal');
  t.equal(late.drain.status?.until, WALL + 60_000);
  few.allocations = 2;
  await few.pass(1000);
  t.ok(few.hasFinished);
  await late.pass(59_000);
  t.notOk(late.hasFinished);
  await late.pass(1000);
  t.ok(late.hasFinished);
});

test('R17 without allocations, or without time, it is done at once', async (t) => {
  const [empty, hasty] = [new Scene(), new Scene()];
  empty.allocations = 0;
  empty.drain.begin(UNBOUNDED, 'signal');
  hasty.drain.begin({ ...UNBOUNDED, timeout: 0 }, 'signal');
  await empty.pass(0);
  await hasty.pass(0);
  t.same([empty.hasFinished, hasty.hasFinished], [true, true]);
});

test('a drain that stays is done and refuses on, until it is taken back', async (t) => {
  const scene = new Scene();
  scene.drain.begin({ ...UNBOUNDED, stays: true }, 'command');
  scene.allocations = 0;
  await scene.pass(1000);
  t.match(scene.drain.status, { isDone: true });
  t.notOk(scene.hasFinished);
  t.ok(scene.drain.cancel());
  t.same(scene.told, [true, false]);
  t.equal(scene.drain.status, null);
  t.ok(scene.drain.cancel(), 'once more does no harm');
  t.same(scene.events, ['draining', 'drained', 'undrained']);
});

test('what a signal has begun nobody takes back, and a signal shortens what a command has begun', async (t) => {
  const scene = new Scene();
  scene.drain.begin({ ...UNBOUNDED, timeout: 3600 }, 'command');
  t.ok(scene.drain.begin({ ...UNBOUNDED, timeout: 20 }, 'signal'));
  t.notOk(scene.drain.cancel());
  t.notOk(scene.drain.begin(UNBOUNDED, 'command'));
  await scene.pass(20_000);
  t.ok(scene.hasFinished);
  t.same(scene.told, [true, true]);
});
