import { test } from 'tap';
import { runToEnd } from '../../support/child-process.ts';
import { findProgram } from '../../support/foreign-program.ts';
import { TEST_ADDRESS } from '../../support/turn-server.ts';
import { serverSkip, startServer } from '../../support/turn-under-test.ts';

const stunclient = findProgram('TURND_TEST_STUNCLIENT', ['/usr/bin/turnutils_stunclient']);

test('turnutils_stunclient learns its reflexive address', { skip: serverSkip || stunclient.skip }, async (t) => {
  const server = await startServer();
  t.teardown(() => server.close());
  const args = ['-p', String(server.ports.udp), '-L', TEST_ADDRESS, TEST_ADDRESS];
  const { code, output } = await runToEnd(stunclient.path, args, 10_000);
  t.equal(code, 0, { output });
  t.match(output, /UDP reflexive addr: 127\.0\.0\.1:\d+/);
});
