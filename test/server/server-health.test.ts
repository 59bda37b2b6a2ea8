// R31: what makes a server not ready, and what does not.

import { test } from 'tap';
import type { Readiness } from '../../src/control/server-health.ts';
import { type HealthSources, RunningHealth } from '../../src/server/server-health.ts';

const SOURCES: HealthSources = {
  workerStates: () => [{ worker: 1, isServing: true, silentFor: 0 }],
  relayPorts: () => [{ family: 'ipv4', free: 1, total: 1 }],
  listening: () => 1,
  store: () => null,
  selfTest: async () => true,
  now: () => 0,
};

function failing({ ready, checks }: Readiness): readonly string[] {
  const names = checks.filter(({ ok }) => !ok).map(({ name }) => name);
  return ready === (names.length === 0) ? names : ['ready does not follow from the checks'];
}

async function failingOf(more: Partial<HealthSources>): Promise<readonly string[]> {
  return failing(await new RunningHealth({ ...SOURCES, ...more }).readiness());
}

test('R31 a server of which everything is there is ready', async (t) => {
  t.same(await failingOf({}), []);
  t.same(await failingOf({ selfTest: async () => null, workerStates: () => [] }), [], 'in one process too');
});

test('R31 it is not ready without listeners, workers, relay ports or an answer to its own request', async (t) => {
  t.same(await failingOf({ listening: () => 0 }), ['listeners']);
  t.same(await failingOf({ workerStates: () => [{ worker: 1, isServing: false, silentFor: 0 }] }), ['workers']);
  t.same(await failingOf({ workerStates: () => [{ worker: 1, isServing: true, silentFor: 4000 }] }), ['workers']);
  t.same(await failingOf({ relayPorts: () => [{ family: 'ipv6', free: 0, total: 9 }] }), ['relay-ports']);
  t.same(await failingOf({ selfTest: async () => false }), ['self-test']);
});

test('R31 it is not ready once it drains or stops', async (t) => {
  const health = new RunningHealth(SOURCES);
  health.phase = 'draining';
  const readiness = await health.readiness();
  t.same(failing(readiness), ['phase']);
  t.match(readiness.checks, [{ name: 'phase', detail: 'the server is draining' }]);
});

test('a store that is away is told of, and only one that was never read keeps it from being ready', async (t) => {
  t.same(await failingOf({ store: () => ({ isAnswering: true, hasBeenRead: true }) }), []);
  t.same(await failingOf({ store: () => ({ isAnswering: false, hasBeenRead: false }) }), ['store']);
  const away = new RunningHealth({ ...SOURCES, store: () => ({ isAnswering: false, hasBeenRead: true }) });
  const { ready, checks } = await away.readiness();
  t.ok(ready);
  t.match(checks.find(({ name }) => name === 'store')?.detail, /does not answer/);
});

test('R31 a self-test that hangs holds up nobody but the first who asks', async (t) => {
  let now = 0;
  let asked = 0;
  let finish: (result: boolean) => void = () => undefined;
  const selfTest = (): Promise<boolean> => {
    asked++;
    return new Promise((resolve) => {
      finish = resolve;
    });
  };
  const health = new RunningHealth({ ...SOURCES, selfTest, now: () => now });
  const first = health.readiness();
  finish(true);
  t.same(failing(await first), []);
  now = 5000;
  t.same(failing(await health.readiness()), [], 'by what was found last');
  await health.readiness();
  t.equal(asked, 2, 'one at a time');
  for (const [failed, expected] of [
    [1, []],
    [2, ['self-test']],
  ] as const) {
    finish(false);
    await new Promise(setImmediate);
    t.same(failing(await health.readiness()), expected, `${failed} in a row`);
    now += 5000;
    await health.readiness();
  }
});
