// Tests that need ports, addresses or a firewall of their own run in a network namespace: as a child test there.

import { spawnSync } from 'node:child_process';
import type { Test } from 'tap';
import { findProgram } from './foreign-program.ts';

/** Why such tests cannot run here, or false. Throws where none may be skipped. */
export function namespaceMissing(programs: readonly string[] = []): string | false {
  const cable = ['ip', 'link', 'add', 'turnd0', 'type', 'veth', 'peer', 'name', 'turnd1'];
  const missing = programs.map((program) => findProgram(program, [program])).find(({ skip }) => skip !== false);
  if (missing !== undefined) return missing.skip;
  if (spawnSync('unshare', ['--net', ...cable]).status === 0) return false;
  const { TURND_TEST_REQUIRE_ALL: requireAll } = process.env;
  const reason = 'a network namespace with a virtual cable takes root, unshare and ip';
  if (requireAll === '1') throw new Error(reason);
  return reason;
}

/** Runs a compiled test file in a namespace of its own. */
export async function inNamespace(t: Test, file: string): Promise<void> {
  await t.spawn('unshare', ['--net', process.execPath, file]);
}
