import { test } from 'tap';
import { StoreError } from '../../src/errors.ts';
import type { StoredSecret, StoreSnapshot } from '../../src/store/store.ts';
import { StoreWatch } from '../../src/store/store-watch.ts';

const EMPTY: StoreSnapshot = { secrets: [], peerRules: [], realms: [], origins: [] };

class Scene {
  wall = 1000;
  isAnswering = true;
  snapshot: StoreSnapshot | Error = EMPTY;
  readonly seen: StoreSnapshot[] = [];
  readonly removed: string[] = [];
  readonly failures: unknown[] = [];
  readonly unread: (string | null)[] = [];
  ping: StoreError | null = null;
  reads = 0;
  poll: () => void = () => {};
  interval = 0;
  readonly watch: StoreWatch;

  constructor() {
    const scene = this;
    this.watch = new StoreWatch({
      store: {
        snapshot: async () => {
          this.reads++;
          if (this.snapshot instanceof Error) throw this.snapshot;
          return this.snapshot;
        },
        ping: async () => {
          if (this.ping !== null) throw this.ping;
        },
        removeSecret: async (realm, value) => {
          this.removed.push(`${realm} ${value}`);
          return true;
        },
      },
      health: {
        get isAnswering() {
          return scene.isAnswering;
        },
        failed: (error) => void this.failures.push(error),
      },
      wallTime: () => this.wall,
      every: (milliseconds, act) => {
        this.interval = milliseconds;
        this.poll = act;
        return () => {
          this.poll = () => {};
        };
      },
      changed: (snapshot) => void this.seen.push(snapshot),
      unread: (problem) => void this.unread.push(problem?.message ?? null),
    });
  }

  async polled(): Promise<void> {
    this.poll();
    await new Promise(setImmediate);
  }
}

function secret(value: string, expiresAt: number | null = null): StoredSecret {
  return { realm: 'r', value, expiresAt };
}

test('what others change is seen at the next look, 5 seconds later at most', async (t) => {
  const scene = new Scene();
  await scene.watch.refresh();
  t.same(scene.seen, [EMPTY]);
  t.equal(scene.interval, 5000);
  await scene.polled();
  t.equal(scene.seen.length, 1, 'nothing has changed');
  scene.snapshot = { ...EMPTY, secrets: [secret('b'), secret('a')] };
  await scene.polled();
  t.equal(scene.seen.length, 2);
  scene.snapshot = { ...EMPTY, secrets: [secret('a'), secret('b')] };
  await scene.polled();
  t.equal(scene.seen.length, 2, 'another order is no change');
});

test('a secret that has ended is left out and taken away', async (t) => {
  const scene = new Scene();
  scene.snapshot = { ...EMPTY, secrets: [secret('new'), secret('old', 2000)] };
  await scene.watch.refresh();
  t.same(scene.seen.at(-1)?.secrets, [secret('new'), secret('old', 2000)]);
  scene.wall = 2000;
  await scene.polled();
  t.same(scene.seen.at(-1)?.secrets, [secret('new')]);
  t.same(scene.removed, ['r old']);
});

test('a store that does not answer is left alone until it does, and what was seen stays', async (t) => {
  const scene = new Scene();
  const gone = new StoreError('timeout', 'x');
  scene.snapshot = gone;
  await scene.watch.refresh();
  t.same(scene.failures, [gone]);
  t.same(scene.seen, []);
  scene.isAnswering = false;
  await scene.polled();
  t.equal(scene.reads, 1);
});

test('a refresh reads what is there now, not what is being read', async (t) => {
  const scene = new Scene();
  const first = scene.watch.refresh();
  scene.snapshot = { ...EMPTY, secrets: [secret('a')] };
  const all = [first, scene.watch.refresh(), scene.watch.refresh()];
  await Promise.all(all);
  t.equal(scene.seen.at(-1)?.secrets.length, 1);
  t.equal(scene.reads, 3);
});

test('nothing is told after the end', async (t) => {
  const scene = new Scene();
  const reading = scene.watch.refresh();
  scene.watch.close();
  await reading;
  t.same(scene.seen, []);
});

test('a store that answers but takes too long to read is not lost: what was read last counts', async (t) => {
  const scene = new Scene();
  await scene.watch.refresh();
  scene.snapshot = new StoreError('timeout', 'too long');
  await scene.polled();
  await scene.polled();
  t.same(scene.failures, []);
  t.same(scene.unread, ['too long'], 'told once');
  scene.snapshot = EMPTY;
  await scene.polled();
  t.same(scene.unread, ['too long', null]);
  scene.snapshot = new StoreError('timeout', 'too long');
  scene.ping = new StoreError('unreachable', 'nobody');
  await scene.polled();
  t.same(scene.failures, [scene.ping], 'one that does not answer is');
});

test('a store that was never read is lost until it can be: peers may be denied in it', async (t) => {
  const scene = new Scene();
  scene.snapshot = new StoreError('timeout', 'too long');
  await scene.watch.refresh();
  t.equal(scene.failures.length, 1);
  t.same(scene.unread, []);
});
