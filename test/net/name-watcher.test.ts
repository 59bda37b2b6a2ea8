import { test } from 'tap';
import { NameWatcher, resolveName } from '../../src/net/name-watcher.ts';
import { type IpAddress, parseIp } from '../../src/stun/ip-address.ts';

/** A watcher whose timer and resolver belong to the test. */
function watch() {
  const state = {
    answer: (): Promise<IpAddress[]> => Promise.resolve([]),
    tick: () => {},
    interval: 0,
    stopped: 0,
    changes: 0,
    asked: 0,
    reports: [] as string[],
  };
  const watcher = new NameWatcher('turn.example.com', {
    resolve: (name) => {
      if (name === 'turn.example.com') state.asked++;
      return state.answer();
    },
    every: (ms, task) => {
      state.interval = ms;
      state.tick = task;
      return () => {
        state.stopped++;
      };
    },
    report: (message) => state.reports.push(message),
    onChange: () => {
      state.changes++;
    },
  });
  return Object.assign(state, { watcher });
}

function answers(...texts: string[]): () => Promise<IpAddress[]> {
  return () => Promise.resolve(texts.flatMap((text) => parseIp(text) ?? []));
}

/** Lets the resolution that a tick started come to its end. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

test('a name is resolved again every 60 s, and unknown before', async (t) => {
  const { watcher, ...rest } = watch();
  t.equal(watcher.address(4), null);
  t.equal(rest.interval, 60_000);
});

test('the timer resolves again, and a new address is a change', async (t) => {
  const state = watch();
  state.answer = answers('8.8.8.8', '2a00::8');
  await state.watcher.refresh();
  t.equal(state.watcher.address(4)?.text, '8.8.8.8');
  t.equal(state.watcher.address(6)?.text, '2a00::8');
  state.answer = answers('9.9.9.9', '2a00::8');
  state.tick();
  await settled();
  t.equal(state.watcher.address(4)?.text, '9.9.9.9');
  t.equal(state.changes, 2);
});

test('the same addresses in another order are no change', async (t) => {
  const state = watch();
  state.answer = answers('8.8.8.8', '8.8.4.4');
  await state.watcher.refresh();
  state.answer = answers('8.8.4.4', '8.8.8.8');
  await state.watcher.refresh();
  t.equal(state.watcher.address(4)?.text, '8.8.8.8');
  t.equal(state.changes, 1);
});

test('a failed resolution keeps the last value and is reported once, and so is its end', async (t) => {
  const state = watch();
  state.answer = answers('8.8.8.8');
  await state.watcher.refresh();
  state.answer = () => Promise.reject(new Error('queryA ESERVFAIL'));
  await state.watcher.refresh();
  state.answer = answers();
  await state.watcher.refresh();
  t.equal(state.watcher.address(4)?.text, '8.8.8.8');
  t.strictSame(state.reports, ['cannot resolve turn.example.com (queryA ESERVFAIL): keeping 8.8.8.8']);
  state.answer = answers('8.8.8.8');
  await state.watcher.refresh();
  t.equal(state.reports[1], 'turn.example.com resolves again');
  t.equal(state.changes, 1);
});

test('a family that a later answer lacks keeps its last value', async (t) => {
  const state = watch();
  state.answer = answers('8.8.8.8', '2a00::8');
  await state.watcher.refresh();
  state.answer = answers('8.8.8.8');
  await state.watcher.refresh();
  t.equal(state.watcher.address(6)?.text, '2a00::8');
});

test('a name that never resolved says so', async (t) => {
  const state = watch();
  await state.watcher.refresh();
  t.strictSame(state.reports, ['cannot resolve turn.example.com (no address): not used yet']);
});

test('a slow resolution is not started twice', async (t) => {
  const state = watch();
  let finish = (_: IpAddress[]) => {};
  state.answer = () => new Promise((resolve) => (finish = resolve));
  const first = state.watcher.refresh();
  state.tick();
  t.equal(state.asked, 1);
  finish([parseIp('8.8.8.8')!]);
  await first;
  t.equal(state.watcher.address(4)?.text, '8.8.8.8');
});

test('nothing changes after closing', async (t) => {
  const state = watch();
  let finish = (_: IpAddress[]) => {};
  state.answer = () => new Promise((resolve) => (finish = resolve));
  const first = state.watcher.refresh();
  state.watcher.close();
  finish([parseIp('8.8.8.8')!]);
  await first;
  t.equal(state.watcher.address(4), null);
  t.equal(state.changes, 0);
  t.equal(state.stopped, 1);
});

test('the system resolver knows localhost and rejects what is no name', async (t) => {
  const found = await resolveName('localhost');
  t.ok(found.every((ip) => ip.text === '127.0.0.1' || ip.text === '::1') && found.length > 0);
  await t.rejects(resolveName('no-such-name.invalid'));
});
