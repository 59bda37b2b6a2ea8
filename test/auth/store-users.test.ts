// The users of a store: what is kept, for how long, and what happens when the store is slow, away, or changed.

import { test } from 'tap';
import { StoreUsers } from '../../src/auth/store-users.ts';
import { StoreError } from '../../src/errors.ts';
import type { StoredUser, UserId } from '../../src/store/store.ts';

const REALM = 'example.org';
const KEY = Buffer.alloc(16, 1);

type Answer = StoredUser | null | Error;

class Scene {
  time = 1000;
  isAnswering = true;
  readonly asked: string[] = [];
  readonly failures: unknown[] = [];
  readonly timers: { readonly at: number; readonly act: () => void }[] = [];
  readonly waiting: ((answer: Answer) => void)[] = [];
  readonly users: StoreUsers;
  /** Null: questions wait for {@link answer}. */
  content: Map<string, Buffer> | null = new Map([['alice', KEY]]);

  constructor() {
    const scene = this;
    this.users = new StoreUsers({
      store: { findUser: (id) => this.#find(id) },
      health: {
        get isAnswering() {
          return scene.isAnswering;
        },
        failed: (error) => void this.failures.push(error),
      },
      clock: { now: () => this.time, wallTime: () => 0 },
      allocationsPerUser: 3,
      isOwn: false,
      after: (milliseconds, act) => {
        const timer = { at: this.time + milliseconds, act };
        this.timers.push(timer);
        return () => void this.timers.splice(this.timers.indexOf(timer), 1);
      },
    });
  }

  find(name: string) {
    return this.users.find(name, REALM);
  }

  pass(milliseconds: number): void {
    this.time += milliseconds;
    for (const { at, act } of [...this.timers]) if (at <= this.time) act();
  }

  answer(answer: Answer): void {
    this.waiting.shift()?.(answer);
  }

  #find({ name, realm }: UserId): Promise<StoredUser | null> {
    this.asked.push(name);
    const key = this.content?.get(name);
    if (this.content !== null) return Promise.resolve(key === undefined ? null : userOf(name, realm, key));
    return new Promise((resolve, reject) => {
      this.waiting.push((answer) => (answer instanceof Error ? reject(answer) : resolve(answer)));
    });
  }
}

function userOf(name: string, realm = REALM, md5Key: Buffer = KEY): StoredUser {
  return { realm, name, md5Key, sha256Key: null };
}

const unreachable = new StoreError('unreachable', 'store x: nobody answers');

test('a user is found with key, realm and limit; a stranger is none', async (t) => {
  const scene = new Scene();
  t.match(await scene.find('alice'), [
    { md5Key: KEY, sha256Key: null, username: 'alice', realm: REALM, quotaKey: 'store/alice', quotaLimit: 3 },
  ]);
  t.equal(await scene.find('nobody'), 'unknown-user');
});

test('what was found is fresh for 4 seconds, users and strangers alike', async (t) => {
  const scene = new Scene();
  await scene.find('alice');
  await scene.find('nobody');
  scene.time += 3999;
  t.notOk(scene.find('alice') instanceof Promise, 'at once');
  t.equal(scene.find('nobody'), 'unknown-user');
  scene.time += 1;
  await scene.find('alice');
  await scene.find('nobody');
  t.same(scene.asked, ['alice', 'nobody', 'alice', 'nobody']);
});

test('who asks for a name that is on its way waits with the first', async (t) => {
  const scene = new Scene();
  scene.content = null;
  const all = [scene.find('alice'), scene.find('alice'), scene.find('alice')];
  t.same(scene.asked, ['alice']);
  scene.answer(userOf('alice'));
  for (const found of await Promise.all(all)) t.ok(Array.isArray(found));
});

test('R11 no more than 1,000 questions wait', async (t) => {
  const scene = new Scene();
  scene.content = null;
  for (let index = 0; index < 1000; index++) void scene.find(`user${index}`);
  t.equal(scene.find('one-too-many'), 'unavailable');
  t.equal(scene.asked.length, 1000);
  scene.answer(userOf('user0'));
  await scene.find('user0');
  t.ok(scene.find('one-too-many') instanceof Promise, 'there is room again');
});

test('R10 while the store is away those who are known are served, and others are told at once', async (t) => {
  const scene = new Scene();
  await scene.find('alice');
  scene.isAnswering = false;
  scene.time += 3_599_000;
  t.ok(Array.isArray(scene.find('alice')), 'known for an hour');
  t.equal(scene.find('bob'), 'unavailable');
  t.same(scene.asked, ['alice'], 'nobody is asked');
  scene.time += 1000;
  t.equal(scene.find('alice'), 'unavailable', 'and not for ever');
});

test('R10 a question that fails is told to the health, and whoever is known is served', async (t) => {
  const scene = new Scene();
  await scene.find('alice');
  scene.pass(4000);
  scene.content = null;
  const again = scene.find('alice');
  scene.answer(unreachable);
  t.ok(Array.isArray(await again));
  t.same(scene.failures, [unreachable]);
  const stranger = scene.find('bob');
  scene.answer(unreachable);
  t.equal(await stranger, 'unavailable');
});

test('what the store says of one name cuts off nobody else', async (t) => {
  const scene = new Scene();
  scene.content = null;
  const found = scene.find('strange');
  scene.answer(new StoreError('failed', 'store x: it does not like this name'));
  t.equal(await found, 'unavailable');
  t.same(scene.failures, []);
});

test('R12 a slow store is waited for half a second where an older answer is at hand', async (t) => {
  const scene = new Scene();
  await scene.find('alice');
  scene.pass(4000);
  scene.content = null;
  const found = Promise.resolve(scene.find('alice'));
  let isDone = false;
  void found.then(() => {
    isDone = true;
  });
  scene.pass(499);
  await Promise.resolve();
  t.notOk(isDone);
  scene.pass(1);
  t.ok(Array.isArray(await found));
  scene.answer(null);
  await new Promise(setImmediate);
  t.equal(await scene.find('alice'), 'unknown-user', 'the late answer counts from then on');
});

test('after a change everything is asked for again, and an answer from before it is not kept', async (t) => {
  const scene = new Scene();
  await scene.find('alice');
  scene.pass(1);
  scene.users.invalidate();
  scene.pass(1);
  await scene.find('alice');
  t.equal(scene.asked.length, 2);
  scene.pass(4000);
  scene.content = null;
  const old = scene.find('alice');
  scene.users.invalidate();
  scene.pass(1);
  scene.answer(userOf('alice'));
  await old;
  void scene.find('alice');
  t.equal(scene.asked.length, 4, 'asked again');
});

test('S22 a user who was removed is not served, whatever the store does', async (t) => {
  const scene = new Scene();
  await scene.find('alice');
  scene.isAnswering = false;
  scene.users.forget('alice', REALM);
  t.equal(scene.find('alice'), 'unavailable');
  scene.isAnswering = true;
  scene.content?.delete('alice');
  t.equal(await scene.find('alice'), 'unknown-user');
  t.equal(scene.find('alice'), 'unknown-user');
});

test('S23 a name that can be nobody’s is never asked for', async (t) => {
  const scene = new Scene();
  for (const name of ['', '\uFFFD', '\uD800', 'x'.repeat(764)]) t.equal(scene.find(name), 'unknown-user');
  t.same(scene.asked, []);
});

test('names that somebody tries out do not push the known ones out', async (t) => {
  const scene = new Scene();
  await scene.find('alice');
  for (let index = 0; index < 10_000; index++) await scene.find(`guess${index}`);
  scene.isAnswering = false;
  t.ok(Array.isArray(scene.find('alice')));
});
