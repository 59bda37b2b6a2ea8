// What the tests of firewall rules share: the built turnctl, and a configuration file for it.

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Teardown, temporaryDirectory } from './turnd-process.ts';

/** The built `turnctl`. This file runs as dist/test/support/firewall-rules.js. */
export const TURNCTL: string = fileURLToPath(new URL('../../src/cli/turnctl.js', import.meta.url));

/** Path of a file with these settings and a user. */
export function temporaryConfig(t: Teardown, yaml: string): string {
  const file = join(temporaryDirectory(t), 'turnd.yaml');
  writeFileSync(file, `${yaml}auth: {users: [{name: alice, password: secret-of-alice}]}\n`, { mode: 0o600 });
  return file;
}
