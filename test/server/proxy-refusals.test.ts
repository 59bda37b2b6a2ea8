// What an operator is told of connections that were closed where proxies connect.

import { pino } from 'pino';
import { test } from 'tap';
import { proxyRefusals } from '../../src/server/proxy-refusals.ts';
import { configOf } from '../config/parse.ts';

/** The writer of such lines, with a clock in the test's hand. */
function open(yaml = '') {
  const lines: Record<string, unknown>[] = [];
  const clock = { now: 5_000 };
  const logger = pino({ base: null, timestamp: false }, { write: (line) => void lines.push(JSON.parse(line)) });
  const parts = { logger, config: configOf({ yaml }), nonceKey: Buffer.alloc(32, 1), processes: 1 };
  return { lines, clock, refused: proxyRefusals({ ...parts, now: () => clock.now }) };
}

test('PROXY-02 a refused source is named, with what to do, in one line a second', async (t) => {
  const { lines, clock, refused } = open();
  refused('192.0.2.1', false);
  refused('192.0.2.2', false);
  clock.now += 1000;
  refused('192.0.2.3', true);
  t.match(lines, [
    { level: 40, event: 'proxy-refused', proxy: '192.0.2.1', msg: /not in proxy-protocol.trusted/ },
    { proxy: '192.0.2.3', suppressed: 1, msg: /sent no PROXY header/ },
  ]);
  t.equal(lines.length, 2);
});

test('S65 its address is hidden where addresses are', async (t) => {
  const { lines, refused } = open('log: {hide-addresses: true}');
  refused('192.0.2.1', false);
  t.match(lines, [{ proxy: /^ip-[0-9a-f]{12}$/ }]);
});
