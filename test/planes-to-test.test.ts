import { test } from 'tap';
import { planRounds } from './planes-to-test.ts';

const UNIT = 'dist/test/stun/words.test.js';
const SERVER = 'dist/test/integration/streams.test.js';
const HOSTILE = 'dist/test/hostile/peers.test.js';
const BROWSER = 'dist/test/interop/chromium/relay.test.js';
const DATABASE = 'dist/test/interop/coturn/redis-userdb.test.js';
const FLAGS = 'dist/test/integration/flags.test.js';
const STORE = 'dist/test/integration/stores/hostile-redis.test.js';
const CHANGES = 'dist/test/integration/stores/live-changes.test.js';
const WORKERS = 'dist/test/integration/workers/crash.test.js';

const plan = (...args: Parameters<typeof planRounds>) => planRounds(...args).map(({ plane, files }) => [plane, files]);

test('tests of a whole server run on both planes where planes have a part in it, all others once', async (t) => {
  t.same(plan([SERVER, WORKERS, BROWSER, HOSTILE, UNIT], null, true), [
    ['linux', [SERVER, WORKERS, BROWSER, HOSTILE, UNIT]],
    ['portable', [SERVER, BROWSER, HOSTILE]],
  ]);
  t.same(plan([DATABASE, FLAGS, STORE, UNIT], null, true), [['linux', [DATABASE, FLAGS, STORE, UNIT]]]);
  t.same(plan([CHANGES], null, true)[1], ['portable', [CHANGES]]);
  t.same(plan([UNIT, WORKERS], null, true), [['linux', [UNIT, WORKERS]]]);
  t.same(plan(['test/integration/streams.test.js'], null, true).length, 2, 'however the path is written');
});

test('a plane that is named is the only one', async (t) => {
  t.same(plan([SERVER, UNIT], 'portable', true), [['portable', [SERVER, UNIT]]]);
  t.same(plan([SERVER, UNIT], 'linux', true), [['linux', [SERVER, UNIT]]]);
});

test('without the Linux plane nothing is asked of it', async (t) => {
  t.same(plan([SERVER, WORKERS, UNIT], null, false), [['portable', [SERVER, UNIT]]]);
});
