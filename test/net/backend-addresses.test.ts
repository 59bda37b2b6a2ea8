import { test } from 'tap';
import { BACKEND_INTERVAL, BACKEND_MEMORY, BackendAddresses } from '../../src/net/backend-addresses.ts';
import { type IpAddress, parseIp } from '../../src/stun/ip-address.ts';

/** Watched hosts whose clock, timer and resolver belong to the test. */
function watch() {
  const state = {
    names: new Map<string, readonly string[] | Error>(),
    asked: [] as string[],
    tick: () => {},
    interval: 0,
    stopped: 0,
    changes: 0,
    now: 1_000_000,
    reports: [] as string[],
  };
  const backends = new BackendAddresses({
    resolve: async (name): Promise<IpAddress[]> => {
      state.asked.push(name);
      const answer = state.names.get(name) ?? new Error('getaddrinfo ENOTFOUND');
      if (answer instanceof Error) throw answer;
      return answer.flatMap((text) => parseIp(text) ?? []);
    },
    every: (ms, task) => {
      state.interval = ms;
      state.tick = task;
      return () => {
        state.stopped++;
      };
    },
    now: () => state.now,
    report: (message) => state.reports.push(message),
  });
  backends.onChange(() => {
    state.changes++;
  });
  return Object.assign(state, { backends, texts: () => backends.addresses.map(({ text }) => text) });
}

/** Lets the look-ups that a tick started come to their end. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

const DB = { host: 'db.example', port: 5432 };

test('S36 every address of a name counts, of both families, with the port', async (t) => {
  const state = watch();
  state.names.set('db.example', ['198.51.99.9', '198.51.99.7', '2a00::7']);
  await state.backends.follow([DB]);
  t.same(state.texts(), ['198.51.99.7:5432', '198.51.99.9:5432', '[2a00::7]:5432']);
  t.equal(state.changes, 1);
});

test('S36 an address needs no resolver, and counts at once', async (t) => {
  const state = watch();
  const following = state.backends.follow([
    { host: '198.51.99.7', port: 6379 },
    { host: '2a00::7', port: 6379 },
  ]);
  t.same(state.texts(), ['198.51.99.7:6379', '[2a00::7]:6379']);
  await following;
  t.same(state.asked, []);
});

test('S36 names are resolved again every 30 s, and a new address counts beside the old one for an hour', async (t) => {
  const state = watch();
  state.names.set('db.example', ['198.51.99.7']);
  await state.backends.follow([DB]);
  t.equal(state.interval, BACKEND_INTERVAL);
  t.equal(BACKEND_INTERVAL, 30_000);
  state.names.set('db.example', ['198.51.99.8']);
  state.now += BACKEND_INTERVAL;
  state.tick();
  await settled();
  t.same(state.texts(), ['198.51.99.7:5432', '198.51.99.8:5432']);
  t.equal(state.changes, 2);
  state.now += BACKEND_MEMORY - BACKEND_INTERVAL - 1;
  await state.backends.refresh();
  t.equal(state.texts().length, 2);
  state.now += 1;
  await state.backends.refresh();
  t.same(state.texts(), ['198.51.99.8:5432']);
  t.equal(state.changes, 3);
});

test('S36 answers that rotate are no change', async (t) => {
  const state = watch();
  state.names.set('db.example', ['198.51.99.7', '198.51.99.8']);
  await state.backends.follow([DB]);
  for (const answer of [['198.51.99.8'], ['198.51.99.7'], ['198.51.99.8', '198.51.99.7']]) {
    state.names.set('db.example', answer);
    state.now += BACKEND_INTERVAL;
    await state.backends.refresh();
  }
  t.equal(state.texts().length, 2);
  t.equal(state.changes, 1);
});

test('S36 a failure keeps what was known, however long it lasts, and is said once', async (t) => {
  const state = watch();
  state.names.set('db.example', ['198.51.99.7']);
  await state.backends.follow([DB]);
  for (const answer of [new Error('getaddrinfo EAI_AGAIN'), [], new Error('getaddrinfo EAI_AGAIN')]) {
    state.names.set('db.example', answer);
    state.now += BACKEND_MEMORY;
    await state.backends.refresh();
    t.same(state.texts(), ['198.51.99.7:5432']);
  }
  t.same(state.reports, ['cannot resolve db.example (getaddrinfo EAI_AGAIN): peers are still kept from 198.51.99.7']);
  state.names.set('db.example', ['198.51.99.7']);
  await state.backends.refresh();
  t.same(state.reports.slice(1), ['db.example resolves again']);
});

test('S36 a name that does not resolve at first is said once, and counts as soon as it does', async (t) => {
  const state = watch();
  await state.backends.follow([DB]);
  await state.backends.refresh();
  t.same(state.reports, ['cannot resolve db.example (getaddrinfo ENOTFOUND): peers may reach it until it resolves']);
  state.names.set('db.example', ['198.51.99.7']);
  state.tick();
  await settled();
  t.same(state.texts(), ['198.51.99.7:5432']);
});

test('S36 a reload looks again, keeps what it knows of hosts that stay, and forgets the others', async (t) => {
  const state = watch();
  const redis = { host: 'redis.example', port: 6379 };
  state.names.set('db.example', ['198.51.99.7']);
  state.names.set('redis.example', ['198.51.99.8']);
  await state.backends.follow([DB, redis]);
  state.names.set('db.example', new Error('no'));
  await state.backends.follow([DB]);
  t.same(state.texts(), ['198.51.99.7:5432']);
  state.names.set('redis.example', ['198.51.99.9']);
  await state.backends.follow([DB, redis]);
  t.same(state.texts(), ['198.51.99.7:5432', '198.51.99.9:6379']);
});

test('a slow look-up is not asked a second time meanwhile, and one that ends after close changes nothing', async (t) => {
  const state = watch();
  const first = state.backends.follow([DB]);
  state.names.set('db.example', ['198.51.99.7']);
  const second = state.backends.refresh();
  t.same(state.asked, ['db.example']);
  state.backends.close();
  await Promise.all([first, second]);
  t.equal(state.changes, 0);
  t.equal(state.stopped, 1);
});
