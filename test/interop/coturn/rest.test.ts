import { test } from 'tap';
import type { Transport } from '../../support/turn-server.ts';
import { serverSkip, startServer } from '../../support/turn-under-test.ts';
import { runUclient, uclientProgram } from './uclient.ts';
import { checkComplete } from './uclient-modes.ts';

const SECRET = 'north-wind-secret';
const skip = serverSkip || uclientProgram.skip;

test('turnutils_uclient relays with time-limited credentials', { skip }, async (t) => {
  t.jobs = 3;
  const server = await startServer({ secret: SECRET });
  t.teardown(() => server.close());
  for (const transport of ['udp', 'tcp', 'tls'] satisfies Transport[]) {
    void t.test(transport, { buffered: true }, async (t) => {
      checkComplete(t, await runUclient(server, transport, ['-u', 'bob', '-W', SECRET, '-y', '-c']), 40);
    });
  }
});

test('turnutils_uclient is refused under another secret', { skip }, async (t) => {
  const server = await startServer({ secret: SECRET });
  t.teardown(() => server.close());
  const { code, sent, output } = await runUclient(server, 'udp', ['-u', 'bob', '-W', 'south-wind-secret', '-y', '-c']);
  t.not(code, 0, { output });
  t.not(sent, 40, 'nothing was relayed');
});
