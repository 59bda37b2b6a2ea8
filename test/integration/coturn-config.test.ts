// The configuration of an operator who moves runs under coturn and under turnd: in a network namespace, on its own ports.

import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { test } from 'tap';

const CHILD = fileURLToPath(new URL('coturn-in-namespace.js', import.meta.url));

function namespaceMissing(): string | false {
  const cable = ['ip', 'link', 'add', 'turnd0', 'type', 'veth', 'peer', 'name', 'turnd1'];
  if (spawnSync('unshare', ['--net', ...cable]).status === 0) return false;
  const { TURND_TEST_REQUIRE_ALL: requireAll } = process.env;
  const reason = 'a network namespace with a virtual cable takes root, unshare and ip';
  if (requireAll === '1') throw new Error(reason);
  return reason;
}

test("coturn's configuration, unchanged", { skip: namespaceMissing(), timeout: 120_000 }, async (t) => {
  await t.spawn('unshare', ['--net', process.execPath, CHILD], { timeout: 120_000 });
});
