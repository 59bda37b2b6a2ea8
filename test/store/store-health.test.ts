import { test } from 'tap';
import { StoreError } from '../../src/errors.ts';
import { StoreHealth } from '../../src/store/store-health.ts';

class Scene {
  readonly said: string[] = [];
  readonly timers: (() => void)[] = [];
  problem: Error | null = null;
  probes = 0;
  readonly health = new StoreHealth({
    probe: async () => {
      this.probes++;
      if (this.problem !== null) throw this.problem;
    },
    after: (milliseconds, act) => {
      this.said.push(`in ${milliseconds}`);
      this.timers.push(act);
      return () => void this.timers.splice(this.timers.indexOf(act), 1);
    },
    lost: (problem) => void this.said.push(`lost: ${problem}`),
    back: () => void this.said.push('back'),
  });

  async fire(): Promise<void> {
    this.timers.shift()?.();
    await new Promise(setImmediate);
  }
}

const GONE = new StoreError('unreachable', 'store x: nobody answers');

test('R10 a store that is lost is told of once, looked for every second, and told of when it is back', async (t) => {
  const scene = new Scene();
  t.ok(scene.health.isAnswering);
  scene.problem = GONE;
  scene.health.failed(GONE);
  scene.health.failed(GONE);
  t.equal(scene.health.problem, 'store x: nobody answers');
  await scene.fire();
  scene.problem = new StoreError('denied', 'store x: wrong password');
  await scene.fire();
  t.equal(scene.health.problem, 'store x: wrong password', 'what is wrong now');
  scene.problem = null;
  await scene.fire();
  t.ok(scene.health.isAnswering);
  t.same(scene.said, ['lost: store x: nobody answers', 'in 1000', 'in 1000', 'in 1000', 'back']);
  t.equal(scene.probes, 3);
});

test('a bug is told of without its words', async (t) => {
  const scene = new Scene();
  scene.health.failed(new TypeError('postgres://user:CANARY@host'));
  t.notMatch(scene.health.problem, /CANARY/);
});

test('nothing is looked for after the end', async (t) => {
  const scene = new Scene();
  scene.health.failed(GONE);
  scene.health.close();
  t.equal(scene.timers.length, 0);
  scene.health.failed(GONE);
  t.equal(scene.timers.length, 0);
});
