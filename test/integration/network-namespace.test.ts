// Tests that need ports and addresses of their own run in a network namespace: in-namespace.ts, as a child test.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';

const CHILD = fileURLToPath(new URL('in-namespace.js', import.meta.url));

function namespaceMissing(): string | false {
  const cable = ['ip', 'link', 'add', 'turnd0', 'type', 'veth', 'peer', 'name', 'turnd1'];
  if (spawnSync('unshare', ['--net', ...cable]).status === 0) return false;
  const { TURND_TEST_REQUIRE_ALL: requireAll } = process.env;
  const reason = 'a network namespace with a virtual cable takes root, unshare and ip';
  if (requireAll === '1') throw new Error(reason);
  return reason;
}

test('in a network namespace', { skip: namespaceMissing() }, async (t) => {
  await t.spawn('unshare', ['--net', process.execPath, CHILD]);
});
